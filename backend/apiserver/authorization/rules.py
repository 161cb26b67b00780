"""PolicyRules: whether one allows a request. Source: pkg/apis/rbac/v1/evaluation_helpers.go."""

from __future__ import annotations

from backend.apiserver.authorization.attributes import Attributes
from backend.meta.policy_rules import ALL, url_covers
from backend.meta.types import Obj


class Rule:
    """One rule of a role, ready to be asked. `source` is the PolicyRule itself: read only."""

    __slots__ = ("_groups", "_resources", "_urls", "_verbs", "names", "source")

    def __init__(self, source: Obj) -> None:
        self.source = source
        self._verbs = frozenset(source.get("verbs") or ())
        self._groups = frozenset(source.get("apiGroups") or ())
        self._resources = frozenset(source.get("resources") or ())
        self._urls: tuple[str, ...] = tuple(source.get("nonResourceURLs") or ())
        self.names = frozenset(source.get("resourceNames") or ())
        """The names that it is limited to; empty for all."""

    def matches(self, attributes: Attributes) -> bool:
        """Whether it allows the request, names aside."""
        if attributes.verb not in self._verbs and ALL not in self._verbs:
            return False
        if attributes.path:
            return any(url_covers(url, attributes.path) for url in self._urls)
        if attributes.group not in self._groups and ALL not in self._groups:
            return False
        resources, subresource = self._resources, attributes.subresource
        if ALL in resources:
            return True
        if not subresource:
            return attributes.resource in resources
        return f"{attributes.resource}/{subresource}" in resources or f"*/{subresource}" in resources
