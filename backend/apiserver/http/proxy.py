"""pods/proxy, services/proxy and nodes/proxy: a client's request goes on to a pod, and its answer comes back.

A node's kubelet is in this process, and is asked without a connection.
Sources: pkg/registry/core/{pod,service,node} (ResourceLocation), k8s.io/apimachinery pkg/util/proxy.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import h11

from backend.apiserver.http.exchange import Exchange, Header
from backend.apiserver.http.routes import Target
from backend.apiserver.http.tunnel import dial, tunnel
from backend.meta.errors import ApiError, bad_request, method_not_allowed, unavailable
from backend.meta.types import ApiRequest, Obj

if TYPE_CHECKING:
    from backend.apiserver.handler import Handler
    from backend.meta.streams import NodeStreams

SCHEMES = ("", "http", "https")
READ_BYTES = 64 * 1024
HOP_BY_HOP = frozenset((
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer",
    b"transfer-encoding", b"upgrade",
))  # fmt: skip
NOT_FOR_THE_POD = HOP_BY_HOP | {b"authorization", b"host", b"content-length", b"expect"}
KUBELET_PORT = "10250"
SERVICE_NAME = "kubernetes.io/service-name"


@dataclass(frozen=True, slots=True)
class Location:
    """Where a request goes on to."""

    scheme: str
    host: str
    port: int


class Proxy:
    """`node` answers for the kubelet, where there is one."""

    def __init__(self, handler: Handler, node: NodeStreams | None) -> None:
        self._handler = handler
        self._node = node

    async def serve(self, exchange: Exchange, target: Target) -> None:
        """Answer with what the pod answers. Raises ApiError where it cannot be reached."""
        path = exchange.path
        if not target.rest and not path.endswith("/") and exchange.method in ("GET", "HEAD"):
            await _redirect(exchange)
            return
        if target.resource.plural == "pods":
            location = await self._pod(target)
        elif target.resource.plural == "services":
            location = await self._service(target)
        else:
            found = await self._other_port_of_node(target)
            if found is None:
                await self._kubelet(exchange, target)
                return
            location = found
        await _Forwarding(exchange, target, location).run()

    async def _other_port_of_node(self, target: Target) -> Location | None:
        """None for the kubelet's own."""
        scheme, name, port = split_name(target.name, "node")
        node = await self._get("nodes", "", name)
        if port in ("", KUBELET_PORT):
            return None
        addresses = {
            entry["type"]: entry["address"] for entry in (node.get("status") or {}).get("addresses") or ()
        }
        if "InternalIP" not in addresses:
            raise bad_request("address not allowed")
        return _location(scheme, addresses["InternalIP"], port, "node", target.name)

    async def _kubelet(self, exchange: Exchange, target: Target) -> None:
        _, name, _ = split_name(target.name, "node")
        if exchange.method not in ("GET", "HEAD"):
            raise method_not_allowed()
        if self._node is None:
            raise unavailable("error trying to reach service: there is no kubelet")
        answer = await self._node.get(name, f"/{target.rest}", exchange.query)
        headers = [(b"content-type", answer.content_type.encode())]
        async with exchange.until_disconnect():
            start = {"type": "http.response.start", "status": answer.code, "headers": headers, "patient": True}
            await exchange.send(start)
            exchange.streaming, exchange.code = True, answer.code
            await exchange.write(b"")  # A log that is followed may have nothing to say for long.
            async for chunk in answer.body:
                await exchange.write(chunk)
        with contextlib.suppress(AttributeError):
            await answer.body.aclose()  # type: ignore[attr-defined]
        await exchange.end_stream()

    async def _pod(self, target: Target) -> Location:
        scheme, name, port = split_name(target.name, "pod")
        pod = await self._get("pods", target.namespace, name)
        if not port:
            ports = [port for container in pod["spec"]["containers"] for port in container.get("ports") or ()]
            port = str(ports[0]["containerPort"]) if ports else ""
        address = (pod.get("status") or {}).get("podIP", "")
        if not address:
            raise bad_request("address not allowed")
        return _location(scheme, address, port, "pod", target.name)

    async def _service(self, target: Target) -> Location:
        scheme, name, port = split_name(target.name, "service")
        service = await self._get("services", target.namespace, name)
        if port.isdecimal():
            number = int(port)
            named = [entry for entry in service["spec"].get("ports") or () if entry["port"] == number]
            if not named:
                raise unavailable(f'no service port {number} found for service "{name}"')
            port = named[0].get("name", "")
        found = list(await self._endpoints(target.namespace, name, port))
        if not found:
            raise unavailable(f'no endpoints available for service "{target.name}"')
        address, number = random.choice(found)
        return Location(scheme or "http", address, number)

    async def _endpoints(self, namespace: str, name: str, port: str) -> Iterator[tuple[str, int]]:
        """Of the slices, or of Endpoints that somebody wrote for a service without a selector."""
        query = {"labelSelector": f"{SERVICE_NAME}={name}"}
        slices = await self._handler.request(
            ApiRequest("list", "discovery.k8s.io", "v1", "endpointslices", namespace, query=query)
        )
        if slices["items"]:
            return _slice_endpoints(slices["items"], port)
        try:
            return _old_endpoints(await self._get("endpoints", namespace, name), port)
        except ApiError:
            return iter(())

    async def _get(self, plural: str, namespace: str, name: str) -> Obj:
        return await self._handler.request(ApiRequest("get", "", "v1", plural, namespace, name))


