"""metrics.k8s.io: what nodes and pods use, by what their kubelets count."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import orjson
import pytest

from backend.apiserver.handler import Handler
from backend.apiserver.resource_metrics.measuring import LONGEST, SHORTEST, Meter
from backend.apiserver.resource_metrics.scrape import NODE
from backend.apiserver.resource_metrics.serving import Meters
from backend.machinery.client import GVR, NODES, PODS, Client
from backend.machinery.clock import FakeClock
from backend.meta.errors import ApiError, unavailable
from backend.meta.streams import NodeAnswer
from backend.meta.types import ADMIN, ApiRequest
from tests.support.control_plane import ControlPlane, control_plane, schemas

POD_METRICS = GVR("metrics.k8s.io", "v1beta1", "pods")
NODE_METRICS = GVR("metrics.k8s.io", "v1beta1", "nodes")
C = ("default", "p", "c")


class Counting:
    """A kubelet whose containers count at a steady pace: `cores` by key, and `started` on the clock."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.begin = clock.now() - 1000
        self.cores = {C: 0.25}
        self.started: dict[tuple[str, str, str], float] = {}
        self.reads = 0

    async def get(self, node: str, path: str, query: Mapping[str, str]) -> NodeAnswer:
        if node != "n":
            raise unavailable("no such kubelet")
        assert (path, query) == ("/metrics/resource", {})
        self.reads += 1
        now = self.clock.now()
        lines = [
            f"node_cpu_usage_seconds_total {now - self.begin} {int(now * 1000)}",
            f"node_memory_working_set_bytes 1048576 {int(now * 1000)}",
            "# TYPE other gauge",
            "other 1",
        ]
        for key, cores in self.cores.items():
            started = self.started.get(key, self.begin)
            labels = ",".join(f'{n}="{v}"' for n, v in zip(("namespace", "pod", "container"), key, strict=True))
            lines += [
                f"container_cpu_usage_seconds_total{{{labels}}} {(now - started) * cores} {int(now * 1000)}",
                f"container_memory_working_set_bytes{{{labels}}} 2048 {int(now * 1000)}",
                f"container_start_time_seconds{{{labels}}} {started}",
            ]
        return NodeAnswer(200, "text/plain", _once("\n".join(lines).encode() + b"\n"))


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


class SelfMoving(FakeClock):
    """Whoever sleeps moves it on."""

    async def sleep(self, seconds: float) -> None:
        self._now += seconds


@pytest.fixture
def clock() -> SelfMoving:
    return SelfMoving()


@pytest.fixture
def kubelet(clock: SelfMoving) -> Counting:
    return Counting(clock)


@pytest.fixture
def meter(kubelet: Counting, clock: SelfMoving) -> Meter:
    return Meter(kubelet, "n", clock)  # type: ignore[arg-type]


async def test_the_first_who_asks_waits_for_a_second_reading(meter: Meter, kubelet: Counting) -> None:
    found = await meter.measure()
    assert kubelet.reads == 2
    assert (found[C].cpu_nanocores, found[C].window, found[C].memory_bytes) == (250_000_000, SHORTEST, 2048)
    assert found[NODE].cpu_nanocores == 10**9


async def test_who_asks_soon_after_gets_the_same(meter: Meter, kubelet: Counting, clock: SelfMoving) -> None:
    first = await meter.measure()
    await clock.advance(SHORTEST / 2)
    assert await meter.measure() is first
    assert kubelet.reads == 2


async def test_who_asks_again_is_told_of_the_time_since(
    meter: Meter, kubelet: Counting, clock: SelfMoving
) -> None:
    await meter.measure()
    await clock.advance(15)
    found = await meter.measure()
    assert (kubelet.reads, found[C].window) == (3, 16.0)
    await clock.advance(LONGEST + 1)
    assert (await meter.measure())[C].window == SHORTEST


async def test_a_young_container_is_measured_from_its_start(
    meter: Meter, kubelet: Counting, clock: SelfMoving
) -> None:
    await meter.measure()
    new = ("default", "q", "c")
    kubelet.cores[new], kubelet.started[new] = 2.0, clock.now() + 3
    await clock.advance(10)
    found = await meter.measure()
    assert (found[new].cpu_nanocores, found[new].window) == (2 * 10**9, 7.0)
    assert kubelet.reads == 3


async def test_a_container_that_began_anew_counts_from_there(
    meter: Meter, kubelet: Counting, clock: SelfMoving
) -> None:
    await meter.measure()
    await clock.advance(10)
    kubelet.started[C] = clock.now() - 4
    found = await meter.measure()
    assert (found[C].window, found[C].cpu_nanocores) == (4.0, 250_000_000)


