"""Which requests are passed on. Source: FilterServer of k8s.io/kubectl/pkg/proxy."""

from __future__ import annotations

from typing import Any, NamedTuple

from backend.meta import regex

Patterns = tuple[Any, ...]


def patterns(text: str) -> Patterns:
    """Regular expressions with commas in between. Raises RegexError."""
    return tuple(map(regex.compile_regex, text.split(","))) if text else ()


class Filter(NamedTuple):
    accept_paths: Patterns
    reject_paths: Patterns
    accept_hosts: Patterns
    reject_methods: Patterns

    def accepts(self, method: str, path: str, host: str) -> bool:
        """`host` is a Host header's value; its port does not count."""
        if _matches(self.reject_paths, path) or _matches(self.reject_methods, method):
            return False
        return _matches(self.accept_paths, path) and _matches(self.accept_hosts, _without_port(host))


def _matches(found: Patterns, text: str) -> bool:
    return any(pattern.search(text) for pattern in found)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    if not colon or (":" in name and not name.startswith("[")) or "]" in port:
        return host
    return name.removeprefix("[").removesuffix("]")
