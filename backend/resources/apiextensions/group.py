"""The kinds of apiextensions.k8s.io, by name."""

from backend.resources.resource import Resource

KINDS: tuple[Resource, ...] = ()
