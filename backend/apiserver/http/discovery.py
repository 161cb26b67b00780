"""Discovery: which groups, versions and resources there are, in the old form and in the aggregated one.

Everything follows from the catalog: each document is made at its first request after a change of the catalog, and
kept as bytes (a few KB each).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping

import orjson

from backend.apiserver.http.exchange import JSON, Exchange, Header
from backend.apiserver.http.negotiation import clauses
from backend.apiserver.http.subresources import DEFAULT, SUBRESOURCES
from backend.meta.types import Obj
from backend.resources.catalog import Catalog
from backend.resources.resource import Resource

AGGREGATED = ("v2", "v2beta1")
AGGREGATED_TYPE = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"


class Discovery:
    """Serves /api, /apis and everything that names a group or a version."""

    def __init__(self, catalog: Catalog, server_address: str = "") -> None:
        """`server_address` is host:port, which the legacy /api document carries."""
        self._catalog = catalog
        self._groups: dict[str, dict[str, list[Resource]]] = {}
        self._server_address = server_address
        self._documents: dict[tuple[str, str], tuple[bytes, bytes]] = {}
        catalog.on_change(self._read)
        self._read()

    def _read(self) -> None:
        groups: dict[str, dict[str, list[Resource]]] = {
            group: {version: [] for version in versions} for group, versions in self._catalog.groups()
        }
        for resource in self._catalog:
            groups[resource.group][resource.version].append(resource)
        self._groups = groups
        self._documents.clear()

    def knows(self, path: str) -> bool:
        return self._resolve(path) is not None

    async def serve(self, exchange: Exchange) -> None:
        """Answer a path that is known."""
        path = exchange.path.rstrip("/")
        aggregated = _aggregated_version(exchange) if path in ("/api", "/apis") else ""
        content_type = AGGREGATED_TYPE.format(aggregated).encode() if aggregated else JSON
        body, etag = self._document(path, aggregated)
        if not aggregated:
            await exchange.respond(200, body, content_type)
            return
        extra: list[Header] = [(b"etag", etag), (b"vary", b"Accept")]
        if etag in exchange.headers.get(b"if-none-match", b""):
            await exchange.respond(304, b"", content_type, extra)
        else:
            await exchange.respond(200, body, content_type, extra)

    def _document(self, path: str, aggregated: str) -> tuple[bytes, bytes]:
        """The bytes, and their ETag."""
        known = self._documents.get((path, aggregated))
        if known is None:
            document = self._aggregated(path, aggregated) if aggregated else self._resolve(path)
            body = orjson.dumps(document)
            known = (body, b'"%s"' % hashlib.sha512(body).hexdigest().upper().encode())
            self._documents[(path, aggregated)] = known
        return known

    def _resolve(self, path: str) -> Obj | None:
        """The old form's document of a path, or None if there is none."""
        parts = path.strip("/").split("/")
        if parts[0] == "api":
            versions = self._groups.get("", {})
            if len(parts) == 1:
                return self._core_versions(versions)
            return _resource_list("", parts[1], versions.get(parts[1])) if len(parts) == 2 else None
        if parts[0] != "apis":
            return None
        if len(parts) == 1:
            groups = [_api_group(name, versions) for name, versions in self._groups.items() if name]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        named = self._groups.get(parts[1]) if parts[1] else None
        if named is None:
            return None
        if len(parts) == 2:
            return {"kind": "APIGroup", "apiVersion": "v1", **_api_group(parts[1], named)}
        return _resource_list(parts[1], parts[2], named.get(parts[2])) if len(parts) == 3 else None

    def _core_versions(self, versions: Iterable[str]) -> Obj:
        addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": self._server_address}]
        return {"kind": "APIVersions", "versions": list(versions), "serverAddressByClientCIDRs": addresses}

    def _aggregated(self, path: str, version: str) -> Obj:
        items = [
            _aggregated_group(group, versions)
            for group, versions in self._groups.items()
            if (group == "") == (path == "/api")
        ]
        api_version = f"apidiscovery.k8s.io/{version}"
        return {"kind": "APIGroupDiscoveryList", "apiVersion": api_version, "metadata": {}, "items": items}


def _aggregated_version(exchange: Exchange) -> str:
    """The version of the aggregated form that the client prefers, "" for the old form."""
    for clause in clauses(exchange.headers.get(b"accept", b"").decode("latin-1")):
        parameters = clause.parameters
        if clause.media != "application/json":
            continue
        if "as" not in parameters:
            return ""
        wanted = (parameters.get("g"), parameters["as"]) == ("apidiscovery.k8s.io", "APIGroupDiscoveryList")
        if wanted and parameters.get("v") in AGGREGATED:
            return parameters["v"]
    return ""


def _api_group(name: str, versions: Iterable[str]) -> Obj:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _resource_list(group: str, version: str, resources: list[Resource] | None) -> Obj | None:
    if resources is None:
        return None
    listed: list[Obj] = []
    for resource in resources:
        listed.append(_resource(resource))
        listed += [_subresource(resource, name) for name in sorted(resource.subresources)]
    api_version = f"{group}/{version}" if group else version
    head: Obj = {"kind": "APIResourceList"}
    if group:
        head["apiVersion"] = "v1"
    return {**head, "groupVersion": api_version, "resources": sorted(listed, key=lambda entry: entry["name"])}


def _resource(resource: Resource) -> Obj:
    entry: Obj = {
        "name": resource.plural, "singularName": resource.singular, "namespaced": resource.namespaced,
        "kind": resource.kind, "verbs": sorted(resource.verbs),
    }  # fmt: skip
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if "list" in resource.verbs:
        entry["storageVersionHash"] = _storage_version_hash(resource)
    return entry


def _subresource(resource: Resource, name: str) -> Obj:
    known = SUBRESOURCES.get(name, DEFAULT)
    entry: Obj = {"name": f"{resource.plural}/{name}", "singularName": "", "namespaced": resource.namespaced}
    if known.version:
        entry |= {"group": known.group, "version": known.version}
    return entry | {"kind": known.kind_below(resource.kind), "verbs": list(known.verbs)}


def _aggregated_group(group: str, versions: Mapping[str, list[Resource]]) -> Obj:
    named = {"name": group} if group else {}
    listed = [
        {"version": version, "resources": [_aggregated_resource(r) for r in resources], "freshness": "Current"}
        for version, resources in versions.items()
    ]
    return {"metadata": {**named, "creationTimestamp": None}, "versions": listed}


def _aggregated_resource(resource: Resource) -> Obj:
    entry: Obj = {
        "resource": resource.plural,
        "responseKind": {"group": resource.group, "version": resource.version, "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": sorted(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.subresources:
        entry["subresources"] = [_aggregated_subresource(resource, name) for name in sorted(resource.subresources)]
    return entry


def _aggregated_subresource(resource: Resource, name: str) -> Obj:
    known = SUBRESOURCES.get(name, DEFAULT)
    kind = {"group": resource.group, "version": resource.version, "kind": known.kind_below(resource.kind)}
    if known.version:
        kind |= {"group": known.group, "version": known.version}
    return {"subresource": name, "responseKind": kind, "verbs": list(known.verbs)}


def _storage_version_hash(resource: Resource) -> str:
    """Tells clients when the stored form changes. Source: k8s.io/apiserver discovery.StorageVersionHash."""
    stored = resource.stored_as or resource
    text = f"{stored.group}/{stored.version}/{stored.kind}"
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()
