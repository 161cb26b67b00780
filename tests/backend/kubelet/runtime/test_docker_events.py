"""The event stream, and an engine that comes and goes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.kubelet.runtime.api import RuntimeEvent, RuntimeUnavailable
from backend.kubelet.runtime.docker import DockerRuntime

pytestmark = pytest.mark.docker


class EngineRelay:
    """A socket in front of the real engine's, which can be closed and opened as an engine restarts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def up(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    async def down(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()
        self.path.unlink(missing_ok=True)
        self._server = None
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        upstream, upwriter = await asyncio.open_unix_connection("/var/run/docker.sock")
        self._writers |= {writer, upwriter}
        try:
            await asyncio.gather(_copy(reader, upwriter), _copy(upstream, writer))
        finally:
            self._writers -= {writer, upwriter}
            self._tasks.discard(task)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture
async def relay(tmp_path: Path, busybox: str) -> AsyncIterator[EngineRelay]:
    relay = EngineRelay(tmp_path / "engine.sock")
    yield relay
    await relay.down()


async def next_event(events: AsyncIterator[RuntimeEvent]) -> RuntimeEvent:
    async with asyncio.timeout(15):
        return await anext(events)


async def test_events_name_the_pod_and_what_happened(runtime: DockerRuntime, pods) -> None:
    events = runtime.events()
    assert await next_event(events) == RuntimeEvent("", "", "reconnected")
    sandbox = await pods.sandbox(pod_uid="watched")
    container = await pods.container(sandbox, "true")
    await pods.output(container)
    await runtime.exec_probe(await pods.container(sandbox, "sleep", "9", name="d"), ["true"], 5)
    await runtime.remove_container(container)
    seen = [await next_event(events) for _ in range(5)]
    assert {event.pod_uid for event in seen} == {"watched"}
    assert [event.action for event in seen if event.container_id == container] == ["start", "die", "destroy"]
    assert seen[0] == RuntimeEvent("watched", sandbox.id, "start")
    await events.aclose()


async def test_the_stream_survives_an_engine_restart(runtime: DockerRuntime, pods, relay: EngineRelay) -> None:
    watcher = DockerRuntime(runtime._cluster_id, environ={"DOCKER_HOST": f"unix://{relay.path}"})
    events = watcher.events()
    first = asyncio.create_task(next_event(events))
    await asyncio.sleep(0.3)
    assert not first.done()
    await relay.up()
    assert (await first).action == "reconnected"

    waiting = asyncio.create_task(next_event(events))
    await asyncio.sleep(0)
    await relay.down()
    assert await waiting == RuntimeEvent("", "", "disconnected")
    await relay.up()
    assert await next_event(events) == RuntimeEvent("", "", "reconnected")
    sandbox = await pods.sandbox()
    assert await next_event(events) == RuntimeEvent(sandbox.labels["io.kubernetes.pod.uid"], sandbox.id, "start")
    await events.aclose()
    await watcher.close()


async def test_waiting_for_events_costs_nothing(runtime: DockerRuntime) -> None:
    events = runtime.events()
    await next_event(events)
    waiting = asyncio.create_task(anext(events))
    await asyncio.sleep(0)
    before = resource.getrusage(resource.RUSAGE_SELF)
    await asyncio.sleep(1)
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime) < 0.02
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    await events.aclose()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the SDK drops what cannot connect
async def test_calls_fail_while_no_engine_answers_and_work_when_it_does(relay: EngineRelay, monkeypatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{relay.path}")
    runtime = DockerRuntime("relayed")
    with pytest.raises(
        RuntimeUnavailable, match=r"^Cannot connect to the Docker daemon at unix:///.*engine.sock\."
    ):
        await runtime.info()
    with pytest.raises(RuntimeUnavailable, match="Is the docker daemon running"):
        await runtime.stop_container("x", 1)
    await relay.up()
    assert (await runtime.info()).name == "docker"
    await relay.down()
    with pytest.raises(RuntimeUnavailable, match="Cannot connect"):
        await runtime.info()
    await relay.up()
    assert (await runtime.info()).name == "docker"
    await runtime.close()
    gc.collect()


async def test_an_engine_that_cannot_be_spoken_to_is_named() -> None:
    runtime = DockerRuntime("far", environ={"DOCKER_HOST": "ssh://somewhere"})
    with pytest.raises(RuntimeUnavailable, match="ssh://somewhere: only unix:// and tcp://"):
        await runtime.stop_container("x", 1)
    await runtime.close()
