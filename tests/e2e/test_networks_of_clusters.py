"""Two clusters on one machine and one bridge: what one does to its network, and its end, is nothing to the other."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.support.cli import Cluster
from tests.support.waiting import until

pytestmark = pytest.mark.docker

SECONDS = 30
MANIFEST = {
    "apiVersion": "v1", "kind": "List", "items": [
        {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "labels": {"app": "web"}},
            "spec": {"terminationGracePeriodSeconds": 0, "containers": [{
                "name": "c", "image": "busybox:1.36",
                "command": ["sh", "-c", "echo $TEXT > /tmp/index.html; exec httpd -f -p 8080 -h /tmp"],
                "env": [{"name": "TEXT", "value": ""}],
                "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
            }]},
        },
        {
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
        },
    ],
}  # fmt: skip


def fetch(address: str) -> str:
    with socket.create_connection((address, 80), SECONDS) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b""
        while chunk := connection.recv(4096):
            answer += chunk
    return answer.decode().strip().splitlines()[-1]


def serve(cluster: Cluster, namespace: str, text: str) -> str:
    """The address of a service whose pod answers with `text`, once it does."""
    manifest = json.loads(json.dumps(MANIFEST).replace('"value": ""', f'"value": "{text}"'))
    cluster.run("apply", "-n", namespace, "-f", "-", stdin=json.dumps(manifest))
    cluster.run("wait", "--for=condition=Ready", "pod/web", "-n", namespace, "--timeout=60s")
    ready = "--for=jsonpath={.endpoints[0].conditions.ready}=true"
    slices = ("endpointslices", "-l", "kubernetes.io/service-name=web", "-n", namespace)
    cluster.run("wait", *slices, ready, "--timeout=60s")
    address = cluster.run("get", "svc", "web", "-n", namespace, "-o", "jsonpath={.spec.clusterIP}")
    until_answered(address, text)
    return str(address)


def until_answered(address: str, text: str) -> None:
    """Rules follow an endpoint within milliseconds, which nothing tells of: refused until then."""

    def answered() -> bool:
        try:
            return fetch(address) == text
        except ConnectionRefusedError:
            return False

    until(answered)


def tables(cluster: Cluster) -> list[str]:
    listed = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
    return [line.split()[-1] for line in listed.splitlines() if f"minikctl-{cluster.name}-" in line]


def routes(cluster: Cluster) -> set[str]:
    """The cluster's ranges that this machine has routes to."""
    return routed((cluster.folder / "address-ranges").read_text().split())


def routed(ranges: Iterable[str]) -> set[str]:
    """As /proc/net/route has them: in hexadecimal digits, the last byte first."""
    found = {line.split()[1] for line in Path("/proc/net/route").read_text().splitlines()[1:]}
    return {cidr for cidr in ranges if socket.inet_aton(cidr.partition("/")[0])[::-1].hex().upper() in found}


def test_one_ends_and_the_other_goes_on(
    cluster: Cluster, namespace: str, new_cluster: Callable[..., Cluster]
) -> None:
    staying = serve(cluster, namespace, "staying")
    other = new_cluster("other")
    other.run("cluster", "start")
    address = serve(other, "default", "other")
    assert (fetch(staying), fetch(address)) == ("staying", "other")
    assert len(tables(other)) == 1
    ranges = routes(other)
    assert len(ranges) == 2
    assert ranges.isdisjoint(routes(cluster))

    os.kill(other.pid, signal.SIGKILL)
    assert fetch(address) == "other", "a backend that is gone leaves the rules of pods that go on"
    other.run("cluster", "start")
    until_answered(address, "other")
    assert len(tables(other)) == 1

    other.run("cluster", "stop")
    assert (tables(other), routes(other)) == ([], set())
    assert fetch(staying) == "staying"

    other.run("cluster", "start")
    until(lambda: len(tables(other)) == 1 and routed(ranges) == ranges)
    os.kill(other.pid, signal.SIGKILL)
    other.run("cluster", "delete")
    assert (tables(other), routed(ranges)) == ([], set())
    assert fetch(staying) == "staying"


def test_the_network_comes_with_an_engine_that_comes_later(
    new_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    engine = tmp_path / "engine.sock"
    late = new_cluster("late", DOCKER_HOST=f"unix://{engine}")
    late.run("cluster", "start")
    assert late.run("get", "endpointslices") == "", "the API answers, at no address that pods would have"
    engine.symlink_to("/var/run/docker.sock")
    ready = "--for=jsonpath={.endpoints[0].conditions.ready}=true"
    late.run("wait", "--for=create", "endpointslice/kubernetes", "--timeout=60s")
    late.run("wait", ready, "endpointslice/kubernetes", "--timeout=60s")
    port = (late.folder / "port").read_text().strip()
    [where] = late.run("get", "endpointslice", "kubernetes", "-o", "json").json["endpoints"]
    context = ssl.create_default_context(cafile=late.folder / "pki" / "ca.crt")
    url = f"https://{where['addresses'][0]}:{port}/version"
    with urllib.request.urlopen(url, timeout=SECONDS, context=context) as answer:
        assert json.load(answer)["major"] == "1"
    until(lambda: len(tables(late)) == 1 and len(routes(late)) == 2)
