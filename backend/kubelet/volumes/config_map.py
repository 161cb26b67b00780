"""ConfigMap volumes."""

from __future__ import annotations

from pathlib import Path

from backend.kubelet.volumes.atomic_writer import write_atomically
from backend.kubelet.volumes.directory import open_directory
from backend.kubelet.volumes.payload import config_map_files, default_mode
from backend.kubelet.volumes.plugin import VolumeContext
from backend.meta.types import Obj


class ConfigMapVolume:
    name = "configmap"

    def handles(self, volume: Obj) -> bool:
        return "configMap" in volume

    def setup(self, context: VolumeContext, volume: Obj, directory: Path) -> Path:
        source = volume["configMap"]
        files = config_map_files(context, source.get("name", ""), source, default_mode(source))
        open_directory(directory)
        write_atomically(directory, files, context.fs_group)
        return directory
