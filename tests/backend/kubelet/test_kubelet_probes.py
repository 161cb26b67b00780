"""Probes: what they decide, and what they say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from backend.kubelet.handlers import HandlerError, Outcome, Target, run_handler
from backend.kubelet.runtime.fake import FakeRuntime
from backend.machinery.clock import FakeClock
from tests.support.kubelet_node import Node


def probed(kind: str, **settings: Any) -> dict[str, Any]:
    return {"name": "c", f"{kind}Probe": {"exec": {"command": ["check"]}, "periodSeconds": 5, **settings}}


class Check:
    """The answer of the exec probes, to be turned by a test."""

    def __init__(self, node: Node, *, ok: bool) -> None:
        self.ok = ok
        node.runtime.on_exec = lambda _container, _command: (0, b"") if self.ok else (1, b"not yet\n")


async def test_a_container_is_ready_once_its_readiness_probe_says_so(node: Node) -> None:
    check = Check(node, ok=False)
    node.pod("p", probed("readiness"))
    await node.until(node.running)
    await node.until(lambda: ("Unhealthy", "Readiness probe failed: not yet\n") in node.events())
    assert not node.container()["ready"]
    assert node.container()["started"]
    assert node.condition("Ready")["message"] == "containers with unready status: [c]"
    check.ok = True
    assert await node.advance_until(lambda: node.container()["ready"]) <= 6
    check.ok = False
    took = await node.advance_until(lambda: not node.container()["ready"])
    assert 10 <= took <= 16
    assert node.container()["restartCount"] == 0


async def test_a_failed_liveness_probe_restarts_the_container(node: Node) -> None:
    check = Check(node, ok=True)
    node.pod("p", probed("liveness", failureThreshold=2))
    await node.until(node.running)
    await node.clock.advance(60)
    assert node.container()["restartCount"] == 0
    check.ok = False
    await node.advance_until(lambda: node.container()["restartCount"] == 1)
    check.ok = True
    await node.until(lambda: ("Killing", "Container c failed liveness probe, will be restarted") in node.events())
    await node.told("Unhealthy", "Liveness probe failed: not yet\n")


async def test_the_initial_delay_is_waited_for(node: Node) -> None:
    Check(node, ok=True)
    node.pod("p", probed("readiness", initialDelaySeconds=30))
    await node.until(node.running)
    took = await node.advance_until(lambda: node.container()["ready"])
    assert 30 <= took <= 32


async def test_other_probes_wait_for_the_startup_probe(node: Node) -> None:
    check = Check(node, ok=False)
    container = {**probed("startup", failureThreshold=30), **probed("liveness", failureThreshold=1)}
    node.pod("p", container)
    await node.until(node.running)
    await node.clock.advance(60)
    assert (node.container()["started"], node.container()["restartCount"]) == (False, 0)
    check.ok = True
    await node.advance_until(lambda: node.container()["started"])
    assert node.container()["ready"]


async def test_a_failed_startup_probe_restarts_the_container(node: Node) -> None:
    Check(node, ok=False)
    node.pod("p", probed("startup", failureThreshold=2))
    await node.until(node.running)
    await node.advance_until(lambda: node.container()["restartCount"] == 1)
    await node.told("Killing", "Container c failed startup probe, will be restarted")


async def test_a_ready_container_stays_ready_through_a_restart_of_the_kubelet(node: Node) -> None:
    check = Check(node, ok=True)
    node.pod("p", probed("readiness"))
    await node.until(lambda: node.running() and node.container()["ready"])
    await node.stop()
    check.ok = False
    await node.start()
    await node.clock.advance(1)
    assert node.container()["ready"]
    await node.advance_until(lambda: not node.container()["ready"])


@asynccontextmanager
async def http_server(answer: bytes) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


async def probe(handler: dict[str, Any], **container: Any) -> Outcome:
    target = Target({"name": "c", **container}, "id", "127.0.0.1")
    return await run_handler(handler, target, 1, FakeRuntime(FakeClock()))


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", Outcome(True, "")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Outcome(True, "ok")),
        (
            b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
            Outcome(False, "HTTP probe failed with statuscode: 503"),
        ),
    ],
)
async def test_http_probes_judge_by_the_status_code(answer: bytes, outcome: Outcome) -> None:
    async with http_server(answer) as port:
        assert await probe({"httpGet": {"port": port, "path": "/healthz"}}) == outcome


async def test_http_probes_do_not_follow_to_other_hosts() -> None:
    async with http_server(b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\n\r\n") as port:
        outcome = await probe({"httpGet": {"port": port}})
    assert outcome == Outcome(True, "Probe terminated redirects, Response body: ", warning=True)


async def test_http_probes_tell_a_refused_connection_as_go_does() -> None:
    async with http_server(b"") as port:
        pass
    outcome = await probe({"httpGet": {"port": port, "path": "/x"}})
    assert (
        outcome.output
        == f'Get "http://127.0.0.1:{port}/x": dial tcp 127.0.0.1:{port}: connect: connection refused'
    )


async def test_tcp_probes_need_only_a_connection() -> None:
    async with http_server(b"") as port:
        assert (await probe({"tcpSocket": {"port": "web"}}, ports=[{"name": "web", "containerPort": port}])).ok
    assert (
        await probe({"tcpSocket": {"port": port}})
    ).output == f"dial tcp 127.0.0.1:{port}: connect: connection refused"


async def test_an_unknown_port_name_is_neither_success_nor_failure() -> None:
    with pytest.raises(HandlerError, match='parsing "web": invalid syntax'):
        await probe({"tcpSocket": {"port": "web"}})
