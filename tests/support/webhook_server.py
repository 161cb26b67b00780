"""A webhook on loopback: HTTPS with a certificate of its own, which answers admission reviews."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import orjson
from cryptography import x509

from backend.meta.types import Obj
from tests.support import pem

Answer = Callable[[Obj], Any]
"""From the request of a review to its response (without the uid), to bytes that are sent as they are, or to None:
no answer at all."""


@dataclass
class Webhook:
    """`requests` are those of the reviews, `paths` what was posted to, as they came."""

    port: int
    ca_bundle: str
    answer: Answer
    requests: list[Obj] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"


def allow(_request: Obj) -> Obj:
    return {"allowed": True}


def patch(*operations: Obj) -> Obj:
    encoded = base64.b64encode(orjson.dumps(operations)).decode()
    return {"allowed": True, "patchType": "JSONPatch", "patch": encoded}


@asynccontextmanager
async def webhook_server(folder: Path, answer: Answer = allow, *names: str) -> AsyncIterator[Webhook]:
    """`names` are further ones that the certificate is for, besides 127.0.0.1."""
    key = pem.ec_key()
    alternatives = [x509.IPAddress(ip_address("127.0.0.1")), *(x509.DNSName(name) for name in names)]
    certificate = pem.certificate(key, alternatives)
    paths = folder / "webhook.crt", folder / "webhook.key"
    paths[0].write_bytes(certificate)
    paths[1].write_bytes(pem.pem_key(key))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*paths)
    webhook = Webhook(0, base64.b64encode(certificate).decode(), answer)
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            reply = await _reply(webhook, reader)
            if reply is None:
                await done.wait()
            else:
                writer.write(reply)
                await writer.drain()
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    webhook.port = server.sockets[0].getsockname()[1]
    async with server:
        yield webhook
        done.set()
        await asyncio.sleep(0)


async def _reply(webhook: Webhook, reader: asyncio.StreamReader) -> bytes | None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    lines = head.split("\r\n")
    webhook.paths.append(lines[0].split(" ")[1])
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
    review = orjson.loads(await reader.readexactly(int(headers["content-length"])))
    request = review["request"]
    webhook.requests.append(request)
    response = webhook.answer(request)
    if response is None or isinstance(response, bytes):
        return response
    body = orjson.dumps(
        {
            "kind": review["kind"],
            "apiVersion": review["apiVersion"],
            "response": {"uid": request["uid"], **response},
        }
    )
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
