"""The kinds of rbac.authorization.k8s.io, by name."""

from backend.resources.rbac.bindings import CLUSTER_ROLE_BINDING, ROLE_BINDING
from backend.resources.rbac.roles import CLUSTER_ROLE, ROLE
from backend.resources.resource import Resource

KINDS: tuple[Resource, ...] = (CLUSTER_ROLE_BINDING, CLUSTER_ROLE, ROLE_BINDING, ROLE)
