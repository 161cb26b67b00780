"""The kinds of scheduling.k8s.io, by name."""

from backend.resources.resource import Resource
from backend.resources.scheduling.priority_class import PRIORITY_CLASS

KINDS: tuple[Resource, ...] = (PRIORITY_CLASS,)
