"""v1 ResourceQuota: how much all of a namespace may take. Source: pkg/registry/core/resourcequota/strategy.go."""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later


def _default(quota: Obj) -> None:
    quota.setdefault("spec", {})
    quota.setdefault("status", {})


def _prepare_create(quota: Obj) -> None:
    """Usage is for the controller to tell."""
    quota["status"] = {}


def _row(quota: Obj, now: float) -> list[Any]:
    status = quota.get("status") or {}
    hard, used = status.get("hard") or {}, status.get("used") or {}
    requests: list[str] = []
    limits: list[str] = []
    for name in sorted(hard):
        shown = limits if name.startswith("limits.") else requests
        shown.append(f"{name}: {used.get(name, '0')}/{hard[name]}")
    return [quota["metadata"]["name"], ", ".join(requests), ", ".join(limits), cells.age(quota, now)]


_COLUMNS = (
    NAME_COLUMN,
    Column(
        "Request",
        description="Request represents a minimum amount of cpu/memory that a container may consume.",
    ),
    Column(
        "Limit",
        description="Limits control the maximum amount of cpu/memory that a container may use independent of"
        " contention on the node.",
    ),
    AGE_COLUMN,
)

RESOURCE_QUOTA = Resource(
    group="",
    version="v1",
    kind="ResourceQuota",
    plural="resourcequotas",
    singular="resourcequota",
    namespaced=True,
    schema="io.k8s.api.core.v1.ResourceQuota",
    short_names=("quota",),
    subresources=("status",),
    columns=_COLUMNS,
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=_default,
    prepare_create=_prepare_create,
    validate=later("core.resource_quota_rules:validate"),
    validate_update=later("core.resource_quota_rules:validate_update"),
    validate_status_update=later("core.resource_quota_rules:validate_status_update"),
)
