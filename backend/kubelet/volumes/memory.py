"""Directories in memory, for secrets and for emptyDir volumes of medium Memory.

Root mounts a tmpfs for each, unless the place is in memory already. Who may not mount uses a directory in a tmpfs that
the user has already, $XDG_RUNTIME_DIR or /dev/shm, behind a symlink; its content goes with the volume as well.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from backend.kubelet.volumes import mounts
from backend.kubelet.volumes.plugin import VolumeFailure


def memory_directory(directory: Path, size_bytes: int = 0) -> Path:
    """An existing or new directory in memory at `directory`; where its files really are.

    Raises VolumeFailure where this user has no memory to write to: never is a disk used instead.
    """
    if directory.is_symlink():
        real = directory.resolve()
        real.mkdir(mode=0o777, parents=True, exist_ok=True)
        return real
    os.makedirs(directory, exist_ok=True)
    if (not size_bytes and mounts.is_tmpfs(directory)) or os.path.ismount(directory):
        return directory
    try:
        mounts.mount_tmpfs(directory, size_bytes)
    except PermissionError as error:
        return _borrowed(directory, error)
    return directory


def begin_in_memory(directory: Path) -> None:
    """Let everything below the directory be in memory, and nothing of an earlier run: one mount for all pods where
    nothing of them outlives this process. Where we may not mount, each volume is as on its own."""
    end_in_memory(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(PermissionError):
        mounts.mount_tmpfs(directory)


def end_in_memory(directory: Path) -> None:
    """Take back what `begin_in_memory` did, and all that is mounted below. Idempotent. Raises OSError."""
    for mounted in mounts.mounted_below(directory):
        mounts.unmount(mounted)


def remove_borrowed(directory: Path) -> None:
    """Frees what stands behind the symlinks below a pod's directory."""
    for parent, folders, _ in os.walk(directory):
        for name in folders:
            link = Path(parent, name)
            if link.is_symlink() and _is_ours(link):
                shutil.rmtree(link.resolve().parent, ignore_errors=True)


def _candidates() -> list[Path]:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return [*([Path(runtime)] if runtime else []), Path("/dev/shm")]


def _prefix() -> str:
    return f"minikctl-{os.getuid()}-"


def _is_ours(link: Path) -> bool:
    holder = link.resolve().parent
    return holder.name.startswith(_prefix()) and holder.parent in _candidates()


def _borrowed(directory: Path, cause: OSError) -> Path:
    for base in _candidates():
        if not base.is_dir() or not os.access(base, os.W_OK) or not mounts.is_tmpfs(base):
            continue
        # The holder is ours alone; the directory in it is open to whatever user a container runs as.
        real = Path(tempfile.mkdtemp(prefix=_prefix(), dir=base), "volume")
        real.mkdir()
        real.chmod(0o1777)
        directory.rmdir()
        directory.symlink_to(real)
        return real
    raise VolumeFailure(f"no memory to keep the volume in: {cause.strerror}, and no tmpfs of this user") from cause
