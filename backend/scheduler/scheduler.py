"""Gives every pod a node: one decision after the other, bindings beside each other.

Source: pkg/scheduler/schedule_one.go. A pod that fits nowhere waits, without polling, until a node changes in what
it offers or a bound pod goes; every waiting pod is then looked at again.
"""

from __future__ import annotations

import asyncio
import logging

from backend.machinery.client import NODES, PODS, STRATEGIC_MERGE_PATCH, Client
from backend.machinery.clock import Clock, RealClock
from backend.machinery.events import EventRecorder
from backend.machinery.informer import Informer, object_key
from backend.machinery.queue import WorkQueue
from backend.meta import timefmt
from backend.meta.errors import ApiError
from backend.meta.types import Obj
from backend.resources.core.pod_table import TERMINAL_PHASES
from backend.scheduler.decision import decide
from backend.scheduler.nodeinfo import Cache, Load, PodKey, schedulable_fields

log = logging.getLogger(__name__)

NAME = "default-scheduler"
MAX_RETRY_SECONDS = 10.0


class Scheduler:
    """`run` works until it is cancelled."""

    def __init__(self, client: Client, *, clock: Clock | None = None) -> None:
        self._client = client
        self._clock = clock or RealClock()
        self._recorder = EventRecorder(client, NAME, clock=clock)
        self._nodes = Informer(client, NODES, clock=clock)
        self._pods = Informer(client, PODS, clock=clock)
        self._cache = Cache()
        self._queue: WorkQueue[PodKey] = WorkQueue(clock, max_delay=MAX_RETRY_SECONDS)
        self._waiting: set[PodKey] = set()
        self._nodes.on_change(self._node_changed)
        self._pods.on_change(self._pod_changed)

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for part in (self._nodes.run(), self._pods.run(), self._recorder.run()):
                    group.create_task(part)
                await self._nodes.synced.wait()
                await self._pods.synced.wait()
                while True:
                    await self._schedule_one(group)
        finally:
            self._queue.close()

    def _node_changed(self, new: Obj | None, old: Obj | None) -> None:
        if new is None:
            if old is not None:
                self._cache.set_node(old["metadata"]["name"], None)
        elif old is None or schedulable_fields(new) != schedulable_fields(old):
            self._cache.set_node(new["metadata"]["name"], new)
            self._look_again()

    def _pod_changed(self, new: Obj | None, old: Obj | None) -> None:
        pod = new if new is not None else old
        if pod is None:
            return
        key = object_key(pod)
        if new is None:
            self._waiting.discard(key)
            if self._cache.remove_pod(key):
                self._look_again()
        elif new["spec"].get("nodeName"):
            self._waiting.discard(key)
            if (old is None or _load_fields(old) != _load_fields(new)) and self._cache.set_pod(new):
                self._look_again()
        elif old is None or new["spec"] != old["spec"]:
            self._queue.add(key)

    def _look_again(self) -> None:
        for key in self._waiting:
            self._queue.add(key)
        self._waiting.clear()

    async def _schedule_one(self, group: asyncio.TaskGroup) -> None:
        key = await self._queue.get()
        try:
            pod = self._pods.get(*key)
            if pod is None or not self._is_ours(pod) or self._cache.is_assumed(key):
                return
            load = Load.of(pod["spec"])
            decision = decide(pod["spec"], load, self._cache.nodes())
            if decision.node:
                self._cache.assume(key, load, decision.node)
                group.create_task(self._bind(key, pod, decision.node))
            else:
                self._waiting.add(key)
                group.create_task(self._say_why(key, pod, decision.message))
        except Exception:
            log.exception("scheduling %s/%s failed", *key)
            self._queue.add_rate_limited(key)
        finally:
            self._queue.done(key)

    def _is_ours(self, pod: Obj) -> bool:
        spec = pod["spec"]
        return (
            spec.get("schedulerName") == NAME
            and not spec.get("nodeName")
            and not spec.get("schedulingGates")
            and not pod["metadata"].get("deletionTimestamp")
            and (pod.get("status") or {}).get("phase") not in TERMINAL_PHASES
        )

    async def _bind(self, key: PodKey, pod: Obj, node: str) -> None:
        namespace, name = key
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name, "namespace": namespace, "uid": pod["metadata"]["uid"]},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        try:
            await self._client.create(PODS, binding, namespace, name, "binding")
        except ApiError as error:
            self._cache.forget(key)
            if error.code == 404:
                self._queue.forget(key)
                return
            delay = self._queue.add_rate_limited(key)
            log.log(
                logging.DEBUG if error.code == 409 else logging.WARNING,
                "binding %s/%s to %s failed: %s; again in %gs", namespace, name, node, error, delay,
            )  # fmt: skip
            return
        self._queue.forget(key)
        self._recorder.event(pod, "Normal", "Scheduled", f"Successfully assigned {namespace}/{name} to {node}")

    async def _say_why(self, key: PodKey, pod: Obj, message: str) -> None:
        self._recorder.event(pod, "Warning", "FailedScheduling", message)
        conditions = (pod.get("status") or {}).get("conditions") or ()
        known: Obj = next((entry for entry in conditions if entry["type"] == "PodScheduled"), {})
        if (known.get("status"), known.get("reason"), known.get("message")) == ("False", "Unschedulable", message):
            return
        since = known.get("lastTransitionTime") if known.get("status") == "False" else None
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
            "lastProbeTime": None,
            "lastTransitionTime": since or timefmt.format_time(self._clock.now()),
            "observedGeneration": pod["metadata"].get("generation", 0),
        }
        patch = {"status": {"conditions": [condition]}}
        try:
            await self._client.patch(PODS, key[1], patch, key[0], "status", STRATEGIC_MERGE_PATCH)
        except ApiError as error:
            if error.code != 404:
                log.warning("status of %s/%s not written: %s", *key, error)


def _load_fields(pod: Obj) -> tuple[object, ...]:
    """What of a pod decides what it takes, and of which node; most of a kubelet's reports change none of it."""
    over = (pod.get("status") or {}).get("phase") in TERMINAL_PHASES
    return pod["spec"].get("nodeName"), pod["metadata"].get("generation"), over
