"""Watches, logs, exec and attach: what streams, and how streams end."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import orjson
import pytest
from wsproto import ConnectionType, WSConnection, events

from backend.meta.errors import ApiError, bad_request
from backend.meta.streams import ExecOptions, LogOptions
from backend.meta.types import Obj
from tests.backend.apiserver.http.conftest import Connection, Running, eventually

PODS = "/api/v1/namespaces/default/pods"


def pod(name: str = "p", containers: tuple[str, ...] = ("c",), node: str = "n", **spec: object) -> Obj:
    return {
        "metadata": {"name": name, "namespace": "default", "uid": "u"},
        "spec": {"containers": [{"name": c} for c in containers], "nodeName": node, **spec},
        "status": {"containerStatuses": [{"name": c, "state": {"running": {}}} for c in containers]},
    }


@dataclass
class Session:
    """A process that says what it was told."""

    said: asyncio.Queue[tuple[int, bytes] | None] = field(default_factory=asyncio.Queue)
    stdin: bytearray = field(default_factory=bytearray)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    code: int = 0
    closed: bool = False

    async def write_stdin(self, data: bytes) -> None:
        self.stdin += data
        self.said.put_nowait((1, data.upper()))

    async def close_stdin(self) -> None:
        self.said.put_nowait((2, b"bye"))
        self.said.put_nowait(None)

    async def resize(self, width: int, height: int) -> None:
        self.sizes.append((width, height))

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        while (said := await self.said.get()) is not None:
            yield said

    async def exit_code(self) -> int:
        return self.code

    async def close(self) -> None:
        self.closed = True


@dataclass
class Node:
    session: Session = field(default_factory=Session)
    asked: list[LogOptions | ExecOptions] = field(default_factory=list)
    failure: ApiError | None = None
    lines: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    reading: bool = False

    async def logs(self, pod: Obj, options: LogOptions) -> AsyncIterator[bytes]:
        self._ask(options)
        return self._lines()

    async def exec(self, pod: Obj, options: ExecOptions) -> Session:
        self._ask(options)
        return self.session

    async def attach(self, pod: Obj, options: ExecOptions) -> Session:
        self._ask(options)
        return self.session

    def _ask(self, options: LogOptions | ExecOptions) -> None:
        self.asked.append(options)
        if self.failure is not None:
            raise self.failure

    async def _lines(self) -> AsyncIterator[bytes]:
        self.reading = True
        try:
            while line := await self.lines.get():
                yield line
        finally:
            self.reading = False


@pytest.fixture
def node(running: Running) -> Node:
    found = Node()
    running.pod_streams.node = found
    running.handler.objects["pods", "default", "p"] = pod()
    return found


class Socket:
    """The client's side of a WebSocket, by wsproto."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ws = WSConnection(ConnectionType.CLIENT)
        self._received: list[events.Event] = []

    async def open(self, path: str, *protocols: str) -> events.Event:
        """What the server says to it."""
        self._send(events.Request(host="localhost", target=path, subprotocols=list(protocols)))
        return await self.next()

    async def next(self) -> events.Event:
        while not self._received:
            data = await asyncio.wait_for(self._connection.reader.read(65536), 5)
            self._ws.receive_data(data or None)
            self._received += self._ws.events()
        return self._received.pop(0)

    async def message(self) -> tuple[int, bytes]:
        event = await self.next()
        assert isinstance(event, events.BytesMessage), event
        return event.data[0], bytes(event.data[1:])

    def say(self, channel: int, data: bytes) -> None:
        self._send(events.BytesMessage(data=bytes((channel,)) + data))

    def close(self) -> None:
        self._send(events.CloseConnection(code=1000))

    def _send(self, event: events.Event) -> None:
        self._connection.writer.write(self._ws.send(event))


