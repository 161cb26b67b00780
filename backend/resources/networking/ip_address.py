"""networking.k8s.io/v1 IPAddress. Source: pkg/registry/networking/ipaddress/strategy.go."""

from __future__ import annotations

from backend.meta.addresses import canonical_ip_faults
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

IP_ADDRESS = Resource(
    group="networking.k8s.io",
    version="v1",
    kind="IPAddress",
    plural="ipaddresses",
    singular="ipaddress",
    namespaced=False,
    schema="io.k8s.api.networking.v1.IPAddress",
    short_names=("ip",),
    columns=(
        NAME_COLUMN,
        Column("ParentRef", described_by="io.k8s.api.networking.v1.IPAddressSpec.parentRef"),
        AGE_COLUMN,
    ),
    row=later("networking.ip_address_rules:row"),
    validate_name=canonical_ip_faults,
    validate=later("networking.ip_address_rules:validate_ip_address"),
    validate_update=later("networking.ip_address_rules:validate_ip_address_update"),
)
