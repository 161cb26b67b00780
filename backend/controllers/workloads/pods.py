"""Pods as workload controllers see them: made from a template, counted, and chosen for deletion.

Source: pkg/controller/controller_utils.go, pkg/api/v1/pod/util.go.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

from backend.controllers.workloads.ownership import reference_to
from backend.machinery.client import PODS, Client
from backend.machinery.events import EventRecorder
from backend.meta import timefmt
from backend.meta.errors import ApiError
from backend.meta.types import Obj
from backend.resources.core.pod_table import TERMINAL_PHASES

T = TypeVar("T")

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
    """Source: getPodsPrefix; a name that with the dash would be no name for a pod is used without."""
    return f"{owner}-" if len(owner) < 63 else owner


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
    time (on a logarithmic scale), more restarts, younger (on the same scale), and then by uid.
    """
    crowd: dict[str, int] = {}
    for pod in related:
        node = pod["spec"].get("nodeName", "")
        if node and is_active(pod):
            crowd[node] = crowd.get(node, 0) + 1

    def rank(pod: Obj) -> tuple[Any, ...]:
        spec, status, meta = pod["spec"], pod.get("status") or {}, pod["metadata"]
        ready = is_ready(pod)
        ready_since = (condition(pod, "Ready") or {}).get("lastTransitionTime") if ready else None
        return (
            bool(spec.get("nodeName")),
            {"Pending": 0, "Unknown": 1, "Running": 2}.get(status.get("phase", ""), 0),
            ready,
            deletion_cost(pod),
            -crowd.get(spec.get("nodeName", ""), 0),
            _magnitude(ready_since, now) if ready else 0,
            -_most_restarts(status),
            _magnitude(meta.get("creationTimestamp"), now),
            meta.get("uid", ""),
        )

    return sorted(pods, key=rank)


def deletion_cost(pod: Obj) -> int:
    """0 where the annotation is absent or no int32 as strconv prints it."""
    text = (pod["metadata"].get("annotations") or {}).get(DELETION_COST, "")
    try:
        cost = int(text)
    except ValueError:
        return 0
    return cost if str(cost) == text and -(2**31) <= cost < 2**31 else 0


def _magnitude(timestamp: str | None, now: float) -> int:
    """The power of two of an age in seconds; a time that is not known is the youngest."""
    if not timestamp:
        return -1
    return max(0, int(now - timefmt.parse(timestamp))).bit_length()


def _most_restarts(status: Obj) -> int:
    return max((state.get("restartCount", 0) for state in status.get("containerStatuses") or ()), default=0)


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

    async def create(self, pod: Obj, owner: Obj) -> Obj:
        """The pod as it was stored. Raises ApiError, also as an event of the owner."""
        namespace = owner["metadata"]["namespace"]
        try:
            made = await self._client.create(PODS, pod, namespace)
        except ApiError as error:
            if not is_terminating_namespace(error):
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
