"""hostPath volumes: the node's own files. Nothing is ever removed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from backend.kubelet.volumes.plugin import VolumeContext, VolumeFailure
from backend.meta.types import Obj

_CHECKS: dict[str, tuple[Callable[[Path], bool], str]] = {
    "DirectoryOrCreate": (Path.is_dir, "a directory"),
    "Directory": (Path.is_dir, "a directory"),
    "FileOrCreate": (lambda path: path.exists() and not path.is_dir(), "a file"),
    "File": (lambda path: path.exists() and not path.is_dir(), "a file"),
    "Socket": (Path.is_socket, "a socket file"),
    "CharDevice": (Path.is_char_device, "a character device"),
    "BlockDevice": (Path.is_block_device, "a block device"),
}


class HostPathVolume:
    name = "host-path"

    def handles(self, volume: Obj) -> bool:
        return "hostPath" in volume

    def setup(self, context: VolumeContext, volume: Obj, directory: Path) -> Path:
        """Texts and what is created: k8s.io/kubernetes/pkg/volume/hostpath. Without a type, a missing path becomes
        a directory, as container runtimes make it."""
        source = volume["hostPath"]
        path = Path(source["path"])
        kind = source.get("type") or ""
        if kind in ("", "DirectoryOrCreate") and not path.exists():
            path.mkdir(parents=True, mode=0o755)
        if kind == "FileOrCreate" and not path.exists():
            path.touch(0o644)
        if kind:
            if kind not in _CHECKS:
                raise VolumeFailure(f"{kind} is an invalid volume type")
            check, what = _CHECKS[kind]
            if not check(path):
                raise VolumeFailure(f"hostPath type check failed: {path} is not {what}")
        return path
