"""The kinds of networking.k8s.io, by name."""

from backend.resources.resource import Resource

KINDS: tuple[Resource, ...] = ()
