"""Ingresses of a real cluster: pods behind rules by host and path, TLS from a secret, and the ports' beginning and end.

Requests go to this machine's own address, as the Ingress tells it, and a pod takes the same way.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import ssl
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from tests.support.cli import BIN, Cluster
from tests.support.pem import certificate as self_signed
from tests.support.pem import ec_key, pem_key
from tests.support.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.kubectl]

APP = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  replicas: 2
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: web
        image: busybox:1.36
        command: [sh, -c, 'mkdir -p /www/app; hostname | tee /www/index.html > /www/app/index.html; exec "$@"', --]
        args: [httpd, -f, -p, '8080', -h, /www]
        ports: [{containerPort: 8080, name: web}]
        readinessProbe: {httpGet: {port: web, path: /}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: NAME}
spec: {selector: {app: NAME}, ports: [{name: http, port: 80, targetPort: web}]}
---
"""
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: site}
spec:
  tls: [{hosts: [shop.example.com], secretName: shop}]
  rules:
  - host: shop.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: first, port: {name: http}}}}]}
  - host: "*.dev.example.com"
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: first, port: {number: 80}}}}
      - {path: /app, pathType: Prefix, backend: {service: {name: second, port: {number: 80}}}}
"""


class Site:
    """The cluster and where its Ingress is."""

    def __init__(self, cluster: Cluster, certificate: Path) -> None:
        self.cluster = cluster
        self.certificate = certificate
        status = cluster.run("get", "ingress", "site", "-o", "json").json["status"]
        [point] = status["loadBalancer"]["ingress"]
        self.address: str = point["ip"]
        self.port, self.tls_port = (port["port"] for port in point["ports"])

    @property
    def kubeconfig(self) -> Path:
        path = self.certificate.with_name("kubeconfig")
        path.write_text(self.cluster.run("cluster", "kubeconfig"))
        return path

    def get(self, host: str, path: str = "/") -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.address, self.port, timeout=20)
        return self.answer(connection, host, path)

    def get_tls(self, host: str, path: str = "/") -> tuple[int, str]:
        """By HTTPS, from a server whose certificate is the one of the secret, for this host."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        connection = http.client.HTTPSConnection(host, self.tls_port, timeout=20, context=context)
        plain = socket.create_connection((self.address, self.tls_port), timeout=20)
        connection.sock = context.wrap_socket(plain, server_hostname=host)
        return self.answer(connection, host, path)

    def answer(self, connection: http.client.HTTPConnection, host: str, path: str) -> tuple[int, str]:
        try:
            connection.request("GET", path, headers={"Host": host})
            response = connection.getresponse()
            return response.status, response.headers.get("location") or response.read().decode().strip()
        finally:
            connection.close()

    def pods(self, app: str) -> set[str]:
        names = self.cluster.run("get", "pods", "-l", f"app={app}", "-o", "jsonpath={.items[*].metadata.name}")
        return set(names.split())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("ingress")
    cluster = Cluster(folder / ".minikctl", f"ingress-{os.getpid()}")
    cluster.run("cluster", "start", "--ingress-http-port=0", "--ingress-https-port=0")
    try:
        certificate, key = folder / "tls.crt", folder / "tls.key"
        pair = ec_key()
        key.write_bytes(pem_key(pair))
        certificate.write_bytes(self_signed(pair, [x509.DNSName("shop.example.com")]))
        cluster.run("create", "secret", "tls", "shop", f"--cert={certificate}", f"--key={key}")
        apps = APP.replace("NAME", "first") + APP.replace("NAME", "second")
        cluster.run("apply", "-f", "-", stdin=apps + INGRESS)
        for name in ("first", "second"):
            cluster.run("rollout", "status", f"deployment/{name}", "--timeout=80s")
        cluster.run("wait", "ingress/site", "--for=jsonpath={.status.loadBalancer.ingress[0].ip}", "--timeout=30s")
        yield Site(cluster, certificate)
    finally:
        cluster.delete()


def test_hosts_paths_and_tls(site: Site) -> None:
    assert site.get("a.dev.example.com")[1] in site.pods("first")
    assert site.get("b.dev.example.com", "/app/")[1] in site.pods("second")
    assert site.get("dev.example.com")[0] == 404
    assert site.get("shop.example.com", "/x") == (308, f"https://shop.example.com:{site.tls_port}/x")
    status, name = site.get_tls("shop.example.com")
    assert (status, name in site.pods("first")) == (200, True)


