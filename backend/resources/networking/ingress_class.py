"""networking.k8s.io/v1 IngressClass. Source: pkg/registry/networking/ingressclass/strategy.go."""

from __future__ import annotations

from typing import Any

from backend.meta import names
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, later

INGRESS_CLASS = Resource(
    group="networking.k8s.io",
    version="v1",
    kind="IngressClass",
    plural="ingressclasses",
    singular="ingressclass",
    namespaced=False,
    schema="io.k8s.api.networking.v1.IngressClass",
    columns=(
        NAME_COLUMN,
        Column("Controller", description="Controller that is responsible for handling this class"),
        Column("Parameters", description="A reference to a resource with additional parameters"),
        AGE_COLUMN,
    ),
    row=later("networking.ingress_class_rules:row"),
    validate_name=names.dns1123_subdomain,
    default=later("networking.ingress_class_rules:default_ingress_class"),
    validate=later("networking.ingress_class_rules:validate_ingress_class"),
    validate_update=later("networking.ingress_class_rules:validate_ingress_class_update"),
    generation=True,
)

OWN_CLASS = "minikctl"
OWN_CONTROLLER = "minikctl/ingress"
"""What serves Ingresses here: backend.network.ingress."""


def own_class() -> dict[str, Any]:
    """The class of Ingresses that name none, as far as a cluster has it from the start."""
    annotations = {"ingressclass.kubernetes.io/is-default-class": "true"}
    return {"metadata": {"name": OWN_CLASS, "annotations": annotations}, "spec": {"controller": OWN_CONTROLLER}}
