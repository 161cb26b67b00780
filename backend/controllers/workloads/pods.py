"""Pods as workload controllers see them: made from a template, counted, and chosen for deletion.

Source: pkg/controller/controller_utils.go, pkg/api/v1/pod/util.go.
"""

from __future__ import annotations

import asyncio
import copy
import functools
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from backend.controllers.workloads.ownership import reference_to
from backend.machinery.client import PODS, Client
from backend.machinery.events import EventRecorder
from backend.meta import timefmt
from backend.meta.errors import ApiError
from backend.meta.types import Obj
from backend.resources.core.pod_table import TERMINAL_PHASES

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
FIRST_BATCH = 1


def pod_from(template: Obj, owner: Obj, *, name: str = "") -> Obj:
    """A new pod of `owner`: with this name, or one made from the owner's. Its labels are the template's."""
    meta = template.get("metadata") or {}
    pod_meta: Obj = {"ownerReferences": [reference_to(owner)]}
    for field in ("labels", "annotations", "finalizers"):
        if meta.get(field):
            pod_meta[field] = copy.copy(meta[field])
    if name:
        pod_meta["name"] = name
    else:
        pod_meta["generateName"] = generate_name(owner["metadata"]["name"])
    return {"metadata": pod_meta, "spec": copy.deepcopy(template["spec"])}


def generate_name(owner: str) -> str:
    """What the API server makes a pod's name of, which it shortens. Source: getPodsPrefix."""
    return f"{owner}-"


def is_active(pod: Obj) -> bool:
    """Whether it counts as running or about to: it is neither over nor on its way out."""
    over = (pod.get("status") or {}).get("phase") in TERMINAL_PHASES
    return not over and not pod["metadata"].get("deletionTimestamp")


def is_terminating(pod: Obj) -> bool:
    """Whether it is on its way out and not over yet."""
    over = (pod.get("status") or {}).get("phase") in TERMINAL_PHASES
    return not over and bool(pod["metadata"].get("deletionTimestamp"))


def condition(obj: Obj, kind: str) -> Obj | None:
    for found in (obj.get("status") or {}).get("conditions") or ():
        if found.get("type") == kind:
            result: Obj = found
            return result
    return None


def is_ready(pod: Obj) -> bool:
    ready = condition(pod, "Ready")
    return ready is not None and ready.get("status") == "True"


def available_in(pod: Obj, min_ready_seconds: float, now: float) -> float | None:
    """Seconds until the pod is available, 0 if it is; None if it is not even ready. `now` is since the epoch."""
    if not is_ready(pod):
        return None
    if not min_ready_seconds:
        return 0.0
    since = (condition(pod, "Ready") or {}).get("lastTransitionTime")
    if not since:
        return None
    return max(0.0, timefmt.parse(since) + min_ready_seconds - now)


def is_available(pod: Obj, min_ready_seconds: float, now: float) -> bool:
    return available_in(pod, min_ready_seconds, now) == 0.0


def deletion_order(pods: Iterable[Obj], related: Sequence[Obj], now: float) -> list[Obj]:
    """The pods to delete first come first. Source: ActivePodsWithRanks.

    Without a node before bound, Pending before Unknown before Running, not ready before ready, cheaper before
    dearer (the annotation pod-deletion-cost), on a node with more of the `related` pods first, ready for a shorter
    time (on a logarithmic scale), more restarts, younger (on the same scale). Times of one magnitude that differ
    leave it to the uid, so that it is not always the youngest of them.
    """
    crowd: dict[str, int] = {}
    for pod in related:
        if is_active(pod):
            node = pod["spec"].get("nodeName", "")
            crowd[node] = crowd.get(node, 0) + 1
    ranks = [_rank(pod, crowd, now) for pod in pods]
    return [rank.pod for rank in sorted(ranks, key=functools.cmp_to_key(_compare))]


@dataclass(frozen=True, slots=True)
class _Rank:
    pod: Obj
    plain: tuple[int, ...]
    ready_since: str
    restarts: tuple[int, int]
    ready_magnitude: int
    age_magnitude: int


def _rank(pod: Obj, crowd: Mapping[str, int], now: float) -> _Rank:
    node, status, ready = pod["spec"].get("nodeName", ""), pod.get("status") or {}, is_ready(pod)
    since = (condition(pod, "Ready") or {}).get("lastTransitionTime") or "" if ready else ""
    phase = {"Pending": 0, "Unknown": 1, "Running": 2}.get(status.get("phase", ""), 0)
    return _Rank(
        pod, (bool(node), phase, ready, deletion_cost(pod), -crowd.get(node, 0)), since, _most_restarts(pod),
        _magnitude(since, now), _magnitude(pod["metadata"].get("creationTimestamp", ""), now),
    )  # fmt: skip


