"""Keeps as many pods as a ReplicaSet, or a ReplicationController, asks for.

Source: pkg/controller/replicaset/{replica_set,replica_set_utils}.go, of which kube's replication controller is a
wrapper as ours is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from backend.controllers.workloads import pods as pod_rules
from backend.controllers.workloads.expected import LOOK_AGAIN_SECONDS, Expected
from backend.controllers.workloads.ownership import (
    BY_CONTROLLER,
    Claims,
    controller_reference,
    enqueue_owners,
    owned_by,
)
from backend.controllers.workloads.pods import PodControl
from backend.machinery.client import GVR, PODS, Client
from backend.machinery.clock import Clock, RealClock
from backend.machinery.controller import Controller, Key
from backend.machinery.events import EventRecorder
from backend.machinery.informer import Informer
from backend.meta import timefmt
from backend.meta.errors import ApiError
from backend.meta.label_selector import as_selector
from backend.meta.selectors import Requirement, Selector
from backend.meta.types import Obj

BURST = 500
"""Pods that are made or deleted at once. Source: BurstReplicas."""
WORKERS = 5
REST_SECONDS_PER_POD = 0.0002
FEW_PODS = 100
"""A look at an owner takes about 8 µs a pod. While hundreds of pods change one after the other, each change would make
one look at all of them: who has more than a few pods is left alone for a while, 0.2 s for a thousand."""
REPLICA_SETS = GVR("apps", "v1", "replicasets")
REPLICATION_CONTROLLERS = GVR("", "v1", "replicationcontrollers")


@dataclass(frozen=True, slots=True)
class Flavour:
    """What differs between the two kinds."""

    gvr: GVR
    kind: str
    name: str
    """The controller's, its events' and its service account's."""
    selector: Callable[[Obj], Selector]


def _plain_selector(controller: Obj) -> Selector:
    labels = controller["spec"].get("selector") or {}
    return Selector(tuple(Requirement(key, "=", (value,)) for key, value in sorted(labels.items())))


REPLICA_SET = Flavour(
    REPLICA_SETS,
    "ReplicaSet",
    "replicaset-controller",
    lambda obj: as_selector(obj["spec"].get("selector")),
)
REPLICATION_CONTROLLER = Flavour(
    REPLICATION_CONTROLLERS,
    "ReplicationController",
    "replication-controller",
    _plain_selector,
)


