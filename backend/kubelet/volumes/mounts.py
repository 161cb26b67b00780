"""The kernel's mounts: tmpfs and bind mounts of ours, and what is mounted below a directory."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Collection
from functools import cache
from pathlib import Path

_MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_REC = 0x2, 0x4, 0x1000, 0x4000
_MNT_DETACH = 2
_TMPFS_MAGIC = 0x01021994
_STATFS_BYTES = 256
"""More than the kernel's struct statfs has, which begins with the type as a long."""
_OCTAL = re.compile(r"\\([0-7]{3})")


def mount_tmpfs(target: Path, size_bytes: int = 0) -> None:
    """Memory that is not swapped out, where the kernel (6.4 and newer) can promise it. 0: the kernel's own limit.

    Raises OSError: PermissionError for who is not root.
    """
    size = f"size={size_bytes}" if size_bytes else ""
    try:
        _mount("tmpfs", target, "tmpfs", _MS_NOSUID | _MS_NODEV, ",".join(filter(None, ["noswap", size])))
    except OSError as error:
        if isinstance(error, PermissionError):
            raise
        _mount("tmpfs", target, "tmpfs", _MS_NOSUID | _MS_NODEV, size)


def bind(source: str, target: Path) -> None:
    """Raises OSError."""
    _mount(source, target, "", _MS_BIND | _MS_REC, "")


def unmount(target: Path) -> None:
    """Detaches at once, even while files are open. Raises OSError."""
    if _libc().umount2(os.fsencode(target), _MNT_DETACH):
        _raise("umount", target)


def mounted_below(*directories: Path) -> list[Path]:
    """Mount points at and below directories, innermost and newest first. The kernel's table is read once: it is as
    long as there are mounts."""
    roots = {os.path.realpath(directory) for directory in directories}
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        for line in table:
            point = _OCTAL.sub(lambda match: chr(int(match[1], 8)), line.split(" ", 5)[4])
            if _is_below(point, roots):
                found.append(Path(point))
    found.reverse()
    return sorted(found, key=lambda path: len(path.parts), reverse=True)


def _is_below(point: str, roots: Collection[str]) -> bool:
    while point and point not in roots:
        point = point.rpartition("/")[0]
    return bool(point)


def is_tmpfs(directory: Path) -> bool:
    """Whether what is written there stays in memory. Raises OSError."""
    answer = ctypes.create_string_buffer(_STATFS_BYTES)
    if _libc().statfs(os.fsencode(directory), answer):
        _raise("statfs", directory)
    return ctypes.c_long.from_buffer(answer).value == _TMPFS_MAGIC


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _mount(source: str, target: Path, kind: str, flags: int, data: str) -> None:
    arguments = (os.fsencode(source), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), data.encode())
    if _libc().mount(*arguments):
        _raise("mount", target)


def _raise(what: str, target: Path) -> None:
    number = ctypes.get_errno()
    raise OSError(number, f"{what}: {os.strerror(number)}", str(target))
