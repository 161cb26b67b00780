"""Projected volumes: several sources in one directory, in memory since one may be a Secret."""

from __future__ import annotations

from pathlib import Path

from backend.kubelet.volumes.atomic_writer import File, write_atomically
from backend.kubelet.volumes.memory import memory_directory
from backend.kubelet.volumes.payload import config_map_files, default_mode, downward_files, secret_files
from backend.kubelet.volumes.plugin import VolumeContext, VolumeFailure
from backend.kubelet.volumes.trust_bundle import trust_anchors
from backend.meta.types import Obj


class ProjectedVolume:
    name = "projected"

    def handles(self, volume: Obj) -> bool:
        return "projected" in volume

    def setup(self, context: VolumeContext, volume: Obj, directory: Path) -> Path:
        projected = volume["projected"]
        mode = default_mode(projected)
        files: dict[str, File] = {}
        for source in projected.get("sources") or []:
            files.update(_files(context, source, mode))
        real = memory_directory(directory)
        write_atomically(real, files, context.fs_group)
        return real


def _files(context: VolumeContext, source: Obj, mode: int) -> dict[str, File]:
    if "secret" in source:
        return secret_files(context, source["secret"].get("name", ""), source["secret"], mode)
    if "configMap" in source:
        return config_map_files(context, source["configMap"].get("name", ""), source["configMap"], mode)
    if "downwardAPI" in source:
        return downward_files(context, source["downwardAPI"].get("items") or [], mode)
    if "serviceAccountToken" in source:
        return _token_file(context, source["serviceAccountToken"], mode)
    if "clusterTrustBundle" in source:
        bundle = source["clusterTrustBundle"]
        return {bundle["path"]: File(trust_anchors(context, bundle), mode)}
    raise VolumeFailure(f"projected volume source {', '.join(source)} is not supported by this node")


def _token_file(context: VolumeContext, source: Obj, mode: int) -> dict[str, File]:
    """A token is for one user alone where the pod says which. Source: projected.go, collectData."""
    owner = _only_user(context.pod)
    if owner is not None or context.fs_group is not None:
        mode = 0o600
    return {source["path"]: File(context.tokens(source).encode(), mode, owner)}


def _only_user(pod: Obj) -> int | None:
    """The user that all containers run as, if each says so. Source: FsUserFrom of pkg/volume/util."""
    default = (pod["spec"].get("securityContext") or {}).get("runAsUser")
    containers = [*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]]
    users = {(container.get("securityContext") or {}).get("runAsUser", default) for container in containers}
    return users.pop() if len(users) == 1 else None
