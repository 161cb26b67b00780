"""Docker's multiplexed streams: frames of a stream number, three zero bytes, a big-endian size, and data."""

from __future__ import annotations

from collections.abc import AsyncIterator

STDOUT, STDERR = 1, 2
_HEADER_BYTES = 8


async def frames(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, bytes]]:
    """Whole frames, as the engine wrote them (at most some 32 KiB each). A torn last one is dropped."""
    buffer = bytearray()
    async for chunk in chunks:
        buffer += chunk
        start = 0
        while len(buffer) - start >= _HEADER_BYTES:
            end = start + _HEADER_BYTES + int.from_bytes(buffer[start + 4 : start + 8], "big")
            if len(buffer) < end:
                break
            yield buffer[start], bytes(buffer[start + _HEADER_BYTES : end])
            start = end
        del buffer[:start]


async def unframed(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, bytes]]:
    """A terminal's stream, which the engine does not frame: all is standard output."""
    async for chunk in chunks:
        yield STDOUT, chunk
