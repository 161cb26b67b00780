"""Services: how soon a new endpoint gets traffic, how long many rules take, and what an address costs in throughput."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.network.nftables import Table
from backend.network.proxy.route_localnet import remove_with_table
from tests.bench.report import Row, median
from tests.support import netns
from tests.support.cli import Cluster
from tests.support.proxy_bed import Proxied
from tests.support.service_objects import endpoint_slice, service

IMAGE = "busybox:1.36"
ROUNDS = 10
SERVICES, ENDPOINTS = 1000, 10
STREAMS = 6
"""Pairs of connections: how the processors share the work is another matter for each."""
CHUNK = 16 << 20
"""Bytes that stream.py sends at a time."""
_STREAM = Path(__file__).with_name("stream.py")
_MANY = "bench-many"


def service_rows(cluster: Cluster) -> list[Row]:
    return [*endpoint_rows(cluster), *throughput_rows(cluster), *rule_rows()]


def endpoint_rows(cluster: Cluster) -> list[Row]:
    """From when a watch shows that the only pod is Ready until a connection to the service is answered by it."""
    _create(cluster, {"kind": "Service", **_named("fresh"), "spec": _service_spec("fresh")})
    address = _cluster_ip(cluster, "fresh")
    took = []
    with _ready_times(cluster) as ready:
        for number in range(ROUNDS):
            name = f"fresh-{number}"
            _create(cluster, _pod(name, "fresh"))
            answered = _await(address, answering=True)
            took.append(max(0.0, answered - ready.of(name)))
            cluster.run("delete", "pod", name, "--grace-period=0", "--force")
            _await(address, answering=False)
    usual = median(took)
    beside = f"the longest of {ROUNDS} {max(took) * 1000:.0f} ms"
    return [
        Row("a new endpoint's traffic after Ready", f"{usual * 1000:.0f} ms", beside, "<= 100 ms", usual <= 0.1)
    ]


def throughput_rows(cluster: Cluster) -> list[Row]:
    """From pod to pod, to the pod's address and to the service's in turns of some 20 ms: other work slows both."""
    _create(cluster, {"kind": "Service", **_named("sink"), "spec": _service_spec("sink", 9000)})
    for name in ("sink", "source"):
        _create(cluster, _pod(name, name))
    cluster.run("wait", "pod/sink", "pod/source", "--for=condition=Ready", "--timeout=60s")
    pod_ip = str(cluster.run("get", "pod", "sink", "-o", "jsonpath={.status.podIP}"))
    service_ip = _cluster_ip(cluster, "sink")
    send = [*_within("source"), sys.executable, str(_STREAM), "send", "9000"]
    seconds: dict[str, list[float]] = {pod_ip: [], service_ip: []}
    with subprocess.Popen([*_within("sink"), sys.executable, str(_STREAM), "receive", "9000"]) as receiver:
        try:
            _await_port(pod_ip, 9000)
            for turn in range(STREAMS):
                both = [pod_ip, service_ip][:: 1 if turn % 2 else -1]
                lines = subprocess.run(
                    [*send, *both], check=True, capture_output=True, text=True, timeout=120
                ).stdout
                for each in map(str.split, lines.splitlines()):
                    for address, took in zip(both, each, strict=True):
                        seconds[address].append(float(took))
        finally:
            receiver.kill()
    direct, balanced = median(seconds[pod_ip]), median(seconds[service_ip])
    beside = f"to the pod {_gigabytes(direct):.2f} GB/s, to the service {_gigabytes(balanced):.2f} GB/s"
    ratio = direct / balanced * 100
    return [Row("throughput by a service's address", f"{ratio:.1f} %", beside, ">= 95 %", ratio >= 95)]


def rule_rows() -> list[Row]:
    """From the informers' cache to the kernel, in a network namespace of our own."""
    with netns.machine():
        whole, one, floor = asyncio.run(_program())
    work = f"{SERVICES:,} services x {ENDPOINTS} endpoints"
    usual = median(one)
    beside = f"the longest of {len(one)} {max(one) * 1000:.0f} ms; nft with nothing to do {floor * 1000:.0f} ms"
    return [
        Row(f"{work}, all", f"{whole:.2f} s", "", "<= 2 s", whole <= 2),
        Row(f"{work}, one change", f"{usual * 1000:.0f} ms", beside, "<= 200 ms", usual <= 0.2),
    ]


