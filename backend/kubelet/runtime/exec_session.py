"""exec and attach: hijacked connections to the engine, which carry standard input one way and output the other."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.kubelet.runtime.engine import Engine, EngineRefused
from backend.kubelet.runtime.engine_http import Endpoint, Exchange, request
from backend.kubelet.runtime.frames import frames, unframed

if TYPE_CHECKING:
    from docker import APIClient

_RESIZE_TRIES = 6
_RESIZE_DELAY_SECONDS = 0.01


class HijackedSession:
    """One running exec or attach (meta.streams.ExecSession). Output is read as fast as the reader asks for it."""

    def __init__(
        self,
        engine: Engine,
        exchange: Exchange,
        *,
        tty: bool,
        resize: Callable[[APIClient, int, int], Any],
        exit_code: Callable[[], Any],
    ) -> None:
        self._engine = engine
        self._exchange = exchange
        self._tty = tty
        self._resize = resize
        self._exit_code = exit_code
        self._ended = asyncio.Event()

    async def write_stdin(self, data: bytes) -> None:
        """What a process that has ended does not read is dropped."""
        if self._ended.is_set():
            return
        try:
            await self._exchange.write(data)
        except OSError:
            return

    async def close_stdin(self) -> None:
        if not self._ended.is_set():
            self._exchange.write_eof()

    async def resize(self, width: int, height: int) -> None:
        """The engine accepts the connection before the process exists, and refuses a size until it does."""
        delay = _RESIZE_DELAY_SECONDS
        for attempt in range(_RESIZE_TRIES):
            if self._ended.is_set():
                return
            try:
                await self._engine.call("ResizeError", lambda client: self._resize(client, width, height))
            except EngineRefused:
                if attempt == _RESIZE_TRIES - 1:
                    return
                await asyncio.sleep(delay)
                delay *= 2
            else:
                return

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        chunks = self._exchange.chunks()
        try:
            async for stream, data in unframed(chunks) if self._tty else frames(chunks):
                yield stream, data
        finally:
            self._ended.set()

    async def exit_code(self) -> int:
        """Waits for the end of the output, which somebody must read, and of the process."""
        await self._ended.wait()
        return int(await self._exit_code())

    async def close(self) -> None:
        self._ended.set()
        self._exchange.close()


async def start_exec(
    engine: Engine, endpoint: Endpoint, container_id: str, command: Sequence[str], *, stdin: bool, tty: bool
) -> tuple[str, HijackedSession]:
    """The exec's id and its session. A command that does not exist is the engine's text on standard output and
    exit code 126 or 127."""
    exec_id = await engine.call("ExecError", lambda client: _create(client, container_id, command, stdin, tty))
    exchange = await request(
        endpoint,
        "POST",
        f"/exec/{exec_id}/start",
        reason="ExecError",
        body={"Detach": False, "Tty": tty},
        hijack=True,
    )
    session = HijackedSession(
        engine,
        exchange,
        tty=tty,
        resize=lambda client, width, height: client.exec_resize(exec_id, height=height, width=width),
        exit_code=lambda: _exec_exit_code(engine, endpoint, container_id, exec_id),
    )
    return exec_id, session


def _create(client: APIClient, container_id: str, command: Sequence[str], stdin: bool, tty: bool) -> str:
    created = client.exec_create(container_id, list(command), stdin=stdin, stdout=True, stderr=True, tty=tty)
    return str(created["Id"])


async def _exec_exit_code(engine: Engine, endpoint: Endpoint, container_id: str, exec_id: str) -> int:
    """A process may close its output and run on; the engine then tells of its end with an event.

    Subscribing before looking leaves no gap.
    """
    code = await _exec_code_now(engine, exec_id)
    if code is not None:
        return code
    filters = {"container": [container_id], "event": ["exec_die", "die"]}
    events = await request(endpoint, "GET", "/events", reason="ExecError", query={"filters": json.dumps(filters)})
    try:
        chunks = events.chunks()
        while (code := await _exec_code_now(engine, exec_id)) is None:
            await anext(chunks)
        return code
    except (StopAsyncIteration, EngineRefused):
        return 137
    finally:
        events.close()


async def _exec_code_now(engine: Engine, exec_id: str) -> int | None:
    state = await engine.call("ExecError", lambda client: client.exec_inspect(exec_id))
    return None if state["Running"] else int(state["ExitCode"] or 0)


async def start_attach(
    engine: Engine, endpoint: Endpoint, container_id: str, *, stdin: bool, tty: bool
) -> HijackedSession:
    """From now on: what the container wrote before is in its log. Its exit code is the container's business."""
    flags = {"stream": "1", "stdout": "1", "stderr": "1", "stdin": "1" if stdin else "0"}
    exchange = await request(
        endpoint,
        "POST",
        f"/containers/{container_id}/attach",
        reason="AttachError",
        query=flags,
        hijack=True,
    )
    return HijackedSession(
        engine,
        exchange,
        tty=tty,
        resize=lambda client, width, height: client.resize(container_id, height=height, width=width),
        exit_code=_no_exit_code,
    )


async def _no_exit_code() -> int:
    return 0


async def exec_probe(
    engine: Engine, endpoint: Endpoint, container_id: str, command: Sequence[str], timeout: float, limit: int
) -> tuple[int, bytes]:
    """(exit code, the first `limit` bytes of output). Raises TimeoutError, after the process was killed."""
    exec_id, session = await start_exec(engine, endpoint, container_id, command, stdin=False, tty=False)
    output = bytearray()
    try:
        async with asyncio.timeout(timeout):
            async for _, data in session.output():
                output += data[: limit - len(output)]
            return await session.exit_code(), bytes(output)
    except TimeoutError:
        await engine.call("ExecError", lambda client: _kill(client, container_id, exec_id))
        raise
    finally:
        await session.close()


def _kill(client: APIClient, container_id: str, exec_id: str) -> None:
    """The engine has no call to end an exec. Its process is ours to kill if it is on this machine, which its
    cgroup tells: the id of a container occurs nowhere else."""
    pid = client.exec_inspect(exec_id)["Pid"]
    try:
        if pid and container_id in Path(f"/proc/{pid}/cgroup").read_text():
            os.kill(pid, 9)
    except OSError:
        return
