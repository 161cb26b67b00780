"""The kinds of node.k8s.io, by name."""

from backend.resources.node.runtime_class import RUNTIME_CLASS
from backend.resources.resource import Resource

KINDS: tuple[Resource, ...] = (RUNTIME_CLASS,)
