"""What every pod's worker shares."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from backend.kubelet.images import Images
from backend.kubelet.pod_dns import ClusterDns
from backend.kubelet.referenced import ReferencedObjects
from backend.kubelet.runtime.api import Runtime
from backend.kubelet.service_links import ServiceLinks
from backend.kubelet.tokens import PodTokens
from backend.kubelet.volumes.manager import PodVolumes
from backend.machinery.backoff import Backoff
from backend.machinery.client import Client
from backend.machinery.clock import Clock
from backend.machinery.events import EventRecorder
from backend.meta.types import Obj

AddressGiven = Callable[[Obj, Sequence[str]], Awaitable[None]]
"""Called with a pod and its addresses."""


@dataclass(slots=True)
class Services:
    """`allocatable` is the node's, as quantities; `node_memory` bytes; `image_digests` has repo digests by the
    engine's image id, as they were met. `address_given` is awaited before the first container of a sandbox starts."""

    client: Client
    runtime: Runtime
    clock: Clock
    recorder: EventRecorder
    images: Images
    referenced: ReferencedObjects
    tokens: PodTokens
    service_links: ServiceLinks
    volumes: PodVolumes
    crashes: Backoff
    node_name: str
    node_ip: str
    dns: ClusterDns
    address_given: AddressGiven
    node_memory: int = 0
    allocatable: dict[str, str] = field(default_factory=dict)
    image_digests: dict[str, str] = field(default_factory=dict)
