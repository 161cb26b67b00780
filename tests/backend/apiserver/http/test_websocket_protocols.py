"""Which protocol a client's WebSocket speaks, and how channels and outcomes look in it."""

from __future__ import annotations

from typing import Any

import pytest

from backend.apiserver.http.portforward import CHANNELS
from backend.apiserver.http.websocket import ERROR, STDOUT, WebSocket
from backend.meta.errors import ApiError

FAILED = {"metadata": {}, "status": "Failure", "message": "it broke"}
DONE = {"metadata": {}, "status": "Success"}


class Client:
    """What a client offers and says, and what it gets."""

    def __init__(self, *offered: str, says: tuple[dict[str, Any], ...] = ()) -> None:
        self.got: list[dict[str, Any]] = []
        self._says = iter(({"type": "websocket.connect"}, *says, {"type": "websocket.disconnect"}))
        scope = {"headers": [], "query_string": b"", "subprotocols": list(offered)}
        self.socket = WebSocket(scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        return next(self._says)

    async def _send(self, message: Any) -> None:
        self.got.append(message)

    def sent(self) -> list[object]:
        return [m.get("bytes", m.get("text")) for m in self.got if m["type"] == "websocket.send"]


@pytest.mark.parametrize(
    ("offered", "chosen", "failure", "success"),
    [
        (("v5.channel.k8s.io",), "v5.channel.k8s.io", b'\x03{"metadata":{},"status":"Failure"', b"\x03{"),
        (("x", "v4.channel.k8s.io"), "v4.channel.k8s.io", b'\x03{"metadata":{},"status":"Failure"', b"\x03{"),
        (("v4.base64.channel.k8s.io",), "v4.base64.channel.k8s.io", "3eyJtZXRhZGF0YSI6", "3ey"),
        (("channel.k8s.io",), "channel.k8s.io", b"\x03it broke", None),
        (("base64.channel.k8s.io",), "base64.channel.k8s.io", "3aXQgYnJva2U=", None),
        ((), None, b"\x03it broke", None),
    ],
)
async def test_outcomes_are_told_as_the_protocol_has_it(
    offered: tuple[str, ...], chosen: str | None, failure: Any, success: Any
) -> None:
    for status, begins in ((FAILED, failure), (DONE, success)):
        client = Client(*offered)
        await client.socket.accept()
        await client.socket.end(status)
        assert client.got[0] == {"type": "websocket.accept", "subprotocol": chosen}
        assert client.got[-1]["type"] == "websocket.close"
        if begins is None:
            assert client.sent() == []
        else:
            (told,) = client.sent()
            assert told[: len(begins)] == begins


async def test_base64_channels_go_both_ways_until_one_is_none() -> None:
    says = ({"type": "websocket.receive", "text": text} for text in ("0aGk=", "4", "0not base64", "0aGk="))
    client = Client("v4.base64.channel.k8s.io", says=tuple(says))
    await client.socket.accept(CHANNELS)
    await client.socket.write(STDOUT, b"")
    await client.socket.write(ERROR, b"\x00\xff")
    assert client.sent() == ["1", "3AP8="]
    assert [message async for message in client.socket.messages()] == [(0, b"hi"), (4, b"")]


async def test_a_protocol_that_nobody_speaks_is_refused() -> None:
    with pytest.raises(ApiError) as refused:
        await Client("v9.channel.k8s.io").socket.accept()
    assert refused.value.code == 400
    with pytest.raises(ApiError):
        await Client("channel.k8s.io").socket.accept(CHANNELS)
