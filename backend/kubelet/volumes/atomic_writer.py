"""Files that change together: readers see the old set or the new one, never a mixture.

The layout is that of the kubelet's AtomicWriter (k8s.io/kubernetes/pkg/volume/util/atomic_writer.go), which
programs rely on: the files live in a directory named by a time, `..data` is a symlink to it that is replaced in
one rename, and what the user sees are symlinks through `..data`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from backend.meta.capabilities import holds

_DATA = "..data"
_NEW_DATA = "..data_tmp"


@dataclass(frozen=True, slots=True)
class File:
    data: bytes
    mode: int
    owner: int | None = None
    """A user's id; None: root, or this process's user where it may not give files away."""


Payload = Mapping[str, File]
"""Relative paths -> files."""


def write_atomically(target: Path, payload: Payload, group: int | None = None) -> bool:
    """Makes `target` show exactly the payload; False when it already did, and then nothing was touched.

    With `group` (a pod's fsGroup) the files belong to it and it may read them.
    """
    old = _current(target)
    if old is not None and _read(target / old) == _expected(payload, group):
        _link(target, payload)
        return False
    stamp = time.strftime("..%Y_%m_%d_%H_%M_%S.", time.gmtime())
    fresh = Path(tempfile.mkdtemp(prefix=stamp, dir=target))
    try:
        _write(fresh, payload, group)
        (target / _NEW_DATA).unlink(missing_ok=True)
        (target / _NEW_DATA).symlink_to(fresh.name)
        (target / _NEW_DATA).rename(target / _DATA)
    except BaseException:
        shutil.rmtree(fresh)
        raise
    _link(target, payload)
    _remove_stale(target, payload, fresh.name)
    return True


def _current(target: Path) -> str | None:
    try:
        return os.readlink(target / _DATA)
    except FileNotFoundError:
        return None


def _read(folder: Path) -> dict[str, File]:
    return {
        str(path.relative_to(folder)): File(path.read_bytes(), path.stat().st_mode & 0o7777, path.stat().st_uid)
        for path in folder.rglob("*")
        if path.is_file()
    }


def _expected(payload: Payload, group: int | None) -> dict[str, File]:
    own = _own()
    return {
        path: File(file.data, _mode(file.mode, group), own if file.owner is None else file.owner)
        for path, file in payload.items()
    }


def _own() -> int:
    """Files are root's, as the kubelet makes them, where we may give them away."""
    return 0 if holds("CHOWN") else os.geteuid()


def _mode(mode: int, group: int | None) -> int:
    return mode if group is None else mode | 0o440


def _write(folder: Path, payload: Payload, group: int | None) -> None:
    folder.chmod(0o755)
    own = _own()
    for path, file in payload.items():
        full = folder / path
        full.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        full.touch(0o600)
        full.write_bytes(file.data)
        full.chmod(file.mode)
        if (owner := own if file.owner is None else file.owner) != os.geteuid():
            os.chown(full, owner, -1)
    if group is not None:
        for path_, folders, files in os.walk(folder):
            for name in (".", *folders, *files):
                grant(Path(path_, name), group)


def grant(path: Path, group: int, *, writable: bool = False) -> None:
    """fsGroup's ownership of one file or directory (pkg/volume/volume_linux.go SetVolumeOwnership)."""
    os.chown(path, -1, group)
    mode = path.stat().st_mode & 0o7777
    mode |= 0o660 if writable else 0o440
    path.chmod(mode | 0o2110 if path.is_dir() else mode)


def _top_names(payload: Payload) -> set[str]:
    return {path.partition("/")[0] for path in payload}


def _link(target: Path, payload: Payload) -> None:
    for name in _top_names(payload):
        link = target / name
        if not link.is_symlink():
            link.symlink_to(f"{_DATA}/{name}")


def _remove_stale(target: Path, payload: Payload, current: str) -> None:
    """What an earlier payload left: symlinks of names that are gone, and directories of other times."""
    kept = {_DATA, current, *_top_names(payload)}
    for entry in target.iterdir():
        if entry.name in kept:
            continue
        if entry.is_symlink():
            entry.unlink()
        elif entry.name.startswith(".."):
            shutil.rmtree(entry)
