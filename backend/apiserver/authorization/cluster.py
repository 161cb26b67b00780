"""Who may do what in this cluster: masters everything, nodes what nodes do, and anybody what roles say.

The order is that of kube-apiserver with --authorization-mode=Node,RBAC.
"""

from __future__ import annotations

from backend.apiserver.authorization.attributes import ALLOWED, MASTERS, Attributes, Decision
from backend.apiserver.authorization.node import NodeAuthorizer
from backend.apiserver.authorization.rbac import RbacAuthorizer
from backend.store.api import Store


class ClusterAuthorizer:
    """The Authorizer of the API server. `rbac` is the part of it that roles decide."""

    def __init__(self, store: Store) -> None:
        self.rbac = RbacAuthorizer(store)
        self._node = NodeAuthorizer()

    def authorize(self, attributes: Attributes) -> Decision:
        if MASTERS in attributes.user.groups:
            return ALLOWED
        decision = self._node.authorize(attributes)
        return decision if decision.allowed else self.rbac.authorize(attributes)
