"""Gives every node that a DaemonSet selects one pod, and updates them a few at a time.

Source: pkg/controller/daemon/{daemon_controller,update}.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from backend.controllers.workloads import pods as pod_rules
from backend.controllers.workloads.daemonset import placement
from backend.controllers.workloads.daemonset.update import Fleet
from backend.controllers.workloads.expected import LOOK_AGAIN_SECONDS, Expected
from backend.controllers.workloads.history import REVISION_LABEL, History
from backend.controllers.workloads.ownership import BY_CONTROLLER, Claims, enqueue_owners, owned_by
from backend.controllers.workloads.pods import PodControl
from backend.machinery.backoff import Backoff
from backend.machinery.client import GVR, PODS, Client
from backend.machinery.clock import Clock, RealClock
from backend.machinery.controller import Controller, Key
from backend.machinery.events import EventRecorder
from backend.machinery.informer import Informer
from backend.meta.errors import ApiError
from backend.meta.label_selector import as_selector
from backend.meta.types import Obj

DAEMON_SETS = GVR("apps", "v1", "daemonsets")
NAME = "daemon-set-controller"
_WORKERS = 2
_FIRST_FAILURE_SECONDS = 1.0
_MOST_SECONDS = 900.0


class DaemonSetController:
    """Keys are (namespace, name). The informers are run by the wiring."""

    def __init__(
        self, client: Client, *, sets: Informer, pods: Informer, nodes: Informer, revisions: Informer,
        clock: Clock | None = None,
    ) -> None:  # fmt: skip
        self._client = client
        self._sets = sets
        self._nodes = nodes
        self._clock = clock or RealClock()
        self.recorder = EventRecorder(client, "daemonset-controller", clock=clock)
        self._control = PodControl(client, self.recorder)
        self._expected = Expected(pods)
        self._claims = Claims(client, PODS, DAEMON_SETS, pods)
        self._history = History(client, DAEMON_SETS, revisions, label=REVISION_LABEL)
        self._failures = Backoff(self._clock, _FIRST_FAILURE_SECONDS, _MOST_SECONDS)
        informers = (sets, pods, nodes, revisions)
        self.controller = Controller(NAME, self.reconcile, clock=clock, workers=_WORKERS, informers=informers)
        pods.add_index(BY_CONTROLLER, owned_by)
        revisions.add_index(BY_CONTROLLER, owned_by)
        sets.on_change(self.controller.enqueue_changed)
        pods.on_change(enqueue_owners(self.controller.enqueue, "DaemonSet", "apps", self._selecting))
        revisions.on_change(enqueue_owners(self.controller.enqueue, "DaemonSet", "apps", lambda _orphan: ()))
        nodes.on_change(self._node_changed)

    def _selecting(self, pod: Obj) -> Iterable[Obj]:
        labels = pod["metadata"].get("labels") or {}
        for owner in self._sets.list(pod["metadata"]["namespace"]) if labels else ():
            if as_selector(owner["spec"].get("selector")).matches(labels):
                yield owner

    def _node_changed(self, new: Obj | None, old: Obj | None) -> None:
        """Heartbeats change nothing for a DaemonSet."""
        if new is not None and old is not None:
            same = new["metadata"].get("labels") == old["metadata"].get("labels")
            if same and (new.get("spec") or {}).get("taints") == (old.get("spec") or {}).get("taints"):
                return
        for owner in self._sets.list():
            self.controller.enqueue_changed(owner, None)

    async def reconcile(self, key: Key) -> float | None:
        owner = self._sets.get(*key)
        if owner is None:
            self._expected.forget(key)
            self._history.expected.forget(key)
            return None
        if owner["metadata"].get("deletionTimestamp"):
            return None
        if not (self._expected.met(key) and self._history.expected.met(key)):
            return LOOK_AGAIN_SECONDS
        selector = as_selector(owner["spec"].get("selector"))
        revisions = await self._history.of(owner, selector)
        current, collisions = await self._history.current(key, owner, revisions)
        pods = await self._claims.claim(owner, selector)
        fleet = Fleet(owner, current, pods, self._nodes.list(), self._clock.now())
        again = await self._act(key, owner, current, fleet)
        await self._report(owner, fleet, collisions)
        in_use = {(pod["metadata"].get("labels") or {}).get(REVISION_LABEL, "") for pod in pods}
        named = {
            revision["metadata"]["name"]
            for revision in revisions
            if revision["metadata"]["labels"].get(REVISION_LABEL) in in_use
        }
        await self._history.truncate(key, owner, revisions, named | {current["metadata"]["name"]})
        waits = [wait for wait in (again, fleet.available_in()) if wait]
        return min(waits, default=None)

    async def _act(self, key: Key, owner: Obj, current: Obj, fleet: Fleet) -> float | None:
        """Delete what should not be, or has failed, and make what is missing; seconds until a failed one may go."""
        again: float | None = None
        for pod, node in fleet.ended():
            wait = self._failed(owner, pod, node)
            if wait:
                again = min(again or wait, wait)
            else:
                await self._delete(key, owner, pod)
        for pod in fleet.surplus():
            await self._delete(key, owner, pod)
        nodes = [*fleet.without_pod(), *fleet.to_surge()]

        async def create(position: int) -> None:
            pod = placement.new_pod(owner, current, nodes[position])
            self._expected.wrote(key, await self._control.create(pod, owner))

        try:
            await pod_rules.slow_start(len(nodes), create)
        except ApiError as error:
            if not pod_rules.is_terminating_namespace(error):
                raise
        for pod in fleet.to_replace():
            await self._delete(key, owner, pod)
        return again

    def _failed(self, owner: Obj, pod: Obj, node: str) -> float:
        """Tell of a pod that is over; seconds until it may be replaced, so that a broken one is not made all day."""
        name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        if pod["status"]["phase"] == "Succeeded":
            text = f"Found succeeded daemon pod {name} on node {node}, will try to delete it"
            self.recorder.event(owner, "Normal", "SucceededDaemonPod", text)
            return 0.0
        key = f"{owner['metadata']['uid']}/{node}"
        wait = self._failures.remaining(key)
        if not wait:
            self._failures.advance(key)
            text = f"Found failed daemon pod {name} on node {node}, will try to kill it"
            self.recorder.event(owner, "Warning", "FailedDaemonPod", text)
        return wait

    async def _delete(self, key: Key, owner: Obj, pod: Obj) -> None:
        if await self._control.delete(pod, owner):
            self._expected.deleted(key, pod)

    async def _report(self, owner: Obj, fleet: Fleet, collisions: int) -> None:
        status = status_of(owner, fleet.counts(), collisions)
        if status == owner.get("status"):
            return
        try:
            await self._client.update(DAEMON_SETS, {**owner, "status": status}, "status")
        except ApiError as error:
            if error.code != 404:
                raise


def status_of(owner: Obj, counts: Mapping[str, int], collisions: int) -> Obj:
    always: Sequence[str] = (
        "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady",
    )  # fmt: skip
    status: Obj = {name: count for name, count in counts.items() if count or name in always}
    status["observedGeneration"] = owner["metadata"].get("generation", 0)
    old = owner.get("status") or {}
    if collisions:
        status["collisionCount"] = collisions
    if "conditions" in old:
        status["conditions"] = old["conditions"]
    return status
