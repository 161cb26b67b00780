"""Requests through the ingress beside those to its backend itself: a server that keeps connections, and a pod's."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any
from urllib.parse import urlsplit

from backend.machinery.machine import primary_address
from tests.bench.api_load import echo_floor
from tests.bench.report import Row, median
from tests.support.cli import Cluster

SECONDS = 3
CLIENTS = 16
ROUNDS = 3
HOST = "bench.example.com"
PORT = 8080
_POD = {
    "name": "httpd", "image": "busybox:1.36", "ports": [{"containerPort": PORT}],
    "command": ["sh", "-c", f"mkdir /www; echo ok > /www/index.html; exec httpd -f -p {PORT} -h /www"],
    "readinessProbe": {"httpGet": {"port": PORT, "path": "/"}, "periodSeconds": 1},
}  # fmt: skip


def ingress_rows(cluster: Cluster) -> list[Row]:
    """Both in turns, so that what else the machine does counts for both."""
    rows = []
    with echo_floor(cluster, primary_address(), tls=False) as url:
        _apply(cluster, *_echo(url), _rules("echo"))
        rows.append(_row(cluster, "ingress to a server that keeps connections", url))
    _apply(cluster, *_pods(), _rules("pods"))
    cluster.run("wait", "pod/ingress-bench", "--for=condition=Ready", "--timeout=60s")
    address = cluster.run("get", "pod", "ingress-bench", "-o", "jsonpath={.status.podIP}")
    rows.append(_row(cluster, "ingress to a pod with busybox httpd", f"http://{address}:{PORT}"))
    cluster.run("delete", "ingress", "bench")
    return rows


def _row(cluster: Cluster, work: str, backend: str) -> Row:
    cluster.run("wait", "ingress/bench", "--for=jsonpath={.status.loadBalancer.ingress[0].ip}", "--timeout=30s")
    [point] = cluster.run("get", "ingress", "bench", "-o", "json").json["status"]["loadBalancer"]["ingress"]
    through = f"http://{point['ip']}:{point['ports'][0]['port']}"
    rates = [(_wrk(through), _wrk(backend)) for _ in range(ROUNDS)]
    ours, direct = (median([rate[side] for rate in rates]) for side in (0, 1))
    beside = f"the backend itself {direct:,.0f}/s, {ours / direct:.0%}"
    return Row(f"{work}, {CLIENTS} clients", f"{ours:,.0f}/s", beside, "", None)


def _wrk(url: str) -> float:
    """Requests per second. Raises RuntimeError where an answer is no success."""
    done = subprocess.run(
        ["wrk", "-t1", f"-c{CLIENTS}", f"-d{SECONDS}s", "-H", f"Host: {HOST}", f"{url}/"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if found is None or "Non-2xx" in done.stdout:
        raise RuntimeError(f"wrk against {url} failed:\n{done.stdout}{done.stderr}")
    return float(found[1])


def _apply(cluster: Cluster, *objects: dict[str, Any]) -> None:
    cluster.run("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))


def _rules(service: str) -> dict[str, Any]:
    backend = {"service": {"name": service, "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    return {
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "bench"},
        "spec": {"rules": [{"host": HOST, "http": {"paths": paths}}]},
    }  # fmt: skip


def _service(name: str, **spec: Any) -> dict[str, Any]:
    ports = [{"name": "http", "port": 80, "targetPort": PORT}]
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": ports, **spec}}


def _echo(url: str) -> list[dict[str, Any]]:
    """A service for the server at `url`, which is no pod."""
    where = urlsplit(url)
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "echo", "labels": {"kubernetes.io/service-name": "echo"}},
        "ports": [{"name": "http", "port": where.port}], "endpoints": [{"addresses": [where.hostname]}],
    }  # fmt: skip
    return [_service("echo"), endpoints]


def _pods() -> list[dict[str, Any]]:
    meta = {"name": "ingress-bench", "labels": {"app": "ingress-bench"}}
    spec = {"containers": [_POD], "terminationGracePeriodSeconds": 0}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
    return [_service("pods", selector={"app": "ingress-bench"}), pod]
