"""downwardAPI volumes: the pod's own fields as files."""

from __future__ import annotations

from pathlib import Path

from backend.kubelet.volumes.atomic_writer import write_atomically
from backend.kubelet.volumes.directory import open_directory
from backend.kubelet.volumes.payload import default_mode, downward_files
from backend.kubelet.volumes.plugin import VolumeContext
from backend.meta.types import Obj


class DownwardApiVolume:
    name = "downward-api"

    def handles(self, volume: Obj) -> bool:
        return "downwardAPI" in volume

    def setup(self, context: VolumeContext, volume: Obj, directory: Path) -> Path:
        source = volume["downwardAPI"]
        files = downward_files(context, source.get("items") or [], default_mode(source))
        open_directory(directory)
        write_atomically(directory, files, context.fs_group)
        return directory
