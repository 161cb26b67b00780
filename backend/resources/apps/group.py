"""The kinds of apps, by name."""

from backend.resources.resource import Resource

KINDS: tuple[Resource, ...] = ()
