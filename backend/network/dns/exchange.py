"""One question to one name server, and its answer: by UDP from a port of its own, by TCP when that was cut short."""

from __future__ import annotations

import asyncio
import contextlib
import secrets

from dns.exception import DNSException
from dns.flags import TC
from dns.message import Message, from_wire
from dns.rcode import FORMERR, NOTIMP

from backend.network.dns.upstreams import Upstream


class ExchangeError(Exception):
    """Nothing that can be used came back."""


async def exchange(query: Message, upstream: Upstream, seconds: float) -> Message:
    """The query's id is replaced by one that nobody can guess. Raises ExchangeError."""
    query.id = secrets.randbits(16)
    try:
        async with asyncio.timeout(seconds):
            answer = await _ask(query, upstream)
            if answer.rcode() in (FORMERR, NOTIMP) and query.edns >= 0:
                query.use_edns(False)  # Some old ones know no EDNS.
                answer = await _ask(query, upstream)
    except TimeoutError:
        raise ExchangeError("timed out") from None
    except (OSError, EOFError) as error:
        raise ExchangeError(str(error)) from None
    return answer


async def _ask(query: Message, upstream: Upstream) -> Message:
    wire = query.to_wire()
    answer = await _by_udp(query, wire, upstream)
    return await _by_tcp(query, wire, upstream) if answer.flags & TC else answer


def _parse(query: Message, wire: bytes) -> Message | None:
    """None for what is no answer to the query: somebody else's, or nonsense."""
    try:
        answer = from_wire(wire, one_rr_per_rrset=True, ignore_trailing=True)
    except (DNSException, ValueError):
        return None
    return answer if query.is_response(answer) else None


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, query: Message) -> None:
        self._query = query
        self.answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not self.answer.done() and (answer := _parse(self._query, data)) is not None:
            self.answer.set_result(answer)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there, or there is no way."""
        if not self.answer.done():
            self.answer.set_exception(exc)


async def _by_udp(query: Message, wire: bytes, upstream: Upstream) -> Message:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(lambda: _Datagrams(query), remote_addr=upstream)
    try:
        transport.sendto(wire)
        return await protocol.answer
    finally:
        transport.close()


async def _by_tcp(query: Message, wire: bytes, upstream: Upstream) -> Message:
    reader, writer = await asyncio.open_connection(*upstream)
    try:
        writer.write(len(wire).to_bytes(2, "big") + wire)
        size = int.from_bytes(await reader.readexactly(2), "big")
        answer = _parse(query, await reader.readexactly(size))
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    if answer is None:
        raise ExchangeError("what came by TCP is no answer")
    return answer
