"""The proxy over real sockets: what goes to a backend, what comes back, and what is refused."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from backend.apiserver.http.limits import Limits
from backend.network.ingress import exchange as exchange_module
from backend.network.ingress.backends import Endpoint
from backend.network.ingress.certificates import default_context

GET = b"GET /app HTTP/1.1\r\nHost: a.com\r\n\r\n"


async def head_of(reader):
    """(first line, headers) of a message."""
    text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = text.rstrip("\r\n").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers.setdefault(name.lower(), value.strip())
    return first, headers


async def chunks_of(reader):
    """A chunked body."""
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body


async def answer_of(reader):
    """(status, headers, body)"""
    first, headers = await head_of(reader)
    if headers.get("transfer-encoding") == "chunked":
        body = await chunks_of(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return int(first.split()[1]), headers, body


def saying(body=b"hello", *, then_close=False):
    """A backend that answers each request so; what it was asked is in `.asked`, its connections are counted."""

    async def serve(reader, writer):
        serve.connections += 1
        while True:
            first, headers = await head_of(reader)
            size = int(headers.get("content-length", 0))
            sent = await chunks_of(reader) if "transfer-encoding" in headers else await reader.readexactly(size)
            serve.asked.append((first, headers, sent))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-Who: pod\r\n\r\n%b" % (len(body), body))
            if then_close:
                return

    serve.asked, serve.connections = [], 0
    return serve


async def test_a_request_and_its_answer(ingress):
    pod = saying()
    await ingress.backend(pod)
    async with ingress.connect() as (reader, writer):
        writer.write(
            b"GET /app/x%20y?q=1 HTTP/1.1\r\nHost: a.com:80\r\nX-Forwarded-For: 6.6.6.6\r\nX_Real_IP: 6.6.6.6\r\n"
            b"X-Request-ID: r1\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\nAccept: */*\r\n\r\n"
        )
        status, headers, body = await answer_of(reader)
    assert (status, headers["x-who"], body) == (200, "pod", b"hello")
    [(first, asked, _)] = pod.asked
    assert first == "GET /app/x%20y?q=1 HTTP/1.1"
    assert asked == {
        "host": "a.com:80", "accept": "*/*", "x-request-id": "r1", "x-real-ip": "127.0.0.1",
        "x-forwarded-for": "127.0.0.1", "x-original-forwarded-for": "6.6.6.6", "x-forwarded-host": "a.com:80",
        "x-forwarded-port": str(ingress.port), "x-forwarded-proto": "http", "x-forwarded-scheme": "http",
        "x-scheme": "http",
    }  # fmt: skip


async def test_connections_are_kept_on_both_sides(ingress):
    pod = saying()
    await ingress.backend(pod)
    async with ingress.connect() as (reader, writer):
        for number in range(5):
            writer.write(b"POST /app HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n%d" % number)
            assert (await answer_of(reader))[2] == b"hello"
    assert pod.connections == 1
    assert [sent for _, _, sent in pod.asked] == [b"0", b"1", b"2", b"3", b"4"]


async def test_pipelined_requests_are_answered_in_order(ingress):
    await ingress.backend(saying(b"1"), "one")
    await ingress.backend(saying(b"2"), "two")
    ingress.rules("one", "two")
    async with ingress.connect() as (reader, writer):
        writer.write(b"".join(b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % name for name in (b"one", b"two", b"one")))
        assert [(await answer_of(reader))[2] for _ in range(3)] == [b"1", b"2", b"1"]


async def test_a_kept_connection_that_the_backend_closed_is_no_fault(ingress):
    pod = saying(then_close=True)
    await ingress.backend(pod)
    async with ingress.connect() as (reader, writer):
        for _ in range(20):
            writer.write(GET)
            assert (await answer_of(reader))[0] == 200


async def test_an_upload_streams(ingress):
    """The backend has the first part before the client has sent the second."""
    got: asyncio.Queue[bytes] = asyncio.Queue()

    async def serve(reader, writer):
        _, headers = await head_of(reader)
        assert headers["transfer-encoding"] == "chunked"
        while size := int(await reader.readline(), 16):
            got.put_nowait(await reader.readexactly(size))
            await reader.readexactly(2)
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")

    await ingress.backend(serve)
    async with ingress.connect() as (reader, writer):
        writer.write(b"PUT /app HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        assert await got.get() == b"first"
        writer.write(b"6;ext=1\r\nsecond\r\n0\r\nTrailer: x\r\n\r\n")
        assert await got.get() == b"second"
        assert (await answer_of(reader))[0] == 201


async def test_a_download_streams(ingress):
    """The client has the first part before the backend has sent the second, and the head before any."""
    go = asyncio.Event()

    async def serve(reader, writer):
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        await go.wait()
        go.clear()
        writer.write(b"5\r\nfirst\r\n")
        await go.wait()
        writer.write(b"6\r\nsecond\r\n0\r\n\r\n")

    await ingress.backend(serve)
    async with ingress.connect() as (reader, writer):
        writer.write(GET)
        assert (await head_of(reader))[0].endswith("200 OK")
        go.set()
        assert await reader.readexactly(10) == b"5\r\nfirst\r\n"
        go.set()
        assert await chunks_of(reader) == b"second"


async def test_neither_side_is_read_faster_than_the_other_reads(ingress):
    """64 MB to a client that does not read: the backend has to wait. Then all of it comes."""
    size, written = 64 << 20, 0

    async def serve(reader, writer):
        nonlocal written
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while written < size:
            writer.write(bytes(1 << 20))
            written += 1 << 20
            await writer.drain()

    await ingress.backend(serve)
    async with ingress.connect() as (reader, writer):
        writer.write(GET)
        await head_of(reader)
        before = -1
        while before != written:  # It stops where all buffers are full.
            before = written
            await asyncio.sleep(0.2)
        assert written < size / 2
        left = size
        while left:
            left -= len(await reader.read(1 << 20))


async def test_100_continue_is_answered_when_the_body_is_wanted(ingress):
    pod = saying()
    await ingress.backend(pod)
    async with ingress.connect() as (reader, writer):
        writer.write(b"POST /app HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert (await head_of(reader))[0].split()[1] == "100"
        writer.write(b"body")
        assert (await answer_of(reader))[0] == 200
        assert "expect" not in pod.asked[0][1]
        writer.write(b"POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert (await answer_of(reader))[0] == 404


async def test_informational_answers_are_not_the_answer(ingress):
    async def serve(reader, writer):
        await head_of(reader)
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    await ingress.backend(serve)
    async with ingress.connect() as (reader, writer):
        writer.write(GET)
        status, headers, body = await answer_of(reader)
    assert (status, body, "link" in headers) == (200, b"ok", False)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK", b"HTTP/1.0 200 OK"])
async def test_an_answer_that_ends_with_its_connection(ingress, answer):
    async def serve(reader, writer):
        await head_of(reader)
        writer.write(answer + b"\r\n\r\nall of it")

    await ingress.backend(serve)
    async with ingress.connect() as (reader, writer):
        for _ in range(2):
            writer.write(GET)
            assert (await answer_of(reader))[2] == b"all of it"


async def test_a_client_of_http_1_0_gets_no_chunks(ingress):
    async def serve(reader, writer):
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(b"1\r\nb\r\n0\r\n\r\n")

    await ingress.backend(serve)
    async with ingress.connect() as (reader, writer):
        writer.write(b"GET /app HTTP/1.0\r\n\r\n")
        _, headers = await head_of(reader)
        assert "transfer-encoding" not in headers
        assert await reader.read() == b"ab"


async def test_head_and_204_and_304_have_no_body(ingress):
    async def serve(reader, writer):
        while True:
            first, _ = await head_of(reader)
            code = first.split()[1].rpartition("/")[2]
            length = b"" if code == "204" else b"Content-Length: 5\r\n"
            writer.write(b"HTTP/1.1 %b X\r\n%b\r\n" % (code.encode(), length))

    await ingress.backend(serve)
    async with ingress.connect() as (reader, writer):
        for method, code, length in (
            ("HEAD", 200, "5"),
            ("GET", 204, None),
            ("GET", 304, "5"),
            ("HEAD", 200, "5"),
        ):
            writer.write(f"{method} /app/{code} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            first, headers = await head_of(reader)
            assert (first.split()[1], headers.get("content-length")) == (str(code), length)


async def test_a_websocket(ingress):
    async def serve(reader, writer):
        _, headers = await head_of(reader)
        assert (headers["connection"], headers["upgrade"]) == ("upgrade", "websocket")
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: k\r\n\r\nwelcome"
        )
        while data := await reader.read(100):
            writer.write(data.upper())

    await ingress.backend(serve)
    async with ingress.connect() as (reader, writer):
        writer.write(GET[:-2] + b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: k\r\n\r\n")
        first, headers = await head_of(reader)
        assert (first.split()[1], headers["sec-websocket-accept"]) == ("101", "k")
        assert await reader.readexactly(7) == b"welcome"
        writer.write(b"abc")
        assert await reader.readexactly(3) == b"ABC"


async def test_an_upgrade_that_the_backend_declines_is_an_ordinary_answer(ingress):
    pod = saying()
    await ingress.backend(pod)
    async with ingress.connect() as (reader, writer):
        for protocol in (b"websocket", b"h2c"):
            writer.write(GET[:-2] + b"Upgrade: %b\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n" % protocol)
            assert (await answer_of(reader))[2] == b"hello"
    assert [asked.get("upgrade") for _, asked, _ in pod.asked] == ["websocket", None]


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("protocol", ["h2c", "other"])
async def test_the_body_of_an_upgrade_is_no_request(ingress, protocol, chunked, at_once):
    pod = saying()
    await ingress.backend(pod)
    forged = b"GET /app/forged HTTP/1.1\r\nHost: a\r\n\r\n"
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(forged), forged) if chunked else forged
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(forged)
    head = (
        b"POST /app HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: "
        + protocol.encode()
        + b"\r\n"
        + framing
    )
    async with ingress.connect() as (reader, writer):
        for _ in range(2):
            if at_once:
                writer.write(head + b"\r\n\r\n" + body)
            else:
                writer.write(head + b"\r\n\r\n")
                await asyncio.sleep(0.02)
                writer.write(body)
            assert (await answer_of(reader))[0] == 200
        writer.write(GET)
        assert (await answer_of(reader))[0] == 200
    assert [(first.split()[1], sent) for first, _, sent in pod.asked] == [("/app", forged)] * 2 + [("/app", b"")]


async def test_a_whole_url_is_asked_for_by_its_path(ingress):
    pod = saying()
    await ingress.backend(pod)
    ingress.rules("app", host="a.com")
    async with ingress.connect() as (reader, writer):
        writer.write(b"GET http://other.com/app?x HTTP/1.1\r\nHost: a.com\r\n\r\n")
        assert (await answer_of(reader))[0] == 200
    assert (pod.asked[0][0], pod.asked[0][1]["host"]) == ("GET /app?x HTTP/1.1", "a.com")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /app HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /app HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        b"POST /app HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /app HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na",
        b"POST /app HTTP/1.1\r\nHost: a\r\nContent-Length : 1\r\n\r\na",
        b"POST /app HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST /app HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"POST /app HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"GET /app HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n",
        b"GET /app HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
        b"GET /app HTTP/1.1\nHost: a\n\n",
        b"GET /app HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /app HTTP/1.1\r\n\r\n",
        b"GET /app HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET /app HTTP/9.9\r\nHost: a\r\n\r\n",
        b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /app HTTP/1.1\r\nHost: a\r\nX: " + b"x" * (1 << 21) + b"\r\n\r\n",
    ],
    ids=lambda request_bytes: repr(request_bytes[:90]),
)
async def test_what_two_parties_could_read_in_two_ways_is_refused(ingress, request_bytes):
    """With one answer and the connection's end; a backend never sees a whole request of it."""
    pod = saying()
    await ingress.backend(pod)
    async with ingress.connect() as (reader, writer):
        writer.write(request_bytes + GET)
        try:
            got = await reader.read()
        except ConnectionError:  # What was sent after the refused part was not read.
            got = b""
    assert got.count(b"HTTP/1.1 ") <= 1
    assert got == b"" or 400 <= int(got.split()[1]) < 506
    assert pod.asked == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 502),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 502),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", 502),
        (b"no http at all\r\n\r\n", 502),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000 + b"\r\n\r\n", 502),
        (b"", 502),
    ],
)
async def test_an_answer_that_is_none(ingress, answer, expected):
    async def serve(reader, writer):
        await head_of(reader)
        writer.write(answer)

    await ingress.backend(serve)
    async with ingress.connect() as (reader, writer):
        writer.write(GET)
        status, _, body = await answer_of(reader)
        assert (status, body.startswith(b"502 Bad Gateway: ")) == (expected, True)
        writer.write(b"GET /none HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await answer_of(reader))[0] == 404  # The client's connection goes on.


async def test_more_than_was_announced_is_never_the_next_answer(ingress):
    async def serve(reader, writer):
        await head_of(reader)
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
        )
        await reader.read()

    await ingress.backend(serve)
    async with ingress.connect() as (reader, writer):
        for _ in range(3):
            writer.write(GET)
            assert (await answer_of(reader))[2] != b"forged"


