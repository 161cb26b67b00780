"""v1 LimitRange: what a container, pod or claim may ask for in a namespace, and what it gets if it says nothing.

Sources: pkg/registry/core/limitrange/strategy.go, SetDefaults_LimitRangeItem.
"""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources.resource import NAME_COLUMN, OBJECT_META, Column, Resource, later


def _default(limit_range: Obj) -> None:
    """Containers' defaults: the limit is the maximum, the request is the limit or else the minimum."""
    spec = limit_range.setdefault("spec", {})
    # A list without omitempty, which Go writes as null.
    spec["limits"] = limits = spec.get("limits") or None
    for limit in limits or ():
        if limit.get("type") != "Container":
            continue
        default = {**(limit.get("max") or {}), **(limit.get("default") or {})}
        request = {**(limit.get("min") or {}), **default, **(limit.get("defaultRequest") or {})}
        if default:
            limit["default"] = default
        if request:
            limit["defaultRequest"] = request


def _row(limit_range: Obj, _now: float) -> list[Any]:
    return [limit_range["metadata"]["name"], limit_range["metadata"].get("creationTimestamp")]


LIMIT_RANGE = Resource(
    group="",
    version="v1",
    kind="LimitRange",
    plural="limitranges",
    singular="limitrange",
    namespaced=True,
    schema="io.k8s.api.core.v1.LimitRange",
    short_names=("limits",),
    columns=(NAME_COLUMN, Column("Created At", "date", described_by=f"{OBJECT_META}.creationTimestamp")),
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=_default,
    validate=later("core.limit_range_rules:validate"),
    validate_update=later("core.limit_range_rules:validate_update"),
)
