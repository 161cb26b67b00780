"""From flags and kubeconfig to a way of reaching the server, and the headers that say who asks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from minikctl.client import kubeconfig
from minikctl.client.errors import Failure
from minikctl.client.transport import Dialer, UnixDialer

_OTHER_CONNECTION = (
    "server", "context", "token", "user", "username", "password", "client-certificate", "client-key",
    "certificate-authority", "insecure-skip-tls-verify", "tls-server-name", "proxy-url",
)  # fmt: skip
"""Flags by which the caller asks for another way to the server than the local profile's socket."""


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
    headers.update(_impersonation(flags, target.user))
    if target.local:
        profile = target.local
        path = os.path.join(kubeconfig.profile_dir(profile), "backend.sock")
        server = target.cluster.get("server") or f"unix://{path}"
        return Connection(UnixDialer(path, lambda: _start(profile)), server, headers)
    from minikctl.client.remote import connect_remote

    return connect_remote(target, flags, headers)


def _start(profile: str) -> None:
    from minikctl.local import ensure_running

    ensure_running(profile)


def _impersonation(flags: Mapping[str, Any], user: Mapping[str, Any]) -> dict[str, str]:
    """Impersonate-* headers. Several groups are one comma-joined header here: see `Client`, which splits them."""
    headers: dict[str, str] = {}
    name = flags.get("as") or user.get("as")
    if name:
        headers["Impersonate-User"] = name
    groups = flags.get("as-group") or user.get("as-groups") or []
    if groups:
        headers["Impersonate-Group"] = "\r\nImpersonate-Group: ".join(groups)
    if uid := flags.get("as-uid") or user.get("as-uid"):
        headers["Impersonate-Uid"] = uid
    for extra in flags.get("as-user-extra") or []:
        key, _, value = extra.partition("=")
        headers[f"Impersonate-Extra-{key}"] = value
    if headers and "Impersonate-User" not in headers:
        raise Failure(f"requesting uid, groups or user-extra for {_go_map(headers)} without impersonating a user")
    for value in headers.values():
        if "\n" in value.replace("\r\nImpersonate-Group: ", ""):
            raise Failure("invalid header field value")
    return headers


def _go_map(headers: Mapping[str, str]) -> str:
    return "map[" + " ".join(f"{key}:{value}" for key, value in sorted(headers.items())) + "]"
