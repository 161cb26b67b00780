"""autoscaling/v2 HorizontalPodAutoscaler, and v1 for the same objects. Source: printHorizontalPodAutoscaler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

_SPEC = "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec"
_STATUS = "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerStatus"
_SHOWN = 2
"""Metrics beyond these are only counted."""

_to_v1 = later("autoscaling.v1_conversion:to_v1")
_to_v2 = later("autoscaling.v1_conversion:to_v2")


def _metrics(specs: Sequence[Obj], statuses: Sequence[Obj]) -> str:
    if not specs:
        return cells.NONE
    shown = [
        _metric(spec, statuses[index] if index < len(statuses) else {})
        for index, spec in enumerate(specs[:_SHOWN])
    ]
    more = f" + {len(specs) - _SHOWN} more..." if len(specs) > _SHOWN else ""
    return ", ".join(shown) + more


def _metric(spec: Obj, status: Obj) -> str:
    """`cpu: 12%/80%`: what is measured, and what is aimed at."""
    kind = spec.get("type", "")
    field = kind[:1].lower() + kind[1:]
    if kind not in ("External", "Pods", "Object", "Resource", "ContainerResource"):
        return "<unknown type>"
    target = (spec.get(field) or {}).get("target") or {}
    current = (status.get(field) or {}).get("current") or {}
    if kind in ("Resource", "ContainerResource"):
        return f"{spec[field].get('name', '')}: {_usage(current, target)}"
    if kind != "Pods" and "averageValue" not in target:
        return f"{current.get('value', cells.UNKNOWN)}/{target.get('value', cells.NIL)}"
    average = "" if kind == "Pods" else " (avg)"
    return f"{current.get('averageValue', cells.UNKNOWN)}/{target.get('averageValue', cells.NIL)}{average}"


def _usage(current: Obj, target: Obj) -> str:
    if "averageValue" in target:
        return f"{current.get('averageValue', cells.UNKNOWN)}/{target['averageValue']}"
    used, aim = current.get("averageUtilization"), target.get("averageUtilization")
    return f"{cells.UNKNOWN if used is None else f'{used}%'}/{'<auto>' if aim is None else f'{aim}%'}"


def _row(autoscaler: Obj, now: float) -> list[Any]:
    spec, status = autoscaler["spec"], autoscaler.get("status") or {}
    target = spec.get("scaleTargetRef") or {}
    return [
        autoscaler["metadata"]["name"], f"{target.get('kind', '')}/{target.get('name', '')}",
        _metrics(spec.get("metrics") or (), status.get("currentMetrics") or ()),
        str(spec.get("minReplicas", "<unset>")), spec.get("maxReplicas", 0), status.get("currentReplicas", 0),
        cells.age(autoscaler, now),
    ]  # fmt: skip


_COLUMNS = (
    NAME_COLUMN,
    Column("Reference", described_by=f"{_SPEC}.scaleTargetRef"),
    Column("Targets", described_by=f"{_SPEC}.metrics"),
    Column("MinPods", described_by=f"{_SPEC}.minReplicas"),
    Column("MaxPods", described_by=f"{_SPEC}.maxReplicas"),
    Column("Replicas", described_by=f"{_STATUS}.currentReplicas"),
    AGE_COLUMN,
)

HORIZONTAL_POD_AUTOSCALER = Resource(
    group="autoscaling",
    version="v2",
    kind="HorizontalPodAutoscaler",
    plural="horizontalpodautoscalers",
    singular="horizontalpodautoscaler",
    namespaced=True,
    schema="io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
    short_names=("hpa",),
    categories=("all",),
    subresources=("status",),
    columns=_COLUMNS,
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=later("autoscaling.horizontalpodautoscaler_rules:default"),
    prepare_create=later("autoscaling.horizontalpodautoscaler_rules:prepare_create"),
    validate=later("autoscaling.horizontalpodautoscaler_rules:validate"),
    validate_update=later("autoscaling.horizontalpodautoscaler_rules:validate_update"),
    validate_status_update=later("autoscaling.horizontalpodautoscaler_rules:validate_status_update"),
)

HORIZONTAL_POD_AUTOSCALER_V1 = Resource(
    group="autoscaling",
    version="v1",
    kind="HorizontalPodAutoscaler",
    plural="horizontalpodautoscalers",
    singular="horizontalpodautoscaler",
    namespaced=True,
    schema="io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler",
    short_names=("hpa",),
    categories=("all",),
    subresources=("status",),
    columns=_COLUMNS,
    row=lambda autoscaler, now: _row(_to_v2(autoscaler), now),
    validate_name=names.dns1123_subdomain,
    default=later("autoscaling.v1_conversion:default"),
    prepare_create=later("autoscaling.v1_conversion:prepare_create"),
    validate=later("autoscaling.v1_conversion:validate"),
    validate_update=later("autoscaling.v1_conversion:validate_update"),
    validate_status_update=later("autoscaling.v1_conversion:validate_status_update"),
    stored_as=HORIZONTAL_POD_AUTOSCALER,
    from_stored=_to_v1,
    to_stored=_to_v2,
)
