"""What carries the traffic of pods and services: the parts, for whoever keeps them running, and their removal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from backend.config import Config
from backend.machinery.client import Client
from backend.network.bridge import PodBridge


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the parts stand on. `client` gives a client under the identity of a service account of kube-system;
    `pod_bridge` answers at once, and raises RuntimeUnavailable while there is no engine."""

    config: Config
    client: Callable[[str], Client]
    pod_bridge: Callable[[], Awaitable[PodBridge]]


def network_parts(_surroundings: Surroundings) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
    """(name, run) of each part. A part that is cancelled leaves the rules of pods that go on as they are."""
    yield from ()


async def remove_network(_config: Config) -> None:
    """Take back what the parts of this cluster put into the kernel: for a cluster that stops with its pods, or was
    killed. What is not there is no error."""
