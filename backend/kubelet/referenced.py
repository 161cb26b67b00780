"""The Secrets, ConfigMaps and trust bundles that pods name, each watched alone and only while some pod names it.

Like the kubelet's watching manager (pkg/kubelet/util/manager/watch_based_manager.go): a kubelet needs few of a
cluster's Secrets, and may read only those. A change of one calls `on_change` with the uids of the pods that name it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from backend.kubelet.lookup import SIGNER, Lookup
from backend.kubelet.podspec import all_containers, ephemeral_containers
from backend.machinery.client import CONFIGMAPS, GVR, SECRETS, Client
from backend.machinery.clock import Clock
from backend.machinery.informer import Informer
from backend.meta.types import Obj

TRUST_BUNDLES = GVR("certificates.k8s.io", "v1", "clustertrustbundles")
KINDS = {SECRETS: "Secret", CONFIGMAPS: "ConfigMap", TRUST_BUNDLES: "ClusterTrustBundle"}


class Reference(NamedTuple):
    """An object by its name, or with `signer` all trust bundles of the signer `name`."""

    gvr: GVR
    namespace: str
    name: str
    signer: bool = False


@dataclass(slots=True)
class _Watched:
    informer: Informer
    task: asyncio.Task[None]
    users: set[str] = field(default_factory=set)


class ReferencedObjects:
    def __init__(self, client: Client, clock: Clock, on_change: Callable[[set[str]], None]) -> None:
        self._client = client
        self._clock = clock
        self._on_change = on_change
        self._watched: dict[Reference, _Watched] = {}
        self._by_pod: dict[str, set[Reference]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def track(self, pod: Obj) -> None:
        """Watch what `pod` names, and nothing else on its behalf."""
        uid = pod["metadata"]["uid"]
        wanted = set(references_of(pod))
        known = self._by_pod.get(uid, set())
        for reference in wanted - known:
            self._watch(reference).users.add(uid)
        self._release(uid, known - wanted)
        self._by_pod[uid] = wanted

    def forget(self, uid: str) -> None:
        self._release(uid, self._by_pod.pop(uid, set()))

    async def lookup(self, pod: Obj) -> Lookup:
        """What a tracked pod names, as it is now. Waits until every watch has begun."""
        found: dict[tuple[str, str], Obj | None] = {}
        for reference in [*self._by_pod.get(pod["metadata"]["uid"], ())]:
            watched = self._watched.get(reference)
            if watched is not None:
                await watched.informer.synced.wait()
                if reference.signer:
                    found[SIGNER, reference.name] = {"items": [*watched.informer.list()]}
                else:
                    known = watched.informer.get(reference.namespace, reference.name)
                    found[KINDS[reference.gvr], reference.name] = known
        return lambda kind, name: found.get((kind, name))

    async def close(self) -> None:
        for uid in [*self._by_pod]:
            self.forget(uid)
        if self._ending:
            await asyncio.wait(self._ending)

    def _watch(self, reference: Reference) -> _Watched:
        watched = self._watched.get(reference)
        if watched is None:
            informer = Informer(
                self._client, reference.gvr, namespace=reference.namespace, clock=self._clock,
                fieldSelector=f"{'spec.signerName' if reference.signer else 'metadata.name'}={reference.name}",
            )  # fmt: skip
            informer.on_change(lambda _new, _old: self._changed(reference))
            task = asyncio.create_task(informer.run(), name=f"watch {reference.gvr.resource} {reference.name}")
            watched = self._watched[reference] = _Watched(informer, task)
        return watched

    def _changed(self, reference: Reference) -> None:
        watched = self._watched.get(reference)
        # The first list is no change: whoever tracks it asks for it anyway.
        if watched is not None and watched.informer.synced.is_set():
            self._on_change(set(watched.users))

    def _release(self, uid: str, references: Iterable[Reference]) -> None:
        for reference in references:
            watched = self._watched[reference]
            watched.users.discard(uid)
            if not watched.users:
                watched.task.cancel()
                self._ending.add(watched.task)
                watched.task.add_done_callback(self._ending.discard)
                del self._watched[reference]


def references_of(pod: Obj) -> Iterator[Reference]:
    """What the pod's environment and volumes name, optional or not."""
    namespace = pod["metadata"]["namespace"]
    for container in (*all_containers(pod), *ephemeral_containers(pod)):
        for source in container.get("envFrom") or ():
            yield from _named(namespace, source.get("secretRef"), source.get("configMapRef"))
        for variable in container.get("env") or ():
            value = variable.get("valueFrom") or {}
            yield from _named(namespace, value.get("secretKeyRef"), value.get("configMapKeyRef"))
    for volume in pod["spec"].get("volumes") or ():
        secret = volume.get("secret") or {}
        yield from _named(namespace, {"name": secret.get("secretName")}, volume.get("configMap"))
        for source in (volume.get("projected") or {}).get("sources") or ():
            yield from _named(namespace, source.get("secret"), source.get("configMap"))
            bundle = source.get("clusterTrustBundle") or {}
            if bundle.get("name"):
                yield Reference(TRUST_BUNDLES, "", bundle["name"])
            elif bundle.get("signerName"):
                yield Reference(TRUST_BUNDLES, "", bundle["signerName"], signer=True)


def _named(namespace: str, secret: Obj | None, config_map: Obj | None) -> Iterator[Reference]:
    if secret and secret.get("name"):
        yield Reference(SECRETS, namespace, secret["name"])
    if config_map and config_map.get("name"):
        yield Reference(CONFIGMAPS, namespace, config_map["name"])
