"""The kubelet's own API, as nodes/proxy gives it out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from backend.kubelet.runtime.api import ContainerUsage
from backend.kubelet.streams import KubeletStreams, NodeView
from backend.meta.errors import ApiError
from tests.support.kubelet_node import Node


@pytest.fixture
def streams(node: Node) -> KubeletStreams:
    assert node.kubelet is not None
    view = NodeView("n", node.root, node.kubelet.pods)
    return KubeletStreams(node.runtime, node.kubelet.status_of, view)


async def get(streams: KubeletStreams, path: str, query: Mapping[str, str] = {}) -> tuple[int, str]:
    answer = await streams.get("n", path, query)
    return answer.code, b"".join([chunk async for chunk in answer.body]).decode()


async def summary(streams: KubeletStreams, **query: str) -> Any:
    code, text = await get(streams, "/stats/summary", query)
    assert code == 200
    return json.loads(text)


async def running_pod(node: Node, **container: Any) -> str:
    """The id of its only container."""
    uid = node.pod("p", {"name": "c", **container})
    await node.until(node.running)
    return node.engine_pod(uid).containers[0].id


async def test_what_a_pod_uses_and_how_fast(node: Node, streams: KubeletStreams) -> None:
    id_ = await running_pod(node, resources={"limits": {"memory": "64Mi"}})
    node.runtime.usages[id_] = ContainerUsage(100.0, 2 * 10**9, 30 << 20, 20 << 20, processes=3)
    first = (await summary(streams))["pods"][0]
    assert first["podRef"] == {"name": "p", "namespace": "default", "uid": "u1"}
    assert "usageNanoCores" not in first["cpu"]
    node.runtime.usages[id_] = ContainerUsage(110.0, 7 * 10**9, 30 << 20, 20 << 20, processes=3)
    pod = (await summary(streams))["pods"][0]
    container = pod["containers"][0]
    assert container["name"] == "c"
    assert container["cpu"]["usageNanoCores"] == pod["cpu"]["usageNanoCores"] == 500_000_000
    assert container["cpu"]["usageCoreNanoSeconds"] == 7 * 10**9
    assert container["memory"]["workingSetBytes"] == 20 << 20
    assert pod["memory"]["availableBytes"] == 44 << 20
    assert pod["process_stats"] == {"process_count": 3}


async def test_the_node_is_read_of_this_machine(node: Node, streams: KubeletStreams) -> None:
    found = (await summary(streams))["node"]
    assert found["nodeName"] == "n"
    assert found["memory"]["workingSetBytes"] > 0
    assert found["cpu"]["usageCoreNanoSeconds"] > 0
    assert found["fs"]["capacityBytes"] > found["fs"]["availableBytes"] > 0
    short = (await summary(streams, only_cpu_and_memory="true"))["node"]
    assert short.keys() == {"nodeName", "startTime", "cpu", "memory"}


async def test_metrics_can_be_read_by_prometheus(node: Node, streams: KubeletStreams) -> None:
    id_ = await running_pod(node)
    node.runtime.usages[id_] = ContainerUsage(100.0, 1_500_000_000, working_set_bytes=4096)
    for path in ("/metrics", "/metrics/resource", "/metrics/cadvisor"):
        code, text = await get(streams, path)
        assert code == 200
        samples = {s.name: s for family in text_string_to_metric_families(text) for s in family.samples}
        if path != "/metrics":
            used = samples["container_cpu_usage_seconds_total"]
            assert used.value == 1.5
            assert {"container": "c", "namespace": "default", "pod": "p"}.items() <= used.labels.items()
            assert used.timestamp == 100.0
    assert (await get(streams, "/metrics/nope"))[0] == 404


async def test_its_pods_have_the_newest_status(node: Node, streams: KubeletStreams) -> None:
    await running_pod(node)
    code, text = await get(streams, "/pods")
    items = json.loads(text)["items"]
    assert code == 200
    assert [item["metadata"]["name"] for item in items] == ["p"]
    assert items[0]["status"]["phase"] == "Running"


async def test_health_configuration_and_logs(node: Node, streams: KubeletStreams) -> None:
    await running_pod(node)
    node.runtime.log_bytes = b"hello\n"
    assert await get(streams, "/healthz") == (200, "ok")
    _, text = await get(streams, "/configz")
    assert json.loads(text)["kubeletconfig"]["kind"] == "KubeletConfiguration"
    assert await get(streams, "/containerLogs/default/p/c") == (200, "hello\n")
    assert await get(streams, "/containerLogs/default/q/c") == (404, 'pod "q" does not exist\n')
    assert await get(streams, "/containerLogs/default/p/d") == (404, 'container "d" not found in pod "p"\n')
    assert (await get(streams, "/containerLogs/default/p/c", {"tailLines": "many"}))[0] == 400


@pytest.mark.parametrize(
    ("path", "code"), [("/logs/syslog", 405), ("/nope", 404), ("/", 404), ("/debug/pprof", 405)]
)
async def test_what_it_does_not_serve(streams: KubeletStreams, path: str, code: int) -> None:
    assert (await get(streams, path))[0] == code


async def test_it_runs_nothing_and_answers_for_no_other_node(streams: KubeletStreams) -> None:
    with pytest.raises(ApiError) as refused:
        await streams.get("n", "/run/default/p/c", {"cmd": "ls"})
    assert refused.value.code == 405
    with pytest.raises(ApiError) as unreachable:
        await streams.get("another", "/healthz", {})
    assert unreachable.value.code == 503
