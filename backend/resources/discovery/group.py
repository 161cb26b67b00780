"""The kinds of discovery.k8s.io, by name."""

from backend.resources.discovery.endpoint_slice import ENDPOINT_SLICE

KINDS = (ENDPOINT_SLICE,)
