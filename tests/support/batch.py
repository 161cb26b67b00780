"""Jobs and their controllers against a real API server, without a node."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from backend.controllers.garbage_collector import GarbageCollector
from backend.controllers.workloads.cronjob.controller import CRON_JOBS, CronJobController
from backend.controllers.workloads.job.controller import BATCH_SECONDS, JOBS, JobController
from backend.controllers.workloads.job.ttl import TtlAfterFinishedController
from backend.machinery.client import EVENTS, PODS, Client
from backend.machinery.clock import FakeClock
from backend.machinery.informer import Informer
from backend.meta import timefmt
from backend.meta.types import Obj
from tests.support.control_plane import ControlPlane, running

INDEX = "batch.kubernetes.io/job-completion-index"
TRACKING = "batch.kubernetes.io/job-tracking"


class Batch:
    """Jobs that run on no node: the test says what becomes of their pods, and when."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.client = plane.client
        self.clock = FakeClock(float(int(time.time())))

    @asynccontextmanager
    async def controllers(self, client: Client | None = None) -> AsyncIterator[None]:
        """Controllers as after a start: they remember nothing. They change things by `client`."""
        client = client or self.client
        cron_jobs, jobs, pods = (Informer(self.client, gvr) for gvr in (CRON_JOBS, JOBS, PODS))
        made = JobController(client, jobs=jobs, pods=pods, clock=self.clock)
        ttl = TtlAfterFinishedController(client, jobs=jobs, clock=self.clock)
        self.cron = cron = CronJobController(client, cron_jobs=cron_jobs, jobs=jobs, clock=self.clock)
        collector = GarbageCollector(self.client, catalog=self.plane.catalog)
        controllers = (made.controller, made.orphans, ttl.controller, cron.controller)
        parts = (*controllers, made.recorder, cron.recorder, cron_jobs, jobs, pods, collector)
        async with running(*(part.run() for part in parts)):
            yield

    async def create(self, name: str = "j", **spec: Any) -> Obj:
        template = {
            "metadata": spec.pop("pod_metadata", {}),
            "spec": {
                "restartPolicy": spec.pop("restartPolicy", "Never"),
                "containers": [{"name": "c", "image": "busybox"}],
            },
        }
        body = {"metadata": {"name": name}, "spec": {"template": template, **spec}}
        return await self.client.create(JOBS, body, "default")

    async def job(self, name: str = "j") -> Obj:
        return await self.client.get(JOBS, name, "default")

    async def status(self, name: str = "j") -> Obj:
        return (await self.job(name)).get("status") or {}

    async def create_cron_job(self, schedule: str, *, template: Obj | None = None, **spec: Any) -> Obj:
        """Named c."""
        pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox"}]}
        job = {"spec": {"template": {"spec": pod}}, **(template or {})}
        body = {"metadata": {"name": "c"}, "spec": {"schedule": schedule, "jobTemplate": job, **spec}}
        return await self.client.create(CRON_JOBS, body, "default")

    async def pass_to(self, moment: float) -> None:
        """Let time pass until then, and the controllers do what is due."""
        await self.settle()
        await self.clock.advance(max(0.0, moment - self.clock.now()))
        await self.settle()

    async def cron_job(self) -> Obj:
        return await self.client.get(CRON_JOBS, "c", "default")

    async def runs(self) -> list[str]:
        """The names of all Jobs."""
        return sorted(job["metadata"]["name"] for job in (await self.client.list(JOBS, "default"))["items"])

    async def has_runs(self, *names: str) -> None:
        """Wait until these are all Jobs that there are."""

        async def so() -> bool:
            return await self.runs() == sorted(names)

        await self.until(so)

    async def cron_says(self, **expected: Any) -> Obj:
        """The CronJob's status, once it has these fields; `active` are the names of the runs."""

        async def said() -> Obj | None:
            status = (await self.cron_job()).get("status") or {}
            active = [run["name"] for run in status.get("active") or ()]
            shown = {**status, "active": active}
            return status if all(shown.get(field) == value for field, value in expected.items()) else None

        return await self.until(said)

    async def finish_run(self, name: str, result: str = "Complete") -> None:
        """As the Job's own controller does it."""
        job = await self.job(name)
        now = timefmt.format_time(self.clock.now())
        target = "SuccessCriteriaMet" if result == "Complete" else "FailureTarget"
        ends = [{"type": kind, "status": "True", "lastTransitionTime": now} for kind in (target, result)]
        status = {"startTime": now, **job["status"], "active": 0, "ready": 0, "conditions": ends}
        if result == "Complete":
            status["completionTime"] = now
        await self.client.update(JOBS, {**job, "status": status}, "status")

    async def change(self, name: str = "j", **spec: Any) -> None:
        await self.client.patch(JOBS, name, {"spec": spec}, "default")

    async def pods(self, *, active: bool = False) -> list[Obj]:
        """By their index, or else by their name."""
        found = (await self.client.list(PODS, "default"))["items"]
        if active:
            found = [pod for pod in found if phase(pod) in ("Pending", "Running") and not is_going(pod)]
        return sorted(found, key=lambda pod: (index(pod), pod["metadata"]["name"]))

    async def until(self, holds: Callable[[], Any]) -> Any:
        """What `holds` answers once that is true, as the controller's batches go by. Writes take real time."""
        async with asyncio.timeout(10):
            while not (found := await holds()):
                await self.clock.advance(BATCH_SECONDS)
                await asyncio.sleep(0.005)
        return found

    async def active(self, count: int) -> list[Obj]:
        async def enough() -> list[Obj] | bool:
            found = await self.pods(active=True)
            status = await self.status()
            return len(found) == count and status.get("active", 0) == count and (found or True)

        found = await self.until(enough)
        return [] if found is True else found

    async def says(self, **expected: Any) -> Obj:
        """The status, once it has these fields; None for a field that is not there."""

        async def said() -> Obj | None:
            status = await self.status()
            return status if all(status.get(field) == value for field, value in expected.items()) else None

        return await self.until(said)

    async def settle(self) -> None:
        """Let the controller do what it can without more time than a few batches take."""
        for _ in range(10):
            await self.clock.advance(BATCH_SECONDS / 5)
            await asyncio.sleep(0.01)

    async def end(self, pod: Obj, result: str = "Succeeded", code: int = 0, **status: Any) -> None:
        """The pod's container ends now."""
        ended = {"exitCode": code, "finishedAt": timefmt.format_time(self.clock.now())}
        container = {
            "name": "c", "image": "i", "imageID": "", "ready": False, "restartCount": 0,
            "state": {"terminated": ended},
        }  # fmt: skip
        patch = {"status": {"phase": result, "containerStatuses": [container], **status}}
        await self.client.patch(PODS, pod["metadata"]["name"], patch, "default", "status")

    async def fail(self, pod: Obj, code: int = 1, **status: Any) -> None:
        await self.end(pod, "Failed", code, **status)

    async def has_condition(self, kind: str, name: str = "j") -> Obj:
        async def true() -> Obj | None:
            return condition(await self.status(name), kind)

        return await self.until(true)

    async def events(self, name: str = "j") -> list[tuple[str, str]]:
        found = (await self.client.list(EVENTS, "default"))["items"]
        return [(event["reason"], event["message"]) for event in found if event["involvedObject"]["name"] == name]

    async def told(self, reason: str, name: str = "j") -> str:
        """The message of the event, once there is one."""

        async def messages() -> list[str]:
            return [message for why, message in await self.events(name) if why == reason]

        return (await self.until(messages))[-1]

    async def no_pod_is_held(self) -> None:
        async def free() -> bool:
            return not any(TRACKING in (pod["metadata"].get("finalizers") or ()) for pod in await self.pods())

        await self.until(free)


def condition(status: Obj, kind: str) -> Obj | None:
    true = [
        entry for entry in status.get("conditions") or () if entry["type"] == kind and entry["status"] == "True"
    ]
    return true[0] if true else None


def why(entry: Obj) -> tuple[str, str]:
    return entry["reason"], entry["message"]


def index(pod: Obj) -> int:
    return int((pod["metadata"].get("annotations") or {}).get(INDEX, -1))


def phase(pod: Obj) -> str:
    return (pod.get("status") or {}).get("phase", "Pending")


def is_going(pod: Obj) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))
