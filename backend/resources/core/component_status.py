"""v1 ComponentStatus: how the parts of the control plane are. Nothing of it is stored.

Source: pkg/registry/core/componentstatus/rest.go.
"""

from __future__ import annotations

from typing import Any

from backend.meta.types import Obj
from backend.resources.resource import NAME_COLUMN, Column, Resource


def _row(component: Obj, _now: float) -> list[Any]:
    """The last Healthy condition decides."""
    status, message, error = "Unknown", "", ""
    for condition in component.get("conditions") or ():
        if condition["type"] != "Healthy":
            continue
        status = {"True": "Healthy", "False": "Unhealthy"}.get(condition["status"], "Unhealthy")
        message, error = condition.get("message", ""), condition.get("error", "")
    return [component["metadata"]["name"], status, message, error]


COMPONENT_STATUS = Resource(
    group="",
    version="v1",
    kind="ComponentStatus",
    plural="componentstatuses",
    singular="componentstatus",
    namespaced=False,
    schema="io.k8s.api.core.v1.ComponentStatus",
    short_names=("cs",),
    verbs=("get", "list"),
    columns=(
        NAME_COLUMN,
        Column("Status", description="Status of the component conditions"),
        Column("Message", description="Message of the component conditions"),
        Column("Error", description="Error of the component conditions"),
    ),
    row=_row,
)
