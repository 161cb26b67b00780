"""The kinds of events.k8s.io."""

from backend.resources.events.event import EVENT
from backend.resources.resource import Resource

KINDS: tuple[Resource, ...] = (EVENT,)