class ReplicasController:
    """Keys are (namespace, name). `owners` and `pods` are informers that the wiring runs."""

    def __init__(
        self, client: Client, flavour: Flavour, *, owners: Informer, pods: Informer, clock: Clock | None = None
    ) -> None:
        self._client = client
        self._flavour = flavour
        self._owners = owners
        self._pods = pods
        self._clock = clock or RealClock()
        self.recorder = EventRecorder(client, flavour.name, clock=clock)
        self._control = PodControl(client, self.recorder)
        self._claims = Claims(client, PODS, flavour.gvr, pods)
        self._expected = Expected(pods)
        self._rests: dict[Key, float] = {}
        """Until when (monotonic) an owner of many pods is left alone."""
        self.controller = Controller(
            flavour.name, self.reconcile, clock=clock, workers=WORKERS, informers=(owners, pods)
        )
        pods.add_index(BY_CONTROLLER, owned_by)
        owners.add_index(BY_CONTROLLER, owned_by)
        owners.on_change(self.controller.enqueue_changed)
        enqueue = self.controller.enqueue
        pods.on_change(enqueue_owners(enqueue, flavour.kind, flavour.gvr.group, self._selecting))

    def _selecting(self, pod: Obj) -> Iterable[Obj]:
        labels = pod["metadata"].get("labels") or {}
        for owner in self._owners.list(pod["metadata"]["namespace"]) if labels else ():
            if self._flavour.selector(owner).matches(labels):
                yield owner

    async def reconcile(self, key: Key) -> float | None:
        owner = self._owners.get(*key)
        if owner is None:
            self._expected.forget(key)
            self._rests.pop(key, None)
            return None
        if not self._expected.met(key):
            return LOOK_AGAIN_SECONDS
        if (left := self._rests.get(key, 0.0) - self._clock.monotonic()) > 0:
            return left
        selector = self._flavour.selector(owner)
        active = await self._claims.claim(owner, selector, among=pod_rules.is_active)
        self._rest(key, len(active))
        failure: ApiError | None = None
        if not owner["metadata"].get("deletionTimestamp"):
            try:
                await self._manage(key, owner, active)
            except ApiError as error:
                if not pod_rules.is_terminating_namespace(error):
                    failure = error
        again = await self._report(owner, active, failure)
        if failure is not None:
            raise failure
        return again

    def _rest(self, key: Key, pods: int) -> None:
        self._rests.pop(key, None)
        if pods > FEW_PODS:
            self._rests[key] = self._clock.monotonic() + REST_SECONDS_PER_POD * pods

    async def _manage(self, key: Key, owner: Obj, active: Sequence[Obj]) -> None:
        """Make or delete what is too few or too many. Raises the first ApiError."""
        missing = int(owner["spec"].get("replicas", 1)) - len(active)
        if missing > 0:

            async def create(_number: int) -> None:
                pod = pod_rules.pod_from(owner["spec"]["template"], owner)
                self._expected.wrote(key, await self._control.create(pod, owner))

            await pod_rules.slow_start(min(missing, BURST), create)
        elif missing < 0:
            related = self._related(owner)
            chosen = pod_rules.deletion_order(active, related, self._clock.now())[: min(-missing, BURST)]
            outcomes = await asyncio.gather(
                *(self._delete(key, pod, owner) for pod in chosen), return_exceptions=True
            )
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome

    async def _delete(self, key: Key, pod: Obj, owner: Obj) -> None:
        if await self._control.delete(pod, owner):
            self._expected.deleted(key, pod)

    def _related(self, owner: Obj) -> list[Obj]:
        """The pods of all that have the same controller: of a Deployment's old and new ReplicaSets."""
        reference = controller_reference(owner)
        siblings = self._owners.by_index(BY_CONTROLLER, reference["uid"]) if reference is not None else [owner]
        return [
            pod for sibling in siblings for pod in self._pods.by_index(BY_CONTROLLER, sibling["metadata"]["uid"])
        ]

    async def _report(self, owner: Obj, active: Sequence[Obj], failure: ApiError | None) -> float | None:
        """Write the status; seconds until a ready pod becomes available."""
        now = self._clock.now()
        minimum = owner["spec"].get("minReadySeconds", 0)
        ready = [pod for pod in active if pod_rules.is_ready(pod)]
        waits = [pod_rules.available_in(pod, minimum, now) for pod in ready] if minimum else [0.0] * len(ready)
        status = self._status(owner, active, len(ready), sum(wait == 0 for wait in waits), failure)
        if status != owner.get("status"):
            updated = {**owner, "status": status}
            try:
                await self._client.update(self._flavour.gvr, updated, "status")
            except ApiError as error:
                if error.code != 404:
                    raise
        return min((wait for wait in waits if wait), default=None)

    def _status(
        self, owner: Obj, active: Sequence[Obj], ready: int, available: int, failure: ApiError | None
    ) -> Obj:
        labels = (owner["spec"]["template"].get("metadata") or {}).get("labels") or {}
        labelled = [pod for pod in active if labels.items() <= (pod["metadata"].get("labels") or {}).items()]
        counts = {
            "fullyLabeledReplicas": len(labelled),
            "readyReplicas": ready,
            "availableReplicas": available,
        }
        status: Obj = {"replicas": len(active), **{name: count for name, count in counts.items() if count}}
        if self._flavour is REPLICA_SET:
            status["terminatingReplicas"] = self._terminating(owner)
        if owner["metadata"].get("generation"):
            status["observedGeneration"] = owner["metadata"]["generation"]
        conditions = self._conditions(owner, active, failure)
        if conditions:
            status["conditions"] = conditions
        return status

    def _terminating(self, owner: Obj) -> int:
        selector = self._flavour.selector(owner)
        return sum(
            pod_rules.is_terminating(pod) and selector.matches(pod["metadata"].get("labels") or {})
            for pod in self._pods.by_index(BY_CONTROLLER, owner["metadata"]["uid"])
        )

    def _conditions(self, owner: Obj, active: Sequence[Obj], failure: ApiError | None) -> list[Obj]:
        """ReplicaFailure tells why pods could not be made or deleted, until they could."""
        old = (owner.get("status") or {}).get("conditions") or []
        others = [entry for entry in old if entry["type"] != "ReplicaFailure"]
        if failure is None:
            return others
        known = next((entry for entry in old if entry["type"] == "ReplicaFailure"), None)
        if known is not None:
            return old
        missing = int(owner["spec"].get("replicas", 1)) - len(active)
        condition = {
            "type": "ReplicaFailure", "status": "True",
            "reason": "FailedCreate" if missing > 0 else "FailedDelete", "message": str(failure),
            "lastTransitionTime": timefmt.format_time(self._clock.now()),
        }  # fmt: skip
        return [*others, condition]
