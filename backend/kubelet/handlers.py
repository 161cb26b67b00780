"""What probes and lifecycle hooks do: exec, HTTP GET, TCP connect, sleep.

Source of the texts: pkg/probe and pkg/kubelet/lifecycle.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from backend.kubelet.http_get import HttpGetError, dial, http_get, join
from backend.kubelet.runtime.api import Runtime
from backend.machinery.clock import Clock
from backend.meta.types import Obj

MAX_OUTPUT = 10 * 1024


class HandlerError(Exception):
    """The handler could not be run at all, which is neither success nor failure."""


@dataclass(frozen=True, slots=True)
class Outcome:
    ok: bool
    output: str = ""
    warning: bool = False
    """A success that deserves an event (a redirect to another host)."""


@dataclass(frozen=True, slots=True)
class Target:
    """A running container; `address` is the pod's."""

    container: Obj
    container_id: str
    address: str


async def run_handler(handler: Obj, target: Target, timeout: float, runtime: Runtime) -> Outcome:
    """One probe. Raises HandlerError; RuntimeUnavailable and other RuntimeFailures of an exec."""
    if "exec" in handler:
        return await _exec(handler["exec"].get("command") or [], target, timeout, runtime)
    if "httpGet" in handler:
        return await _http(handler["httpGet"], target, timeout)
    if "tcpSocket" in handler:
        return await _tcp(handler["tcpSocket"], target, timeout)
    raise HandlerError(f"missing probe handler for {target.container['name']}")


async def run_hook(hook: Obj, target: Target, timeout: float, runtime: Runtime, clock: Clock) -> Outcome:
    """One lifecycle hook, within `timeout` seconds."""
    if "sleep" in hook:
        await clock.sleep(min(float(hook["sleep"].get("seconds", 0)), timeout))
        return Outcome(True)
    return await run_handler(hook, target, timeout, runtime)


async def _exec(command: list[str], target: Target, timeout: float, runtime: Runtime) -> Outcome:
    try:
        code, output = await runtime.exec_probe(target.container_id, command, timeout)
    except TimeoutError:
        text = f'command timed out: "{" ".join(command)}" timed out after {timeout:g}s'
        return Outcome(False, text)
    return Outcome(code == 0, output[:MAX_OUTPUT].decode(errors="replace"))


async def _http(action: Obj, target: Target, timeout: float) -> Outcome:
    scheme = (action.get("scheme") or "HTTP").lower()
    host = action.get("host") or target.address
    path = action.get("path") or "/"
    url = f"{scheme}://{join(host, _port(action['port'], target))}{path if path.startswith('/') else '/' + path}"
    headers = {header["name"]: header.get("value", "") for header in action.get("httpHeaders") or ()}
    try:
        answer = await http_get(url, headers, timeout)
    except HttpGetError as error:
        return Outcome(False, str(error))
    if answer.location:
        return Outcome(True, f"Probe terminated redirects, Response body: {answer.body}", warning=True)
    if 200 <= answer.status < 400:
        return Outcome(True, answer.body)
    return Outcome(False, f"HTTP probe failed with statuscode: {answer.status}")


async def _tcp(action: Obj, target: Target, timeout: float) -> Outcome:
    host, port = action.get("host") or target.address, _port(action["port"], target)
    try:
        async with asyncio.timeout(timeout):
            _, writer = await dial(host, port)
    except TimeoutError:
        return Outcome(False, f"dial tcp {join(host, port)}: i/o timeout")
    except ConnectionError as error:
        return Outcome(False, str(error))
    writer.close()
    return Outcome(True)


def _port(port: int | str, target: Target) -> int:
    if isinstance(port, str) and not port.isdigit():
        named = [p for p in target.container.get("ports") or () if p.get("name") == port]
        if not named:
            raise HandlerError(f'strconv.Atoi: parsing "{port}": invalid syntax')
        return int(named[0]["containerPort"])
    if not 0 < int(port) < 65536:
        raise HandlerError(f"invalid port number: {port}")
    return int(port)
