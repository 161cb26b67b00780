"""v1 Service. Source: pkg/registry/core/service/strategy.go.

Its addresses and node ports are given by backend.apiserver.allocation, which knows what all services have together.
"""

from __future__ import annotations

from backend.meta import names
from backend.meta.types import Obj
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

_SPEC = "io.k8s.api.core.v1.ServiceSpec"


def _selectable(service: Obj) -> dict[str, str]:
    spec = service.get("spec") or {}
    return {"spec.clusterIP": spec.get("clusterIP", ""), "spec.type": spec.get("type", "")}


SERVICE = Resource(
    group="",
    version="v1",
    kind="Service",
    plural="services",
    singular="service",
    namespaced=True,
    schema="io.k8s.api.core.v1.Service",
    short_names=("svc",),
    categories=("all",),
    subresources=("proxy", "status"),
    columns=(
        NAME_COLUMN,
        Column("Type", described_by=f"{_SPEC}.type"),
        Column("Cluster-IP", described_by=f"{_SPEC}.clusterIP"),
        Column("External-IP", described_by=f"{_SPEC}.externalIPs"),
        Column("Port(s)", described_by=f"{_SPEC}.ports"),
        AGE_COLUMN,
        Column("Selector", priority=1, described_by=f"{_SPEC}.selector"),
    ),
    row=later("core.service_table:row"),
    validate_name=names.dns1123_label,
    default=later("core.service_defaults:default_service"),
    prepare_create=later("core.service_defaults:prepare_create"),
    prepare_update=later("core.service_update:prepare_update"),
    validate=later("core.service_validation:validate_service"),
    validate_update=later("core.service_update:validate_service_update"),
    validate_status_update=later("core.service_update:validate_service_status_update"),
    warnings=later("core.service_warnings:service_warnings"),
    selectable=_selectable,
    selectable_names=frozenset(_selectable({})),
)