def split_name(text: str, kind: str) -> tuple[str, str, str]:
    """(scheme, name, port) of NAME, NAME:PORT or SCHEME:NAME:PORT. Raises 400."""
    parts = text.split(":")
    if len(parts) == 1:
        parts = ["", *parts, ""]
    elif len(parts) == 2:
        parts = ["", *parts]
    if len(parts) != 3 or parts[0] not in SCHEMES or not parts[1]:
        raise bad_request(f'invalid {kind} request "{text}"')
    return parts[0], parts[1], parts[2]


def _location(scheme: str, address: str, port: str, kind: str, name: str) -> Location:
    scheme = scheme or "http"
    if not port:
        return Location(scheme, address, 443 if scheme == "https" else 80)
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise bad_request(f'invalid {kind} request "{name}"')
    return Location(scheme, address, int(port))


def _slice_endpoints(slices: list[Obj], port: str) -> Iterator[tuple[str, int]]:
    for entry in slices:
        numbers = [p["port"] for p in entry.get("ports") or () if (p.get("name") or "") == port and p.get("port")]
        for endpoint in entry.get("endpoints") or ():
            if numbers and (endpoint.get("conditions") or {}).get("ready", True):
                yield endpoint["addresses"][0], numbers[0]


def _old_endpoints(endpoints: Obj, port: str) -> Iterator[tuple[str, int]]:
    for subset in endpoints.get("subsets") or ():
        numbers = [p["port"] for p in subset.get("ports") or () if (p.get("name") or "") == port]
        for address in subset.get("addresses") or ():
            if numbers:
                yield address["ip"], numbers[0]


async def _redirect(exchange: Exchange) -> None:
    """A page's relative links need the slash at the end of its own address."""
    query = b"?" + exchange.query_string if exchange.query_string else b""
    await exchange.respond(
        301, b"", b"text/html; charset=utf-8", [(b"location", exchange.raw_path + b"/" + query)]
    )


