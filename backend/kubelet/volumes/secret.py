"""Secret volumes: files in memory, never on a disk."""

from __future__ import annotations

from pathlib import Path

from backend.kubelet.volumes.atomic_writer import write_atomically
from backend.kubelet.volumes.memory import memory_directory
from backend.kubelet.volumes.payload import default_mode, secret_files
from backend.kubelet.volumes.plugin import VolumeContext
from backend.meta.types import Obj


class SecretVolume:
    name = "secret"

    def handles(self, volume: Obj) -> bool:
        return "secret" in volume

    def setup(self, context: VolumeContext, volume: Obj, directory: Path) -> Path:
        source = volume["secret"]
        files = secret_files(context, source.get("secretName", ""), source, default_mode(source))
        real = memory_directory(directory)
        write_atomically(real, files, context.fs_group)
        return real
