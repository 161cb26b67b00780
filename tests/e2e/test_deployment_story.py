"""The book's chapter on Deployments, told with a real Docker engine.

Three replicas of a small web server: one killed, one deleted, more and fewer of them, a new image with nobody
noticing, a broken one that gets stuck at its deadline, and the way back.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Cluster
from tests.support.socket_relay import SocketRelay
from tests.support.waiting import PAUSE

pytestmark = pytest.mark.docker

NAME = "rest-service-deployment"
TARGET = f"deployment/{NAME}"
IMAGE = "busybox:1.36"


class Story:
    def __init__(self, cluster: Cluster, namespace: str, manifests: Path) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.manifest = manifests / "deployments" / "rest-service.yml"

    def run(self, *args: str, **options: Any) -> Any:
        return self.cluster.run("-n", self.namespace, *args, **options)

    def start(self) -> None:
        assert self.run("create", "-f", str(self.manifest)) == f"deployment.apps/{NAME} created\n"
        self.rolled_out()

    def rolled_out(self) -> None:
        told = self.run("rollout", "status", TARGET, "--timeout=80s")
        assert told.endswith(f'deployment "{NAME}" successfully rolled out\n')

    def pods(self) -> list[dict[str, Any]]:
        """Those that are not on their way out."""
        found = self.run("get", "pods", "-o", "json").json["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def ready(self, count: int, *, restarts: int | None = None) -> list[dict[str, Any]]:
        """The pods, once there are so many that are all ready, with so many restarts together."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            pods = self.pods()
            if len(pods) == count and all(map(is_ready, pods)) and restarts in (None, sum(map(restarted, pods))):
                return pods
            time.sleep(PAUSE)
        raise AssertionError(self.run("get", "pods,deployments,replicasets,events", "-o", "wide"))

    @contextmanager
    def watched(self, *, least: int, most: int) -> Iterator[None]:
        """At every moment within, as a watch tells it, at least and at most so many pods are ready, and there."""
        listed = self.run("get", "--raw", f"/api/v1/namespaces/{self.namespace}/pods").json
        pods = {pod["metadata"]["name"]: pod for pod in listed["items"]}
        version = listed["metadata"]["resourceVersion"]
        query = f"/api/v1/namespaces/{self.namespace}/pods?watch=true&resourceVersion={version}"
        watch = self.cluster.spawn("get", "--raw", query, stdout=subprocess.PIPE)
        seen: list[tuple[int, int]] = []

        def read() -> None:
            assert watch.stdout is not None
            for line in watch.stdout:
                event = json.loads(line)
                if event["type"] == "DELETED":
                    pods.pop(event["object"]["metadata"]["name"], None)
                elif event["type"] != "BOOKMARK":
                    pods[event["object"]["metadata"]["name"]] = event["object"]
                staying = [pod for pod in pods.values() if "deletionTimestamp" not in pod["metadata"]]
                seen.append((sum(map(is_ready, staying)), len(staying)))

        reader = threading.Thread(target=read)
        reader.start()
        try:
            yield
        finally:
            watch.kill()
            reader.join(10)
            watch.communicate()
        assert seen
        assert min(count for count, _ in seen) >= least, seen
        assert max(count for _, count in seen) <= most, seen


def is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)


def restarted(pod: dict[str, Any]) -> int:
    return sum(status["restartCount"] for status in pod["status"]["containerStatuses"])


def images(pods: list[dict[str, Any]]) -> set[str]:
    return {pod["spec"]["containers"][0]["image"] for pod in pods}


@pytest.fixture
def story(cluster: Cluster, namespace: str, manifests: Path) -> Story:
    return Story(cluster, namespace, manifests)


@pytest.fixture
def second_image() -> Iterator[str]:
    name = f"minikctl-story:{os.getpid()}"
    subprocess.run(["docker", "tag", IMAGE, name], check=True)
    yield name
    subprocess.run(["docker", "rmi", name], check=True, capture_output=True)


def test_pods_that_are_killed_or_deleted_are_replaced_and_as_many_as_asked_for(story: Story) -> None:
    story.start()
    killed, deleted, _ = story.ready(3)
    container = killed["status"]["containerStatuses"][0]["containerID"].removeprefix("docker://")
    subprocess.run(["docker", "kill", container], check=True, capture_output=True)
    story.ready(3, restarts=1)
    story.run("delete", "pod", deleted["metadata"]["name"])
    left = {pod["metadata"]["uid"] for pod in story.ready(3)}
    assert deleted["metadata"]["uid"] not in left
    assert killed["metadata"]["uid"] in left
    assert story.run("scale", TARGET, "--replicas=5") == f"deployment.apps/{NAME} scaled\n"
    assert left < {pod["metadata"]["uid"] for pod in story.ready(5)}
    story.run("scale", TARGET, "--replicas=1")
    (last,) = story.ready(1)
    assert last["metadata"]["uid"] in left