async def opened(running: Running, query: str, protocol: str = "v5.channel.k8s.io") -> Socket:
    socket = Socket(await running.unix())
    event = await socket.open(f"{PODS}/p/{query}", protocol)
    assert isinstance(event, events.AcceptConnection), event
    assert event.subprotocol == protocol
    return socket


# Watches.


async def test_a_watch_sends_each_frame_when_it_comes_and_ends_with_the_store(running: Running) -> None:
    connection = await running.unix()
    await connection.send("GET", f"{PODS}?watch=1&resourceVersion=5")
    head = await asyncio.wait_for(connection.head(), 2)  # before the first event
    assert (head.code, head.headers["content-type"]) == (200, "application/json;stream=watch")
    assert head.headers["transfer-encoding"] == "chunked"
    for number in range(3):
        running.handler.frames.put_nowait(b'{"n":%d}\n' % number)
        assert await connection.chunk() == b'{"n":%d}\n' % number
    running.handler.frames.put_nowait(b"")
    assert await connection.chunk() == b""
    request = running.handler.asked[0][0]
    assert 1800 <= int(request.query["timeoutSeconds"]) <= 3600
    assert (await connection.request("GET", "/readyz")).body == b"ok"


async def test_the_old_watch_path_of_one_object_selects_it_by_name(running: Running) -> None:
    connection = await running.unix()
    await connection.send("GET", "/api/v1/watch/namespaces/default/pods/x?timeoutSeconds=5")
    await connection.head()
    request = running.handler.asked[0][0]
    assert (request.verb, request.name) == ("watch", "")
    assert request.query == {"timeoutSeconds": "5", "fieldSelector": "metadata.name=x"}


async def test_a_watch_of_a_deprecated_kind_says_so(running: Running) -> None:
    connection = await running.unix()
    await connection.send("GET", "/api/v1/namespaces/default/endpoints?watch=1")
    head = await connection.head()
    text = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
    assert head.headers["warning"] == f'299 - "{text}"'


async def test_a_watch_ends_at_once_when_the_client_goes(running: Running) -> None:
    connection = await running.tls()
    await connection.send("GET", f"{PODS}?watch=true", {"Authorization": "Bearer the-admin-token"})
    await connection.head()
    assert running.handler.open_streams == 1
    await connection.close()
    await eventually(lambda: running.handler.open_streams == 0)


async def test_two_thousand_watches_are_held_and_end_when_the_server_stops(running: Running) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        for _ in range(2000):
            connection = await running.unix()
            await connection.send("GET", f"{PODS}?watch=true")
        await eventually(lambda: running.handler.open_streams == 2000, 20)
        began = asyncio.get_running_loop().time()
        await running.server.stop()
        assert running.handler.open_streams == 0
        assert asyncio.get_running_loop().time() - began < 2
        for connection in running.connections:
            await connection.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# Logs.


async def test_a_log_is_plain_text_as_it_comes(running: Running, node: Node) -> None:
    connection = await running.unix()
    await connection.send(
        "GET", f"{PODS}/p/log?follow=true&tailLines=5&timestamps=true&sinceSeconds=3&limitBytes=9"
    )
    node.lines.put_nowait(b"one\n")
    head = await connection.head()
    assert (head.code, head.headers["content-type"]) == (200, "text/plain")
    assert await connection.chunk() == b"one\n"
    assert node.asked == [
        LogOptions("c", follow=True, timestamps=True, tail_lines=5, since_seconds=3, limit_bytes=9)
    ]
    await connection.close()
    await eventually(lambda: not node.reading)


