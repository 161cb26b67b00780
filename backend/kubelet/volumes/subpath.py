"""subPath: one file or directory of a volume, which no symlink in the volume can move out of it.

A container may write to its volume while another is started, so that a path which was checked is not yet safe to
mount. As the kubelet does (pkg/volume/util/subpath), the path is opened step by step without following
symlinks, and the open file itself is bind-mounted to a place of ours, which is what the engine mounts.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from backend.kubelet.volumes import mounts
from backend.kubelet.volumes.plugin import VolumeFailure


def prepare_subpath(volume: Path, subpath: str, place: Path) -> Path:
    """Where the engine finds the subpath: `place`, or for who may not mount, the path that was checked.

    What does not exist becomes a directory with the volume's mode. Raises VolumeFailure, OSError.
    """
    if os.path.isabs(subpath) or ".." in Path(subpath).parts:
        raise VolumeFailure(f'subPath "{subpath}" must be a relative path without ".."')
    base = Path(os.path.realpath(volume))
    target = Path(os.path.realpath(base / subpath))
    if target != base and base not in target.parents:
        raise VolumeFailure(f'subpath "{target}" not within volume path "{base}"')
    handle = _open_inside(base, target.relative_to(base).parts)
    try:
        return _bind(handle, place) or target
    finally:
        os.close(handle)


def _open_inside(base: Path, parts: tuple[str, ...]) -> int:
    """A descriptor of the path, of which no part is a symlink; missing parts are made."""
    current = os.open(base, os.O_PATH | os.O_DIRECTORY)
    mode = os.stat(base).st_mode & 0o7777
    for part in parts:
        try:
            following = _open_or_make(current, part, mode)
        finally:
            os.close(current)
        current = following
    return current


def _open_or_make(parent: int, name: str, mode: int) -> int:
    try:
        handle = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=parent)
    except FileNotFoundError:
        os.mkdir(name, dir_fd=parent)
        handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY, dir_fd=parent)
        os.chmod(f"/proc/self/fd/{handle}", mode)
    if stat.S_ISLNK(os.fstat(handle).st_mode):
        os.close(handle)
        raise VolumeFailure(f'unexpected symlink found "{name}"')
    return handle


def _bind(handle: int, place: Path) -> Path | None:
    """None where this user may not mount. An earlier attempt's mount is replaced."""
    for mounted in mounts.mounted_below(place):
        mounts.unmount(mounted)
    place.parent.mkdir(parents=True, exist_ok=True)
    source = f"/proc/self/fd/{handle}"
    if os.path.isdir(source):
        if place.is_file():
            place.unlink()
        place.mkdir(exist_ok=True)
    else:
        if place.is_dir():
            place.rmdir()
        place.touch()
    try:
        mounts.bind(source, place)
    except PermissionError:
        return None
    return place