async def _measured(plane: ControlPlane, clock: SelfMoving) -> Client:
    """A client of an API server beside the plane's own, which has a kubelet."""
    kubelet = Counting(clock)
    kubelet.cores[("default", "p", "d")] = 0.0015
    kubelet.started = dict.fromkeys(kubelet.cores, clock.now() - 10)
    meters = Meters(kubelet, clock)  # type: ignore[arg-type]
    handler = Handler(plane.store, plane.catalog, schemas(), meters=meters, clock=clock.now)
    plane.handler = handler
    return Client(handler, ADMIN)


@pytest.fixture
async def measured(tmp_path: Path, clock: SelfMoving) -> AsyncIterator[tuple[Client, ControlPlane]]:
    """A pod `p` on node `n`, a pod `idle` on no node, and a node `other` that cannot be asked."""
    async with control_plane(tmp_path) as plane:
        await plane.node("n", labels={"a": "b"})
        await plane.node("other")
        await plane.pod("p", nodeName="n", metadata={"labels": {"app": "x"}})
        await plane.pod("idle")
        client = await _measured(plane, clock)
        yield client, plane


async def test_pods_are_listed_with_what_each_container_uses(measured: tuple[Client, ControlPlane]) -> None:
    client, _ = measured
    (item,) = (await client.list(POD_METRICS, "default"))["items"]
    assert (item["kind"], item["apiVersion"]) == ("PodMetrics", "metrics.k8s.io/v1beta1")
    assert item["metadata"]["name"] == "p"
    assert item["metadata"]["labels"] == {"app": "x"}
    assert item["containers"] == [
        {"name": "c", "usage": {"cpu": "250m", "memory": "2Ki"}},
        {"name": "d", "usage": {"cpu": "1500u", "memory": "2Ki"}},
    ]
    assert item["window"].endswith("s")
    assert await client.get(POD_METRICS, "p", "default") == item


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"labelSelector": "app=x"}, ["p"]),
        ({"labelSelector": "app=y"}, []),
        ({"fieldSelector": "metadata.name=p"}, ["p"]),
        ({"fieldSelector": "metadata.name=q"}, []),
    ],
)
async def test_pods_are_selected(
    measured: tuple[Client, ControlPlane], query: dict[str, str], expected: list[str]
) -> None:
    found = (await measured[0].list(POD_METRICS, "", **query))["items"]
    assert [item["metadata"]["name"] for item in found] == expected


async def test_nodes_are_listed_without_those_that_cannot_be_asked(measured: tuple[Client, ControlPlane]) -> None:
    client, _ = measured
    (item,) = (await client.list(NODE_METRICS))["items"]
    assert item["metadata"]["name"] == "n"
    assert item["usage"] == {"cpu": "1", "memory": "1Mi"}
    assert (await client.list(NODE_METRICS, labelSelector="a=c"))["items"] == []


@pytest.mark.parametrize(
    ("gvr", "namespace", "name", "message"),
    [
        (POD_METRICS, "default", "x", 'pods "x" not found'),
        (POD_METRICS, "default", "idle", 'podmetrics.metrics.k8s.io "default/idle" not found'),
        (NODE_METRICS, "", "x", 'nodes "x" not found'),
        (NODE_METRICS, "", "other", 'nodemetrics.metrics.k8s.io "other" not found'),
    ],
)
async def test_what_is_not_there_or_not_measured(
    measured: tuple[Client, ControlPlane], gvr: GVR, namespace: str, name: str, message: str
) -> None:
    with pytest.raises(ApiError) as caught:
        await measured[0].get(gvr, name, namespace)
    assert (caught.value.code, str(caught.value)) == (404, message)


async def test_a_table_sums_up_containers(measured: tuple[Client, ControlPlane]) -> None:
    _, plane = measured
    request = ApiRequest("list", "metrics.k8s.io", "v1beta1", "pods", "default", user=ADMIN)
    table = orjson.loads((await plane.handler.answer(request, "table")).body)
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "cpu", "memory", "Window"]
    assert table["rows"][0]["cells"][:3] == ["p", "251500u", "4Ki"]


async def test_without_a_kubelet_there_is_no_such_api(tmp_path: Path) -> None:
    async with control_plane(tmp_path) as plane:
        with pytest.raises(ApiError, match="could not find"):
            await plane.client.list(POD_METRICS, "default")
        assert (
            (await plane.client.list(PODS, "default"))["items"] == (await plane.client.list(NODES))["items"] == []
        )
