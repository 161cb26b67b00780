"""v1 PodTemplate. Source: pkg/registry/core/podtemplate/strategy.go, ValidatePodTemplate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.meta import names
from backend.meta.errors import Cause
from backend.meta.label_selector import format_labels
from backend.meta.types import Obj
from backend.resources.resource import NAME_COLUMN, Column, Resource, later
from backend.resources.template_cells import containers_and_images

_default_template = later("core.pod_template_spec:default_template")
_validate_template = later("core.pod_template_spec:validate_template")


def _default(pod_template: Obj) -> None:
    _default_template(pod_template)


def _validate(pod_template: Obj) -> Sequence[Cause]:
    found: Sequence[Cause] = _validate_template(pod_template["template"], "template")
    return found


def _validate_update(pod_template: Obj, _old: Obj) -> Sequence[Cause]:
    return _validate(pod_template)


def _row(pod_template: Obj, _now: float) -> list[Any]:
    template = pod_template["template"]
    return [
        pod_template["metadata"]["name"], *containers_and_images(template),
        format_labels((template.get("metadata") or {}).get("labels")),
    ]  # fmt: skip


POD_TEMPLATE = Resource(
    group="",
    version="v1",
    kind="PodTemplate",
    plural="podtemplates",
    singular="podtemplate",
    namespaced=True,
    schema="io.k8s.api.core.v1.PodTemplate",
    columns=(
        NAME_COLUMN,
        Column("Containers", description="Names of each container in the template."),
        Column("Images", description="Images referenced by each container in the template."),
        Column("Pod Labels", description="The labels for the pod template."),
    ),
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=_default,
    validate=_validate,
    validate_update=_validate_update,
    warnings=later("core.pod_warnings:pod_template_warnings"),
    generation=True,
    counted=lambda pod_template: pod_template.get("template"),
)
