"""Paths as `cp` takes them, here and in a container. Source: k8s.io/kubectl/pkg/cmd/cp (filespec.go, cp.go)."""

from __future__ import annotations

import os
import posixpath
from typing import NamedTuple

from minikctl.client.errors import Failure


class FileSpec(NamedTuple):
    """`pod` is "" for a file of this machine."""

    namespace: str
    pod: str
    path: str


def parse(argument: str) -> FileSpec:
    """[[NAMESPACE/]POD:]PATH. Raises Failure."""
    pod, colon, path = argument.partition(":")
    if not colon:
        return FileSpec("", "", _strip_trailing(argument))
    pieces = pod.split("/")
    if not pod or len(pieces) > 2:
        raise Failure("filespec must match the canonical format: [[namespace/]pod:]file/path")
    return FileSpec(pieces[0] if len(pieces) == 2 else "", pieces[-1], remote(path))


def remote(path: str) -> str:
    """A path in a container, whose separators are slashes."""
    return _strip_trailing(path).replace("\\", "/")


def archive_prefix(path: str) -> str:
    """What the names in an archive of a container's `path` begin with."""
    return _strip_shortcuts(clean(path.lstrip("/")))


def is_within(folder: str, path: str) -> bool:
    relative = os.path.relpath(path, folder)
    return relative == "." or relative == _strip_shortcuts(relative)


def clean(path: str) -> str:
    """Go's path.Clean: normpath, but for two slashes at the start, which POSIX leaves alone."""
    cleaned = posixpath.normpath(path or ".")
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def parent(path: str) -> str:
    """Go's path.Dir: "." when there is none."""
    return clean(posixpath.dirname(path))


def base(path: str) -> str:
    """Go's path.Base of a path without a slash at its end."""
    return posixpath.basename(path) or ("/" if path else ".")


def _strip_trailing(path: str) -> str:
    return path[:-1] if path != "/" and path.endswith("/") else path


def _strip_shortcuts(path: str) -> str:
    """Without what would lead out of where a path is put."""
    while path.startswith("../"):
        path = path[3:]
    if path in (".", ".."):
        return ""
    return path.removeprefix("/")
