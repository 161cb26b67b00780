"""The kinds of policy, by name."""

from backend.resources.resource import Resource

KINDS: tuple[Resource, ...] = ()
