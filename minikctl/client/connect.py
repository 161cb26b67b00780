"""From flags and kubeconfig to a way of reaching the server, and the headers that say who asks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from minikctl.client import kubeconfig
from minikctl.client.errors import Failure
from minikctl.client.transport import Dialer, UnixDialer

_OTHER_CONNECTION = (
    "server", "context", "user", "username", "password", "client-certificate", "client-key",
    "certificate-authority", "insecure-skip-tls-verify", "tls-server-name", "proxy-url",
)  # fmt: skip
"""Flags by which the caller asks for another way to the server than the local profile's socket."""


_HEADER_CHARS = frozenset("!#$&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


class Connection(NamedTuple):
    """`server` is the URL as configured (for messages and cache names); `headers` go with every request."""

    dialer: Dialer
    server: str
    headers: dict[str, str]
    prefix: str = ""


class Target(NamedTuple):
    """What the flags chose, before anything is dialled: `local` is the profile whose socket serves it, or ""."""

    context: dict[str, Any]
    cluster: dict[str, Any]
    user: dict[str, Any]
    local: str


def choose(flags: Mapping[str, Any], changed: frozenset[str]) -> Target:
    """The context, cluster and user that the flags and files select."""
    profile = kubeconfig.profile_name(flags.get("cluster", ""))
    config, own = kubeconfig.load(flags, profile)
    local = own and not changed.intersection(_OTHER_CONNECTION)
    context, cluster, user = config.context(flags.get("context", ""))
    if wanted := flags.get("user"):
        if wanted not in config.users:
            raise Failure(f'auth info "{wanted}" does not exist')
        user = config.users[wanted]
    return Target(context, cluster, user, profile if local else "")


def connect(target: Target, flags: Mapping[str, Any]) -> Connection:
    """Nothing is dialled yet, except that credential plugins run."""
    headers = {"User-Agent": "minikctl"}
    headers.update(_impersonation(flags, target))
    if target.local:
        if flags.get("token"):
            headers["Authorization"] = f"Bearer {flags['token']}"
        profile = target.local
        path = os.path.join(kubeconfig.profile_dir(profile), "backend.sock")
        server = target.cluster.get("server") or f"unix://{path}"
        return Connection(UnixDialer(path, lambda: _start(profile)), server, headers)
    from minikctl.client.remote import connect_remote

    return connect_remote(target, flags, headers)


def _start(profile: str) -> None:
    from minikctl.local import ensure_running

    ensure_running(profile)


def _impersonation(flags: Mapping[str, Any], target: Target) -> dict[str, str]:
    """Impersonate-* headers. Of one with several values, the next are lines of their own in the first one's."""
    user = target.user
    headers: dict[str, list[str]] = {}
    name = flags.get("as") or user.get("as")
    if name:
        headers["Impersonate-User"] = [name]
    if groups := flags.get("as-group") or user.get("as-groups"):
        headers["Impersonate-Group"] = groups
    if uid := flags.get("as-uid") or user.get("as-uid"):
        headers["Impersonate-Uid"] = [uid]
    for key, values in _extra(flags, user).items():
        headers[f"Impersonate-Extra-{_escape(key)}"] = values
    if headers and "Impersonate-User" not in headers:
        who = flags.get("user") or target.context.get("user", "")
        raise Failure(f"requesting uid, groups or user-extra for {who} without impersonating a user")
    if any("\r" in value or "\n" in value for values in headers.values() for value in values):
        raise Failure("invalid header field value")
    return {header: f"\r\n{header}: ".join(values) for header, values in headers.items()}


def _extra(flags: Mapping[str, Any], user: Mapping[str, Any]) -> Mapping[str, list[str]]:
    given = flags.get("as-user-extra")
    if not given:
        return user.get("as-user-extra") or {}
    found: dict[str, list[str]] = {}
    for pair in given:
        key, _, value = pair.partition("=")
        found.setdefault(key, []).append(value)
    return found


def _escape(key: str) -> str:
    """What a header's name cannot have, percent-encoded. Source: headerKeyEscape of client-go's transport."""
    return "".join(
        char if char in _HEADER_CHARS else "".join(f"%{byte:02X}" for byte in char.encode()) for char in key
    )
