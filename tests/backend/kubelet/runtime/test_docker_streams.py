"""Logs, exec and attach through the real engine."""

from __future__ import annotations

import asyncio
import os
import re
import time
from pathlib import Path

import pytest

from backend.kubelet.runtime.api import RuntimeFailure
from backend.kubelet.runtime.docker import DockerRuntime
from backend.meta.streams import ExecSession, LogOptions

pytestmark = pytest.mark.docker
SDK_CONNECTIONS = 8
"""As many as the runtime has threads may be kept open for the next call."""


async def read(runtime: DockerRuntime, container: str, **options) -> str:
    log = await runtime.logs(container, LogOptions("c", **options))
    return b"".join([chunk async for chunk in log]).decode()


async def collect(session: ExecSession) -> tuple[dict[int, bytes], int]:
    output: dict[int, bytes] = {}
    async for stream, data in session.output():
        output[stream] = output.get(stream, b"") + data
    code = await session.exit_code()
    await session.close()
    return output, code


def open_sockets() -> int:
    targets = (os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if _exists(fd))
    return sum(target.startswith("socket:") for target in targets)


def _exists(fd: str) -> bool:
    return Path(f"/proc/self/fd/{fd}").is_symlink()


async def test_log_options(runtime: DockerRuntime, pods) -> None:
    container = await pods.start("sh", "-c", "echo one; echo two; sleep 1.2; echo three")
    assert await read(runtime, container, follow=True) == "one\ntwo\nthree\n"
    assert await read(runtime, container, tail_lines=2) == "two\nthree\n"
    assert await read(runtime, container, tail_lines=0) == ""
    assert await read(runtime, container, limit_bytes=5) == "one\nt"
    assert await read(runtime, container, since_seconds=3600, tail_lines=1) == "three\n"

    stamped = await read(runtime, container, timestamps=True)
    lines = re.findall(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) (\w+)\n", stamped)
    assert [text for _, text in lines] == ["one", "two", "three"]
    later = lines[2][0][:19] + "Z"
    assert await read(runtime, container, since_time=later) == "three\n"


async def test_both_streams_are_in_the_log(runtime: DockerRuntime, pods) -> None:
    container = await pods.start("sh", "-c", "echo out; echo errör >&2")
    log = await runtime.logs(container, LogOptions("c", follow=True))
    data = b"".join([chunk async for chunk in log])
    assert sorted(data.decode().split("\n")) == ["", "errör", "out"]


async def test_a_long_line_has_one_timestamp(runtime: DockerRuntime, pods) -> None:
    container = await pods.start("sh", "-c", "head -c 50000 /dev/zero; echo; echo end")
    await runtime.stop_container(container, 5)
    text = await read(runtime, container, timestamps=True)
    assert len(re.findall(r"\d{9}Z ", text)) == 2
    assert text.count("\0") == 50_000


async def test_following_ends_with_the_container(runtime: DockerRuntime, pods) -> None:
    container = await pods.start("sh", "-c", "echo start; sleep 60")
    log = await runtime.logs(container, LogOptions("c", follow=True))
    assert await anext(log) == b"start\n"
    await runtime.remove_container(container)
    async with asyncio.timeout(5):
        assert [chunk async for chunk in log] == []


async def test_a_reader_that_goes_away_frees_its_connection(runtime: DockerRuntime, pods) -> None:
    container = await pods.start("sh", "-c", "while :; do echo x; sleep 0.01; done")
    before = open_sockets()
    for _ in range(20):
        log = await runtime.logs(container, LogOptions("c", follow=True))
        await anext(log)
        await log.aclose()
        unread = await runtime.logs(container, LogOptions("c", follow=True))
        await unread.aclose()
    await asyncio.sleep(0)
    assert open_sockets() <= before + SDK_CONNECTIONS


async def test_a_log_of_no_container_is_refused(runtime: DockerRuntime) -> None:
    with pytest.raises(RuntimeFailure, match="No such container"):
        await runtime.logs("nothing", LogOptions("c"))


async def test_exec_separates_streams_and_tells_the_exit_code(runtime: DockerRuntime, pods) -> None:
    container = await pods.start("sleep", "60")
    session = await runtime.exec(container, ["sh", "-c", "echo out; echo err >&2; exit 3"], stdin=False, tty=False)
    assert await collect(session) == ({1: b"out\n", 2: b"err\n"}, 3)


