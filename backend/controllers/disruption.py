"""Counts for every disruption budget how many of its pods may be evicted.

Source: pkg/controller/disruption/disruption.go. The eviction endpoint takes from the count, and notes the pod in
`disruptedPods` until its deletion is seen here.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.controllers.workloads.deployment.controller import DEPLOYMENTS
from backend.controllers.workloads.deployment.replica_sets import scaled
from backend.controllers.workloads.ownership import controller_reference
from backend.controllers.workloads.pods import is_ready
from backend.controllers.workloads.replicas import REPLICA_SETS, REPLICATION_CONTROLLERS
from backend.controllers.workloads.statefulset.controller import STATEFUL_SETS
from backend.machinery.client import GVR, Client
from backend.machinery.clock import Clock, RealClock
from backend.machinery.controller import Controller, Key
from backend.machinery.events import EventRecorder
from backend.machinery.informer import Informer
from backend.machinery.informers import SharedInformers
from backend.meta import timefmt
from backend.meta.errors import ApiError
from backend.meta.label_selector import as_selector
from backend.meta.types import Obj

BUDGETS = GVR("policy", "v1", "poddisruptionbudgets")
NAME = "disruption-controller"
DELETION_SECONDS = 120.0
"""How long an evicted pod counts as gone before its deletion is seen. Source: DeletionTimeout."""
_SCALES = {
    ("apps", "ReplicaSet"): REPLICA_SETS,
    ("apps", "Deployment"): DEPLOYMENTS,
    ("apps", "StatefulSet"): STATEFUL_SETS,
    ("", "ReplicationController"): REPLICATION_CONTROLLERS,
}


class _NoCount(Exception):
    """How many pods there should be cannot be told; the message says why."""


class DisruptionController:
    """Keys are (namespace, budget). The informers are run by the wiring."""

    def __init__(
        self, client: Client, *, informers: SharedInformers, pods: Informer, clock: Clock | None = None
    ) -> None:
        self._client = client
        self._pods = pods
        self._budgets = informers.of(BUDGETS)
        self._owners = {key: informers.of(gvr) for key, gvr in _SCALES.items()}
        self._clock = clock or RealClock()
        self.recorder = EventRecorder(client, "controllermanager", clock=clock)
        self.controller = Controller(
            NAME, self.reconcile, clock=clock, informers=(self._budgets, pods, *self._owners.values())
        )
        self._budgets.on_change(self.controller.enqueue_changed)
        pods.on_change(self._pod_changed)
        for owners in self._owners.values():
            owners.on_change(self._owner_changed)

    def _pod_changed(self, new: Obj | None, old: Obj | None) -> None:
        labels = [pod["metadata"].get("labels") or {} for pod in (new, old) if pod is not None]
        namespace = (new or old or {})["metadata"]["namespace"]
        for budget in self._budgets.list(namespace):
            selector = as_selector(budget["spec"].get("selector"))
            if any(map(selector.matches, labels)):
                self.controller.enqueue(namespace, budget["metadata"]["name"])

    def _owner_changed(self, new: Obj | None, old: Obj | None) -> None:
        """Another size is another number of pods that there should be."""
        if new is not None and old is not None and new["spec"].get("replicas") == old["spec"].get("replicas"):
            return
        for budget in self._budgets.list((new or old or {})["metadata"]["namespace"]):
            self.controller.enqueue_changed(budget, None)

    async def reconcile(self, key: Key) -> float | None:
        budget = self._budgets.get(*key)
        if budget is None:
            return None
        selector = as_selector(budget["spec"].get("selector"))
        pods = [
            pod for pod in self._pods.list(key.namespace) if selector.matches(pod["metadata"].get("labels") or {})
        ]
        now = self._clock.now()
        if not pods:
            self.recorder.event(budget, "Normal", "NoPods", "No matching pods found")
        disrupted, again = _still_disrupted(budget, pods, now)
        try:
            expected, desired = self._expected(budget, pods)
        except _NoCount as error:
            text = f"Failed to calculate the number of expected pods: {error}"
            self.recorder.event(budget, "Warning", "CalculateExpectedPodCountFailed", text)
            await self._write(budget, _failed(budget, str(error), timefmt.format_time(now)))
            return again
        healthy = _healthy(pods, disrupted)
        status = _status(budget, disrupted, healthy, desired, expected, timefmt.format_time(now))
        await self._write(budget, status)
        return again

    async def _write(self, budget: Obj, status: Obj) -> None:
        if status == budget.get("status"):
            return
        try:
            await self._client.update(BUDGETS, {**budget, "status": status}, "status")
        except ApiError as error:
            if error.code != 404:
                raise

    def _expected(self, budget: Obj, pods: Sequence[Obj]) -> tuple[int, int]:
        """(how many pods there should be, how many of them have to be healthy). Raises _NoCount."""
        spec = budget["spec"]
        if "maxUnavailable" in spec:
            expected = self._expected_scale(pods)
            return expected, max(0, expected - scaled(spec["maxUnavailable"], expected, round_up=True))
        minimum = spec.get("minAvailable", 1)
        if isinstance(minimum, int):
            return len(pods), minimum
        expected = self._expected_scale(pods)
        return expected, scaled(minimum, expected, round_up=True)

    def _expected_scale(self, pods: Sequence[Obj]) -> int:
        """The sizes of all controllers of the pods together."""
        sizes: dict[str, int] = {}
        for pod in pods:
            reference = controller_reference(pod)
            if reference is None:
                continue
            uid, size = self._scale_of(pod, reference)
            sizes[uid] = size
        return sum(sizes.values())

    def _scale_of(self, pod: Obj, reference: Obj) -> tuple[str, int]:
        """(uid, replicas) of what scales the pod: of a Deployment rather than its ReplicaSet."""
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        owner = self._find(namespace, reference)
        if owner is None:
            raise _NoCount(f'found no controllers for pod "{name}"')
        above = controller_reference(owner)
        top = self._find(namespace, above) if above is not None and above["kind"] == "Deployment" else None
        found = top if top is not None else owner
        return found["metadata"]["uid"], int(found["spec"].get("replicas", 1))

    def _find(self, namespace: str, reference: Obj) -> Obj | None:
        group = reference["apiVersion"].rpartition("/")[0]
        owners = self._owners.get((group, reference["kind"]))
        if owners is None:
            resource = f"{reference['kind'].lower()}s" + (f".{group}" if group else "")
            raise _NoCount(f"{resource} does not implement the scale subresource")
        owner = owners.get(namespace, reference["name"])
        return owner if owner is not None and owner["metadata"]["uid"] == reference["uid"] else None


def _still_disrupted(budget: Obj, pods: Sequence[Obj], now: float) -> tuple[dict[str, str], float | None]:
    """(evicted pods whose deletion is not seen yet, the seconds until the next is given up)."""
    noted: dict[str, str] = (budget.get("status") or {}).get("disruptedPods") or {}
    present = {pod["metadata"]["name"]: pod for pod in pods}
    left: dict[str, str] = {}
    waits: list[float] = []
    for name, since in noted.items():
        pod = present.get(name)
        wait = timefmt.parse(since) + DELETION_SECONDS - now
        if pod is not None and not pod["metadata"].get("deletionTimestamp") and wait > 0:
            left[name] = since
            waits.append(wait)
    return left, min(waits, default=None)


def _healthy(pods: Sequence[Obj], disrupted: dict[str, str]) -> int:
    return sum(
        is_ready(pod) and not pod["metadata"].get("deletionTimestamp") and pod["metadata"]["name"] not in disrupted
        for pod in pods
    )


def _status(budget: Obj, disrupted: dict[str, str], healthy: int, desired: int, expected: int, now: str) -> Obj:
    allowed = max(0, healthy - desired) if expected > 0 else 0
    status: Obj = {
        "observedGeneration": budget["metadata"].get("generation", 0),
        "disruptionsAllowed": allowed, "currentHealthy": healthy, "desiredHealthy": desired,
        "expectedPods": expected,
    }  # fmt: skip
    if disrupted:
        status["disruptedPods"] = disrupted
    reason = "SufficientPods" if allowed else "InsufficientPods"
    status["conditions"] = _condition(budget, "True" if allowed else "False", reason, "", now)
    return status


def _failed(budget: Obj, message: str, now: str) -> Obj:
    """Nothing may be evicted while nothing is known."""
    old = budget.get("status") or {}
    counts = {name: old.get(name, 0) for name in ("currentHealthy", "desiredHealthy", "expectedPods")}
    return {
        **old, **counts, "disruptionsAllowed": 0,
        "observedGeneration": budget["metadata"].get("generation", 0),
        "conditions": _condition(budget, "False", "SyncFailed", message, now),
    }  # fmt: skip


def _condition(budget: Obj, state: str, reason: str, message: str, now: str) -> list[Obj]:
    old = (budget.get("status") or {}).get("conditions") or []
    known = next((entry for entry in old if entry["type"] == "DisruptionAllowed"), None)
    since = known["lastTransitionTime"] if known is not None and known["status"] == state else now
    condition = {
        "type": "DisruptionAllowed", "status": state, "reason": reason, "message": message,
        "observedGeneration": budget["metadata"].get("generation", 0), "lastTransitionTime": since,
    }  # fmt: skip
    return [*(entry for entry in old if entry["type"] != "DisruptionAllowed"), condition]