@pytest.mark.parametrize(
    "head", [b"Content-Length: 10\r\n\r\nhalf", b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"]
)
async def test_a_backend_that_dies_in_its_answer_ends_the_clients_connection(ingress, head):
    async def serve(reader, writer):
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n" + head)
        await writer.drain()

    await ingress.backend(serve)
    async with ingress.connect() as (reader, writer):
        writer.write(GET)
        rest = await reader.read()
    assert b"half" in rest
    assert not rest.endswith(b"0\r\n\r\n")


async def test_another_endpoint_is_tried_where_one_does_not_listen(ingress):
    closed = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    endpoint = Endpoint("127.0.0.1", closed.sockets[0].getsockname()[1])
    closed.close()
    await closed.wait_closed()
    ingress.backends.endpoints["app"] = [endpoint]
    async with ingress.connect() as (reader, writer):
        writer.write(GET)
        status, _, body = await answer_of(reader)
        assert (status, b"connection refused" in body) == (502, True)
        await ingress.backend(saying())
        writer.write(b"POST /app HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na")
        assert (await answer_of(reader))[2] == b"hello"


async def test_no_rule_no_service_no_endpoints(ingress):
    ingress.backends.endpoints["empty"] = []
    ingress.rules("missing", "empty")
    async with ingress.connect() as (reader, writer):
        answers = []
        for path in ("", "missing", "empty"):
            writer.write(f"GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            status, _, body = await answer_of(reader)
            answers.append((status, body.decode()))
    assert answers == [
        (404, "404 Not Found: no Ingress has a rule for this host and path\n"),
        (503, "503 Service Unavailable: service missing not found\n"),
        (503, "503 Service Unavailable: service default/empty has no ready endpoints\n"),
    ]


async def test_a_backend_that_takes_too_long(ingress):
    gone = asyncio.Event()

    async def serve(reader, _writer):
        await head_of(reader)
        await reader.read()
        gone.set()

    await ingress.backend(serve)
    ingress.rules("app", proxy_read_timeout="1")
    async with ingress.connect() as (reader, writer):
        writer.write(GET)
        assert (await answer_of(reader))[0] == 504
        await gone.wait()


async def test_a_client_that_leaves_takes_its_request_along(ingress):
    asked, gone = asyncio.Event(), asyncio.Event()

    async def serve(reader, _writer):
        await head_of(reader)
        asked.set()
        await reader.read()
        gone.set()

    await ingress.backend(serve)
    async with ingress.connect() as (_, writer):
        writer.write(GET)
        await asked.wait()
    async with asyncio.timeout(10):
        await gone.wait()


async def test_a_head_that_does_not_come(ingress, monkeypatch):
    monkeypatch.setattr(ingress.front._server, "_limits", Limits(request_timeout=60, head_timeout=0.2))
    async with ingress.connect() as (reader, writer):
        writer.write(b"GET /app HTTP/1.1\r\nHost: a")
        assert await reader.read() == b""


async def test_a_request_in_single_bytes(ingress):
    await ingress.backend(saying())
    async with ingress.connect() as (reader, writer):
        for byte in b"POST /app HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n":
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        assert (await answer_of(reader))[2] == b"hello"


async def test_a_body_that_stops_coming(ingress, monkeypatch):
    monkeypatch.setattr(exchange_module, "BODY_SECONDS", 0.2)
    await ingress.backend(saying())
    async with ingress.connect() as (reader, writer):
        writer.write(b"POST /app HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
        status, headers, _ = await answer_of(reader)
        assert (status, headers["connection"]) == (408, "close")
        assert await reader.read() == b""


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 2000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n7d0\r\n"]
)
async def test_a_body_that_is_larger_than_its_ingress_allows(ingress, framing):
    await ingress.backend(saying())
    ingress.rules("app", proxy_body_size="1k")
    async with ingress.connect() as (reader, writer):
        writer.write(b"POST /app HTTP/1.1\r\nHost: a\r\n" + framing + bytes(2000))
        assert (await answer_of(reader))[0] == 413


async def test_a_path_is_rewritten(ingress):
    pod = saying()
    await ingress.backend(pod)
    ingress.rules("app", rewrite_target="/new")
    async with ingress.connect() as (reader, writer):
        writer.write(b"GET /app/old?a=b HTTP/1.1\r\nHost: a\r\n\r\n")
        await answer_of(reader)
    assert pod.asked[0][0] == "GET /new?a=b HTTP/1.1"


async def test_tls_and_the_redirect_to_it(ingress):
    pod = saying()
    await ingress.backend(pod)
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    ingress.rules("app", host="a.com", tls=["a.com"])
    async with ingress.connect() as (reader, writer):
        writer.write(b"GET /app?x=1 HTTP/1.1\r\nHost: A.com:80\r\n\r\n")
        status, headers, _ = await answer_of(reader)
        assert (status, headers["location"]) == (308, f"https://a.com:{ingress.tls_port}/app?x=1")
        ingress.rules("app", host="a.com", tls=["a.com"], ssl_redirect="false")
        writer.write(GET)
        assert (await answer_of(reader))[0] == 200
    async with ingress.connect(tls=trusting) as (reader, writer):
        writer.write(GET)
        assert (await answer_of(reader))[0] == 200
    assert [asked["x-forwarded-proto"] for _, asked, _ in pod.asked] == ["http", "https"]
    assert pod.asked[1][1]["x-forwarded-port"] == str(ingress.tls_port)


async def test_a_backend_with_tls(ingress):
    await ingress.backend(saying(b"secret"), tls=default_context())
    ingress.rules("app", backend_protocol="HTTPS")
    async with ingress.connect() as (reader, writer):
        writer.write(GET)
        assert (await answer_of(reader))[2] == b"secret"
