"""networking.k8s.io/v1 Ingress. Source: pkg/registry/networking/ingress/strategy.go."""

from __future__ import annotations

from backend.meta import names
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

INGRESS = Resource(
    group="networking.k8s.io",
    version="v1",
    kind="Ingress",
    plural="ingresses",
    singular="ingress",
    namespaced=True,
    schema="io.k8s.api.networking.v1.Ingress",
    short_names=("ing",),
    subresources=("status",),
    columns=(
        NAME_COLUMN,
        Column(
            "Class",
            description="The name of the IngressClass resource that should be used for additional configuration",
        ),
        Column("Hosts", description="Hosts that incoming requests are matched against before the ingress rule"),
        Column("Address", description="Address is a list containing ingress points for the load-balancer"),
        Column("Ports", description="Ports of TLS configurations that open"),
        AGE_COLUMN,
    ),
    row=later("networking.ingress_table:row"),
    validate_name=names.dns1123_subdomain,
    prepare_create=later("networking.ingress_rules:prepare_create"),
    validate=later("networking.ingress_rules:validate_ingress"),
    validate_update=later("networking.ingress_rules:validate_ingress_update"),
    validate_status_update=later("networking.ingress_rules:validate_ingress_status_update"),
    generation=True,
    warnings=later("networking.ingress_rules:ingress_warnings"),
)
