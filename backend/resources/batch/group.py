"""The kinds of batch, by name."""

from backend.resources.resource import Resource

KINDS: tuple[Resource, ...] = ()
