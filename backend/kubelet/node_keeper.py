"""Keeps this machine's Node and its Lease in the API server up to date.

The Lease is renewed every RENEW_SECONDS, which is also when the engine is asked whether it still answers; the Node
is written when something about it changed, or else every REPORT_SECONDS. Source: pkg/kubelet/kubelet_node_status.go.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backend.kubelet.node_status import (
    Machine,
    addresses,
    capacity,
    condition_objects,
    image_entries,
    node_conditions,
    node_info,
    node_labels,
)  # fmt: skip
from backend.kubelet.runtime.api import (
    DEFAULT_MAX_PODS,
    Image,
    Runtime,
    RuntimeFailure,
    RuntimeInfo,
    RuntimeUnavailable,
)
from backend.machinery.client import GVR, NODES, Client
from backend.machinery.clock import Clock
from backend.machinery.events import EventRecorder
from backend.meta.errors import ApiError
from backend.meta.timefmt import format_time, now_micro
from backend.meta.types import Obj

log = logging.getLogger(__name__)

LEASES = GVR("coordination.k8s.io", "v1", "leases")
LEASE_NAMESPACE = "kube-node-lease"
LEASE_SECONDS = 40
RENEW_SECONDS = 10.0
REPORT_SECONDS = 300.0
RETRY_SECONDS = 1.0


class NodeKeeper:
    """`on_engine(available)` is called when the engine comes or goes, and once at first."""

    def __init__(
        self, client: Client, runtime: Runtime, recorder: EventRecorder, clock: Clock, *, name: str, node_ip: str,
        root_dir: Path, on_engine: Callable[[RuntimeInfo | None], None],
    ) -> None:  # fmt: skip
        self._client = client
        self._runtime = runtime
        self._recorder = recorder
        self._clock = clock
        self._name = name
        self._node_ip = node_ip
        self._root_dir = root_dir
        self._on_engine = on_engine
        self._look = asyncio.Event()
        self._engine: bool | None = None
        self._info: RuntimeInfo | None = None
        self._written: Obj | None = None
        self._written_at = 0.0
        self._images: list[Image] = []
        self._images_stale = True
        self._images_at = 0.0
        self._node: Obj = {}

    def look(self) -> None:
        """The engine came, went, or refused: ask it now."""
        self._look.set()

    def images_changed(self) -> None:
        """An image was pulled. What others do to the engine's images is seen every REPORT_SECONDS."""
        self._images_stale = True
        self._look.set()

    async def run(self) -> None:
        while True:
            self._look.clear()
            wait = RENEW_SECONDS
            try:
                await self._beat()
            except ApiError as error:
                log.warning("node %s not reported: %s", self._name, error)
                wait = RETRY_SECONDS
            except Exception:
                log.exception("node %s not reported", self._name)
            timer = self._clock.call_later(wait, self._look.set)
            try:
                await self._look.wait()
            finally:
                timer.cancel()

    async def _beat(self) -> None:
        problem = await self._ask_engine()
        status = await self._status(problem)
        now = self._clock.monotonic()
        if not self._node:
            await self._register(status)
        if self._written is None or status != self._written or now - self._written_at >= REPORT_SECONDS:
            await self._write(status)
            self._written, self._written_at = status, now
        await self._renew()

    async def _ask_engine(self) -> str:
        """Why the engine does not answer; "" when it does."""
        problem = ""
        try:
            self._info = await self._runtime.info()
            await self._list_images()
        except RuntimeUnavailable as error:
            problem = str(error)
        except RuntimeFailure as error:
            log.warning("the engine's images could not be listed: %s", error)
        available = not problem
        if self._engine is not available:
            self._tell(available)
            self._engine = available
            self._on_engine(self._info if available else None)
        return problem

    async def _list_images(self) -> None:
        now = self._clock.monotonic()
        if not self._images_stale and now - self._images_at < REPORT_SECONDS:
            return
        self._images_stale = False
        try:
            self._images = await self._runtime.images()
        except RuntimeFailure:
            self._images_stale = True
            raise
        self._images_at = now

    def _tell(self, available: bool) -> None:
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self._name, "uid": self._name}}
        if self._engine is None:
            self._recorder.event(node, "Normal", "Starting", "Starting kubelet.")
        state = "NodeReady" if available else "NodeNotReady"
        self._recorder.event(node, "Normal", state, f"Node {self._name} status is now: {state}")

    async def _status(self, problem: str) -> Obj:
        """Without the times that change at every beat."""
        machine = await asyncio.to_thread(Machine.read, self._root_dir)
        resources = capacity(machine, self._info.max_pods if self._info is not None else DEFAULT_MAX_PODS)
        return {
            "capacity": resources,
            "allocatable": resources,
            "addresses": addresses(self._name, self._node_ip),
            "conditions": node_conditions(machine, problem),
            "nodeInfo": node_info(self._info if not problem else None),
            "images": image_entries(self._images),
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        }

    async def _register(self, status: Obj) -> None:
        node: Obj = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self._name, "labels": node_labels(self._name)},
            "spec": {},
            "status": self._wire(status),
        }
        try:
            self._node = await self._client.create(NODES, node)
        except ApiError as error:
            if error.code != 409:
                raise
            self._node = await self._client.get(NODES, self._name)
        labels = self._node["metadata"].get("labels") or {}
        missing = {key: value for key, value in node_labels(self._name).items() if labels.get(key) != value}
        if missing:
            self._node = await self._client.patch(NODES, self._name, {"metadata": {"labels": missing}})

    async def _write(self, status: Obj) -> None:
        try:
            patch: dict[str, Any] = {"status": self._wire(status)}
            self._node = await self._client.patch(NODES, self._name, patch, subresource="status")
        except ApiError as error:
            if error.code != 404:
                raise
            await self._register(status)  # Somebody deleted the node: it comes again.

    def _wire(self, status: Obj) -> Obj:
        now = format_time(self._clock.now())
        previous = self._node.get("status", {}).get("conditions") or ()
        return {**status, "conditions": condition_objects(status["conditions"], previous, now)}

    async def _renew(self) -> None:
        patch = {"spec": {"renewTime": now_micro()}}
        try:
            await self._client.patch(LEASES, self._name, patch, LEASE_NAMESPACE)
        except ApiError as error:
            if error.code != 404:
                raise
            await self._create_lease()

    async def _create_lease(self) -> None:
        owner = {"apiVersion": "v1", "kind": "Node", "name": self._name, "uid": self._node["metadata"]["uid"]}
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": LEASE_NAMESPACE, "ownerReferences": [owner]},
            "spec": {
                "holderIdentity": self._name,
                "leaseDurationSeconds": LEASE_SECONDS,
                "renewTime": now_micro(),
            },
        }
        await self._client.create(LEASES, lease, LEASE_NAMESPACE)
