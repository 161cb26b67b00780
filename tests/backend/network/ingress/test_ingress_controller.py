"""The controller on a real API server: which Ingresses are served, what their status and events say, and the ports."""

from __future__ import annotations

import asyncio
import base64
import datetime
import socket
import ssl
import types

import pytest

from backend.controllers.kept_objects import ENDPOINT_SLICES, SERVICES
from backend.machinery.client import EVENTS, JSON_PATCH, SECRETS
from backend.machinery.informer import Informer
from backend.network.ingress.classes import INGRESS_CLASSES
from backend.network.ingress.controller import INGRESSES, IngressController
from tests.support.control_plane import control_plane, eventually, running

ADDRESS = "192.0.2.7"
BACKEND = "/spec/rules/0/http/paths/0/backend/service"


class Site:
    """An API server with the controller, and what the tests do with both."""

    def __init__(self, plane, controller):
        self.plane = plane
        self.client = plane.client
        self.controller = controller

    async def service(self, name="app", port=80):
        spec = {"clusterIP": "None", "ports": [{"port": port, "name": "web"}]}
        return await self.client.create(SERVICES, {"metadata": {"name": name}, "spec": spec}, "default")

    async def ingress(self, name="web", *, service="app", port=None, host="a.com", annotations=None, **spec):
        backend = {"service": {"name": service, "port": port or {"number": 80}}}
        rules = [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]
        body = {"metadata": {"name": name, "annotations": annotations or {}}, "spec": {"rules": rules, **spec}}
        return await self.client.create(INGRESSES, body, "default")

    async def points(self, name="web"):
        found = await self.plane.find(INGRESSES, name, "default")
        return found["status"]["loadBalancer"].get("ingress", []) if found else []

    async def events(self, type_="Warning"):
        items = (await self.client.list(EVENTS, "default"))["items"]
        return [(event["reason"], event["message"], event["count"]) for event in items if event["type"] == type_]

    async def event(self, reason):
        async def found():
            return next((event for event in await self.events() if event[0] == reason), None)

        return (await eventually(found, 10))[1]

    async def ports(self):
        """Those of an Ingress that is served."""
        points = await eventually(self.points, 10)
        return [port["port"] for port in points[0]["ports"]]


@pytest.fixture
async def site(tmp_path):
    async with control_plane(tmp_path) as plane:
        services, slices = Informer(plane.client, SERVICES), Informer(plane.client, ENDPOINT_SLICES)
        controller = IngressController(
            plane.client, services=services, slices=slices, memory=tmp_path / "ports", http_port=0, https_port=0,
            address=lambda: ADDRESS,
        )  # fmt: skip
        async with running(services.run(), slices.run(), controller.run()):
            await eventually(lambda: plane.find(INGRESS_CLASSES, "minikctl"))
            yield Site(plane, controller)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def fetch(port, host="a.com", tls=None):
    """The status of an answer and its body, and the subject of the certificate with TLS."""
    name = {"server_hostname": host} if tls else {}
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, **name)
    writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    certificate = writer.get_extra_info("ssl_object").getpeercert(True) if tls else b""
    writer.close()
    return types.SimpleNamespace(code=int(answer.split()[1]), text=answer.decode(), certificate=certificate)


def anybody():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def key_pair(name):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private


def tls_secret(name, pair):
    data = {key: base64.b64encode(pem).decode() for key, pem in zip(("tls.crt", "tls.key"), pair, strict=True)}
    return {"metadata": {"name": name}, "type": "kubernetes.io/tls", "data": data}


def common_name(certificate):
    from cryptography import x509

    return x509.load_der_x509_certificate(certificate).subject.rfc4514_string().removeprefix("CN=")


async def test_the_class_is_kept_and_is_the_default(site):
    found = await site.plane.find(INGRESS_CLASSES, "minikctl")
    assert found["spec"]["controller"] == "minikctl/ingress"
    assert found["metadata"]["annotations"] == {"ingressclass.kubernetes.io/is-default-class": "true"}
    await site.client.delete(INGRESS_CLASSES, "minikctl")
    await eventually(lambda: site.plane.find(INGRESS_CLASSES, "minikctl"))
    assert (await site.ingress())["spec"]["ingressClassName"] == "minikctl"


async def test_the_ports_are_open_while_there_is_an_ingress(site):
    await site.service()
    assert site.controller.serving is None
    await site.ingress()
    http, https = await site.ports()
    assert await site.points() == [
        {"ip": ADDRESS, "ports": [{"port": http, "protocol": "TCP"}, {"port": https, "protocol": "TCP"}]}
    ]
    assert listens(http)
    assert listens(https)
    [(reason, message, _)] = await eventually(lambda: site.events("Normal"))
    assert (reason, message) == ("Serving", f"Served at http://{ADDRESS}:{http} and https://{ADDRESS}:{https}")
    await site.client.delete(INGRESSES, "web", "default")

    async def closed():
        return not listens(http) and not listens(https)

    await eventually(closed)
    await site.ingress("again")
    points = await eventually(lambda: site.points("again"))
    assert [port["port"] for port in points[0]["ports"]] == [http, https]


