"""The kinds of apiextensions.k8s.io/v1, by name."""

from backend.resources.apiextensions.custom_resource_definition import CUSTOM_RESOURCE_DEFINITION

KINDS = (CUSTOM_RESOURCE_DEFINITION,)
