"""From a URL path and a method to a resource and a verb. Source: k8s.io/apiserver RequestInfoFactory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from backend.apiserver.http.subresources import DEFAULT, SUBRESOURCES
from backend.meta.errors import method_not_allowed, page_not_found
from backend.resources.catalog import Catalog
from backend.resources.resource import Resource

COLLECTION_VERBS = {
    "GET": "list", "HEAD": "list", "POST": "create", "DELETE": "deletecollection",
}  # fmt: skip
ITEM_VERBS = {
    "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete",
}  # fmt: skip
SUBRESOURCE_VERBS = {**ITEM_VERBS, "POST": "create"}
NAMESPACE_SUBRESOURCES = ("status", "finalize")
KNOWN_PATHS = 512
PROXY = "proxy"


class UnknownPath(Exception):
    """No group or version of ours: kube-apiserver answers such a path in plain text."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a path names. `legacy_watch` is the deprecated /watch/ prefix; `rest` what follows a proxy's own path."""

    resource: Resource
    namespace: str
    name: str
    subresource: str
    legacy_watch: bool
    rest: str = ""

    def verb(self, method: str, wants_watch: bool) -> str:
        """The request's verb; raises 405."""
        if self.subresource:
            verb = SUBRESOURCE_VERBS.get(method)
            allowed = SUBRESOURCES.get(self.subresource, DEFAULT).verbs
        elif self.name and not self.legacy_watch:
            verb = ITEM_VERBS.get(method)
            allowed = self.resource.verbs
        else:
            verb = COLLECTION_VERBS.get(method)
            allowed = self.resource.verbs
            if verb == "list" and (wants_watch or self.legacy_watch):
                verb = "watch"
            elif self.legacy_watch or (verb == "create" and self.resource.namespaced and not self.namespace):
                verb = None
        if verb is None or verb not in allowed:
            raise method_not_allowed()
        return verb


class Router:
    """The resources by path, looked up in dicts; paths that are asked for often are looked up once."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._groups: dict[str, dict[str, dict[str, Resource]]] = {}
        self._known = lru_cache(KNOWN_PATHS)(self._find)
        catalog.on_change(self._read)
        self._read()

    def _read(self) -> None:
        groups: dict[str, dict[str, dict[str, Resource]]] = {}
        for resource in self._catalog:
            groups.setdefault(resource.group, {}).setdefault(resource.version, {})[resource.plural] = resource
        self._groups = groups
        self._known.cache_clear()

    def match(self, path: str) -> Target:
        """The target of a path under /api or /apis; raises UnknownPath, or the 404 Status of a group of ours."""
        return self._known(path)

    def _find(self, path: str) -> Target:
        parts = path.split("/")
        if parts[-1] == "":
            parts.pop()
        if parts[1] == "api":
            version, rest = self._groups.get("", {}).get(parts[2] if len(parts) > 2 else ""), parts[3:]
        else:
            versions = self._groups.get(parts[2]) if len(parts) > 2 and parts[2] else None
            if versions is None:
                raise UnknownPath
            version, rest = versions.get(parts[3] if len(parts) > 3 else ""), parts[4:]
        if version is None or not rest:
            raise page_not_found()
        return _target(version, rest)


def _target(resources: dict[str, Resource], rest: list[str]) -> Target:
    legacy_watch = rest[0] == "watch"
    if legacy_watch:
        rest = rest[1:]
    namespace, scoped = "", False
    if len(rest) > 2 and rest[0] == "namespaces" and not (len(rest) == 3 and rest[2] in NAMESPACE_SUBRESOURCES):
        namespace, scoped, rest = rest[1], True, rest[2:]
    resource = resources.get(rest[0]) if rest else None
    beyond = ""
    if len(rest) > 3 and rest[2] == PROXY:
        beyond, rest = "/".join(rest[3:]), rest[:3]
    size = len(rest)
    if resource is None or size > 3 or "" in rest or (scoped and not (namespace and resource.namespaced)):
        raise page_not_found()
    if size > 1 and resource.namespaced and not scoped:
        raise page_not_found()
    subresource = rest[2] if size == 3 else ""
    if subresource and subresource not in resource.subresources:
        raise page_not_found()
    return Target(resource, namespace, rest[1] if size > 1 else "", subresource, legacy_watch, beyond)