async def test_a_log_that_ends_ends_the_answer(running: Running, node: Node) -> None:
    for line in (b"one\n", b"two\n", b""):
        node.lines.put_nowait(line)
    assert (await running.get(f"{PODS}/p/log?previous=1")).body == b"one\ntwo\n"
    assert node.asked == [LogOptions("c", previous=True)]


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("container=z", 400, "container z is not valid for pod p"),
        (
            "tailLines=x", 400,
            'unable to parse query parameter tailLines: strconv.ParseInt: parsing "x": invalid syntax',
        ),
        (
            "tailLines=-1", 422,
            'PodLogOptions "p" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
        ),
        (
            "sinceSeconds=0", 422,
            'PodLogOptions "p" is invalid: sinceSeconds: Invalid value: 0: must be greater than 0',
        ),
    ],
)  # fmt: skip
async def test_log_options_are_checked(running: Running, node: Node, query: str, code: int, message: str) -> None:
    reply = await running.get(f"{PODS}/p/log?{query}")
    assert (reply.code, reply.json["message"]) == (code, message)
    assert not node.asked


async def test_which_container_must_be_said_where_there_are_several(running: Running, node: Node) -> None:
    running.handler.objects["pods", "default", "p"] = pod(containers=("a", "b"), initContainers=[{"name": "i"}])
    reply = await running.get(f"{PODS}/p/log")
    assert (reply.code, reply.json["message"]) == (
        400, "a container name must be specified for pod p, choose one of: [a b] or one of the init containers: [i]",
    )  # fmt: skip


async def test_the_kubelet_s_refusal_of_a_log_is_the_answer(running: Running, node: Node) -> None:
    node.failure = bad_request('container "c" in pod "p" is waiting to start: ContainerCreating')
    reply = await running.get(f"{PODS}/p/log")
    assert (reply.code, reply.json["reason"], reply.json["message"]) == (400, "BadRequest", str(node.failure))


async def test_without_a_kubelet_streams_cannot_be_dialled(running: Running, node: Node) -> None:
    running.pod_streams.node = None
    reply = await running.get(f"{PODS}/p/log")
    assert (reply.code, reply.json["message"].startswith("error dialing backend: ")) == (500, True)
    running.handler.objects["pods", "default", "p"] = pod(node="")
    reply = await running.get(f"{PODS}/p/log")
    assert (reply.code, reply.body) == (200, b"")


# Exec and attach.


async def test_exec_carries_both_directions_and_the_outcome(running: Running, node: Node) -> None:
    node.session.code = 3
    socket = await opened(running, "exec?command=sh&command=-c&stdin=true&stdout=true&stderr=true")
    assert await socket.message() == (1, b"")
    socket.say(0, b"hello")
    assert await socket.message() == (1, b"HELLO")
    socket.say(4, b'{"Width":80,"Height":24}')
    socket.say(4, b"not json")
    socket.say(255, b"\x00")
    assert await socket.message() == (2, b"bye")
    channel, status = await socket.message()
    assert channel == 3
    assert orjson.loads(status) == {
        "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": "command terminated with non-zero exit code: exit status 3",
        "details": {"causes": [{"reason": "ExitCode", "message": "3"}]},
    }  # fmt: skip
    end = await socket.next()
    assert isinstance(end, events.CloseConnection)
    assert end.code == 1000
    assert node.session.sizes == [(80, 24)]
    assert node.asked == [ExecOptions("c", ["sh", "-c"], stdin=True)]
    await eventually(lambda: node.session.closed)


async def test_success_in_the_older_protocol(running: Running, node: Node) -> None:
    socket = await opened(running, "exec?command=true&stdout=true", "v4.channel.k8s.io")
    node.session.said.put_nowait((2, b"nobody asked for this"))
    node.session.said.put_nowait(None)
    assert await socket.message() == (1, b"")
    assert await socket.message() == (3, b'{"metadata":{},"status":"Success"}')


async def test_the_session_is_freed_when_the_client_goes(running: Running, node: Node) -> None:
    socket = await opened(running, "attach?stdin=true&stdout=true&tty=true")
    assert node.asked == [ExecOptions("c", [], stdin=True, stderr=False, tty=True)]
    socket.close()
    await eventually(lambda: node.session.closed)


async def test_streams_end_when_the_server_stops(running: Running, node: Node) -> None:
    await opened(running, "exec?command=sh&stdout=true")
    await running.server.stop()
    assert node.session.closed


