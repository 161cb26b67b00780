"""The kinds of resource.k8s.io, by name."""

from backend.resources.resource import Resource
from backend.resources.resource_k8s.kinds import (
    DEVICE_CLASS,
    DEVICE_TAINT_RULE,
    RESOURCE_CLAIM,
    RESOURCE_CLAIM_TEMPLATE,
    RESOURCE_SLICE,
)

KINDS: tuple[Resource, ...] = (
    DEVICE_CLASS, DEVICE_TAINT_RULE, RESOURCE_CLAIM, RESOURCE_CLAIM_TEMPLATE, RESOURCE_SLICE,
)  # fmt: skip
