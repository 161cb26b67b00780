"""Requests for resources: from HTTP to the handler, and its answer or its watch back."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from backend.apiserver.http.bodies import (
    PATCH_TYPES,
    decode_delete_options,
    decode_object,
    decode_patch,
    media_type,
    read,
)
from backend.apiserver.http.exchange import JSON, Exchange, Header, warning_header
from backend.apiserver.http.limits import InFlight, Limits
from backend.apiserver.http.negotiation import Accepted, Negotiator
from backend.apiserver.http.routes import Target
from backend.apiserver.http.subresources import SUBRESOURCES
from backend.apiserver.http.yamlform import dump
from backend.meta.types import ApiRequest, User

if TYPE_CHECKING:
    from backend.apiserver.handler import Handler

WATCH = b"application/json;stream=watch"
YAML = b"application/yaml"
MIN_WATCH_SECONDS = 1800
"""A watch without timeoutSeconds ends after this, to twice this. Source: --min-request-timeout."""
TRUE = ("", "1", "t", "T", "true", "TRUE", "True")


class Resources:
    def __init__(self, handler: Handler, limits: Limits = Limits()) -> None:  # noqa: B008 - it cannot be changed
        self.handler = handler
        self._in_flight = InFlight(limits)
        self._negotiator = Negotiator()

    async def serve(self, exchange: Exchange, target: Target, verb: str, user: User) -> None:
        """Answer, or raise ApiError or TooManyRequests."""
        accepted = self._negotiator.accepted(exchange.headers.get(b"accept", b""))
        request = await _request(exchange, target, verb, user)
        include = request.query.get("includeObject", "Metadata")
        if verb == "watch":
            deprecated = target.resource.deprecated
            warnings = [warning_header(deprecated)] if deprecated else []
            await self._watch(exchange, request, accepted, include, warnings)
            return
        counted = self._in_flight.begin(verb, user)
        try:
            answer = await self.handler.answer(request, accepted.form, include)
        finally:
            self._in_flight.end(counted)
        extra = [*map(warning_header, answer.warnings)]
        if accepted.encoding == "yaml":
            await exchange.respond(answer.code, dump(answer.body), YAML, extra)
        else:
            await exchange.respond(answer.code, answer.pieces, JSON, extra)

    async def _watch(
        self, exchange: Exchange, request: ApiRequest, accepted: Accepted, include: str, warnings: Sequence[Header]
    ) -> None:
        if not request.query.get("timeoutSeconds"):
            timeout = str(random.randint(MIN_WATCH_SECONDS, 2 * MIN_WATCH_SECONDS))
            request = replace(request, query={**request.query, "timeoutSeconds": timeout})
        stream = self.handler.stream(request, accepted.form, include, exchange.sink)
        async with exchange.until_disconnect(), stream as frames:
            await exchange.start_stream(WATCH, warnings)
            async for frame in frames:
                await exchange.write(frame)
        await exchange.end_stream()


def wants_watch(exchange: Exchange) -> bool:
    return exchange.query_string.find(b"watch") >= 0 and exchange.query.get("watch", "false") in TRUE


async def _request(exchange: Exchange, target: Target, verb: str, user: User) -> ApiRequest:
    resource, query = target.resource, exchange.query
    name, raw, body, content_type = target.name, None, None, "application/json"
    if verb == "create" or verb == "update":
        media = media_type(exchange.headers)
        raw = await read(exchange.receive, exchange.headers)
        known = SUBRESOURCES.get(target.subresource)
        kind = known.kind if known is not None and known.kind else resource.kind
        body = await decode_object(raw, media, kind)
        raw = raw if media == content_type else None
    elif verb == "patch":
        content_type = media_type(exchange.headers, PATCH_TYPES)
        raw = await read(exchange.receive, exchange.headers)
        body = await decode_patch(raw, content_type)
    elif verb == "delete" or verb == "deletecollection":
        raw = await read(exchange.receive, exchange.headers)
        body = await decode_delete_options(raw, media_type(exchange.headers) if raw else content_type, query)
    elif verb == "watch" and name:
        query = {**query, "fieldSelector": f"metadata.name={name}"}
        name = ""
    return ApiRequest(
        verb, resource.group, resource.version, resource.plural, target.namespace, name, target.subresource,
        query, body, raw, content_type, user, exchange.headers.get(b"user-agent", b"").decode("latin-1"),
    )  # fmt: skip
