"""Registry credentials for a pod's image, from its pull secrets.

Source of the rules: pkg/credentialprovider/keyring.go. A secret of type kubernetes.io/dockerconfigjson (or dockercfg)
has credentials by registry; a registry's name may have a port, a path, and `*` within a part of its host.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from fnmatch import fnmatchcase

from backend.kubelet.runtime.api import RegistryAuth
from backend.meta.types import Obj

DOCKER_HUB = "index.docker.io"
_HUB_NAMES = ("docker.io", "registry-1.docker.io", DOCKER_HUB)


def credentials_for(image: str, secrets: Iterable[Obj]) -> list[RegistryAuth]:
    """Those that match, the most specific first."""
    host, path = _split(image)
    matches = []
    for secret in secrets:
        for registry, entry in _registries(secret).items():
            wanted_host, wanted_path = _address(registry)
            if _host_matches(wanted_host, host) and f"{path}/".startswith(
                f"{wanted_path}/" if wanted_path else ""
            ):
                auth = _auth(entry, host)
                if auth is not None:
                    matches.append((len(wanted_path), auth))
    matches.sort(key=lambda match: -match[0])
    return [auth for _, auth in matches]


def _split(image: str) -> tuple[str, str]:
    """(registry host with port, repository path) of an image reference."""
    name = image.partition("@")[0]
    first, slash, rest = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        host, path = DOCKER_HUB, name if slash else f"library/{name}"
    else:
        host, path = first, rest
    head, _, last = path.rpartition("/")
    last = last.partition(":")[0]
    return (DOCKER_HUB if host in _HUB_NAMES else host), f"{head}/{last}" if head else last


def _address(registry: str) -> tuple[str, str]:
    address = registry.partition("://")[2] or registry
    host, _, path = address.rstrip("/").partition("/")
    if path in ("v1", "v2"):
        path = ""
    return (DOCKER_HUB if host in _HUB_NAMES else host), path


def _host_matches(pattern: str, host: str) -> bool:
    pattern_host, _, pattern_port = pattern.partition(":")
    name, _, port = host.partition(":")
    wanted, parts = pattern_host.split("."), name.split(".")
    return (
        pattern_port == port
        and len(wanted) == len(parts)
        and all(fnmatchcase(part, want) for want, part in zip(wanted, parts, strict=True))
    )


def _registries(secret: Obj) -> dict[str, Obj]:
    """The credentials by registry; nothing for a secret of another type or one that cannot be read."""
    data = secret.get("data") or {}
    kind = secret.get("type")
    try:
        if kind == "kubernetes.io/dockerconfigjson":
            found = json.loads(base64.b64decode(data.get(".dockerconfigjson", ""))).get("auths")
        elif kind == "kubernetes.io/dockercfg":
            found = json.loads(base64.b64decode(data.get(".dockercfg", "")))
        else:
            return {}
    except (ValueError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {}


def _auth(entry: Obj, server: str) -> RegistryAuth | None:
    username, password = entry.get("username", ""), entry.get("password", "")
    if not username and entry.get("auth"):
        try:
            username, _, password = base64.b64decode(entry["auth"]).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
    return RegistryAuth(username, password.rstrip("\0"), server) if username else None
