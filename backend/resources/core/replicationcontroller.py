"""v1 ReplicationController. Source: pkg/registry/core/replicationcontroller/strategy.go."""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.label_selector import format_labels
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, Scale, later
from backend.resources.template_cells import CONTAINERS_COLUMN, IMAGES_COLUMN, containers_and_images

_SPEC = "io.k8s.api.core.v1.ReplicationControllerSpec"
_STATUS = "io.k8s.api.core.v1.ReplicationControllerStatus"


def _prepare_create(controller: Obj) -> None:
    controller["status"] = {"replicas": 0}


def _selectable(controller: Obj) -> dict[str, str]:
    return {"status.replicas": str((controller.get("status") or {}).get("replicas", 0))}


def _row(controller: Obj, now: float) -> list[Any]:
    spec, status = controller["spec"], controller.get("status") or {}
    return [
        controller["metadata"]["name"], spec.get("replicas", 0), status.get("replicas", 0),
        status.get("readyReplicas", 0), cells.age(controller, now),
        *containers_and_images(spec.get("template") or {}), format_labels(spec.get("selector")),
    ]  # fmt: skip


REPLICATION_CONTROLLER = Resource(
    group="",
    version="v1",
    kind="ReplicationController",
    plural="replicationcontrollers",
    singular="replicationcontroller",
    namespaced=True,
    schema="io.k8s.api.core.v1.ReplicationController",
    short_names=("rc",),
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
    default=later("core.replicationcontroller_rules:default"),
    prepare_create=_prepare_create,
    validate=later("core.replicationcontroller_rules:validate"),
    validate_update=later("core.replicationcontroller_rules:validate_update"),
    validate_status_update=later("core.replicationcontroller_rules:validate_status_update"),
    warnings=later("core.pod_warnings:template_warnings"),
    selectable=_selectable,
    selectable_names=frozenset(_selectable({})),
    generation=True,
    scale=Scale(),
)
