"""Request bodies: read with a limit, decoded from JSON or YAML, refused with kube-apiserver's texts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from backend.apiserver.http.gojson import error_text
from backend.apiserver.http.yamlform import YamlError, load
from backend.meta.errors import ApiError, bad_request, request_too_large, timeout, unsupported_media_type
from backend.meta.types import Obj

LIMIT = 3 * 1024 * 1024
TOO_LARGE = f"Request entity too large: limit is {LIMIT}"
YAML_IN_THREAD = 8 * 1024
"""Bytes of YAML above which parsing would hold the event loop too long."""
WRITABLE_DEPTH = 240
"""Levels that are certain to be written: orjson reads 1024 of them but writes 254."""
SUMMARY = 30
"""Bytes of a refused body that the error shows. Source: endpoints/handlers summarizeData."""

PROTOBUF = "application/vnd.kubernetes.protobuf"
OBJECT_TYPES = ("application/json", "application/yaml", PROTOBUF)
PATCH_TYPES = (
    "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)  # fmt: skip
INTEGER_OPTIONS = ("gracePeriodSeconds",)

Receive = Callable[[], Awaitable[Mapping[str, Any]]]


class ClientGone(Exception):
    """The client closed its connection before its request was complete."""


async def read(receive: Receive, headers: Mapping[bytes, bytes]) -> bytes:
    """The whole body; raises 413 past 3 MiB, without reading on, and 504 for one that is late (KubeCycle.receive)."""
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > LIMIT:
        raise request_too_large(TOO_LARGE)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise _gone(message)
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    chunks, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _gone(message)
        size += len(message["body"])
        if size > LIMIT:
            raise request_too_large(TOO_LARGE)
        chunks.append(message["body"])
    return b"".join(chunks)


def _gone(message: Mapping[str, Any]) -> Exception:
    if message.get("late"):
        return timeout("request did not complete within the allotted timeout")
    return ClientGone()


def media_type(headers: Mapping[bytes, bytes], allowed: tuple[str, ...] = OBJECT_TYPES) -> str:
    """The body's media type without parameters, JSON when none is given; raises 415."""
    header = headers.get(b"content-type")
    if header is None or header == b"application/json":
        media = "application/json"
    else:
        media = header.decode("latin-1").partition(";")[0].strip().lower()
    if media not in allowed:
        accepted = ", ".join(allowed)
        raise unsupported_media_type(
            f"the body of the request was in an unknown format - accepted media types include: {accepted}"
        )
    return media


def parse_json(body: bytes) -> Any:
    """A JSON document; raises ValueError, also for one that is nested too deep to be written again."""
    document = orjson.loads(body)
    if len(body) > 2 * WRITABLE_DEPTH:
        try:
            orjson.dumps([[[[[[[[[[[[[[document]]]]]]]]]]]]]])  # room for what answers put around an object
        except orjson.JSONEncodeError as error:
            raise ValueError(str(error)) from None
    return document


async def decode_object(body: bytes, media: str, kind: str) -> Any:
    """The document of a request for `kind`; raises 400. Whether it is one is the handler's question."""
    if media == "application/yaml":
        return await _decode_yaml(body, kind)
    if media == PROTOBUF:
        return await asyncio.to_thread(_decode_protobuf, body, kind)
    try:
        return parse_json(body)
    except ValueError:
        why = f"couldn't get version/kind; json parse error: {await _why(body)}"
        raise _unrecognized(kind, why, body) from None


async def decode_patch(body: bytes, media: str) -> Any:
    """A patch document. Its shape is checked where it is applied."""
    if media == "application/apply-patch+yaml":
        return await _decode_applied(body)
    try:
        return parse_json(body)
    except ValueError:
        raise bad_request(f"error decoding patch: {await _why(body)}") from None


async def _decode_applied(body: bytes) -> Any:
    """What is applied is YAML, and so may be JSON."""
    if body[:1] == b"{":
        try:
            return parse_json(body)
        except ValueError:
            pass  # YAML may begin so too
    try:
        return await asyncio.to_thread(load, body) if len(body) > YAML_IN_THREAD else load(body)
    except YamlError as error:
        raise bad_request(f"error decoding YAML: error converting YAML to JSON: {error}") from None


async def decode_delete_options(body: bytes, media: str, query: Mapping[str, str]) -> Any:
    """DeleteOptions of the body or, as kube-apiserver does when there is none, of the query."""
    if body:
        return await decode_object(body, media, "DeleteOptions")
    options: Obj = {}
    for name in INTEGER_OPTIONS:
        if name in query:
            options[name] = integer(query[name], name)
    if query.get("propagationPolicy"):
        options["propagationPolicy"] = query["propagationPolicy"]
    if query.get("dryRun"):
        options["dryRun"] = [query["dryRun"]]
    return options or None


def integer(text: str, name: str) -> int:
    """A 64-bit number of a query parameter; raises 400 with the text of Go's conversion."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdigit()):
        why = f'strconv.ParseInt: parsing "{text}": invalid syntax'
        raise bad_request(f"unable to parse query parameter {name}: {why}")
    return int(text)


async def _decode_yaml(body: bytes, kind: str) -> Any:
    try:
        return await asyncio.to_thread(load, body) if len(body) > YAML_IN_THREAD else load(body)
    except YamlError as error:
        raise _unrecognized(kind, str(error), body) from None


async def _why(body: bytes) -> str:
    """What is wrong with what is no JSON."""
    return await asyncio.to_thread(error_text, body) if len(body) > YAML_IN_THREAD else error_text(body)


def _decode_protobuf(body: bytes, kind: str) -> Obj:
    from backend.apiserver.http.protobuf import ProtobufError, decode

    try:
        return decode(body)
    except ProtobufError as error:
        raise _unrecognized(kind, str(error), body) from None


def _unrecognized(kind: str, why: str, body: bytes) -> ApiError:
    if not body:
        summary = "<empty>"
    elif body[:1] == b"{":
        summary = body[:SUMMARY].decode(errors="replace") + (" ..." if len(body) > SUMMARY else "")
    else:
        summary = body[:SUMMARY].hex() + (" ..." if len(body) > SUMMARY else "")
    return bad_request(f"the object provided is unrecognized (must be of type {kind}): {why} ({summary})")
