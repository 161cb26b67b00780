"""networking.k8s.io/v1 ServiceCIDR. Source: pkg/registry/networking/servicecidr/strategy.go."""

from __future__ import annotations

from backend.meta import names
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

SERVICE_CIDR = Resource(
    group="networking.k8s.io",
    version="v1",
    kind="ServiceCIDR",
    plural="servicecidrs",
    singular="servicecidr",
    namespaced=False,
    schema="io.k8s.api.networking.v1.ServiceCIDR",
    subresources=("status",),
    columns=(
        NAME_COLUMN,
        Column("CIDRs", described_by="io.k8s.api.networking.v1.ServiceCIDRSpec.cidrs"),
        AGE_COLUMN,
    ),
    row=later("networking.service_cidr_rules:row"),
    validate_name=names.dns1123_subdomain,
    prepare_create=later("networking.service_cidr_rules:prepare_create"),
    validate=later("networking.service_cidr_rules:validate_service_cidr"),
    validate_update=later("networking.service_cidr_rules:validate_service_cidr_update"),
)
