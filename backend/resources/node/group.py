"""The kinds of node.k8s.io, by name."""

from backend.resources.resource import Resource

KINDS: tuple[Resource, ...] = ()
