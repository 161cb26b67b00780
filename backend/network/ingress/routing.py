"""Which backend a request is for: the rules of all Ingresses in one table. Pure.

Sources: the Ingress API (IngressRule, HTTPIngressPath), and the tables of its documentation. What those leave open is
as with ingress-nginx: the most specific host alone decides, and of two Ingresses with one path the older has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from backend.meta.regex import RegexError, compile_regex
from backend.meta.types import Obj
from backend.network.ingress.annotations import Settings, parse

_GROUP = re.compile(r"\$(\d)")
_IN_PATHS = "/!$&'()*+,;=:@~-._"
"""What a path may have without an escape. Source: RFC 3986, pchar."""


@dataclass(frozen=True, slots=True)
class ServiceBackend:
    """A port of a service, by name or by number."""

    namespace: str
    service: str
    port: str | int


@dataclass(frozen=True, slots=True)
class Route:
    """One path of one rule, or a default backend. `backend` is None where it is no service."""

    ingress: str
    """NAMESPACE/NAME"""
    path: str
    backend: ServiceBackend | None
    settings: Settings
    expression: Any = None
    """Of a path that is a regular expression: what matches from the path's start."""

    def rewritten(self, path: str) -> bytes | None:
        """The path for the backend, where the Ingress has one to be written anew, else None."""
        target = self.settings.rewrite_target
        if not target:
            return None
        match = self.expression.match(path) if self.expression is not None else None

        def group(reference: re.Match[str]) -> str:
            number = int(reference[1])
            return (match.group(number) or "") if match is not None and number <= match.re.groups else ""

        text = _GROUP.sub(group, target)
        return quote(text if text.startswith("/") else f"/{text}", safe=_IN_PATHS).encode()


@dataclass(slots=True)
class _Host:
    """The paths of one host."""

    exact: dict[str, Route] = field(default_factory=dict)
    prefixes: dict[str, Route] = field(default_factory=dict)
    """By path without the slashes at its end: a prefix is one of whole elements."""
    expressions: list[Route] = field(default_factory=list)
    default: Route | None = None

    def find(self, path: str) -> Route | None:
        """The longest that matches, of two of one length the exact one."""
        found = self.exact.get(path)
        if found is not None:
            return found
        found = self._prefix(path)
        for route in self.expressions:
            if found is not None and len(route.path) <= len(found.path):
                break
            if route.expression.match(path):
                return route
        return found

    def _prefix(self, path: str) -> Route | None:
        if not self.prefixes:
            return None
        while (found := self.prefixes.get(path)) is None and path:
            path = path[: path.rfind("/")] if "/" in path else ""
        return found


