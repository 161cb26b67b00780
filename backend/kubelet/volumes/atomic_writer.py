"""Files that change together: readers see the old set or the new one, never a mixture.

The layout is that of the kubelet's AtomicWriter (k8s.io/kubernetes/pkg/volume/util/atomic_writer.go), which
programs rely on: the files live in a directory named by a time, `..data` is a symlink to it that is replaced in
one rename, and what the user sees are symlinks through `..data`.

Every pod has such a volume: paths are joined as text, since pathlib would take longer than the files.
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
    base = os.fspath(target)
    old = _current(base)
    if old is not None and _read(target / old) == _expected(payload, group):
        _link(base, payload)
        return False
    stamp = time.strftime("..%Y_%m_%d_%H_%M_%S.", time.gmtime())
    fresh = tempfile.mkdtemp(prefix=stamp, dir=base)
    try:
        _write(fresh, payload, group)
        _point(base, os.path.basename(fresh))
    except BaseException:
        shutil.rmtree(fresh)
        raise
    _link(base, payload)
    _remove_stale(base, payload, os.path.basename(fresh))
    return True


def _current(base: str) -> str | None:
    try:
        return os.readlink(f"{base}/{_DATA}")
    except FileNotFoundError:
        return None


def _point(base: str, name: str) -> None:
    """Let `..data` be another directory, in one rename."""
    new = f"{base}/{_NEW_DATA}"
    try:
        os.symlink(name, new)
    except FileExistsError:  # of a write that was cut off
        os.unlink(new)
        os.symlink(name, new)
    os.rename(new, f"{base}/{_DATA}")


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


def _write(folder: str, payload: Payload, group: int | None) -> None:
    os.chmod(folder, 0o755)
    own = _own()
    for path, file in payload.items():
        full = f"{folder}/{path}"
        if "/" in path:
            os.makedirs(os.path.dirname(full), mode=0o755, exist_ok=True)
        _write_file(full, file, own if file.owner is None else file.owner)
    if group is not None:
        for path_, folders, files in os.walk(folder):
            for name in (".", *folders, *files):
                grant(Path(path_, name), group)


def _write_file(path: str, file: File, owner: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        left = memoryview(file.data)
        while left:
            left = left[os.write(handle, left) :]
        os.fchmod(handle, file.mode)
        if owner != os.geteuid():
            os.fchown(handle, owner, -1)
    finally:
        os.close(handle)


def grant(path: Path, group: int, *, writable: bool = False) -> None:
    """fsGroup's ownership of one file or directory (pkg/volume/volume_linux.go SetVolumeOwnership)."""
    os.chown(path, -1, group)
    mode = path.stat().st_mode & 0o7777
    mode |= 0o660 if writable else 0o440
    path.chmod(mode | 0o2110 if path.is_dir() else mode)


def _top_names(payload: Payload) -> set[str]:
    return {path.partition("/")[0] for path in payload}


def _link(base: str, payload: Payload) -> None:
    for name in _top_names(payload):
        link = f"{base}/{name}"
        try:
            os.symlink(f"{_DATA}/{name}", link)
        except FileExistsError:
            if not os.path.islink(link):
                raise


def _remove_stale(base: str, payload: Payload, current: str) -> None:
    """What an earlier payload left: symlinks of names that are gone, and directories of other times."""
    kept = {_DATA, current, *_top_names(payload)}
    for name in os.listdir(base):
        if name in kept:
            continue
        path = f"{base}/{name}"
        if os.path.islink(path):
            os.unlink(path)
        elif name.startswith(".."):
            shutil.rmtree(path)