def test_a_new_image_a_broken_one_and_the_way_back(story: Story, second_image: str) -> None:
    story.start()
    with story.watched(least=3, most=4):
        changed = story.run("set", "image", TARGET, f"rest-service={second_image}")
        assert changed == f"deployment.apps/{NAME} image updated\n"
        story.rolled_out()
    assert images(story.ready(3)) == {second_image}
    story.run("patch", TARGET, "-p", '{"spec":{"progressDeadlineSeconds":5}}')
    with story.watched(least=3, most=4):
        story.run("set", "image", TARGET, "rest-service=minikctl-story.invalid/broken:1")
        stuck = story.cluster.fails("-n", story.namespace, "rollout", "status", TARGET, "--timeout=60s")
        assert stuck.stderr == f'error: deployment "{NAME}" exceeded its progress deadline\n'
        assert story.run("rollout", "undo", TARGET) == f"deployment.apps/{NAME} rolled back\n"
        story.rolled_out()
    assert images(story.ready(3)) == {second_image}
    history = story.run("rollout", "history", TARGET).splitlines()
    assert [line.split()[0] for line in history[2:] if line] == ["1", "3", "4"]


def test_a_backend_killed_during_rollouts_ends_where_one_that_was_not_does(
    new_cluster: Callable[..., Cluster], manifests: Path, second_image: str
) -> None:
    """At random points; then as many pods and containers are there as were asked for, and each has its owner."""
    cluster = new_cluster()
    story = Story(cluster, "default", manifests)
    story.start()
    choose = random.Random(3)
    for image in (second_image, IMAGE):
        story.run("set", "image", TARGET, f"rest-service={image}")
        for _ in range(2):
            time.sleep(choose.uniform(0, 1.5))
            cluster.kill()
            story.run("get", "pods")
        story.rolled_out()
        pods = story.ready(3)
        assert images(pods) == {image}
        owners = {
            entry["metadata"]["uid"] for entry in story.run("get", "replicasets", "-o", "json").json["items"]
        }
        assert {pod["metadata"]["ownerReferences"][0]["uid"] for pod in pods} <= owners
    expected = sorted(pod["metadata"]["uid"] for pod in pods)
    deadline = time.monotonic() + 20
    while (found := containers_of(cluster)) != expected and time.monotonic() < deadline:
        time.sleep(0.2)
    assert found == expected


def test_an_engine_that_goes_away_and_what_it_lost_meanwhile(
    new_cluster: Callable[..., Cluster], manifests: Path, tmp_path: Path
) -> None:
    """The way to the engine is cut, a container and a whole pod are removed behind our back, and it comes again."""
    relay = SocketRelay(tmp_path / "engine.sock", Path("/var/run/docker.sock"))
    relay.start()
    try:
        story = Story(new_cluster(DOCKER_HOST=f"unix://{tmp_path}/engine.sock"), "default", manifests)
        story.start()
        one, other, third = story.ready(3)
        relay.stop()
        subprocess.run(
            ["docker", "rm", "-f", *engine_ids(one)[:1], *engine_ids(other)], check=True, capture_output=True
        )
        assert len(story.pods()) == 3
        relay.start()
        pods = story.ready(3, restarts=2)
        assert {pod["metadata"]["uid"] for pod in pods} == {pod["metadata"]["uid"] for pod in (one, other, third)}
        assert len(containers_of(story.cluster)) == 3
        subprocess.run(["docker", "rm", "-f", *engine_ids(third)], check=True, capture_output=True)
        story.ready(3, restarts=3)
    finally:
        relay.stop()
        relay.start()
        story.cluster.delete()
        relay.stop()


def engine_ids(pod: dict[str, Any]) -> list[str]:
    """Of all that the engine has of a pod, its container first."""
    label = f"label=io.kubernetes.pod.uid={pod['metadata']['uid']}"
    listed = subprocess.run(
        ["docker", "ps", "-aq", "--no-trunc", "--filter", label], check=True, capture_output=True, text=True
    )
    container = pod["status"]["containerStatuses"][0]["containerID"].removeprefix("docker://")
    return [container, *(found for found in listed.stdout.split() if found != container)]


def containers_of(cluster: Cluster) -> list[str]:
    """The pods' uids of its containers but the sandboxes, from Docker."""
    identity = subprocess.run(
        ["docker", "ps", "--format", '{{.Label "minikctl.cluster"}} {{.Label "io.kubernetes.pod.uid"}} {{.Names}}'],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    lines = [line.split() for line in identity.stdout.splitlines() if line.startswith(f"{cluster.name}-")]
    pods = [line[1:] for line in lines if len(line) == 3]  # What settings are tried with belongs to no pod.
    return sorted(uid for uid, name in pods if name.startswith("k8s_rest-service_"))
