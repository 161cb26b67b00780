"""apps/v1 StatefulSet. Source: pkg/registry/apps/statefulset/strategy.go."""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, Scale, later
from backend.resources.template_cells import CONTAINERS_COLUMN, IMAGES_COLUMN, containers_and_images


def _prepare_create(stateful_set: Obj) -> None:
    stateful_set["status"] = {"replicas": 0, "availableReplicas": 0}


def _row(stateful_set: Obj, now: float) -> list[Any]:
    spec, status = stateful_set["spec"], stateful_set.get("status") or {}
    return [
        stateful_set["metadata"]["name"], f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
        cells.age(stateful_set, now), *containers_and_images(spec["template"]),
    ]  # fmt: skip


STATEFUL_SET = Resource(
    group="apps",
    version="v1",
    kind="StatefulSet",
    plural="statefulsets",
    singular="statefulset",
    namespaced=True,
    schema="io.k8s.api.apps.v1.StatefulSet",
    short_names=("sts",),
    categories=("all",),
    subresources=("scale", "status"),
    columns=(
        NAME_COLUMN,
        Column("Ready", description="Number of the pod with ready state"),
        AGE_COLUMN,
        CONTAINERS_COLUMN,
        IMAGES_COLUMN,
    ),
    row=_row,
    validate_name=names.dns1123_label,
    default=later("apps.statefulset_rules:default"),
    prepare_create=_prepare_create,
    validate=later("apps.statefulset_rules:validate"),
    validate_update=later("apps.statefulset_rules:validate_update"),
    validate_status_update=later("apps.statefulset_rules:validate_status_update"),
    warnings=later("apps.statefulset_rules:warnings"),
    generation=True,
    scale=Scale(),
)
