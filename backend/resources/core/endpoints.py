"""v1 Endpoints, which EndpointSlice has replaced. Source: pkg/registry/core/endpoint/strategy.go."""

from __future__ import annotations

from backend.meta import names
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

ENDPOINTS = Resource(
    group="",
    version="v1",
    kind="Endpoints",
    plural="endpoints",
    singular="endpoints",
    namespaced=True,
    schema="io.k8s.api.core.v1.Endpoints",
    short_names=("ep",),
    columns=(
        NAME_COLUMN,
        Column("Endpoints", described_by="io.k8s.api.core.v1.Endpoints.subsets"),
        AGE_COLUMN,
    ),
    row=later("core.endpoints_rules:row"),
    validate_name=names.dns1123_subdomain,
    default=later("core.endpoints_rules:default_endpoints"),
    validate=later("core.endpoints_rules:validate_endpoints"),
    validate_update=later("core.endpoints_rules:validate_endpoints_update"),
    warnings=later("core.endpoints_rules:endpoints_warnings"),
    deprecated="v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
)
