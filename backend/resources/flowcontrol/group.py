"""The kinds of flowcontrol.apiserver.k8s.io, by name."""

from backend.resources.flowcontrol.flow_schema import FLOW_SCHEMA
from backend.resources.flowcontrol.priority_level import PRIORITY_LEVEL_CONFIGURATION
from backend.resources.resource import Resource

KINDS: tuple[Resource, ...] = (FLOW_SCHEMA, PRIORITY_LEVEL_CONFIGURATION)
