"""v1 ServiceAccount. Source: pkg/registry/core/serviceaccount/strategy.go."""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Resource


def _row(account: Obj, now: float) -> list[Any]:
    return [account["metadata"]["name"], cells.age(account, now)]


SERVICE_ACCOUNT = Resource(
    group="",
    version="v1",
    kind="ServiceAccount",
    plural="serviceaccounts",
    singular="serviceaccount",
    namespaced=True,
    schema="io.k8s.api.core.v1.ServiceAccount",
    short_names=("sa",),
    subresources=("token",),
    # No count of secrets since v1.35: nothing fills that list any more (kubernetes/kubernetes#117160).
    columns=(NAME_COLUMN, AGE_COLUMN),
    row=_row,
    validate_name=names.dns1123_subdomain,
)