class _Forwarding:
    """One request on its way to a pod, and its answer on the way back; neither is held as a whole."""

    def __init__(self, exchange: Exchange, target: Target, location: Location) -> None:
        self._exchange = exchange
        self._location = location
        own, _, rest = exchange.raw_path.partition(b"/proxy")
        self._prefix = own + b"/proxy"
        self._path = b"/" + rest.removeprefix(b"/")
        self._protocol = h11.Connection(our_role=h11.CLIENT)

    async def run(self) -> None:
        location = self._location
        try:
            reader, writer = await dial(location.host, location.port, tls=location.scheme == "https")
        except ConnectionError as error:
            raise unavailable(f"error trying to reach service: {error}") from error
        current = asyncio.current_task()
        assert current is not None
        self._exchange.streams.add(current)
        tasks = [asyncio.create_task(self._receive(reader, writer)), asyncio.create_task(self._send(writer))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if tasks[0].done():
                tasks[0].result()
        except (h11.ProtocolError, ConnectionError) as error:
            raise unavailable(f"error trying to reach service: {error}") from error
        except asyncio.CancelledError:
            current.uncancel()
        finally:
            self._exchange.streams.discard(current)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            writer.close()

    def _head(self) -> h11.Request:
        exchange, location = self._exchange, self._location
        asks_upgrade = exchange.upgrade is not None
        headers: list[Header] = [(b"host", f"{location.host}:{location.port}".encode())]
        for name, value in exchange.header_pairs:
            if name in NOT_FOR_THE_POD or name.startswith(b"impersonate-"):
                continue
            headers.append((name, value))
        if asks_upgrade:
            headers += [(b"connection", b"Upgrade"), (b"upgrade", exchange.headers[b"upgrade"])]
        if b"content-length" in exchange.headers:
            headers.append((b"content-length", exchange.headers[b"content-length"]))
        elif b"transfer-encoding" in exchange.headers:
            headers.append((b"transfer-encoding", b"chunked"))
        headers += [
            (b"x-forwarded-uri", self._prefix + self._path),
            (b"x-forwarded-host", exchange.headers.get(b"host", b"")), (b"x-forwarded-proto", b"https"),
        ]  # fmt: skip
        query = b"?" + exchange.query_string if exchange.query_string else b""
        return h11.Request(method=exchange.method, target=self._path + query, headers=headers)

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        """The request, as its body comes. Ends when the client is gone."""
        writer.write(self._protocol.send(self._head()) or b"")
        ended = False
        while (message := await self._exchange.receive())["type"] == "http.request":
            if ended:
                continue
            ended = not message.get("more_body", False)
            data = self._protocol.send(h11.Data(data=message["body"])) or b""
            if ended:
                data += self._protocol.send(h11.EndOfMessage()) or b""
            writer.write(data)
            with contextlib.suppress(ConnectionError):  # A pod may answer before it has read all.
                await writer.drain()

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        exchange = self._exchange
        while True:
            event = self._protocol.next_event()
            if event is h11.NEED_DATA:
                self._protocol.receive_data(await reader.read(READ_BYTES))
            elif isinstance(event, h11.InformationalResponse):
                if event.status_code == 101 and exchange.upgrade is not None:
                    early, _ = self._protocol.trailing_data
                    extra = [(n, v) for n, v in event.headers if n not in (b"connection", b"upgrade")]
                    carrier = exchange.upgrade(exchange.headers[b"upgrade"], extra)
                    await tunnel(carrier, reader, writer, early)
                    return
            elif isinstance(event, h11.Response):
                headers = [
                    self._translated(name, value) for name, value in event.headers if name not in HOP_BY_HOP
                ]
                await exchange.send({
                    "type": "http.response.start", "status": event.status_code, "headers": headers, "patient": True,
                })  # fmt: skip
                exchange.streaming, exchange.code = True, event.status_code
            elif isinstance(event, h11.Data):
                await exchange.write(bytes(event.data))
            else:
                await exchange.end_stream()
                return

    def _translated(self, name: bytes, value: bytes) -> Header:
        """A redirect within the pod is one within the proxy."""
        if name == b"location":
            url = urlsplit(value.decode("latin-1"))
            own = f"{self._location.host}:{self._location.port}"
            if url.netloc in ("", own, self._location.host) and url.path.startswith("/"):
                query = f"?{url.query}" if url.query else ""
                return name, self._prefix + f"{url.path}{query}".encode("latin-1")
        return name, value
