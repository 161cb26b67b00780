"""The kernel's mounts: tmpfs and bind mounts of ours, and what is mounted below a directory."""

from __future__ import annotations

import ctypes
import os
import re
from pathlib import Path

_MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_REC = 0x2, 0x4, 0x1000, 0x4000
_MNT_DETACH = 2
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


def mounted_below(directory: Path) -> list[Path]:
    """Mount points at and below a directory, innermost and newest first."""
    root = os.path.realpath(directory)
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        for line in table:
            point = _OCTAL.sub(lambda match: chr(int(match[1], 8)), line.split(" ")[4])
            if point == root or point.startswith(root + "/"):
                found.append(Path(point))
    found.reverse()
    return sorted(found, key=lambda path: len(path.parts), reverse=True)


def is_tmpfs(directory: Path) -> bool:
    """Whether what is written there stays in memory."""
    path = os.path.realpath(directory)
    best, kind = "", ""
    with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as table:
        for line in table:
            point, this = line.split(" ")[1:3]
            inside = path == point or path.startswith(point.rstrip("/") + "/")
            if inside and len(point) >= len(best):
                best, kind = point, this
    return kind == "tmpfs"


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _mount(source: str, target: Path, kind: str, flags: int, data: str) -> None:
    arguments = (os.fsencode(source), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), data.encode())
    if _libc().mount(*arguments):
        _raise("mount", target)


def _raise(what: str, target: Path) -> None:
    number = ctypes.get_errno()
    raise OSError(number, f"{what}: {os.strerror(number)}", str(target))
