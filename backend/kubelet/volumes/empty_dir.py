"""emptyDir volumes: on the disk, or in memory with medium Memory."""

from __future__ import annotations

from pathlib import Path

from backend.kubelet.volumes.atomic_writer import grant
from backend.kubelet.volumes.directory import open_directory
from backend.kubelet.volumes.memory import memory_directory
from backend.kubelet.volumes.plugin import VolumeContext, VolumeFailure
from backend.meta.quantity import parse
from backend.meta.types import Obj


class EmptyDirVolume:
    name = "empty-dir"

    def handles(self, volume: Obj) -> bool:
        return "emptyDir" in volume

    def setup(self, context: VolumeContext, volume: Obj, directory: Path) -> Path:
        source = volume["emptyDir"] or {}
        medium = source.get("medium") or ""
        if medium == "Memory":
            directory = memory_directory(directory, int(parse(str(source.get("sizeLimit") or "0"))))
        elif medium == "":
            open_directory(directory)
        else:
            raise VolumeFailure(f'unknown storage medium "{medium}"')
        if context.fs_group is not None and directory.stat().st_gid != context.fs_group:
            grant(directory, context.fs_group, writable=True)
        return directory