def test_its_address_is_shown_as_kubectl_shows_it(site: Site) -> None:
    """But for ages, which go on between the two."""
    for args in (("get", "ingress", "site", "--no-headers"), ("describe", "ingress", "site")):
        ours, theirs = site.cluster.run(*args), site.cluster.kubectl(*args)
        assert site.address in ours
        assert re.sub(r"\b\d+s\b", "", ours).split() == re.sub(r"\b\d+s\b", "", theirs).split()
    assert f"Served at http://{site.address}:{site.port} and https://{site.address}:{site.tls_port}" in ours


def test_a_pod_reaches_it_by_the_machines_address(site: Site) -> None:
    pod = sorted(site.pods("second"))[0]
    url = f"http://{site.address}:{site.port}/"
    answer = site.cluster.run("exec", pod, "--", "wget", "-qO-", "--header", "Host: x.dev.example.com", url)
    assert answer.strip() in site.pods("first")


def test_the_same_services_by_the_api_servers_proxy(site: Site) -> None:
    for name in ("first:http", "first:80", "http:first:http"):
        ours = site.cluster.run("get", "--raw", f"/api/v1/namespaces/default/services/{name}/proxy/")
        assert ours.strip() in site.pods("first")
    for name in ("first:81", "first:nope", "first", "missing:http"):
        site.cluster.same("get", "--raw", f"/api/v1/namespaces/default/services/{name}/proxy/")


@pytest.mark.parametrize("program", ["minikctl", "kubectl"])
def test_a_service_s_port_on_this_machine(site: Site, program: str) -> None:
    """port-forward chooses one of its pods, and the port that the service's means there."""
    own = ["--kubeconfig", str(site.kubeconfig)]
    with subprocess.Popen(
        [str(BIN / program), *own, "port-forward", "service/second", ":http"],
        env=site.cluster.env, stdout=subprocess.PIPE, text=True,
    ) as forwarding:  # fmt: skip
        try:
            assert forwarding.stdout is not None
            local, _, remote = forwarding.stdout.readline().rpartition(" -> ")
            assert remote == "8080\n"
            connection = http.client.HTTPConnection("127.0.0.1", int(local.rpartition(":")[2]), timeout=20)
            assert site.answer(connection, "any", "/")[1] in site.pods("second")
        finally:
            forwarding.kill()


def test_requests_are_spread_and_follow_a_scaling(site: Site) -> None:
    names = Counter(site.get("a.dev.example.com", "/app/")[1] for _ in range(20))
    assert set(names) == site.pods("second")
    assert set(names.values()) == {10}
    site.cluster.run("scale", "deployment/second", "--replicas=3")
    site.cluster.run("rollout", "status", "deployment/second", "--timeout=80s")
    three = site.pods("second")

    def all_answer() -> bool:
        return {site.get("a.dev.example.com", "/app/")[1] for _ in range(6)} == three

    until(all_answer)
    site.cluster.run("scale", "deployment/second", "--replicas=0")
    until(lambda: site.get("a.dev.example.com", "/app/")[0] == 503)
    assert "service default/second has no ready endpoints" in site.get("a.dev.example.com", "/app/")[1]


def test_ports_are_chosen_at_a_start(site: Site) -> None:
    running = site.cluster.fails("cluster", "start", "--ingress-http-port=0", "--ingress-https-port=8443")
    wanted = "is running: stop it first, to start it with --ingress-http-port and --ingress-https-port"
    assert wanted in running.stderr
    wrong = site.cluster.fails("cluster", "start", "--ingress-http-port=70000")
    assert wrong.stderr.startswith(
        "error: invalid value 70000 for --ingress-http-port: must be 0 for any port, or"
    )


def test_the_ports_close_with_the_last_ingress(site: Site) -> None:
    manifest = json.loads(site.cluster.run("get", "ingress", "site", "-o", "json"))
    site.cluster.run("delete", "ingress", "site")

    def closed() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((site.address, site.port)) != 0

    until(closed)
    del manifest["status"], manifest["metadata"]["resourceVersion"], manifest["metadata"]["uid"]
    site.cluster.run("create", "-f", "-", stdin=json.dumps(manifest))
    until(lambda: not closed())
    assert site.get("a.dev.example.com")[0] == 200
