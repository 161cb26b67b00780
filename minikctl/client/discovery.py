"""From what the user calls a resource to what the server calls it: kubectl's RESTMapper and its cache.

The core kinds that every server has are built in, so that `get pods` costs one request. All else is asked by
aggregated discovery and kept in $MINIKCTL_HOME/cache/discovery/<host> for ten minutes (as kubectl's cache is); a miss
asks again.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from minikctl.client.errors import NoResourceMatch, StatusError
from minikctl.client.kubeconfig import home
from minikctl.client.rest import ResourceMapping

if TYPE_CHECKING:
    from minikctl.client.rest import Client

_MAX_AGE = 600.0
_ALL = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


def _core(
    resource: str, kind: str, short: tuple[str, ...], namespaced: bool = True, categories: tuple[str, ...] = ()
) -> ResourceMapping:
    return ResourceMapping("", "v1", resource, kind, namespaced, kind.lower(), short, categories, _ALL)


BUILT_IN = (
    _core("pods", "Pod", ("po",), categories=("all",)),
    _core("secrets", "Secret", ()),
    _core("configmaps", "ConfigMap", ("cm",)),
    _core("namespaces", "Namespace", ("ns",), namespaced=False),
    _core("nodes", "Node", ("no",), namespaced=False),
    _core("events", "Event", ("ev",)),
    _core("serviceaccounts", "ServiceAccount", ("sa",)),
)
"""Core kinds that our backend and every cluster serve alike. Core resources come first in every server's order."""

_AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)


class Mapper:
    """Finds resources by what a user types (plural, singular, short name, kind; with `.group` or `.version.group`)."""

    def __init__(self, client: Callable[[], Client]) -> None:
        self._client = client
        self._known: list[ResourceMapping] | None = None
        self._fresh = False

    def find(self, argument: str) -> ResourceMapping:
        """NoResourceMatch if the server has no such type."""
        for mapping in BUILT_IN:
            if _matches(mapping, argument.lower()):
                return mapping
        found = self._search(lambda known: _find(known, argument.lower()))
        if found is None:
            raise _no_match(argument)
        return found

    def find_kind(self, api_version: str, kind: str) -> ResourceMapping | None:
        """The resource whose objects have this apiVersion and kind; None if the server has none."""
        for mapping in BUILT_IN:
            if mapping.api_version == api_version and mapping.kind == kind:
                return mapping
        return self._search(
            lambda known: next((m for m in known if m.api_version == api_version and m.kind == kind), None)
        )

    def category(self, name: str) -> list[ResourceMapping]:
        """The resources of a category such as `all`, in the server's order; empty if there is no such category."""
        return [mapping for mapping in preferred(self.resources()) if name in mapping.categories]

    def resources(self) -> list[ResourceMapping]:
        """Everything the server declares, in its order of preference, from a cache no older than ten minutes."""
        if self._known is None:
            self._known = self._read_cache()
        return self._known if self._known is not None else self.refresh()

    def refresh(self) -> list[ResourceMapping]:
        """Ask the server, whatever the cache says."""
        self._known = list(discover(self._client()))
        self._fresh = True
        self._write_cache(self._known)
        return self._known

    def _search(self, look: Callable[[list[ResourceMapping]], ResourceMapping | None]) -> ResourceMapping | None:
        found = look(self.resources())
        if found is None and not self._fresh:
            found = look(self.refresh())
        return found

    def _cache_path(self) -> str:
        host = re.sub(r"[^-_.A-Za-z0-9]", "_", self._client().server.partition("://")[2])
        return os.path.join(home(), "cache", "discovery", host[-200:], "resources.json")

    def _read_cache(self) -> list[ResourceMapping] | None:
        try:
            with open(self._cache_path(), encoding="utf-8") as file:
                if not 0 <= time.time() - os.fstat(file.fileno()).st_mtime < _MAX_AGE:
                    return None
                rows = json.load(file)
            return [ResourceMapping(*row[:6], *(tuple(part) for part in row[6:])) for row in rows]
        except (OSError, ValueError, TypeError):
            return None

    def _write_cache(self, known: list[ResourceMapping]) -> None:
        """Best effort: a home that cannot be written costs time, not correctness."""
        path = self._cache_path()
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            part = f"{path}.{os.getpid()}"
            with open(part, "w", encoding="utf-8") as file:
                json.dump(known, file)
            os.replace(part, path)
        except OSError:
            return


