"""The floor: a raw ASGI application that decodes a POST's object, sets its uid and sends it back."""

from __future__ import annotations

from typing import Any

import orjson

OK = b'{"kind":"Status"}'


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    status, answer = 200, OK
    if scope["method"] == "POST":
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        obj = orjson.loads(body)
        obj["metadata"]["uid"] = "x"
        status, answer = 201, orjson.dumps(obj)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
