"""Gives StatefulSets their pods, each with an identity that lasts.

Source: pkg/controller/statefulset/{stateful_set,stateful_set_control}.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backend.controllers.workloads import pods as pod_rules
from backend.controllers.workloads.expected import LOOK_AGAIN_SECONDS, Expected
from backend.controllers.workloads.history import HASH_LABEL, REVISION_LABEL, History
from backend.controllers.workloads.ownership import BY_CONTROLLER, Claims, enqueue_owners, owned_by
from backend.controllers.workloads.pods import PodControl
from backend.controllers.workloads.statefulset import identity
from backend.controllers.workloads.statefulset.step import Step, Tools, is_running_and_ready
from backend.controllers.workloads.statefulset.storage import ClaimControl
from backend.machinery.client import GVR, PODS, Client
from backend.machinery.clock import Clock, RealClock
from backend.machinery.controller import Controller, Key
from backend.machinery.events import EventRecorder
from backend.machinery.informer import Informer
from backend.meta.errors import ApiError
from backend.meta.label_selector import as_selector
from backend.meta.types import Obj

STATEFUL_SETS = GVR("apps", "v1", "statefulsets")
NAME = "statefulset-controller"
_WORKERS = 3


class _PodControl(PodControl):
    """Tells of pods in this controller's words. Source: recordPodEvent of stateful_pod_control.go."""

    def created(self, owner: Obj, name: str) -> str:
        return f"create {_what(owner, name)} successful"

    def not_created(self, owner: Obj, name: str, error: ApiError) -> str:
        return f"create {_what(owner, name)} failed error: {error}"

    def is_expected(self, error: ApiError) -> bool:
        """The name is taken: by the pod before, which a cache that lags does not show, or by somebody else's."""
        return error.code == 409

    def deleted(self, owner: Obj, name: str) -> str:
        return f"delete {_what(owner, name)} successful"

    def not_deleted(self, owner: Obj, name: str, error: ApiError) -> str:
        return f"delete {_what(owner, name)} failed error: {error}"


def _what(owner: Obj, name: str) -> str:
    return f"Pod {name} in StatefulSet {owner['metadata']['name']}"


class StatefulSetController:
    """Keys are (namespace, name). The informers are run by the wiring."""

    def __init__(
        self, client: Client, *, sets: Informer, pods: Informer, revisions: Informer, claims: Informer,
        clock: Clock | None = None,
    ) -> None:  # fmt: skip
        self._client = client
        self._sets = sets
        self._clock = clock or RealClock()
        self.recorder = EventRecorder(client, NAME, clock=clock)
        self._expected = Expected(pods)
        self._claims = Claims(client, PODS, STATEFUL_SETS, pods)
        self._history = History(client, STATEFUL_SETS, revisions, label=HASH_LABEL)
        self._tools = Tools(
            client, _PodControl(client, self.recorder), ClaimControl(client, claims, self.recorder),
            self.recorder, self._expected,
        )  # fmt: skip
        informers = (sets, pods, revisions, claims)
        self.controller = Controller(NAME, self.reconcile, clock=clock, workers=_WORKERS, informers=informers)
        pods.add_index(BY_CONTROLLER, owned_by)
        revisions.add_index(BY_CONTROLLER, owned_by)
        sets.on_change(self.controller.enqueue_changed)
        pods.on_change(enqueue_owners(self.controller.enqueue, "StatefulSet", "apps", self._selecting))
        revisions.on_change(enqueue_owners(self.controller.enqueue, "StatefulSet", "apps", lambda _orphan: ()))

    def _selecting(self, pod: Obj) -> Iterable[Obj]:
        labels = pod["metadata"].get("labels") or {}
        for owner in self._sets.list(pod["metadata"]["namespace"]) if labels else ():
            if as_selector(owner["spec"].get("selector")).matches(labels):
                yield owner

    async def reconcile(self, key: Key) -> float | None:
        owner = self._sets.get(*key)
        if owner is None:
            self._expected.forget(key)
            self._history.expected.forget(key)
            return None
        if not (self._expected.met(key) and self._history.expected.met(key)):
            return LOOK_AGAIN_SECONDS
        selector = as_selector(owner["spec"].get("selector"))
        revisions = await self._history.of(owner, selector)
        claimed = await self._claims.claim(owner, selector)
        pods = [pod for pod in claimed if identity.ordinal(owner, pod) >= 0]
        update, collisions = await self._history.current(key, owner, revisions)
        named = (owner.get("status") or {}).get("currentRevision")
        current = next((entry for entry in revisions if entry["metadata"]["name"] == named), update)
        now = self._clock.now()
        failure: ApiError | None = None
        try:
            await Step(self._tools, key, owner, current, update, pods, now).run()
        except ApiError as error:
            failure = error
        await self._report(owner, current, update, collisions, pods, now)
        in_use = {current["metadata"]["name"], update["metadata"]["name"]}
        in_use |= {(pod["metadata"].get("labels") or {}).get(REVISION_LABEL, "") for pod in pods}
        await self._history.truncate(key, owner, revisions, in_use)
        if failure is not None:
            raise failure
        minimum = owner["spec"].get("minReadySeconds", 0)
        waits = [pod_rules.available_in(pod, minimum, now) for pod in pods]
        return min((wait for wait in waits if wait), default=None)

    async def _report(
        self, owner: Obj, current: Obj, update: Obj, collisions: int, pods: Sequence[Obj], now: float
    ) -> None:
        minimum = owner["spec"].get("minReadySeconds", 0)
        ready = [pod for pod in pods if is_running_and_ready(pod)]
        staying = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]

        def of_revision(revision: Obj) -> int:
            name = revision["metadata"]["name"]
            return sum((pod["metadata"].get("labels") or {}).get(REVISION_LABEL) == name for pod in staying)

        replicas, updated = len(pods), of_revision(update)
        old = owner.get("status") or {}
        status: Obj = {
            "observedGeneration": owner["metadata"].get("generation", 0),
            "replicas": replicas,
            "availableReplicas": sum(pod_rules.is_available(pod, minimum, now) for pod in ready),
            "currentRevision": current["metadata"]["name"],
            "updateRevision": update["metadata"]["name"],
            "collisionCount": collisions,
        }
        counts = {"readyReplicas": len(ready), "currentReplicas": of_revision(current), "updatedReplicas": updated}
        rolling = (owner["spec"].get("updateStrategy") or {}).get("type") == "RollingUpdate"
        if rolling and {updated, replicas, len(ready)} == {int(owner["spec"].get("replicas", 1))}:
            counts["currentReplicas"] = updated
            status["currentRevision"] = status["updateRevision"]
        status |= {name: count for name, count in counts.items() if count}
        if "conditions" in old:
            status["conditions"] = old["conditions"]
        if status != old:
            try:
                await self._client.update(STATEFUL_SETS, {**owner, "status": status}, "status")
            except ApiError as error:
                if error.code != 404:
                    raise