def preferred(known: list[ResourceMapping]) -> list[ResourceMapping]:
    """Each resource once, in the version of it that the server prefers. Source: ServerPreferredResources."""
    found: dict[tuple[str, str], ResourceMapping] = {}
    for mapping in known:
        found.setdefault((mapping.group, mapping.resource), mapping)
    return list(found.values())


def _matches(mapping: ResourceMapping, argument: str) -> bool:
    if argument in (mapping.resource, mapping.singular) or argument in mapping.short_names:
        return True
    name, dot, rest = argument.partition(".")
    if not dot or name not in (mapping.resource, mapping.singular, *mapping.short_names):
        return False
    version, versioned, group = rest.partition(".")
    return rest == mapping.group or bool(versioned and version == mapping.version and group == mapping.group)


def _find(known: list[ResourceMapping], argument: str) -> ResourceMapping | None:
    for mapping in known:
        if _matches(mapping, argument):
            return mapping
    # A group may be given by its beginning: deployments.app. Source: meta.DefaultRESTMapper.ResourcesFor.
    name, dot, group = argument.partition(".")
    if dot and group:
        for mapping in known:
            if name in (mapping.resource, mapping.singular) and mapping.group.startswith(group):
                return mapping
    return None


def _no_match(argument: str) -> NoResourceMatch:
    name, _, group = argument.partition(".")
    return NoResourceMatch(name, group)


def discover(client: Client) -> Iterator[ResourceMapping]:
    """Every resource that the server declares: core first, then groups in its order, preferred versions first."""
    for path in ("/api", "/apis"):
        answer = client.get(path, accept=_AGGREGATED)
        if answer.get("kind") == "APIGroupDiscoveryList":
            for group in answer.get("items") or []:
                yield from _aggregated(group)
        elif path == "/api":
            for version in answer.get("versions") or []:
                yield from _legacy(client, "", version)
        else:
            for group in answer.get("groups") or []:
                preferred = (group.get("preferredVersion") or {}).get("version")
                versions = [item["version"] for item in group.get("versions") or []]
                for version in sorted(versions, key=lambda one: one != preferred):
                    yield from _legacy(client, group["name"], version)


def _aggregated(group: dict[str, Any]) -> Iterator[ResourceMapping]:
    name = (group.get("metadata") or {}).get("name") or ""
    for version in group.get("versions") or []:
        for item in version.get("resources") or []:
            kind = (item.get("responseKind") or {}).get("kind")
            if kind:
                yield ResourceMapping(
                    name,
                    version["version"],
                    item["resource"],
                    kind,
                    item.get("scope") == "Namespaced",
                    item.get("singularResource") or kind.lower(),
                    tuple(item.get("shortNames") or ()),
                    tuple(item.get("categories") or ()),
                    tuple(item.get("verbs") or ()),
                )


def _legacy(client: Client, group: str, version: str) -> Iterator[ResourceMapping]:
    try:
        answer = client.get(f"/apis/{group}/{version}" if group else f"/api/{version}")
    except StatusError:
        return  # an aggregated API that is down hides only its own resources
    for item in answer.get("resources") or []:
        if "/" not in item["name"]:
            yield ResourceMapping(
                group,
                version,
                item["name"],
                item["kind"],
                bool(item.get("namespaced")),
                item.get("singularName") or item["kind"].lower(),
                tuple(item.get("shortNames") or ()),
                tuple(item.get("categories") or ()),
                tuple(item.get("verbs") or ()),
            )
