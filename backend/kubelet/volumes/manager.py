"""All volumes of this node's pods: set up, brought up to date, mounted into containers, torn down.

Layout below the root, as the kubelet's: pods/UID/volumes/kubernetes.io~KIND/NAME, pods/UID/containers/NAME/ATTEMPT
(a container's termination log) and pods/UID/volume-subpaths/VOLUME/CONTAINER/INDEX. Nothing is remembered that is
not on disk, so that a restarted backend goes on where it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from backend.kubelet.env import EnvError, expand_strictly
from backend.kubelet.lookup import Lookup, MissingReference
from backend.kubelet.runtime.api import Mount
from backend.kubelet.tokens import TokenLookup
from backend.kubelet.volumes import mounts
from backend.kubelet.volumes.config_map import ConfigMapVolume
from backend.kubelet.volumes.downward_api import DownwardApiVolume
from backend.kubelet.volumes.empty_dir import EmptyDirVolume
from backend.kubelet.volumes.host_path import HostPathVolume
from backend.kubelet.volumes.memory import remove_borrowed
from backend.kubelet.volumes.plugin import VolumeContext, VolumeFailure, VolumePlugin
from backend.kubelet.volumes.projected import ProjectedVolume
from backend.kubelet.volumes.secret import SecretVolume
from backend.kubelet.volumes.subpath import prepare_subpath
from backend.meta.types import Obj

PLUGINS: tuple[VolumePlugin, ...] = (
    SecretVolume(),
    ConfigMapVolume(),
    EmptyDirVolume(),
    HostPathVolume(),
    DownwardApiVolume(),
    ProjectedVolume(),
)
_PROPAGATION = {"None": "rprivate", "HostToContainer": "rslave", "Bidirectional": "rshared"}


class SetupFailure(VolumeFailure):
    """One message for each volume that failed, as the kubelet's FailedMount events say it."""

    def __init__(self, messages: Sequence[str]) -> None:
        super().__init__(messages[0])
        self.messages = list(messages)