class Table:
    """The rules of `ingresses`, which all are of this controller's classes."""

    def __init__(self, ingresses: Iterable[Obj] = ()) -> None:
        self.faults: dict[str, list[tuple[str, str]]] = {}
        """Of each Ingress (NAMESPACE/NAME) what is wrong with it by itself or beside others: (reason, message)."""
        self.certificates: dict[str, tuple[str, str]] = {}
        """The Secret (namespace, name) of each host with TLS; a host may be *.DOMAIN, and "" is all that have none."""
        self._tls_hosts: set[str] = set()
        self._hosts: dict[str, _Host] = {}
        self._default: Route | None = None
        for ingress in sorted(ingresses, key=_age):
            self._add(ingress)
        for host in self._hosts.values():
            host.expressions.sort(key=lambda route: -len(route.path))

    def find(self, host: str, path: str) -> Route | None:
        """`host` as `plain_host` gives it, `path` as `plain_path` does."""
        for name in (host, wildcard_of(host), ""):
            rules = self._hosts.get(name)
            if rules is not None:
                return rules.find(path) or rules.default or self._default
        return self._default

    def has_tls(self, host: str) -> bool:
        return not self._tls_hosts.isdisjoint((host, wildcard_of(host), ""))

    def _add(self, ingress: Obj) -> None:
        meta, spec = ingress["metadata"], ingress.get("spec") or {}
        key = f"{meta['namespace']}/{meta['name']}"
        settings, ignored = parse(meta.get("annotations") or {})
        faults = self.faults[key] = [("UnsupportedAnnotation", text) for text in ignored]
        default = None
        if spec.get("defaultBackend"):
            default = Route(key, "/", self._backend(key, meta["namespace"], spec["defaultBackend"]), settings)
            self._default = self._default or default
        for rule in spec.get("rules") or ():
            host = self._hosts.setdefault(rule.get("host", ""), _Host())
            host.default = host.default or default
            for given in (rule.get("http") or {}).get("paths") or ():
                backend = self._backend(key, meta["namespace"], given.get("backend") or {})
                faults += self._add_path(host, rule.get("host", ""), given, Route(key, "/", backend, settings))
        self._add_tls(meta["namespace"], spec)

    def _backend(self, key: str, namespace: str, given: Obj) -> ServiceBackend | None:
        service = given.get("service")
        if service is None:
            resource = given.get("resource") or {}
            text = f"backend {resource.get('kind')} {resource.get('name')} is no service, and is not served"
            self.faults[key].append(("UnsupportedBackend", text))
            return None
        port = service.get("port") or {}
        return ServiceBackend(namespace, service["name"], port.get("name") or port.get("number", 0))

    def _add_path(self, host: _Host, name: str, given: Obj, shape: Route) -> list[tuple[str, str]]:
        """What is wrong with it. A conflict with a path of the same Ingress is its author's business."""
        path = given.get("path") or "/"
        exact = given.get("pathType") == "Exact"
        expression = None
        if not exact and (shape.settings.use_regex or shape.settings.rewrite_target):
            try:
                expression = compile_regex(f"(?i){path}")
            except RegexError as error:
                return [("InvalidPath", f'path "{path}" is no regular expression: {error}')]
        elif given.get("pathType") == "ImplementationSpecific":
            path = path.removesuffix("*")
        route = Route(shape.ingress, path, shape.backend, shape.settings, expression)
        if expression is not None:
            older = next((other for other in host.expressions if other.path == path), None)
            if older is None:
                host.expressions.append(route)
        else:
            paths = host.exact if exact else host.prefixes
            older = paths.setdefault(path if exact else path.rstrip("/"), route)
        if older is None or older.ingress == route.ingress:
            return []
        return [("Conflict", f'path "{name}{path}" is served by the older Ingress {older.ingress}')]

    def _add_tls(self, namespace: str, spec: Obj) -> None:
        """An entry without hosts is for those of the rules."""
        of_rules = [rule.get("host", "") for rule in spec.get("rules") or ()] or [""]
        for entry in spec.get("tls") or ():
            hosts = entry.get("hosts") or of_rules
            self._tls_hosts.update(hosts)
            if entry.get("secretName"):
                for host in hosts:
                    self.certificates.setdefault(host, (namespace, entry["secretName"]))


def wildcard_of(host: str) -> str:
    """The wildcard that stands for it: just one label more than the domain has."""
    _, dot, domain = host.partition(".")
    return f"*.{domain}" if dot else "*"


def plain_host(header: str) -> str:
    """The host of a Host header: without the port, in lower case."""
    if header.startswith("["):
        return header.partition("]")[0] + "]"
    return header.partition(":")[0].rstrip(".").lower()


def plain_path(path: str) -> str:
    """A decoded path as it is matched: without doubled slashes, and with `.` and `..` followed, so that no spelling of
    a path gets by a longer rule. What the backend is sent is the path as it came."""
    if "//" not in path and "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    ends_open = segments[-1] in ("", ".", "..") and kept
    return "/" + "/".join(kept) + ("/" if ends_open else "")


def _age(ingress: Obj) -> tuple[str, str, str]:
    meta = ingress["metadata"]
    return meta.get("creationTimestamp") or "", meta["namespace"], meta["name"]
