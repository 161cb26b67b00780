"""The kubelet: a worker for each pod of this node, and the Node itself.

Workers are driven by the pod informer, by the engine's events and by changes of what pods refer to. What the engine
has at start is found by its labels: pods that the API server still has go on undisturbed, the others are ended.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path

from backend.kubelet.images import Images
from backend.kubelet.labels import orphan_pod
from backend.kubelet.node_keeper import NodeKeeper
from backend.kubelet.pod_dns import ClusterDns
from backend.kubelet.pod_stopper import PodStopper
from backend.kubelet.pod_worker import PodWorker
from backend.kubelet.podspec import is_deleted
from backend.kubelet.referenced import ReferencedObjects
from backend.kubelet.runtime.api import PodState, Runtime, RuntimeFailure, RuntimeInfo, RuntimeUnavailable
from backend.kubelet.service_links import ServiceLinks
from backend.kubelet.services import AddressGiven, Services
from backend.kubelet.tokens import PodTokens
from backend.kubelet.volumes.manager import PodVolumes
from backend.machinery.backoff import Backoff
from backend.machinery.client import PODS, Client
from backend.machinery.clock import Clock, RealClock
from backend.machinery.events import EventRecorder
from backend.machinery.informer import Informer
from backend.machinery.machine import primary_address
from backend.meta.types import Obj

log = logging.getLogger(__name__)


class Kubelet:
    def __init__(
        self, client: Client, runtime: Runtime, *, node_name: str, root_dir: Path, clock: Clock | None = None,
        node_ip: str = "", dns: ClusterDns | None = None, engine_came: Callable[[], None] = lambda: None,
        address_given: AddressGiven | None = None,
    ) -> None:  # fmt: skip
        """`root_dir` holds the pods' volumes. `node_ip` is this machine's address, found out when not given.
        `engine_came` is called whenever an engine answers (again), `address_given` awaited when a pod has got addresses
        that its status does not tell yet, before its containers start."""
        clock = clock or RealClock()
        self._runtime = runtime
        self._clock = clock
        self._recorder = EventRecorder(client, "kubelet", node_name, clock)
        self._services = Services(
            client=client, runtime=runtime, clock=clock, recorder=self._recorder,
            images=Images(runtime, client, clock, lambda: self._node.images_changed()),
            referenced=ReferencedObjects(client, clock, self._references_changed),
            tokens=PodTokens(client, clock), service_links=ServiceLinks(client, clock),
            volumes=PodVolumes(root_dir), crashes=Backoff(clock), node_name=node_name,
            node_ip=node_ip or primary_address(), dns=dns or ClusterDns(),
            address_given=address_given or _nobody_asks,
        )  # fmt: skip
        self._node = NodeKeeper(
            client, runtime, self._recorder, clock, name=node_name, node_ip=self._services.node_ip,
            root_dir=root_dir, on_engine=self._engine_changed,
        )  # fmt: skip
        self._root_dir = root_dir
        self._pods = Informer(client, PODS, clock=clock, fieldSelector=f"spec.nodeName={node_name}")
        self._pods.on_change(self._pod_changed)
        self._workers: dict[str, PodWorker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._look_for_orphans = asyncio.Event()
        self._engine_came = asyncio.Event()
        self._tell_engine_came = engine_came
        self._stopping = False

    async def run(self) -> None:
        """Until cancelled. Containers run on then."""
        self._root_dir.mkdir(parents=True, exist_ok=True)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._recorder.run(), name="kubelet events")
                group.create_task(self._node.run(), name="kubelet node")
                group.create_task(self._pods.run(), name="kubelet pods")
                group.create_task(self._services.service_links.run(), name="kubelet services")
                group.create_task(self._follow_engine(), name="kubelet engine events")
                group.create_task(self._end_orphans(), name="kubelet orphans")
                group.create_task(self._prepare_engine(), name="kubelet engine")
        finally:
            await self._end_workers()
            await self._services.referenced.close()

    async def stop_all(self, grace_limit: float = math.inf) -> None:
        """End all containers of all pods, each within its grace. Of the API server's objects only the statuses change.

        No grace lasts longer than `grace_limit` seconds. Nothing is started any more after the call. Quiet when no
        engine answers, or it refuses.
        """
        self._stopping = True
        await self._end_workers()
        stopper = PodStopper(self._services)
        known = {pod["metadata"]["uid"]: pod for pod in self._pods.list()}
        try:
            states = await self._runtime.pods()
            await asyncio.gather(*(stopper.stop(state, known.get(state.uid), grace_limit) for state in states))
        except RuntimeFailure as error:
            log.warning("containers not stopped: %s", error)

    def status_of(self, pod: Obj) -> Obj:
        """The pod's status as this kubelet knows it, which the API server may not have yet."""
        worker = self._workers.get(pod["metadata"]["uid"])
        status: Obj = worker.status if worker is not None else pod.get("status") or {}
        return status

    def pods(self) -> list[Obj]:
        """The pods of this node, with their statuses as this kubelet knows them."""
        return [{**pod, "status": self.status_of(pod)} for pod in self._pods.list()]

    def stored_pods(self) -> Sequence[Obj]:
        """The pods of this node as the API server has them, which costs nothing."""
        return self._pods.list()

    # What happens.

    def _pod_changed(self, new: Obj | None, old: Obj | None) -> None:
        if new is not None:
            if not is_deleted(new) and not self._stopping:
                self._services.referenced.track(new)
            worker = self._workers.get(new["metadata"]["uid"])
            if worker is not None:
                worker.update(new)
            else:
                self._add_worker(new)
        elif old is not None:
            gone = self._workers.get(old["metadata"]["uid"])
            if gone is not None:
                gone.gone(old)

    def _references_changed(self, uids: set[str]) -> None:
        for uid in uids:
            worker = self._workers.get(uid)
            if worker is not None:
                worker.references_changed()

    def _engine_changed(self, info: RuntimeInfo | None) -> None:
        if info is None:
            return
        self._services.node_memory = info.memory_bytes
        self._services.allocatable = {"cpu": str(info.cpus), "memory": str(info.memory_bytes)}
        self._retry_all()

    def _retry_all(self) -> None:
        self._look_for_orphans.set()
        for worker in self._workers.values():
            worker.retry()

    async def _follow_engine(self) -> None:
        async for event in self._runtime.events():
            if event.action == "disconnected":
                self._node.look()
                continue
            if not event.pod_uid:
                self._node.look()
                self._engine_came.set()
                self._tell_engine_came()
                self._retry_all()
                continue
            worker = self._workers.get(event.pod_uid)
            if worker is not None:
                worker.engine_event(event.action)

    async def _prepare_engine(self) -> None:
        while True:
            await self._engine_came.wait()
            self._engine_came.clear()
            try:
                # Tells, without an engine, that one may have something of this cluster: see backend.purge.
                (self._root_dir / "pods").mkdir(parents=True, exist_ok=True)
                await self._runtime.prepare()
            except RuntimeFailure as error:
                log.info("the engine is not prepared for pods: %s", error)

    async def _end_orphans(self) -> None:
        """End what the engine and the disk have of pods that the API server does not know any more."""
        await self._pods.synced.wait()
        self._look_for_orphans.set()
        while True:
            await self._look_for_orphans.wait()
            self._look_for_orphans.clear()
            try:
                for state in await self._runtime.pods():
                    if state.uid not in self._workers:
                        log.info("ending pod %s/%s, which nobody knows any more", state.namespace, state.name)
                        self._add_orphan(state)
                await self._services.volumes.remove_orphans(self._workers)
            except RuntimeUnavailable:
                self._node.look()
            except (RuntimeFailure, OSError):
                log.exception("orphans could not be ended")

    # Workers.

    def _add_worker(self, pod: Obj) -> PodWorker | None:
        """A worker that looks at its pod at once; None when nothing is to be started any more."""
        if self._stopping:
            return None
        uid = pod["metadata"]["uid"]
        worker = self._workers[uid] = PodWorker(self._services, pod)
        task = self._tasks[uid] = asyncio.create_task(worker.run(), name=f"pod {pod['metadata']['name']}")
        task.add_done_callback(lambda done: self._worker_ended(uid, done))
        worker.wake()
        return worker

    def _add_orphan(self, state: PodState) -> None:
        worker = self._add_worker(orphan_pod(state))
        if worker is not None:
            worker.gone()

    def _worker_ended(self, uid: str, task: asyncio.Task[None]) -> None:
        self._workers.pop(uid, None)
        self._tasks.pop(uid, None)
        self._services.referenced.forget(uid)
        self._services.tokens.forget(uid)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the worker of pod %s ended", uid, exc_info=error)

    async def _end_workers(self) -> None:
        tasks = [*self._tasks.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


async def _nobody_asks(_pod: Obj, _addresses: Sequence[str]) -> None:
    """For a kubelet whose pods have no network of a cluster."""
