"""The part that keeps the kernel's rules in step with NetworkPolicies, pods and namespaces."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence

from backend.machinery.client import GVR, NAMESPACES, PODS, Client
from backend.machinery.clock import Clock, RealClock
from backend.machinery.events import EventRecorder
from backend.machinery.informer import Informer, object_key
from backend.meta.label_selector import as_selector
from backend.meta.types import Obj
from backend.network.dns.cluster_records import DNS_SERVICE
from backend.network.nftables import Content, NftError, NftUnavailable, Section
from backend.network.policy.known_pods import KnownPods
from backend.network.policy.members import Labels
from backend.network.policy.resolver import as_pod
from backend.network.policy.rulebook import PodKey, Rulebook
from backend.network.policy.rules import read_policy

log = logging.getLogger(__name__)

NETWORK_POLICIES = GVR("networking.k8s.io", "v1", "networkpolicies")
ACCOUNT = "network-policy-enforcer"
"""Whose client it wants: a service account of kube-system."""
RETRY_SECONDS = 5.0
WAIT_SECONDS = 5.0


class NetworkPolicies:
    """`run` works until it is cancelled, and leaves the rules as they are: pods go on.

    Until there is a policy nobody looks at pods, and the section is empty.
    """

    def __init__(self, client: Client, section: Section, services: Informer, clock: Clock | None = None) -> None:
        """Whoever made the informer of Services runs it."""
        self._section = section
        self._services = services
        self._clock = clock or RealClock()
        self._policies = Informer(client, NETWORK_POLICIES, clock=clock)
        self._pods = Informer(client, PODS, clock=clock)
        self._namespaces = Informer(client, NAMESPACES, clock=clock)
        self._recorder = EventRecorder(client, ACCOUNT, clock=clock)
        self._rulebook = Rulebook((), {})
        self._wake = asyncio.Event()
        self._is_stale = True
        """Whether policies or namespaces have changed, and not only pods."""
        self._changed: set[PodKey] = set()
        self._known_pods = KnownPods(self._pods)
        self._waiting: list[asyncio.Event] = []
        services.on_change(self._service_changed)
        self._policies.on_change(self._policy_changed)
        self._namespaces.on_change(self._namespace_changed)
        self._pods.on_change(self._pod_changed)

    async def run(self) -> None:
        self._is_stale = True
        async with asyncio.TaskGroup() as group:
            group.create_task(self._policies.run())
            group.create_task(self._recorder.run())
            await self._policies.synced.wait()
            while not self._policies.list():
                self._wake.clear()
                await self._put(Content())
                await self._wake.wait()
            for informer in (self._namespaces, self._pods):
                group.create_task(informer.run())
                await informer.synced.wait()
            await self._services.synced.wait()
            self._wake.set()
            while True:
                await self._wake.wait()
                self._wake.clear()
                waiting, self._waiting = self._waiting, []
                await self._put(await self._content())
                for done in waiting:
                    done.set()

    async def address_given(self, pod: Obj, addresses: Sequence[str]) -> None:
        """A new pod has addresses, which its status does not tell yet. Returns once the kernel isolates it, if a policy
        does; or after WAIT_SECONDS, so that trouble with policies is none with pods."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS):
                await self._policies.synced.wait()
                if self._policies.list():
                    await self._isolated(pod, addresses)

    async def _isolated(self, pod: Obj, addresses: Sequence[str]) -> None:
        self._known_pods.give(pod, addresses)
        self._changed.add(object_key(pod))
        self._wake.set()
        if any(_selects(policy, pod) for policy in self._policies.list(pod["metadata"]["namespace"])):
            done = asyncio.Event()
            self._waiting.append(done)
            await done.wait()

    async def _content(self) -> Content:
        """Of everything that has changed until now. It is worked out in a thread: a policy may be about each pod."""
        changed, self._changed = self._changed, set()
        if self._is_stale:
            self._is_stale = False
            policies, pods = self._policies.list(), self._known_pods.list()
            namespaces = {found["metadata"]["name"]: _labels(found) for found in self._namespaces.list()}
            resolver = as_pod(self._services.get(*DNS_SERVICE))
            self._rulebook = await asyncio.to_thread(_rulebook, policies, namespaces, pods, resolver)
            return await asyncio.to_thread(self._rulebook.content)
        return await asyncio.to_thread(
            _changed, self._rulebook, {key: self._known_pods.get(key) for key in changed}
        )

    async def _put(self, content: Content) -> None:
        """A failure is told at the policies, which do not hold then. It is tried again: at the next change where there
        is no nft for us, else soon."""
        try:
            await self._section.put(content)
        except NftError as error:
            policies = self._policies.list()
            if policies:
                log.warning("network policies are not enforced: %s", error)
            for policy in policies:
                self._recorder.event(policy, "Warning", "NotEnforced", f"The policy is not enforced: {error}")
            if not isinstance(error, NftUnavailable):
                self._clock.call_later(RETRY_SECONDS, self._wake.set)

    def _policy_changed(self, new: Obj | None, old: Obj | None) -> None:
        if new is None or old is None or new.get("spec") != old.get("spec"):
            self._is_stale = True
            self._wake.set()

    def _namespace_changed(self, new: Obj | None, old: Obj | None) -> None:
        if new is None or old is None or _labels(new) != _labels(old):
            self._is_stale = True
            self._wake.set()

    def _service_changed(self, new: Obj | None, old: Obj | None) -> None:
        service = new or old
        if service is not None and object_key(service) == DNS_SERVICE and as_pod(new) != as_pod(old):
            self._is_stale = True
            self._wake.set()

    def _pod_changed(self, new: Obj | None, old: Obj | None) -> None:
        if new is not None and old is not None and _told(new) == _told(old):
            return
        if not self._policies.list():
            return  # The first policy is about all pods that are there then.
        pod = new or old
        assert pod is not None
        self._changed.add(object_key(pod))
        self._wake.set()


def _rulebook(
    policies: Sequence[Obj], namespaces: Mapping[str, Labels], pods: Sequence[Obj], resolver: Obj | None
) -> Rulebook:
    return Rulebook([read_policy(policy) for policy in policies], namespaces, pods, resolver)


def _changed(rulebook: Rulebook, pods: Mapping[PodKey, Obj | None]) -> Content:
    """Those that are gone first: their addresses may be others' now."""
    for key, pod in sorted(pods.items(), key=lambda item: item[1] is not None):
        rulebook.change(key, pod)
    return rulebook.content()


def _selects(policy: Obj, pod: Obj) -> bool:
    return as_selector((policy.get("spec") or {}).get("podSelector") or {}).matches(_labels(pod))


def _labels(obj: Obj) -> Labels:
    labels: Labels = obj["metadata"].get("labels") or {}
    return labels


def _told(pod: Obj) -> tuple[object, ...]:
    """Everything of a pod that rules depend on and that may change."""
    status = pod.get("status") or {}
    return pod["metadata"]["uid"], _labels(pod), status.get("podIPs"), status.get("phase")