@pytest.mark.parametrize(
    ("query", "protocol", "code"),
    [
        ("exec?command=a&stdout=true&container=z", "v5.channel.k8s.io", 400),
        ("exec?command=a", "v5.channel.k8s.io", 400),
        ("exec?stdout=true", "v5.channel.k8s.io", 400),
        ("exec?command=a&stdout=true", "v3.channel.k8s.io", 400),
        ("log", "v5.channel.k8s.io", 405),
    ],
)
async def test_what_cannot_be_streamed_is_refused_over_http(
    running: Running, node: Node, query: str, protocol: str, code: int
) -> None:
    socket = Socket(await running.unix())
    event = await socket.open(f"{PODS}/p/{query}", protocol)
    assert isinstance(event, events.RejectConnection)
    assert event.status_code == code


async def test_a_command_that_fails_to_start_says_why_on_the_error_channel(running: Running, node: Node) -> None:
    node.failure = ApiError(500, "InternalError", "no such file")
    socket = await opened(running, "exec?command=a&stdout=true")
    channel, status = await socket.message()
    assert (channel, orjson.loads(status)["message"]) == (3, "no such file")


async def test_a_container_that_does_not_run_is_refused_so_that_kubectl_shows_it(
    running: Running, node: Node
) -> None:
    running.handler.objects["pods", "default", "p"]["status"] = {}
    node.failure = ApiError(500, "InternalError", 'container not found ("c")')
    socket = Socket(await running.unix())
    event = await socket.open(f"{PODS}/p/exec?command=a&stdout=true", "v5.channel.k8s.io")
    assert isinstance(event, events.RejectConnection)
    spdy = {"Connection": "Upgrade", "Upgrade": "SPDY/3.1"}
    connection = await running.unix()
    reply = await connection.request("POST", f"{PODS}/p/exec?command=a&stdout=true", spdy)
    assert (reply.code, reply.body) == (404, b'container not found ("c")\n')


async def test_without_credentials_nothing_is_streamed(running: Running, node: Node) -> None:
    socket = Socket(await running.tls())
    event = await socket.open(f"{PODS}/p/exec?command=a&stdout=true", "v5.channel.k8s.io")
    assert isinstance(event, events.RejectConnection)
    assert event.status_code == 401
    assert not node.asked


async def test_admission_sees_who_connects_and_how(running: Running, node: Node) -> None:
    running.handler.refuse_connections = ApiError(403, "Forbidden", "not here")
    answer = await running.get(f"{PODS}/p/exec?command=sh&command=-c&stdin=true&container=c")
    assert (answer.code, answer.json["message"]) == (403, "not here")
    await running.get(f"{PODS}/p/portforward?ports=80,81")
    await running.get(f"{PODS}/p/proxy/a/b")
    socket = Socket(await running.unix())
    event = await socket.open(f"{PODS}/p/attach?stdout=1&container=c", "v5.channel.k8s.io")
    assert isinstance(event, events.RejectConnection)
    assert event.status_code == 403
    exec_, forward, proxy, attach = running.handler.connections
    assert (exec_[0].subresource, exec_[0].namespace, exec_[0].name) == ("exec", "default", "p")
    assert exec_[0].user.name == "kubernetes-admin"
    assert exec_[1] == {
        "kind": "PodExecOptions", "apiVersion": "v1", "command": ["sh", "-c"], "stdin": True, "container": "c",
    }  # fmt: skip
    assert forward[1] == {"kind": "PodPortForwardOptions", "apiVersion": "v1", "ports": [80, 81]}
    assert (proxy[1]["kind"], proxy[1]["path"]) == ("PodProxyOptions", "/a/b")
    assert attach[1] == {"kind": "PodAttachOptions", "apiVersion": "v1", "stdout": True, "container": "c"}
    assert not node.asked
