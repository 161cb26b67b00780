"""Finds out which settings this engine's machine refuses, so that a pod starts without them.

An engine in a container or a small virtual machine may be unable to lower an OOM score, to grant a capability or
to write a cgroup knob, and runc then fails with a text that seldom names the setting. A container cannot be
changed once it is created, so a setting is tried out before: once per engine, on a container of the sandbox's
image that never runs longer than its start.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backend.kubelet.runtime.api import ContainerConfig
from backend.kubelet.runtime.creation import create_replacing
from backend.kubelet.runtime.names import CLUSTER_LABEL
from backend.kubelet.runtime.pause_image import PAUSE_IMAGE

if TYPE_CHECKING:
    from docker import APIClient


@dataclass(frozen=True, slots=True)
class Setting:
    """`key` is what is remembered; `what` names it in a sentence; `host_config` is what it adds to HostConfig."""

    key: str
    what: str
    host_config: Mapping[str, Any]


def settings_of(config: ContainerConfig) -> list[Setting]:
    """The settings of a container that an engine may be unable to apply."""
    settings = []
    if config.privileged:
        settings.append(Setting("privileged", "privileged", {"Privileged": True}))
    for name in dict.fromkeys(config.cap_add):
        settings.append(Setting(f"capability {name}", f"capability {name}", {"CapAdd": [name]}))
    if config.oom_score_adj < 0:
        what = f"oom_score_adj {config.oom_score_adj}"
        settings.append(Setting("oom_score_adj", what, {"OomScoreAdj": config.oom_score_adj}))
    if config.memory_bytes:
        limits = {"Memory": config.memory_bytes, "MemorySwap": config.memory_bytes}
        settings.append(Setting("memory", f"memory limit of {config.memory_bytes} bytes", limits))
    if config.cpu_quota:
        quota = {"CpuQuota": config.cpu_quota, "CpuPeriod": config.cpu_period}
        settings.append(Setting("cpu_quota", f"CPU quota {config.cpu_quota}/{config.cpu_period} µs", quota))
    if config.cpu_shares:
        settings.append(Setting("cpu_shares", f"CPU shares {config.cpu_shares}", {"CpuShares": config.cpu_shares}))
    return settings


COMMON = (
    Setting("cpu_shares", "CPU shares", {"CpuShares": 2}),
    Setting("cpu_quota", "CPU quota", {"CpuQuota": 100_000, "CpuPeriod": 100_000}),
    Setting("memory", "memory limit", {"Memory": 64 << 20, "MemorySwap": 64 << 20}),
)
"""What most containers ask for, in one trial."""

ABANDONED_SECONDS = 60.0
"""A trial takes less than a second: an older container is one whose maker was killed before it could remove it."""
_NAME = "minikctl-trial-"
"""And the cluster's id: its next trial takes the place of what the last one left."""


def merged(settings: Iterable[Setting]) -> dict[str, Any]:
    """One HostConfig of several settings; lists are joined."""
    result: dict[str, Any] = {}
    for setting in settings:
        for key, value in setting.host_config.items():
            result[key] = [*result.get(key, []), *value] if isinstance(value, list) else value
    return result


class Trials:
    """What is known of one engine. Called in threads; one trial runs at a time."""

    def __init__(self, cluster_id: str) -> None:
        self._cluster_id = cluster_id
        self._accepted: dict[str, bool] = {}
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Another engine may answer from now on."""
        self._accepted.clear()

    def learn(self, client: APIClient) -> None:
        """Tries what most containers ask for, before one does. What other clusters left of theirs is removed."""
        from docker.errors import APIError

        with self._lock:
            self._try_unknown(client, COMMON)
        for container_id in abandoned(client, time.time()):
            with contextlib.suppress(APIError):  # Another cluster removes it, too.
                client.remove_container(container_id, force=True)

    def sort(self, client: APIClient, settings: Sequence[Setting]) -> tuple[dict[str, Any], list[str]]:
        """The HostConfig of what can be applied, and a sentence for each setting that cannot."""
        with self._lock:
            self._try_unknown(client, settings)
            refused = [s for s in settings if not self._accepted.get(s.key, True)]
        sentences = [f"The engine refused {setting.what}; it was left out" for setting in refused]
        return merged(setting for setting in settings if setting not in refused), sentences

    def _try_unknown(self, client: APIClient, settings: Sequence[Setting]) -> None:
        unknown = [s for s in settings if s.key not in self._accepted]
        if not unknown:
            return
        together = self._starts(client, unknown)
        for setting in unknown:
            accepted = together
            if together is False and len(unknown) > 1:
                accepted = self._starts(client, [setting])
            if accepted is not None:
                self._accepted[setting.key] = accepted

    def _starts(self, client: APIClient, settings: Sequence[Setting]) -> bool | None:
        """None: the engine did not even create the container. It will say why to the pod's own; that is no refusal
        by the machine."""
        from docker.errors import APIError

        document = {
            "Image": PAUSE_IMAGE,
            "Labels": {CLUSTER_LABEL: self._cluster_id},
            "HostConfig": {"NetworkMode": "none", "LogConfig": {"Type": "none"}, **merged(settings)},
        }
        try:
            container_id = create_replacing(client, document, f"{_NAME}{self._cluster_id}")["Id"]
        except APIError:
            return None
        try:
            client.start(container_id)
        except APIError:
            return False
        else:
            return True
        finally:
            with contextlib.suppress(APIError):  # what stays is replaced by the next trial
                client.remove_container(container_id, force=True)


def abandoned(client: APIClient, now: float) -> list[str]:
    """The ids of the containers of trials, of any cluster, that nobody will remove; `now` in epoch seconds."""
    trials = client.containers(all=True, filters={"name": f"^{_NAME}"})
    return [trial["Id"] for trial in trials if now - trial["Created"] > ABANDONED_SECONDS]