async def _program() -> tuple[float, list[float], float]:
    table = Table(_MANY)
    proxied = Proxied(table)
    slices = []
    for number in range(SERVICES):
        name = f"s{number}"
        places = [f"10.77.{number // 20}.{number % 20 * ENDPOINTS + each}" for each in range(ENDPOINTS)]
        proxied.services.put(service(name, f"10.96.{number // 250}.{number % 250 + 1}"))
        slices.append(endpoint_slice(name, *places))
    proxied.slices.put(*slices)
    await proxied.proxy.on_bridge(netns.BRIDGE)
    began = time.monotonic()
    running = asyncio.create_task(proxied.proxy.run())
    await proxied.section.happened.wait()
    whole = time.monotonic() - began
    one = []
    for number in range(20):
        entry = slices[number * 37]
        began = time.monotonic()
        await proxied.put(None, {**entry, "endpoints": entry["endpoints"][1:]})
        one.append(time.monotonic() - began)
    running.cancel()
    began = time.monotonic()
    await asyncio.to_thread(subprocess.run, ["nft", "list", "tables"], check=True, capture_output=True)
    floor = time.monotonic() - began
    await asyncio.to_thread(remove_with_table, _MANY)
    return whole, one, floor


class _ReadyTimes:
    """When a watch of pods first told that a pod is Ready, by its name."""

    def __init__(self) -> None:
        self._times: dict[str, float] = {}
        self._told = threading.Condition()

    def of(self, name: str) -> float:
        with self._told:
            assert self._told.wait_for(lambda: name in self._times, 30)
            return self._times[name]

    def read(self, events: socket.socket) -> None:
        rest = b""
        while data := events.recv(1 << 16):
            now = time.monotonic()
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                if line.startswith(b"{"):  # and not the size of a chunk
                    self._see(json.loads(line)["object"], now)

    def _see(self, pod: dict, now: float) -> None:  # type: ignore[type-arg]
        for condition in pod.get("status", {}).get("conditions", ()):
            if condition["type"] == "Ready" and condition["status"] == "True":
                with self._told:
                    self._times.setdefault(pod["metadata"]["name"], now)
                    self._told.notify_all()


@contextmanager
def _ready_times(cluster: Cluster) -> Iterator[_ReadyTimes]:
    times = _ReadyTimes()
    with socket.socket(socket.AF_UNIX) as events:
        events.connect(str(cluster.folder / "backend.sock"))
        events.sendall(b"GET /api/v1/namespaces/default/pods?watch=true HTTP/1.1\r\nHost: x\r\n\r\n")
        reading = threading.Thread(target=times.read, args=(events,))
        reading.start()
        yield times
        events.shutdown(socket.SHUT_RDWR)
        reading.join()


def _await(address: str, *, answering: bool) -> float:
    """The moment at which connections to the service begin, or cease, to be answered."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((address, 80), 1):
                answered = True
        except OSError:
            answered = False
        if answered == answering:
            return time.monotonic()
        time.sleep(0.001)
    raise AssertionError(f"{address} does not {'answer' if answering else 'cease'}")


def _await_port(address: str, port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection((address, port), 1).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        else:
            return


def _gigabytes(seconds: float) -> float:
    """A second, where a chunk took so long."""
    return CHUNK / seconds / 1e9


def _within(pod: str) -> list[str]:
    """The beginning of a command that runs in the pod's network."""
    label = f"label=io.kubernetes.pod.name={pod}"
    sandbox = ["docker", "ps", "-q", "--filter", label, "--filter", "label=io.kubernetes.container.name=POD"]
    container = subprocess.run(sandbox, check=True, capture_output=True, text=True).stdout.split()[0]
    inspect = ["docker", "inspect", "-f", "{{.State.Pid}}", container]
    pid = subprocess.run(inspect, check=True, capture_output=True, text=True).stdout.strip()
    return ["nsenter", f"--net=/proc/{pid}/ns/net"]


def _cluster_ip(cluster: Cluster, name: str) -> str:
    return str(cluster.run("get", "service", name, "-o", "jsonpath={.spec.clusterIP}"))


def _create(cluster: Cluster, manifest: dict[str, object]) -> None:
    cluster.run("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", **manifest}))


def _named(name: str) -> dict[str, object]:
    return {"metadata": {"name": name, "labels": {"app": name}}}


def _service_spec(app: str, target: int = 8080) -> dict[str, object]:
    return {"selector": {"app": app}, "ports": [{"port": 9000 if target == 9000 else 80, "targetPort": target}]}


def _pod(name: str, app: str) -> dict[str, object]:
    """One that serves HTTP on 8080, and is ready once it does."""
    container = {
        "name": "c", "image": IMAGE, "command": ["httpd", "-f", "-p", "8080"],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
    }  # fmt: skip
    return {"kind": "Pod", "metadata": {"name": name, "labels": {"app": app}}, "spec": {"containers": [container]}}
