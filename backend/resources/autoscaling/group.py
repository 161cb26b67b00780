"""The kinds of autoscaling, by name."""

from backend.resources.resource import Resource

KINDS: tuple[Resource, ...] = ()
