"""One step of a StatefulSet: the next pods to make, to wait for, to delete.

Source: updateStatefulSet of pkg/controller/statefulset/stateful_set_control.go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from backend.controllers.workloads import pods as pod_rules
from backend.controllers.workloads.deployment.replica_sets import scaled
from backend.controllers.workloads.expected import Expected
from backend.controllers.workloads.history import REVISION_LABEL, template_of
from backend.controllers.workloads.pods import PodControl
from backend.controllers.workloads.statefulset import identity
from backend.controllers.workloads.statefulset.storage import ClaimControl
from backend.machinery.client import PODS, Client
from backend.machinery.controller import Key
from backend.machinery.events import EventRecorder
from backend.meta.types import Obj


@dataclass(slots=True)
class Tools:
    client: Client
    pods: PodControl
    claims: ClaimControl
    recorder: EventRecorder
    expected: Expected


class Step:
    """Everything is decided from one look at the pods; `run` does what can be done now."""

    def __init__(
        self, tools: Tools, key: Key, owner: Obj, current: Obj, update: Obj, pods: Sequence[Obj], now: float
    ) -> None:
        """`current` and `update` are the revisions that the set comes from and goes to."""
        self._tools = tools
        self._key = key
        self._owner = owner
        self._current = current
        self._update = update
        self._now = now
        self._is_monotonic: bool = owner["spec"].get("podManagementPolicy") != "Parallel"
        numbers = identity.ordinals(owner)
        known = {identity.ordinal(owner, pod): pod for pod in pods}
        known.pop(-1, None)
        self._replicas: dict[int, Obj | None] = {number: known.pop(number, None) for number in numbers}
        self._condemned = sorted(known.items(), reverse=True)
        everything = [*self._replicas.items(), *sorted(known.items())]
        self._first_unhealthy = next(
            (number for number, pod in everything if pod is None or not self._is_available(pod)), None
        )

    async def run(self) -> None:
        """Raises ApiError."""
        if self._owner["metadata"].get("deletionTimestamp"):
            return
        if await self._each(list(self._replicas), self._tend):
            return
        for number, pod in self._condemned:
            await self._tools.claims.retain(self._owner, number, pod, condemned=True)
        if await self._each([number for number, _ in self._condemned], self._condemn):
            return
        if self._owner["spec"].get("updateStrategy", {}).get("type") != "OnDelete":
            await self._roll()

    async def _each(self, numbers: Sequence[int], work: Callable[[int], Awaitable[bool]]) -> bool:
        """One after the other, until one has to be waited for; or all at once, and none is. Whether to stop here."""
        if self._is_monotonic:
            for number in numbers:
                if await work(number):
                    return True
            return False

        async def alone(position: int) -> None:
            await work(numbers[position])

        await pod_rules.slow_start(len(numbers), alone)
        return False

    async def _tend(self, number: int) -> bool:
        """Make, replace or repair the pod of an ordinal; whether to wait for it."""
        pod = self._replicas[number]
        if pod is not None and (pod.get("status") or {}).get("phase") in ("Failed", "Succeeded"):
            if not pod["metadata"].get("deletionTimestamp"):
                await self._recreate(pod)
            return self._is_monotonic
        if pod is None:
            return await self._create(number) or self._is_monotonic
        if (pod.get("status") or {}).get("phase") == "Pending":
            await self._tools.claims.ensure(self._owner, number)
        if self._is_monotonic and not self._is_available(pod):
            return True
        if not identity.has_identity(self._owner, pod, number):
            fixed = identity.repaired(self._owner, pod, number)
            self._tools.expected.wrote(self._key, await self._tools.client.update(PODS, fixed))
        await self._tools.claims.retain(self._owner, number, pod, condemned=False)
        return False

    async def _recreate(self, pod: Obj) -> None:
        meta, owner = pod["metadata"], self._owner["metadata"]
        where = f"StatefulSet {owner['namespace']}/{owner['name']}"
        if pod["status"]["phase"] == "Failed":
            text = f"{where} is recreating failed Pod {meta['name']}"
            self._tools.recorder.event(self._owner, "Warning", "RecreatingFailedPod", text)
        else:
            text = f"{where} is recreating terminated Pod {meta['name']}"
            self._tools.recorder.event(self._owner, "Normal", "RecreatingTerminatedPod", text)
        await self._delete(pod)

    async def _create(self, number: int) -> bool:
        """Whether it has to wait."""
        if self._tools.claims.is_stale(self._owner, number):
            return True
        revision = self._revision_for(number)
        pod = identity.new_pod(self._owner, template_of(revision), number, revision["metadata"]["name"])
        await self._tools.claims.ensure(self._owner, number)
        self._tools.expected.wrote(self._key, await self._tools.pods.create(pod, self._owner))
        return False

    def _revision_for(self, number: int) -> Obj:
        """A pod below the partition comes back as it was. Source: newVersionedStatefulSetPod."""
        strategy = self._owner["spec"].get("updateStrategy") or {}
        rolling = strategy.get("rollingUpdate")
        if rolling is None:
            below = int((self._owner.get("status") or {}).get("currentReplicas", 0))
        else:
            below = int(rolling.get("partition", 0))
        is_old = strategy.get("type") == "RollingUpdate" and number < identity.first_ordinal(self._owner) + below
        return self._current if is_old else self._update

    async def _condemn(self, number: int) -> bool:
        """Delete a pod above the replicas, highest ordinal first; whether to wait for it."""
        pod = dict(self._condemned)[number]
        if pod["metadata"].get("deletionTimestamp"):
            return self._is_monotonic
        if self._is_monotonic and self._first_unhealthy not in (None, number):
            return True
        await self._delete(pod)
        return self._is_monotonic

    async def _roll(self) -> None:
        """Replace pods of another revision, highest ordinal first, so that at most maxUnavailable are not available.

        Old pods that are not available anyway go first, and whatever their number. With OrderedReady there are
        none here, since such a pod is waited for before. Source: updateStatefulSetAfterInvariantEstablished.
        """
        rolling = (self._owner["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
        lowest = identity.first_ordinal(self._owner) + int(rolling.get("partition", 0))
        allowed = max(1, scaled(rolling.get("maxUnavailable", 1), len(self._replicas), round_up=True))
        unavailable = sum(pod is None or not self._is_available(pod) for pod in self._replicas.values())
        old = [
            pod
            for number, pod in sorted(self._replicas.items(), reverse=True)
            if number >= lowest and pod is not None and self._is_outdated(pod)
        ]
        useful = [pod for pod in old if self._is_available(pod)]
        useless = [pod for pod in old if not self._is_available(pod)]
        for pod in [*useless, *useful[: max(0, allowed - unavailable)]]:
            await self._delete(pod)

    def _is_outdated(self, pod: Obj) -> bool:
        meta = pod["metadata"]
        revision = (meta.get("labels") or {}).get(REVISION_LABEL)
        return revision != self._update["metadata"]["name"] and not meta.get("deletionTimestamp")

    async def _delete(self, pod: Obj) -> None:
        if await self._tools.pods.delete(pod, self._owner):
            self._tools.expected.deleted(self._key, pod)

    def _is_available(self, pod: Obj) -> bool:
        """Running, ready for long enough, and not on its way out."""
        return self._is_healthy(pod) and pod_rules.is_available(
            pod, self._owner["spec"].get("minReadySeconds", 0), self._now
        )

    def _is_healthy(self, pod: Obj) -> bool:
        return is_running_and_ready(pod) and not pod["metadata"].get("deletionTimestamp")


def is_running_and_ready(pod: Obj) -> bool:
    return bool((pod.get("status") or {}).get("phase") == "Running") and pod_rules.is_ready(pod)
