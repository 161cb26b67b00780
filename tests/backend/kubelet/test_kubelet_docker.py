"""Pods through the real parts: the API server's handler, the store on disk, the kubelet and a Docker engine."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.kubelet.kubelet import Kubelet
from backend.kubelet.runtime.docker import DockerRuntime
from backend.machinery.client import NODES, PODS, SECRETS, SERVICE_ACCOUNTS, Client
from backend.meta.errors import ApiError
from backend.meta.types import Obj
from tests.support.busybox import BUSYBOX, busybox_layer
from tests.support.control_plane import control_plane, eventually

pytestmark = pytest.mark.docker

IMAGE = f"minikctl-test/kubelet:run{os.getpid()}"


class Cluster:
    """A node on the real engine."""

    def __init__(self, client: Client, root: Path) -> None:
        self.client = client
        self.root = root
        self.runtime = DockerRuntime(f"kubelet-test{os.getpid()}")
        self.kubelet: Kubelet | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.kubelet = Kubelet(self.client, self.runtime, node_name="n", root_dir=self.root)
        self._task = asyncio.create_task(self.kubelet.run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def run(self, name: str, script: str = "trap exit TERM; while :; do sleep 1; done", **spec: Any) -> str:
        """Create a pod on this node; its uid."""
        container = {"name": "c", "image": IMAGE, "command": ["sh", "-c", script], **spec.pop("container", {})}
        pod = {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
            "spec": {"nodeName": "n", "terminationGracePeriodSeconds": 2, "containers": [container], **spec},
        }  # fmt: skip
        created = await self.client.create(PODS, pod, "default")
        uid: str = created["metadata"]["uid"]
        return uid

    async def get(self, name: str) -> Obj:
        return await self.client.get(PODS, name, "default")

    async def until(self, name: str, holds: Callable[[Obj], Any], seconds: float = 30) -> Obj:
        """The pod, once `holds` is true of it."""
        pods = await self.client.list(PODS, "default", fieldSelector=f"metadata.name={name}")
        version = pods["metadata"]["resourceVersion"]
        last: Obj = pods["items"][0] if pods["items"] else {}
        if last and holds(last):
            return last
        async with asyncio.timeout(seconds), self.client.watch(PODS, version, "default") as events:
            async for event in events:
                if event.type != "BOOKMARK" and event.object["metadata"]["name"] == name and holds(event.object):
                    return event.object
        raise AssertionError("the watch ended")

    async def exists(self, name: str) -> bool:
        return bool((await self.client.list(PODS, "default", fieldSelector=f"metadata.name={name}"))["items"])

    async def clean_up(self) -> None:
        """Delete all pods; nothing of them may be left in the engine or on disk."""
        for pod in (await self.client.list(PODS))["items"]:
            await self.client.delete(PODS, pod["metadata"]["name"], "default", {"gracePeriodSeconds": 0})

        async def nothing_left() -> bool:
            return not await self.runtime.pods() and not [*(self.root / "pods").glob("*")]

        await eventually(nothing_left, 60)
        await self.stop()
        await self.runtime.close()

    async def sh(self, uid: str, script: str) -> tuple[int, str]:
        state = await self.runtime.pod(uid)
        assert state is not None
        running = next(c for c in state.containers if c.state == "running")
        code, output = await self.runtime.exec_probe(running.id, ["sh", "-c", script], 10)
        return code, output.decode()


async def negated(answer: Awaitable[bool]) -> bool:
    return not await answer


def running(pod: Obj) -> bool:
    statuses = pod.get("status", {}).get("containerStatuses") or ()
    return bool(statuses) and all("running" in status["state"] for status in statuses)


@pytest.fixture(scope="module")
def image() -> Iterator[None]:
    docker = pytest.importorskip("docker")
    if not BUSYBOX.exists():
        pytest.skip("no static busybox on this machine")
    try:
        client = docker.APIClient(version="auto")
    except docker.errors.DockerException:
        pytest.skip("no Docker engine answers")
    repository, _, tag = IMAGE.partition(":")
    with contextlib.closing(client):
        layer = busybox_layer()
        client.import_image_from_data(layer, repository=repository, tag=tag, changes=["ENV PATH=/bin"])
        yield
        client.remove_image(IMAGE, force=True)


@pytest.fixture
async def cluster(image: None, tmp_path: Path) -> AsyncIterator[Cluster]:
    """Its pods want no token: nobody here gives any."""
    async with control_plane(tmp_path) as plane:
        await plane.client.patch(SERVICE_ACCOUNTS, "default", {"automountServiceAccountToken": False}, "default")
        cluster = Cluster(plane.client, tmp_path / "kubelet")
        cluster.start()
        yield cluster
        await cluster.clean_up()


async def test_a_pod_with_secrets_runs_and_follows_their_changes(cluster: Cluster) -> None:
    uid = await cluster.run(
        "p", terminationGracePeriodSeconds=1,
        volumes=[{"name": "creds", "secret": {"secretName": "db"}}],
        container={
            "env": [{"name": "USER", "valueFrom": {"secretKeyRef": {"name": "db", "key": "username"}}}],
            "volumeMounts": [{"name": "creds", "mountPath": "/etc/creds", "readOnly": True}],
        },
    )  # fmt: skip
    waiting = await cluster.until("p", lambda pod: pod["status"].get("containerStatuses"))
    assert waiting["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "ContainerCreating"
    data = {"username": base64.b64encode(b"root").decode()}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "namespace": "default"},
        "data": data,
    }
    await cluster.client.create(SECRETS, secret, "default")
    pod = await cluster.until("p", running)
    assert pod["status"]["phase"] == "Running"
    assert await cluster.sh(uid, "echo $USER; cat /etc/creds/username") == (0, "root\nroot")
    assert (await cluster.sh(uid, "echo x > /etc/creds/username"))[0] != 0
    changed = {"data": {"username": base64.b64encode(b"admin").decode()}}
    await cluster.client.patch(SECRETS, "db", changed, "default")

    async def arrived() -> bool:
        return await cluster.sh(uid, "cat /etc/creds/username") == (0, "admin")

    await eventually(arrived, 10)


async def test_a_crashing_container_is_started_again_and_tells_how_it_ended(cluster: Cluster) -> None:
    await cluster.run("p", "echo bad luck > /dev/termination-log; exit 3")
    pod = await cluster.until("p", lambda pod: "CrashLoopBackOff" in json.dumps(pod["status"]))
    status = pod["status"]["containerStatuses"][0]
    assert status["restartCount"] >= 1
    ended = status["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"], ended["message"]) == (3, "Error", "bad luck\n")


async def test_a_command_that_does_not_exist_is_a_run_container_error(cluster: Cluster) -> None:
    await cluster.run("p", container={"command": ["/no/such/thing"]})
    pod = await cluster.until("p", lambda pod: "no such file" in json.dumps(pod["status"]))
    text = json.dumps(pod["status"]["containerStatuses"][0])
    assert "RunContainerError" in text or "ContainerCannotRun" in text


async def test_a_killed_kubelet_finds_its_containers_again(cluster: Cluster) -> None:
    uid = await cluster.run("p")
    await cluster.until("p", running)
    await cluster.stop()
    before = await cluster.runtime.pod(uid)
    cluster.start()
    await asyncio.sleep(1)
    assert await cluster.runtime.pod(uid) == before
    assert (await cluster.get("p"))["status"]["containerStatuses"][0]["restartCount"] == 0


async def test_stopped_pods_run_again_after_a_start(cluster: Cluster) -> None:
    await cluster.run("p")
    await cluster.until("p", running)
    assert cluster.kubelet is not None
    await cluster.kubelet.stop_all()
    await cluster.stop()
    cluster.start()
    await cluster.until(
        "p", lambda pod: running(pod) and pod["status"]["containerStatuses"][0]["restartCount"] == 1
    )


async def test_a_job_like_pod_succeeds_and_a_deleted_one_goes(cluster: Cluster) -> None:
    await cluster.run("once", "exit 0", restartPolicy="Never")
    await cluster.run("long")
    done = await cluster.until("once", lambda pod: pod["status"]["phase"] == "Succeeded")
    assert done["status"]["containerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"
    await cluster.until("long", running)
    await cluster.client.delete(PODS, "long", "default")
    await eventually(lambda: negated(cluster.exists("long")), 30)


async def test_http_probes_reach_the_pods_address(cluster: Cluster) -> None:
    probe = {"httpGet": {"port": 8080, "path": "/"}, "periodSeconds": 1}
    script = "busybox mkdir -p /tmp/w && echo hi > /tmp/w/index.html && exec busybox httpd -f -p 8080 -h /tmp/w"
    await cluster.run("p", script, container={"readinessProbe": probe})
    pod = await cluster.until("p", lambda pod: any(
        c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ())
    ))  # fmt: skip
    assert pod["status"]["podIP"]


async def test_the_node_is_there(cluster: Cluster) -> None:
    async def registered() -> Obj | None:
        try:
            return await cluster.client.get(NODES, "n")
        except ApiError:
            return None

    node = await eventually(registered, 10)
    assert node["status"]["nodeInfo"]["containerRuntimeVersion"].startswith("docker://")
