"""Authorization by roles. Source: plugin/pkg/auth/authorizer/rbac/rbac.go.

What a user may do is worked out once and kept until a role or a binding changes, so that a decision is a look-up or
two. Only where a rule is limited to names is it looked at again for each request.
"""

from __future__ import annotations

from backend.apiserver.authorization.attributes import ALLOWED, MASTERS, Attributes, Decision
from backend.apiserver.authorization.policy_index import Grant, PolicyIndex
from backend.meta.types import User
from backend.store.api import Store

_KEPT_USERS = 1024
_KEPT_NAMESPACES = 256
_KEPT_DECISIONS = 1024
"""Of one user. Whoever asks for more starts over."""
_LONGEST = 300
"""Characters of a question whose answer is kept: everybody may ask, in a review, about names as long as they like."""

_Question = tuple[str, str, str, str, str, str]


class _Known:
    """What is known of one user."""

    __slots__ = ("decisions", "grants")

    def __init__(self) -> None:
        self.grants: dict[str, tuple[list[Grant], list[str]]] = {}
        self.decisions: dict[_Question, Decision] = {}


class RbacAuthorizer:
    """An Authorizer. Decisions follow what the store acknowledged, at once."""

    def __init__(self, store: Store) -> None:
        self.policy = PolicyIndex(store)
        self._known: dict[tuple[str, tuple[str, ...]], _Known] = {}

    def authorize(self, attributes: Attributes) -> Decision:
        user = attributes.user
        if MASTERS in user.groups:
            return ALLOWED
        known = self._know(user)
        question = (
            attributes.verb, attributes.group, attributes.resource, attributes.subresource, attributes.namespace,
            attributes.path,
        )  # fmt: skip
        decision = known.decisions.get(question)
        if decision is None:
            decision, by_name = self._decide(known, attributes)
            if not by_name and sum(map(len, question)) <= _LONGEST:
                if len(known.decisions) >= _KEPT_DECISIONS:
                    known.decisions.clear()
                known.decisions[question] = decision
        return decision

    def rules(self, user: User, namespace: str) -> tuple[list[Grant], list[str]]:
        """All rules that `user` has in `namespace`, and what kept others from being found."""
        return self._grants(self._know(user), user, namespace)

    def _know(self, user: User) -> _Known:
        if self.policy.refresh():
            self._known.clear()
        identity = (user.name, user.groups)
        known = self._known.get(identity)
        if known is None:
            if len(self._known) >= _KEPT_USERS:
                self._known.clear()
            known = self._known[identity] = _Known()
        return known

    def _grants(self, known: _Known, user: User, namespace: str) -> tuple[list[Grant], list[str]]:
        found = known.grants.get(namespace)
        if found is None:
            found = self.policy.grants(user, namespace)
            if len(known.grants) >= _KEPT_NAMESPACES:
                known.grants.clear()
            if len(namespace) <= _LONGEST:
                known.grants[namespace] = found
        return found

    def _decide(self, known: _Known, attributes: Attributes) -> tuple[Decision, bool]:
        """The decision, and whether it could be another one for another name."""
        grants, faults = self._grants(known, attributes.user, attributes.namespace)
        by_name = False
        for rule, source in grants:
            if not rule.matches(attributes):
                continue
            if not rule.names:
                return Decision(True, f"RBAC: allowed by {source}"), by_name
            if attributes.name in rule.names:
                return Decision(True, f"RBAC: allowed by {source}"), True
            by_name = True
        return Decision(False, f"RBAC: {_joined(faults)}" if faults else ""), by_name


def _joined(faults: list[str]) -> str:
    """Source: k8s.io/apimachinery/pkg/util/errors.Aggregate."""
    texts = list(dict.fromkeys(faults))
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