async def test_exec_carries_megabytes_of_binary_both_ways(runtime: DockerRuntime, pods) -> None:
    container = await pods.start("sleep", "60")
    session = await runtime.exec(container, ["cat"], stdin=True, tty=False)
    sent = os.urandom(4 << 20)

    async def feed() -> None:
        for start in range(0, len(sent), 65536):
            await session.write_stdin(sent[start : start + 65536])
        await session.close_stdin()

    feeding = asyncio.create_task(feed())
    output, code = await collect(session)
    await feeding
    assert output[1] == sent
    assert code == 0


async def test_a_slow_reader_holds_the_process_back(runtime: DockerRuntime, pods) -> None:
    """The engine and the sockets buffer some; the rest waits in the process."""
    container = await pods.start("sleep", "60")
    script = "head -c 50000000 /dev/zero; echo done > /tmp/done"
    session = await runtime.exec(container, ["sh", "-c", script], stdin=False, tty=False)
    output = session.output()
    await anext(output)
    await asyncio.sleep(0.5)
    code, _ = await runtime.exec_probe(container, ["ls", "/tmp/done"], 5)
    assert code == 1
    await output.aclose()
    await session.close()


async def test_the_exit_code_is_awaited_after_the_output_is_closed(runtime: DockerRuntime, pods) -> None:
    container = await pods.start("sleep", "60")
    script = "echo early; exec >&- 2>&-; sleep 1; exit 9"
    session = await runtime.exec(container, ["sh", "-c", script], stdin=False, tty=False)
    assert await collect(session) == ({1: b"early\n"}, 9)


async def test_exec_of_no_command_tells_why(runtime: DockerRuntime, pods) -> None:
    container = await pods.start("sleep", "60")
    session = await runtime.exec(container, ["no-such-command"], stdin=False, tty=False)
    output, code = await collect(session)
    assert b"executable file not found in $PATH" in b"".join(output.values())
    assert code in (126, 127)


async def test_a_terminal_has_one_stream_and_a_size(runtime: DockerRuntime, pods) -> None:
    container = await pods.start("sleep", "60")
    session = await runtime.exec(container, ["sh"], stdin=True, tty=True)
    await session.resize(91, 37)
    await session.write_stdin(b"stty size; echo err >&2; exit 5\n")
    output, code = await collect(session)
    assert set(output) == {1}
    assert b"37 91" in output[1]
    assert b"err" in output[1]
    assert code == 5


async def test_closing_a_session_frees_it(runtime: DockerRuntime, pods) -> None:
    container = await pods.start("sleep", "60")
    await runtime.exec_probe(container, ["echo"], 5)
    before = open_sockets()
    for _ in range(10):
        session = await runtime.exec(container, ["sleep", "30"], stdin=True, tty=False)
        await session.close()
        await session.close()
        await session.write_stdin(b"nobody reads this")
    await asyncio.sleep(0)
    assert open_sockets() <= before + SDK_CONNECTIONS


async def test_attach_talks_to_the_first_process(runtime: DockerRuntime, pods) -> None:
    container = await pods.start("cat", stdin=True, stdin_once=True)
    session = await runtime.attach(container, stdin=True, tty=False)
    await session.write_stdin(b"ping\n")
    await session.close_stdin()
    output, _ = await collect(session)
    assert output == {1: b"ping\n"}


async def test_exec_in_a_stopped_container_is_refused(runtime: DockerRuntime, pods) -> None:
    container = await pods.start("true")
    await pods.output(container)
    await runtime.stop_container(container, 1)
    with pytest.raises(RuntimeFailure, match="is not running"):
        await runtime.exec(container, ["true"], stdin=False, tty=False)


async def test_probe_returns_output_and_code_or_ends_in_time(runtime: DockerRuntime, pods) -> None:
    container = await pods.start("sleep", "60")
    assert await runtime.exec_probe(container, ["sh", "-c", "echo a; exit 2"], 5) == (2, b"a\n")
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        await runtime.exec_probe(container, ["sleep", "33"], 0.3)
    assert time.monotonic() - began < 3
    _, processes = await runtime.exec_probe(container, ["ps"], 5)
    assert b"sleep 33" not in processes
