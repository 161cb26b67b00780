"""The book's chapter on Services and DNS, told with real pods and the kernel's own rules.

Three pods behind one address: the requests are spread over them, a pod that dies is left out, new ones are taken in,
and other pods find the service by its name, its port by an SRV record and its name by its address.
"""

from __future__ import annotations

import http.client
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Cluster

pytestmark = pytest.mark.docker

SERVICE = "my-rest-service"
FULL_NAME = f"{SERVICE}.default.svc.cluster.local"
DEPLOYMENT = "deployment/rest-service-deployment"
PORT = 8080
TIME_TO_PROGRAM = 0.2
"""Seconds from the moment at which the API says that a pod is not ready until nothing goes to it: twice our aim."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with the Deployment, its Service, and a pod in another namespace."""
    manifests = Path(__file__).parents[2] / "manifests"
    cluster = Cluster(tmp_path_factory.mktemp("services") / ".minikctl", "services")
    files = [manifests / "deployments" / "rest-service.yml", manifests / "services" / "my-rest-service.yml"]
    try:
        cluster.run("create", *(f"--filename={path}" for path in files))
        cluster.run("create", "namespace", "elsewhere")
        for namespace in ("default", "elsewhere"):
            cluster.run("run", "caller", "--image=busybox:1.36", "-n", namespace, "--", "sleep", "1000")
            cluster.run("wait", "--for=condition=Ready", "pod/caller", "-n", namespace, "--timeout=60s")
        cluster.run("rollout", "status", DEPLOYMENT, "--timeout=80s")
        yield cluster
    finally:
        cluster.delete()


@pytest.fixture
def address(shop: Cluster) -> str:
    return shop.run("get", "service", SERVICE, "-o", "jsonpath={.spec.clusterIP}")


def ready_pods(cluster: Cluster, count: int) -> set[str]:
    """The names of the Deployment's pods, once so many are ready and no others are there."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        pods = cluster.run("get", "pods", "-l", "app=rest-service", "-o", "json").json["items"]
        if len(pods) == count and all(is_ready(pod) for pod in pods):
            return {pod["metadata"]["name"] for pod in pods}
        time.sleep(0.2)
    raise AssertionError(cluster.run("get", "pods,endpointslices,events", "-o", "wide"))


def is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)


def ask(address: str) -> str:
    """Which pod answers a request, on a connection of its own. Raises OSError or HTTPException."""
    connection = http.client.HTTPConnection(address, PORT, timeout=5)
    try:
        connection.request("GET", "/index.html")
        response = connection.getresponse()
        assert response.status == 200
        return response.read().decode().strip()
    finally:
        connection.close()


@dataclass
class Load:
    """Requests one after the other in a thread, until it is stopped."""

    address: str
    answers: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[float, str]] = field(default_factory=list)
    """When each began that failed, by the monotonic clock, and how."""

    def __enter__(self) -> Load:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            try:
                self.answers[ask(self.address)] += 1
            except (OSError, http.client.HTTPException) as error:
                self.failed.append((began, repr(error)))

    def until(self, holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < deadline, (self.answers, self.failed)
            time.sleep(0.01)


def test_requests_are_spread_over_the_pods_and_each_answers_with_its_name(shop: Cluster, address: str) -> None:
    """3,000 of them, each pod within five standard deviations of a fair share."""
    pods = ready_pods(shop, 3)
    answers = Counter(ask(address) for _ in range(3000))
    assert set(answers) == pods
    deviation = (3000 * (1 / 3) * (2 / 3)) ** 0.5
    assert all(abs(count - 1000) < 5 * deviation for count in answers.values()), answers


def test_no_request_fails_once_a_killed_pod_is_marked_not_ready(shop: Cluster, address: str) -> None:
    killed = min(ready_pods(shop, 3))
    pod = shop.run("get", "pod", killed, "-o", "json").json
    container = pod["status"]["containerStatuses"][0]["containerID"].removeprefix("docker://")
    status = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}{'\\n'}"
    watch = shop.spawn("get", "pod", killed, "--watch", "-o", status, stdout=subprocess.PIPE)
    assert watch.stdout is not None
    try:
        assert watch.stdout.readline() == "True\n"
        with Load(address) as load:
            load.until(lambda: load.answers[killed] > 10)
            subprocess.run(["docker", "kill", container], check=True, capture_output=True)
            assert watch.stdout.readline() == "False\n"
            marked = time.monotonic()
            while watch.stdout.readline() != "True\n":
                pass
            before = load.answers[killed]
            load.until(lambda: load.answers[killed] > before + 10)
    finally:
        watch.kill()
        watch.communicate()
    assert [(at - marked, how) for at, how in load.failed if at > marked + TIME_TO_PROGRAM] == []


def test_new_pods_get_requests_too(shop: Cluster, address: str) -> None:
    shop.run("scale", DEPLOYMENT, "--replicas=6")
    try:
        pods = ready_pods(shop, 6)
        with Load(address) as load:
            load.until(lambda: set(load.answers) == pods)
        assert load.failed == []
    finally:
        shop.run("scale", DEPLOYMENT, "--replicas=3")
        ready_pods(shop, 3)


def test_a_pod_finds_the_service_by_name_its_port_and_the_name_by_its_address(shop: Cluster, address: str) -> None:
    def look(*query: str) -> str:
        return shop.run("exec", "caller", "--", "nslookup", *query)

    assert f"Name:\t{FULL_NAME}\nAddress: {address}\n" in look(FULL_NAME)
    port_of = f"_http._tcp.{FULL_NAME}"
    assert f"{port_of}\tservice = 0 100 {PORT} {FULL_NAME}\n" in look("-type=srv", port_of)
    assert f"name = {FULL_NAME}\n" in look(address)
    fetched = shop.run("exec", "caller", "--", "wget", "-qO-", f"http://{SERVICE}:{PORT}/index.html")
    assert fetched.strip() in ready_pods(shop, 3)


def test_a_pod_in_another_namespace_needs_the_namespace_in_the_name(shop: Cluster) -> None:
    def fetch(host: str) -> list[str]:
        return ["exec", "-n", "elsewhere", "caller", "--", "wget", "-qO-", f"http://{host}:{PORT}/index.html"]

    assert f"bad address '{SERVICE}:{PORT}'" in shop.fails(*fetch(SERVICE)).stderr
    assert shop.run(*fetch(f"{SERVICE}.default")).strip() in ready_pods(shop, 3)
    assert shop.run(*fetch(FULL_NAME)).strip() in ready_pods(shop, 3)
