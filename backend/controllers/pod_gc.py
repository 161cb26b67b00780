"""Removes pods that nobody will run or look after any more. Source: pkg/controller/podgc/gc_controller.go.

A pod that is bound to a node which has been gone for QUARANTINE_SECONDS is marked Failed and deleted at once: no
kubelet is left to end it. So is one that is deleted before it has a node and that a finalizer holds. Of pods that have
ended, only the newest `threshold` are kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.machinery.client import NODES, PODS, STRATEGIC_MERGE_PATCH, Client
from backend.machinery.clock import Clock, RealClock
from backend.machinery.controller import Controller, Key
from backend.machinery.informer import Informer
from backend.meta import timefmt
from backend.meta.errors import ApiError
from backend.meta.types import Obj
from backend.resources.core.pod_table import TERMINAL_PHASES

QUARANTINE_SECONDS = 40.0
TERMINATED_THRESHOLD = 12_500
_BY_NODE = "node"
_ENDED = Key("", "")
"""The key of all pods that have ended; the others are ("", node), and a pod's own."""


def indexed(pods: Informer) -> Informer:
    """The informer of all pods, which are now found by their node too."""
    pods.add_index(_BY_NODE, _node_of)
    return pods


def _node_of(pod: Obj) -> Sequence[str]:
    node = (pod.get("spec") or {}).get("nodeName")
    return (node,) if node else ()


class PodGarbageCollector:
    def __init__(
        self,
        client: Client,
        *,
        pods: Informer,
        nodes: Informer,
        threshold: int = TERMINATED_THRESHOLD,
        clock: Clock | None = None,
    ) -> None:
        """`pods` is such as `indexed` makes."""
        self._client = client
        self._pods = pods
        self._nodes = nodes
        self._threshold = threshold
        self._clock = clock or RealClock()
        self._ended: set[tuple[str, str]] = set()
        self.controller = Controller("pod-gc", self.reconcile, clock=clock, informers=(pods, nodes))
        pods.on_change(self._pod_changed)
        nodes.on_change(self._node_changed)

    def _pod_changed(self, new: Obj | None, old: Obj | None) -> None:
        pod = new if new is not None else old
        if pod is None:
            return
        key = (pod["metadata"]["namespace"], pod["metadata"]["name"])
        if new is None or (new.get("status") or {}).get("phase") not in TERMINAL_PHASES:
            self._ended.discard(key)
        elif key not in self._ended:
            self._ended.add(key)
            if len(self._ended) > self._threshold:
                self.controller.enqueue(*_ENDED)
        if new is not None and _will_not_run(new):
            self.controller.enqueue(*key)
        node = new["spec"].get("nodeName") if new is not None else None
        if node and self._nodes.get("", node) is None:
            self.controller.enqueue_after("", node, QUARANTINE_SECONDS)

    def _node_changed(self, new: Obj | None, old: Obj | None) -> None:
        if new is None and old is not None:
            self.controller.enqueue_after("", old["metadata"]["name"], QUARANTINE_SECONDS)

    async def reconcile(self, key: Key) -> None:
        if key == _ENDED:
            await self._keep_newest()
        elif key.namespace:
            pod = self._pods.get(*key)
            if pod is not None and _will_not_run(pod):
                await self._fail(pod)
                await self._delete(pod)
        elif self._nodes.get("", key.name) is None and self._pods.by_index(_BY_NODE, key.name):
            await self._remove_orphans(key.name)

    async def _keep_newest(self) -> None:
        ended = [pod for key in self._ended if (pod := self._pods.get(*key)) is not None]
        ended.sort(key=lambda pod: (timefmt.parse(pod["metadata"]["creationTimestamp"]), pod["metadata"]["name"]))
        for pod in ended[: max(0, len(ended) - self._threshold)]:
            await self._delete(pod)

    async def _remove_orphans(self, node: str) -> None:
        """The node is asked for once more: a cache that lags would cost running pods."""
        try:
            await self._client.get(NODES, node)
        except ApiError as error:
            if error.code != 404:
                raise
            for pod in self._pods.by_index(_BY_NODE, node):
                await self._fail(pod, self._disruption())
                await self._delete(pod)

    def _disruption(self) -> Obj:
        return {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "DeletionByPodGC",
            "message": "PodGC: node no longer exists",
            "lastTransitionTime": timefmt.format_time(self._clock.now()),
        }

    async def _fail(self, pod: Obj, *conditions: Obj) -> None:
        if (pod.get("status") or {}).get("phase") in TERMINAL_PHASES:
            return
        status = {"phase": "Failed", **({"conditions": list(conditions)} if conditions else {})}
        patch = {"metadata": {"uid": pod["metadata"]["uid"]}, "status": status}
        meta = pod["metadata"]
        try:
            await self._client.patch(PODS, meta["name"], patch, meta["namespace"], "status", STRATEGIC_MERGE_PATCH)
        except ApiError as error:
            if error.code not in (404, 409):
                raise

    async def _delete(self, pod: Obj) -> None:
        meta = pod["metadata"]
        at_once = {"gracePeriodSeconds": 0, "preconditions": {"uid": meta["uid"]}}
        try:
            await self._client.delete(PODS, meta["name"], meta["namespace"], at_once)
        except ApiError as error:
            if error.code not in (404, 409):
                raise


def _will_not_run(pod: Obj) -> bool:
    """Whether it is deleted, has no node and has not ended. Source: gcUnscheduledTerminatingPods."""
    ended = (pod.get("status") or {}).get("phase") in TERMINAL_PHASES
    return bool(pod["metadata"].get("deletionTimestamp")) and not pod["spec"].get("nodeName") and not ended
