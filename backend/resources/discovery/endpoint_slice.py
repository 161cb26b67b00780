"""discovery.k8s.io/v1 EndpointSlice. Source: pkg/registry/discovery/endpointslice/strategy.go."""

from __future__ import annotations

from backend.meta import names
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

_SCHEMA = "io.k8s.api.discovery.v1.EndpointSlice"

ENDPOINT_SLICE = Resource(
    group="discovery.k8s.io",
    version="v1",
    kind="EndpointSlice",
    plural="endpointslices",
    singular="endpointslice",
    namespaced=True,
    schema=_SCHEMA,
    columns=(
        NAME_COLUMN,
        Column("AddressType", described_by=f"{_SCHEMA}.addressType"),
        Column("Ports", described_by=f"{_SCHEMA}.ports"),
        Column("Endpoints", described_by=f"{_SCHEMA}.endpoints"),
        AGE_COLUMN,
    ),
    row=later("discovery.endpoint_slice_rules:row"),
    validate_name=names.dns1123_subdomain,
    default=later("discovery.endpoint_slice_rules:default_endpoint_slice"),
    validate=later("discovery.endpoint_slice_rules:validate_endpoint_slice"),
    validate_update=later("discovery.endpoint_slice_rules:validate_endpoint_slice_update"),
    generation=True,
    counted=later("discovery.endpoint_slice_rules:counted"),
    warnings=later("discovery.endpoint_slice_rules:endpoint_slice_warnings"),
)
