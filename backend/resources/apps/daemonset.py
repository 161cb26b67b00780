"""apps/v1 DaemonSet. Source: pkg/registry/apps/daemonset/strategy.go."""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.label_selector import format_labels, format_selector
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later
from backend.resources.template_cells import CONTAINERS_COLUMN, IMAGES_COLUMN, containers_and_images

_SPEC = "io.k8s.api.apps.v1.DaemonSetSpec"
_STATUS = "io.k8s.api.apps.v1.DaemonSetStatus"
_COUNTS = (
    "desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled", "numberAvailable",
)  # fmt: skip


def _row(daemon_set: Obj, now: float) -> list[Any]:
    spec, status = daemon_set["spec"], daemon_set.get("status") or {}
    template = spec["template"]
    return [
        daemon_set["metadata"]["name"], *(status.get(field, 0) for field in _COUNTS),
        format_labels((template.get("spec") or {}).get("nodeSelector")), cells.age(daemon_set, now),
        *containers_and_images(template), format_selector(spec.get("selector")),
    ]  # fmt: skip


DAEMON_SET = Resource(
    group="apps",
    version="v1",
    kind="DaemonSet",
    plural="daemonsets",
    singular="daemonset",
    namespaced=True,
    schema="io.k8s.api.apps.v1.DaemonSet",
    short_names=("ds",),
    categories=("all",),
    subresources=("status",),
    columns=(
        NAME_COLUMN,
        Column("Desired", "integer", described_by=f"{_STATUS}.desiredNumberScheduled"),
        Column("Current", "integer", described_by=f"{_STATUS}.currentNumberScheduled"),
        Column("Ready", "integer", described_by=f"{_STATUS}.numberReady"),
        Column("Up-to-date", "integer", described_by=f"{_STATUS}.updatedNumberScheduled"),
        Column("Available", "integer", described_by=f"{_STATUS}.numberAvailable"),
        Column("Node Selector", described_by="io.k8s.api.core.v1.PodSpec.nodeSelector"),
        AGE_COLUMN,
        CONTAINERS_COLUMN,
        IMAGES_COLUMN,
        Column("Selector", priority=1, described_by=f"{_SPEC}.selector"),
    ),
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=later("apps.daemonset_rules:default"),
    prepare_create=later("apps.daemonset_rules:prepare_create"),
    prepare_update=later("apps.daemonset_rules:prepare_update"),
    validate=later("apps.daemonset_rules:validate"),
    validate_update=later("apps.daemonset_rules:validate_update"),
    validate_status_update=later("apps.daemonset_rules:validate_status_update"),
    warnings=later("core.pod_warnings:nameless_template_warnings"),
    generation=True,
)
