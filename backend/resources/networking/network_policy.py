"""networking.k8s.io/v1 NetworkPolicy. Source: pkg/registry/networking/networkpolicy/strategy.go."""

from __future__ import annotations

from backend.meta import names
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

NETWORK_POLICY = Resource(
    group="networking.k8s.io",
    version="v1",
    kind="NetworkPolicy",
    plural="networkpolicies",
    singular="networkpolicy",
    namespaced=True,
    schema="io.k8s.api.networking.v1.NetworkPolicy",
    short_names=("netpol",),
    columns=(
        NAME_COLUMN,
        Column("Pod-Selector", described_by="io.k8s.api.networking.v1.NetworkPolicySpec.podSelector"),
        AGE_COLUMN,
    ),
    row=later("networking.network_policy_rules:row"),
    validate_name=names.dns1123_subdomain,
    default=later("networking.network_policy_rules:default_network_policy"),
    validate=later("networking.network_policy_rules:validate_network_policy"),
    validate_update=later("networking.network_policy_rules:validate_network_policy_update"),
    generation=True,
    warnings=later("networking.network_policy_rules:network_policy_warnings"),
)
