"""What nodes may do: a member of system:nodes that is named as a node has the rules of the role system:node.

Kubernetes' Node authorizer asks more: that secrets, config maps, claims and volumes belong to a pod on that node
(plugin/pkg/auth/authorizer/node). With the one node that this cluster has, that would be all of them.
"""

from __future__ import annotations

from functools import cache

from backend.apiserver.authorization.attributes import ALLOWED, REFUSED, Attributes, Decision
from backend.apiserver.authorization.rules import Rule
from backend.meta.types import User

NODES = "system:nodes"
_NAME_PREFIX = "system:node:"


def is_node(user: User) -> bool:
    return NODES in user.groups and user.name.startswith(_NAME_PREFIX)


class NodeAuthorizer:
    """An Authorizer that knows nodes, and has no opinion about others."""

    def __init__(self) -> None:
        self._decisions: dict[tuple[str, str, str, str], Decision] = {}

    def authorize(self, attributes: Attributes) -> Decision:
        if not is_node(attributes.user):
            return REFUSED
        if attributes.path:
            return REFUSED
        question = (attributes.verb, attributes.group, attributes.resource, attributes.subresource)
        decision = self._decisions.get(question)
        if decision is None:
            allowed = any(rule.matches(attributes) for rule in _rules())
            decision = self._decisions[question] = ALLOWED if allowed else REFUSED
        return decision


@cache
def _rules() -> tuple[Rule, ...]:
    from backend.apiserver.authorization.bootstrap_policy import cluster_role

    return tuple(Rule(rule) for rule in cluster_role("system:node")["rules"])