def _compare(one: _Rank, other: _Rank) -> int:
    """Below 0 if `one` goes first."""
    if one.plain != other.plain:
        return -1 if one.plain < other.plain else 1
    ours, theirs = one.pod["metadata"], other.pod["metadata"]
    by_uid = -1 if ours.get("uid", "") < theirs.get("uid", "") else 1
    if one.ready_since != other.ready_since:
        return one.ready_magnitude - other.ready_magnitude or by_uid
    if one.restarts != other.restarts:
        return -1 if one.restarts > other.restarts else 1
    if ours.get("creationTimestamp") != theirs.get("creationTimestamp"):
        return one.age_magnitude - other.age_magnitude or by_uid
    return by_uid


def deletion_cost(pod: Obj) -> int:
    """0 where the annotation is absent or no int32 as strconv prints it."""
    text = (pod["metadata"].get("annotations") or {}).get(DELETION_COST, "")
    try:
        cost = int(text)
    except ValueError:
        return 0
    return cost if str(cost) == text and -(2**31) <= cost < 2**31 else 0


def _magnitude(timestamp: str, now: float) -> int:
    """The power of two of an age in nanoseconds; a time that is not known, or to come, is the youngest.

    Source: logarithmicRankDiff.
    """
    age = now - timefmt.parse(timestamp) if timestamp else 0.0
    return int(math.log2(age * 1e9)) if age > 0 else -1


def _most_restarts(pod: Obj) -> tuple[int, int]:
    """(of its containers, of its sidecars)."""
    status = pod.get("status") or {}
    inits = pod["spec"].get("initContainers") or ()
    sidecars = {init["name"] for init in inits if init.get("restartPolicy") == "Always"}
    own = (state.get("restartCount", 0) for state in status.get("containerStatuses") or ())
    beside = (
        state.get("restartCount", 0)
        for state in status.get("initContainerStatuses") or ()
        if state.get("name") in sidecars
    )
    return max(own, default=0), max(beside, default=0)


class PodControl:
    """Creates and deletes the pods of a controller, with the events that tell of it."""

    def __init__(self, client: Client, recorder: EventRecorder) -> None:
        self._client = client
        self._recorder = recorder

    def created(self, _owner: Obj, name: str) -> str:
        return f"Created pod: {name}"

    def not_created(self, _owner: Obj, _name: str, error: ApiError) -> str:
        return f"Error creating: {error}"

    def deleted(self, _owner: Obj, name: str) -> str:
        return f"Deleted pod: {name}"

    def not_deleted(self, _owner: Obj, _name: str, error: ApiError) -> str:
        return f"Error deleting: {error}"

    def is_expected(self, _error: ApiError) -> bool:
        """Whether a create that fails so is nothing to tell of."""
        return False

    async def create(self, pod: Obj, owner: Obj) -> Obj:
        """The pod as it was stored. Raises ApiError, also as an event of the owner."""
        namespace = owner["metadata"]["namespace"]
        try:
            made = await self._client.create(PODS, pod, namespace)
        except ApiError as error:
            if not is_terminating_namespace(error) and not self.is_expected(error):
                name = pod["metadata"].get("name", "")
                self._recorder.event(owner, "Warning", "FailedCreate", self.not_created(owner, name, error))
            raise
        text = self.created(owner, made["metadata"]["name"])
        self._recorder.event(owner, "Normal", "SuccessfulCreate", text)
        return made

    async def delete(self, pod: Obj, owner: Obj) -> bool:
        """Whether it was there to be deleted. Raises ApiError, also as an event of the owner."""
        meta = pod["metadata"]
        try:
            precondition = {"preconditions": {"uid": meta["uid"]}}
            await self._client.delete(PODS, meta["name"], meta["namespace"], precondition)
        except ApiError as error:
            if error.code in (404, 409):
                return False
            text = self.not_deleted(owner, meta["name"], error)
            self._recorder.event(owner, "Warning", "FailedDelete", text)
            raise
        self._recorder.event(owner, "Normal", "SuccessfulDelete", self.deleted(owner, meta["name"]))
        return True


def is_terminating_namespace(error: ApiError) -> bool:
    """Whether nothing can be made since the namespace goes away."""
    causes = (error.details or {}).get("causes") or ()
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)


async def slow_start(count: int, work: Callable[[int], Awaitable[None]]) -> None:
    """`work(0)` to `work(count - 1)`, in batches that double as long as none fails; raises the first failure.

    So a template that is refused is tried once, not a thousand times. Source: slowStartBatch.
    """
    done, batch = 0, FIRST_BATCH
    while done < count:
        size = min(batch, count - done)
        outcomes = await asyncio.gather(*(work(done + i) for i in range(size)), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        done, batch = done + size, 2 * batch