class PodVolumes:
    """The volumes below one root directory."""

    def __init__(self, root: Path, plugins: Sequence[VolumePlugin] = PLUGINS) -> None:
        self._pods = root / "pods"
        self._plugins = plugins

    async def setup(
        self, pod: Obj, lookup: Lookup, tokens: TokenLookup, allocatable: Mapping[str, str] | None = None,
        attempts: Mapping[str, int] | None = None,
    ) -> dict[str, Path]:  # fmt: skip
        """Every volume's path by name. Called again, it brings changed Secrets, ConfigMaps and tokens to the files.

        `attempts` has the containers that are about to be made: all their files come in one turn of a thread.
        Raises SetupFailure, or OSError for their termination logs.
        """
        context = VolumeContext(pod, lookup, tokens, allocatable or {})
        return await asyncio.to_thread(self._setup_all, context, attempts or {})

    async def mounts(
        self, pod: Obj, container: Obj, attempt: int, volumes: Mapping[str, Path], env: Mapping[str, str]
    ) -> list[Mount]:
        """A container's mounts, its termination log among them; `volumes` is the answer of a `setup` with its attempt.

        Raises VolumeFailure, for CreateContainerConfigError.
        """
        mounted = container.get("volumeMounts") or ()
        if any(mount.get("subPath") or mount.get("subPathExpr") for mount in mounted):
            return await asyncio.to_thread(self._mounts, pod, container, attempt, volumes, env)
        return self._mounts(pod, container, attempt, volumes, env)  # which only joins paths

    async def teardown(self, pod_uid: str) -> None:
        """When no container of the pod runs any more: unmounts and removes all that was made. Idempotent.

        Raises OSError, and then can be called again.
        """
        await asyncio.to_thread(self._teardown, [pod_uid])

    async def pod_uids(self) -> list[str]:
        """Pods that have a directory here, the ones that nobody knows any more included."""
        return await asyncio.to_thread(lambda: sorted(p.name for p in self._pods.glob("*")))

    async def remove_orphans(self, known: Collection[str]) -> list[str]:
        """Tears down what pods left that are not known any more, after a crash; their uids.

        `known` is looked at after the directories: a pod that is made known before its directory is made keeps it."""
        orphans = [uid for uid in await self.pod_uids() if uid not in known]
        if orphans:
            await asyncio.to_thread(self._teardown, orphans)
        return orphans

    def _setup_all(self, context: VolumeContext, attempts: Mapping[str, int]) -> dict[str, Path]:
        os.makedirs(self._pod(context.pod), exist_ok=True)  # tells, without an engine, that there was a pod
        paths: dict[str, Path] = {}
        failures: list[str] = []
        for volume in context.pod["spec"].get("volumes") or []:
            try:
                paths[volume["name"]] = self._setup(context, volume)
            except (VolumeFailure, MissingReference, OSError) as error:
                failures.append(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {_text(error)}')
        if failures:
            raise SetupFailure(failures)
        for container, attempt in attempts.items():
            _make_writable(self._termination_log(context.pod, container, attempt))
        return paths

    def _setup(self, context: VolumeContext, volume: Obj) -> Path:
        plugin = next((plugin for plugin in self._plugins if plugin.handles(volume)), None)
        if plugin is None:
            kinds = ", ".join(key for key in volume if key != "name")
            raise VolumeFailure(f"no volume plugin matched: {kinds} is not supported by this node")
        directory = self._pod(context.pod).joinpath("volumes", f"kubernetes.io~{plugin.name}", volume["name"])
        return plugin.setup(context, volume, directory)

    def _mounts(
        self, pod: Obj, container: Obj, attempt: int, volumes: Mapping[str, Path], env: Mapping[str, str]
    ) -> list[Mount]:
        result = []
        for index, mount in enumerate(container.get("volumeMounts") or []):
            name = mount["name"]
            if name not in volumes:
                raise VolumeFailure(f'cannot find volume "{name}" to mount into container "{container["name"]}"')
            place = os.path.join(self._pod(pod), "volume-subpaths", name, container["name"], str(index))
            source = _source(volumes[name], container, mount, place, env)
            propagation = _PROPAGATION[mount.get("mountPropagation") or "None"]
            path = os.path.join("/", mount["mountPath"])
            result.append(Mount(str(source), path, bool(mount.get("readOnly")), propagation))
        path = container.get("terminationMessagePath") or "/dev/termination-log"
        result.append(Mount(self._termination_log(pod, container["name"], attempt), path))
        return result

    def _termination_log(self, pod: Obj, container: str, attempt: int) -> str:
        return os.path.join(self._pod(pod), "containers", container, str(attempt))

    def _teardown(self, pod_uids: Sequence[str]) -> None:
        """Removal starts when nothing is mounted below any more: else it would empty what the mounts show."""
        directories = [self._pods / uid for uid in pod_uids]
        mounted = mounts.mounted_below(*directories)
        for point in mounted:
            mounts.unmount(point)
        if mounted and (left := mounts.mounted_below(*directories)):
            raise OSError(f"still mounted: {left[0]}")
        for directory in directories:
            remove_borrowed(directory)
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(directory)

    def _pod(self, pod: Obj) -> Path:
        return self._pods / str(pod["metadata"]["uid"])


def _make_writable(path: str) -> None:
    """A new empty file that whatever user a container runs as may write."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        os.fchmod(handle, 0o666)
    finally:
        os.close(handle)


def _source(volume: Path, container: Obj, mount: Obj, place: str, env: Mapping[str, str]) -> Path:
    subpath = mount.get("subPath") or ""
    try:
        if mount.get("subPathExpr"):
            subpath = expand_strictly(mount["subPathExpr"], env)
        return prepare_subpath(volume, subpath, Path(place)) if subpath else volume
    except EnvError as error:
        raise VolumeFailure(str(error)) from error
    except (OSError, VolumeFailure) as error:
        what = f'failed to prepare subPath for volumeMount "{mount["name"]}" of container "{container["name"]}"'
        raise VolumeFailure(f"{what}: {_text(error)}") from error


def _text(error: Exception) -> str:
    """As Go prints an error of the operating system: `PATH: no such file or directory`."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror.lower()}" if error.filename else error.strerror.lower()
    return str(error)
