"""The floor: a raw ASGI application that decodes a POST's object, sets its uid and sends it back.

Who asks for `?watch` gets a line at once, and the object of every POST to that path from then on.
"""

from __future__ import annotations

from typing import Any

import orjson

OK = b'{"kind":"Status"}'
HEADERS = [(b"content-type", b"application/json")]

_watching: list[tuple[str, Any]] = []


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    if scope["query_string"].startswith(b"watch"):
        await _watch(scope["path"], receive, send)
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
        for path, tell in _watching:
            if path == scope["path"]:
                await tell({"type": "http.response.body", "body": answer + b"\n", "more_body": True})
    headers = [*HEADERS, (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


async def _watch(path: str, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": OK + b"\n", "more_body": True})
    watch = (path, send)
    _watching.append(watch)
    while (await receive())["type"] != "http.disconnect":
        pass
    _watching.remove(watch)
