"""apiregistration.k8s.io/v1 APIService: who serves a version of a group. All that is served here is served locally.

Source: k8s.io/kube-aggregator/pkg/{registry/apiservice,apis/apiregistration/validation}.
"""

from __future__ import annotations

from typing import Any

from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

_RULES = "apiregistration.api_service_rules"


def _row(service: Obj, now: float) -> list[Any]:
    backing = (service.get("spec") or {}).get("service")
    where = f"{backing.get('namespace', '')}/{backing.get('name', '')}" if backing else "Local"
    return [service["metadata"]["name"], where, _available(service), cells.age(service, now)]


def _available(service: Obj) -> str:
    for condition in (service.get("status") or {}).get("conditions") or ():
        if condition["type"] == "Available":
            status: str = condition["status"]
            return status if status == "True" else f"{status} ({condition.get('reason', '')})"
    return "Unknown"


API_SERVICE = Resource(
    group="apiregistration.k8s.io",
    version="v1",
    kind="APIService",
    plural="apiservices",
    singular="apiservice",
    namespaced=False,
    schema="io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService",
    categories=("api-extensions",),
    subresources=("status",),
    columns=(
        NAME_COLUMN,
        Column("Service", description="The reference to the service that hosts this API endpoint."),
        Column("Available", description="Whether this service is available."),
        AGE_COLUMN,
    ),
    row=_row,
    default=later(f"{_RULES}:default"),
    prepare_create=later(f"{_RULES}:prepare_create"),
    validate=later(f"{_RULES}:validate"),
    validate_update=later(f"{_RULES}:validate_update"),
)
