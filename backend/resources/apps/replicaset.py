"""apps/v1 ReplicaSet. Source: pkg/registry/apps/replicaset/strategy.go."""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.label_selector import format_selector
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, Scale, later
from backend.resources.template_cells import CONTAINERS_COLUMN, IMAGES_COLUMN, containers_and_images

_SPEC = "io.k8s.api.apps.v1.ReplicaSetSpec"
_STATUS = "io.k8s.api.apps.v1.ReplicaSetStatus"


def _prepare_create(replica_set: Obj) -> None:
    replica_set["status"] = {"replicas": 0}


def _selectable(replica_set: Obj) -> dict[str, str]:
    return {"status.replicas": str((replica_set.get("status") or {}).get("replicas", 0))}


def _row(replica_set: Obj, now: float) -> list[Any]:
    spec, status = replica_set["spec"], replica_set.get("status") or {}
    return [
        replica_set["metadata"]["name"], spec.get("replicas", 0), status.get("replicas", 0),
        status.get("readyReplicas", 0), cells.age(replica_set, now),
        *containers_and_images(spec["template"]), format_selector(spec.get("selector")),
    ]  # fmt: skip


REPLICA_SET = Resource(
    group="apps",
    version="v1",
    kind="ReplicaSet",
    plural="replicasets",
    singular="replicaset",
    namespaced=True,
    schema="io.k8s.api.apps.v1.ReplicaSet",
    short_names=("rs",),
    categories=("all",),
    subresources=("scale", "status"),
    columns=(
        NAME_COLUMN,
        Column("Desired", "integer", described_by=f"{_SPEC}.replicas"),
        Column("Current", "integer", described_by=f"{_STATUS}.replicas"),
        Column("Ready", "integer", described_by=f"{_STATUS}.readyReplicas"),
        AGE_COLUMN,
        CONTAINERS_COLUMN,
        IMAGES_COLUMN,
        Column("Selector", priority=1, described_by=f"{_SPEC}.selector"),
    ),
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=later("apps.replicaset_rules:default"),
    prepare_create=_prepare_create,
    validate=later("apps.replicaset_rules:validate"),
    validate_update=later("apps.replicaset_rules:validate_update"),
    validate_status_update=later("apps.replicaset_rules:validate_status_update"),
    warnings=later("core.pod_warnings:template_warnings"),
    selectable=_selectable,
    selectable_names=frozenset(_selectable({})),
    generation=True,
    scale=Scale(),
)
