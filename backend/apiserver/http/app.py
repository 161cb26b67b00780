"""The ASGI application: authenticate, route, authorize, serve; every failure is a Status."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl

from backend.apiserver.authentication.authenticator import ANONYMOUS_PATHS, Authenticator
from backend.apiserver.authentication.impersonation import NobodyImpersonated
from backend.apiserver.authorization.attributes import MASTERS, Attributes, Authorizer
from backend.apiserver.authorization.refusal import require, require_also, selected_name
from backend.apiserver.faults import unexpected
from backend.apiserver.http import health, openid
from backend.apiserver.http.bodies import ClientGone
from backend.apiserver.http.discovery import Discovery
from backend.apiserver.http.exchange import Exchange, Receive, Send
from backend.apiserver.http.health import Health
from backend.apiserver.http.identity import Identity
from backend.apiserver.http.limits import RETRY_SECONDS, TOO_MANY, TooManyRequests
from backend.apiserver.http.openapi import OpenApi
from backend.apiserver.http.openid import OpenId
from backend.apiserver.http.podstreams import PodStreams
from backend.apiserver.http.request_counts import RequestCounts
from backend.apiserver.http.request_info import requested
from backend.apiserver.http.resources import Resources, wants_watch
from backend.apiserver.http.routes import PROXY, Router, Target, UnknownPath
from backend.apiserver.http.subresources import POD_STREAMS
from backend.apiserver.http.version import version
from backend.meta.errors import ApiError, internal, method_not_allowed, page_not_found
from backend.meta.types import User

if TYPE_CHECKING:
    from backend.apiserver.http.metrics import Metrics

logger = logging.getLogger(__name__)

METRICS = "/metrics"
READING = ("GET", "HEAD")
STOP_SECONDS = 2.0
"""How long requests in flight may go on once the server stops."""
INTERACTIVE = ("attach", "exec", "portforward")
"""Subresources that need `create`, whatever the method. Source: ensureAuthorizedForVerb of pkg/registry/core/pod."""


class Control(Protocol):
    """What the owner of the unix socket may ask of the process itself; no client on TCP can."""

    def shutdown(self, keep_pods: bool) -> None:
        """Begin to stop."""

    async def rotate_key(self) -> int:
        """A new key for what is encrypted at rest; its id, once everything is encrypted with it."""


class App:
    """Parts are given by the wiring. `stop` ends watches and other streams, and waits for the rest."""

    def __init__(
        self, *, router: Router, authenticator: Authenticator, authorizer: Authorizer, resources: Resources,
        pod_streams: PodStreams, discovery: Discovery, openapi: OpenApi, openid: OpenId, health: Health,
        control: Control, metrics: Metrics | None = None, counts: RequestCounts | None = None,
    ) -> None:  # fmt: skip
        self._router = router
        self._identity = Identity(authenticator, authorizer)
        self._authorizer = authorizer
        self._resources = resources
        self._pod_streams = pod_streams
        self._discovery = discovery
        self._openapi = openapi
        self._openid = openid
        self._health = health
        self._control = control
        self._metrics = metrics
        self._counts = counts or RequestCounts()
        self._streams: set[asyncio.Task[Any]] = set()
        self._requests = 0
        self._stopping = False

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
            return
        began = perf_counter()
        self._requests += 1
        mutating = scope["method"] not in READING
        self._counts.mutating += mutating
        exchange = Exchange(scope, receive, send, self._streams)
        try:
            await self._serve(exchange)
        except ApiError as error:
            if exchange.streaming:
                await exchange.end_stream()
            else:
                await exchange.respond_error(error)
        except UnknownPath:
            await exchange.respond_text(404, "404 page not found\n")
        except TooManyRequests:
            await exchange.respond_text(429, TOO_MANY, [(b"retry-after", b"%d" % RETRY_SECONDS)])
        except NobodyImpersonated as error:
            await exchange.respond_text(500, f'Internal Server Error: "{_uri(exchange)}": {error}\n')
        except ClientGone:
            pass
        except Exception as error:
            fault = unexpected(logger, f"{exchange.method} {exchange.path}", error)
            if not exchange.streaming:  # uvicorn ends what is left unfinished
                await exchange.respond_error(fault)
        finally:
            self._requests -= 1
            self._counts.mutating -= mutating
            self._counts.add(exchange, began)

    async def stop(self) -> None:
        """End streams at once, and give requests in flight two seconds."""
        self._stopping = True
        deadline = asyncio.get_running_loop().time() + STOP_SECONDS
        while (self._requests or self._streams) and asyncio.get_running_loop().time() < deadline:
            for task in list(self._streams):
                task.cancel()
            await asyncio.sleep(0.01)

    async def _serve(self, exchange: Exchange) -> None:
        path = exchange.path
        if path in ANONYMOUS_PATHS and "user" not in exchange.state and b"authorization" not in exchange.headers:
            await self._path(exchange, path)
            return
        user = self._identity.user(exchange.state, exchange.headers, exchange.header_pairs)
        if path.startswith(("/api/", "/apis/")):
            try:
                target = self._router.match(path)
            except (UnknownPath, ApiError):
                if not self._discovery.knows(path):
                    self._authorize_path(user, exchange)
                    raise
            else:
                verb = target.verb(exchange.method, wants_watch(exchange))
                exchange.target, exchange.verb = target, verb
                self._authorize(user, verb, target, exchange)
                if target.subresource == PROXY:
                    await self._admit(target, user, exchange.query_values())
                    await self._proxied(exchange, target)
                elif target.subresource in POD_STREAMS:
                    if target.subresource != "log":
                        await self._admit(target, user, exchange.query_values())
                    await self._pod_streams.serve(exchange, target)
                else:
                    await self._resources.serve(exchange, target, verb, user)
                return
        self._authorize_path(user, exchange)
        await self._path(exchange, path)

    def _authorize(self, user: User, verb: str, target: Target, exchange: Exchange | None = None) -> None:
        """Raises 403 unless the user may do `verb` on the target."""
        if MASTERS in user.groups:
            return
        resource, name = target.resource, target.name
        if not name and verb in ("list", "watch") and exchange is not None and exchange.query_string:
            name = selected_name(exchange.query)
        namespace = name if resource.plural == "namespaces" and not resource.group else target.namespace
        asked = Attributes(user, verb, resource.group, resource.plural, target.subresource, namespace, name)
        require(self._authorizer, asked)
        if target.subresource in INTERACTIVE and verb != "create":
            require_also(self._authorizer, asked, "create")

    def _authorize_path(self, user: User, exchange: Exchange) -> None:
        """The same for what is not a resource, or none that is served."""
        if MASTERS not in user.groups:
            require(self._authorizer, requested(user, exchange.method, exchange.path))

    async def _admit(self, target: Target, user: User, parameters: list[tuple[str, str]]) -> None:
        """A connection, to an object or through it."""
        from backend.apiserver.http.connecting import admit

        await admit(self._resources.handler, target, user, parameters)

    async def _proxied(self, exchange: Exchange, target: Target) -> None:
        from backend.apiserver.http.proxy import Proxy

        await Proxy(self._resources.handler, self._pod_streams.node).serve(exchange, target)

    async def _path(self, exchange: Exchange, path: str) -> None:
        """What is not a resource."""
        if exchange.state.get("local") and path in ("/shutdown", "/rotate-key"):
            await self._own(exchange, path)
        elif exchange.method not in ("GET", "HEAD"):
            raise method_not_allowed() if self._discovery.knows(path) else UnknownPath
        elif path.startswith(health.PATHS):
            await self._health.serve(exchange)
        elif path == METRICS and self._metrics is not None:
            await self._metrics.serve(exchange, self._requests, len(self._streams))
        elif path == "/version" or path == "/version/":
            await exchange.respond_json(version())
        elif self._discovery.knows(path):
            await self._discovery.serve(exchange)
        elif path.startswith("/openapi/"):
            await self._openapi.serve(exchange)
        elif path in openid.PATHS:
            await self._openid.serve(exchange)
        else:
            raise UnknownPath

    async def _own(self, exchange: Exchange, path: str) -> None:
        if exchange.method != "POST":
            raise method_not_allowed()
        if path == "/rotate-key":
            await exchange.respond_json({"keyId": await self._control.rotate_key()})
            return
        keep_pods = exchange.query.get("keepPods", "false") == "true"
        await exchange.respond_json({"stopping": True, "keepPods": keep_pods})
        self._control.shutdown(keep_pods)

    async def _websocket(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        from backend.apiserver.http.websocket import WebSocket

        socket = WebSocket(scope, receive, send)
        task = asyncio.current_task()
        assert task is not None
        self._streams.add(task)
        try:
            target, user = self._websocket_target(scope, socket)
            parameters = parse_qsl(socket.query_string.decode("latin-1"), keep_blank_values=True)
            await self._admit(target, user, parameters)
            await self._pod_streams.serve_websocket(socket, target)
        except ApiError as error:
            await socket.refuse(error)
        except NobodyImpersonated as error:
            await socket.refuse(internal(str(error)))
        except asyncio.CancelledError:
            task.uncancel()
            await socket.close()
        finally:
            self._streams.discard(task)

    def _websocket_target(self, scope: Mapping[str, Any], socket: Any) -> tuple[Target, User]:
        user = self._identity.user(scope["state"], socket.headers, scope["headers"])
        try:
            target = self._router.match(scope["path"])
        except UnknownPath:
            raise page_not_found() from None
        if target.subresource not in ("exec", "attach", "portforward"):
            raise method_not_allowed()
        self._authorize(user, "get", target)
        return target, user


def _uri(exchange: Exchange) -> str:
    query = exchange.query_string.decode("latin-1")
    return f"{exchange.path}?{query}" if query else exchange.path