async def test_only_ingresses_of_our_classes_are_served(site):
    await site.service()
    for name, controller in (("other", "example.com/other"), ("ours-too", "minikctl/ingress")):
        await site.client.create(INGRESS_CLASSES, {"metadata": {"name": name}, "spec": {"controller": controller}})
    await site.ingress("foreign", ingressClassName="other")
    await site.ingress("annotated", annotations={"kubernetes.io/ingress.class": "ours-too"})
    await site.ingress("old-foreign", annotations={"kubernetes.io/ingress.class": "other"})
    await site.ingress("nowhere", ingressClassName="nginx")
    await eventually(lambda: site.points("annotated"))
    assert (await site.event("IngressClassNotFound")) == (
        "there is no IngressClass nginx: the one of this cluster is minikctl"
    )
    for name in ("foreign", "old-foreign", "nowhere"):
        assert await site.points(name) == []


async def test_an_ingress_that_is_given_away_loses_its_address(site):
    await site.service()
    await site.client.create(
        INGRESS_CLASSES, {"metadata": {"name": "other"}, "spec": {"controller": "example.com/o"}}
    )
    await site.ingress()
    await eventually(site.points)
    await site.client.patch(INGRESSES, "web", {"spec": {"ingressClassName": "other"}}, "default")

    async def gone():
        return await site.points() == []

    await eventually(gone)


async def test_what_is_missing_is_told_once_and_served_when_it_comes(site):
    await site.ingress(port={"name": "web"}, tls=[{"hosts": ["a.com"], "secretName": "cert"}])
    http, _ = await site.ports()
    assert await site.event("ServiceNotFound") == "service default/app not found"
    assert await site.event("SecretNotFound") == "secret default/cert not found: the default certificate is shown"
    await site.service(port=8080)
    assert (await fetch(http)).code == 308
    await site.client.create(SECRETS, tls_secret("cert", key_pair("a.com")), "default")
    await site.ingress("second", host="b.com", port={"number": 99})
    assert await site.event("ServicePortNotFound") == "service default/app has no port 99"
    assert sorted(count for _, _, count in await site.events()) == [1, 1, 1]


async def test_what_comes_a_moment_later_is_no_warning(site):
    await site.ingress()
    await site.ports()
    await site.service()
    await site.ingress("last", host="b.com", service="never")
    await site.event("ServiceNotFound")
    assert [message for _, message, _ in await site.events()] == ["service default/never not found"]


async def test_certificates_by_host_and_their_changes(site):
    await site.service()
    await site.client.create(SECRETS, tls_secret("one", key_pair("first")), "default")
    await site.client.create(SECRETS, tls_secret("wild", key_pair("wild")), "default")
    broken = (b"no certificate", key_pair("x")[1])
    secret = {**tls_secret("broken", broken), "type": "Opaque"}
    await site.client.create(SECRETS, secret, "default")
    tls = [("a.com", "one"), ("*.b.com", "wild"), ("c.com", "broken")]
    await site.ingress(tls=[{"hosts": [host], "secretName": name} for host, name in tls])
    _, https = await site.ports()

    async def shown(host):
        return common_name((await fetch(https, host, anybody())).certificate)

    assert await shown("a.com") == "first"
    assert await shown("x.b.com") == "wild"
    assert await shown("x.y.b.com") == "minikctl default ingress certificate"
    assert await shown("c.com") == "minikctl default ingress certificate"
    assert (await site.event("BadCertificate")).startswith("secret default/broken is not used, and the default")
    changed = tls_secret("one", key_pair("second"))
    await site.client.patch(SECRETS, "one", {"data": changed["data"]}, "default")

    async def is_second():
        return await shown("a.com") == "second"

    await eventually(is_second)
    await site.client.delete(SECRETS, "one", "default")

    async def is_default():
        return (await shown("a.com")).startswith("minikctl")

    await eventually(is_default)


async def test_requests_follow_rules_and_endpoints(site):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\npod")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await site.service()
    await site.ingress(port={"number": 80})
    http, _ = await site.ports()
    answered = await fetch(http)
    assert (answered.code, "service default/app has no ready endpoints" in answered.text) == (503, True)
    outside = {"metadata": {"name": "outside"}, "spec": {"type": "ExternalName", "externalName": "localhost"}}
    await site.client.create(SERVICES, outside, "default")
    changes = [{"op": "replace", "path": f"{BACKEND}/name", "value": "outside"},
               {"op": "replace", "path": f"{BACKEND}/port/number", "value": port}]  # fmt: skip
    await site.client.patch(INGRESSES, "web", changes, "default", content_type=JSON_PATCH)

    async def served():
        return (await fetch(http)).code == 200

    await eventually(served)
    assert (await fetch(http, "b.com")).code == 404
    rules = [{"op": "replace", "path": "/spec/rules/0/host", "value": "b.com"}]
    await site.client.patch(INGRESSES, "web", rules, "default", content_type=JSON_PATCH)

    async def moved():
        return (await fetch(http, "b.com")).code == 200

    await eventually(moved)
    assert (await fetch(http)).code == 404
    server.close()
