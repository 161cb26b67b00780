"""Two ends of a SPDY connection understand each other, and no bytes make either fail in another way than SpdyError."""

from __future__ import annotations

import contextlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.meta import spdy


def events(end: spdy.Connection, data: bytes) -> list[spdy.Event]:
    return list(end.receive(data))


def test_the_dictionary_is_the_protocol_s() -> None:
    assert zlib.adler32(spdy.DICTIONARY) == 0xE3C6A7C2


@pytest.mark.parametrize("piece", [1, 7, 10_000])
def test_streams_carry_headers_and_data_both_ways(piece: int) -> None:
    client, server = spdy.Connection(client=True), spdy.Connection(client=False)
    first, opening = client.open({"streamType": "error", "port": "80"})
    second, more = client.open({"streamType": "data", "port": "80"}, fin=True)
    sent = opening + more + client.data(first, b"hello") + client.data(first, b"", fin=True)
    got = [event for at in range(0, len(sent), piece) for event in events(server, sent[at : at + piece])]
    assert got == [
        spdy.Opened(first, {"streamtype": "error", "port": "80"}, False),
        spdy.Opened(second, {"streamtype": "data", "port": "80"}, True),
        spdy.Data(first, b"hello", False),
        spdy.Data(first, b"", True),
    ]
    answer = server.reply(first) + server.data(first, b"x" * 70_000) + server.reset(second) + server.go_away()
    assert events(client, answer) == [
        spdy.Replied(first), spdy.Data(first, b"x" * 70_000, False), spdy.Reset(second), spdy.GoneAway(),
    ]  # fmt: skip


def test_a_ping_is_answered_and_its_answer_is_not() -> None:
    client, server = spdy.Connection(client=True), spdy.Connection(client=False)
    assert events(server, client.ping()) == []
    answer = server.answers()
    assert answer
    assert server.answers() == b""
    assert events(client, answer) == []
    assert client.answers() == b""


@given(st.binary(max_size=300))
def test_garbage_is_a_spdy_error_or_nothing(data: bytes) -> None:
    end = spdy.Connection(client=False)
    with contextlib.suppress(spdy.SpdyError):
        events(end, data)


def test_headers_that_unpack_to_too_much_are_refused() -> None:
    client, server = spdy.Connection(client=True), spdy.Connection(client=False)
    _, opening = client.open({"a": "x" * 1_000_000})
    with pytest.raises(spdy.SpdyError):
        events(server, opening)
