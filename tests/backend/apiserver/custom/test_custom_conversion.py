"""Versions that a webhook converts: every verb works in every version, on one stored object."""

from __future__ import annotations

import asyncio
import base64
import ssl
from ipaddress import ip_address

import orjson
import pytest
from cryptography import x509

from backend.machinery.client import GVR, MERGE_PATCH
from backend.meta.errors import ApiError
from tests.backend.apiserver.custom.conftest import DEFINITIONS, WIDGETS, definition, widget
from tests.support import pem
from tests.support.control_plane import eventually

V2 = GVR("example.com", "v2", "widgets")


class Converter:
    """v1 has spec.host and spec.port, v2 spec.address. `asked` are the objects of each review."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.fault = ""
        self.url = self.ca_bundle = ""

    async def serve(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        body = orjson.dumps(self._answer(orjson.loads(await reader.readexactly(length))))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    def _answer(self, review):
        request = review["request"]
        self.asked.append([obj["metadata"]["name"] for obj in request["objects"]])
        response = {"uid": request["uid"], "result": {"status": "Success"}}
        if self.fault:
            response["result"] = {"status": "Failure", "message": self.fault}
        else:
            version = request["desiredAPIVersion"]
            response["convertedObjects"] = [self._convert(obj, version) for obj in request["objects"]]
        return {"kind": review["kind"], "apiVersion": review["apiVersion"], "response": response}

    @staticmethod
    def _convert(obj, version):
        spec = obj["spec"]
        if version.endswith("v2"):
            spec = {"address": f"{spec['host']}:{spec['port']}"}
        else:
            host, _, port = spec["address"].partition(":")
            spec = {"host": host, "port": int(port)}
        meta = {**obj["metadata"], "labels": {"converted": "yes"}, "uid": "forged"}
        return {**obj, "apiVersion": version, "spec": spec, "metadata": meta}


@pytest.fixture
async def converter(tmp_path, served):
    converter = Converter()
    key = pem.ec_key()
    certificate = pem.certificate(key, [x509.IPAddress(ip_address("127.0.0.1"))])
    (tmp_path / "c.crt").write_bytes(certificate)
    (tmp_path / "c.key").write_bytes(pem.pem_key(key))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "c.crt", tmp_path / "c.key")
    server = await asyncio.start_server(converter.serve, "127.0.0.1", 0, ssl=context)
    body = definition({"type": "object", "properties": {"host": {"type": "string"}, "port": {"type": "integer"}}})
    other = orjson.loads(orjson.dumps(body["spec"]["versions"][0]))
    other.update(name="v2", storage=False)
    other["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"] = {
        "address": {"type": "string"}, "color": {"type": "string", "default": "red"},
    }  # fmt: skip
    body["spec"]["versions"].append(other)
    client = {
        "url": f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/convert",
        "caBundle": base64.b64encode(certificate).decode(),
    }
    webhook = {"clientConfig": client, "conversionReviewVersions": ["v1"]}
    body["spec"]["conversion"] = {"strategy": "Webhook", "webhook": webhook}
    await served.client.create(DEFINITIONS, body)
    async with server:
        yield converter


async def test_reads_and_writes_in_both_versions_are_of_one_object(served, converter):
    made = await served.widget(spec={"host": "a", "port": 80})
    assert converter.asked == []
    read = await served.client.get(V2, "w", "default")
    assert read["spec"] == {"address": "a:80", "color": "red"}
    assert (read["apiVersion"], read["metadata"]["uid"]) == ("example.com/v2", made["metadata"]["uid"])
    assert read["metadata"]["labels"] == {"converted": "yes"}
    await served.client.get(V2, "w", "default")
    assert len(converter.asked) == 1
    patched = await served.client.patch(
        V2, "w", {"spec": {"address": "b:81"}}, "default", content_type=MERGE_PATCH
    )
    assert patched["spec"]["address"] == "b:81"
    assert (await served.client.get(WIDGETS, "w", "default"))["spec"] == {"host": "b", "port": 81}
    created = {**widget("x", spec={"address": "c:82"}), "apiVersion": "example.com/v2"}
    await served.client.create(V2, created, "default")
    assert (await served.client.get(WIDGETS, "x", "default"))["spec"] == {"host": "c", "port": 82}
    await served.client.delete(V2, "x", "default")
    assert [item["metadata"]["name"] for item in (await served.client.list(WIDGETS))["items"]] == ["w"]


async def test_a_list_is_converted_by_one_review(served, converter):
    for name in "abc":
        await served.widget(name, spec={"host": name, "port": 1})
    found = await served.client.list(V2, "default")
    assert [item["spec"]["address"] for item in found["items"]] == ["a:1", "b:1", "c:1"]
    assert converter.asked == [["a", "b", "c"]]


async def test_a_watch_converts_what_it_tells(served, converter):
    await served.widget("a", spec={"host": "a", "port": 1})
    async with served.client.watch(V2, "0") as events:
        assert (await anext(events)).object["spec"]["address"] == "a:1"
        await served.widget("b", spec={"host": "b", "port": 2})
        event = await anext(events)
        assert (event.type, event.object["spec"]["address"]) == ("ADDED", "b:2")
        await served.client.delete(WIDGETS, "b", "default")
        assert (await anext(events)).type == "DELETED"


async def test_what_the_webhook_refuses_is_an_error(served, converter):
    await served.widget(spec={"host": "a", "port": 1})
    converter.fault = "cannot say this"
    with pytest.raises(ApiError) as caught:
        await served.client.get(V2, "w", "default")
    assert (caught.value.code, caught.value.message) == (
        500, "conversion webhook for example.com/v2, Kind=Widget failed: cannot say this",
    )  # fmt: skip
    converter.fault = ""

    async def converted():
        return (await served.client.get(V2, "w", "default"))["spec"]["address"] == "a:1"

    await eventually(converted)
