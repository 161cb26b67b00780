"""Cluster DNS as pods see it: by dig, by the C library's resolver, and by busybox, with each pod's own resolv.conf."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dns.message
import dns.rrset
import pytest

from tests.support.cli import Cluster

pytestmark = pytest.mark.docker

ENDPOINTS = 60
PODS = """
apiVersion: v1
kind: Namespace
metadata: {name: other}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{name: http, port: 80}, {name: dns, port: 53, protocol: UDP}]}
---
apiVersion: v1
kind: Service
metadata: {name: pets}
spec: {clusterIP: None, selector: {app: pets}, ports: [{name: http, port: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: many}
spec: {clusterIP: None, ports: [{name: http, port: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: elsewhere}
spec: {type: ExternalName, externalName: www.acme.example}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: {namespace}, labels: {{app: {app}}}}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{{name: c, image: "busybox:1.36", imagePullPolicy: IfNotPresent, command: [sleep, "3600"]}}]
  {more}
"""


def pod(name: str, namespace: str = "default", app: str = "none", more: str = "") -> str:
    return POD.format(name=name, namespace=namespace, app=app, more=more)


def endpoint_slice(count: int) -> str:
    lines = "".join(f'  - {{addresses: ["10.77.0.{number + 1}"]}}\n' for number in range(count))
    labels = "{kubernetes.io/service-name: many}"
    return f"""
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: many-1, labels: {labels}}}
addressType: IPv4
ports: [{{name: http, port: 8080}}]
endpoints:
{lines}"""


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with services of every kind, and the pods cat and dog (behind `pets`), host, plain and other/guest."""
    cluster = Cluster(tmp_path_factory.mktemp("dns") / ".minikctl", "dns")
    documents = [
        PODS, endpoint_slice(ENDPOINTS), pod("guest", "other"),
        pod("cat", app="pets", more="hostname: cat\n  subdomain: pets"), pod("dog", app="pets"),
        pod("host", more="hostNetwork: true\n  dnsPolicy: ClusterFirstWithHostNet"),
        pod("plain", more="hostNetwork: true"),
    ]  # fmt: skip
    try:
        cluster.run("create", "-f", "-", stdin="---".join(documents))
        for namespace in ("default", "other"):
            cluster.run("wait", "--for=condition=Ready", "pod", "--all", "-n", namespace, "--timeout=80s")
        yield cluster
    finally:
        cluster.delete()


InPod = Callable[..., str]


@pytest.fixture
def in_pod(named: Cluster, tmp_path: Path) -> InPod:
    """Runs a program of this machine in a pod's network, with its resolv.conf: what it prints, or how it failed."""

    def run(name: str, *command: str, namespace: str = "default") -> str:
        status = named.run("get", "pod", name, "-n", namespace, "-o", "json").json["status"]
        identity = status["containerStatuses"][0]["containerID"].removeprefix("docker://")
        pid = named.execute("docker", "inspect", "-f", "{{.State.Pid}}", identity).strip()
        file = tmp_path / f"{name}.conf"
        file.write_text(Path(f"/proc/{pid}/root/etc/resolv.conf").read_text())
        script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
        done = subprocess.run(
            ["nsenter", "-t", pid, "-n", "unshare", "-m", "sh", "-c", script, str(file), *command],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        return done.stdout if done.returncode == 0 else f"exit code {done.returncode} {done.stderr}"

    return run


def cluster_ip(cluster: Cluster, name: str, namespace: str = "default") -> str:
    return cluster.run("get", "service", name, "-n", namespace, "-o", "jsonpath={.spec.clusterIP}")


def pod_ip(cluster: Cluster, name: str) -> str:
    return cluster.run("get", "pod", name, "-o", "jsonpath={.status.podIP}")


def test_a_service_by_its_names(named: Cluster, in_pod: InPod) -> None:
    address = cluster_ip(named, "web")
    for name in ("web", "web.default", "web.default.svc", "web.default.svc.cluster.local."):
        assert in_pod("cat", "dig", "+search", "+short", name).split() == [address], name
        assert address in in_pod("cat", "getent", "ahostsv4", name), name
    assert named.run("exec", "cat", "--", "nslookup", "web.default.svc.cluster.local").count(address) == 1


def test_another_namespace_needs_the_namespace_in_the_name(named: Cluster, in_pod: InPod) -> None:
    address = cluster_ip(named, "web")
    assert in_pod("guest", "getent", "ahostsv4", "web", namespace="other") == "exit code 2 "
    assert address in in_pod("guest", "getent", "ahostsv4", "web.default", namespace="other")
    assert in_pod("guest", "dig", "+search", "+short", "web", namespace="other") == ""
    assert in_pod("guest", "dig", "+search", "+short", "web.default", namespace="other").split() == [address]
    ping = named.fails("exec", "-n", "other", "guest", "--", "ping", "-c1", "-W1", "pets")
    assert "bad address 'pets'" in ping.stderr
    named.run("exec", "-n", "other", "guest", "--", "ping", "-c1", "-W5", "pets.default")


def test_ports_by_srv_records_and_names_by_addresses(named: Cluster, in_pod: InPod) -> None:
    def short(*question: str) -> list[str]:
        return sorted(in_pod("cat", "dig", "+short", *question).splitlines())

    zone = "default.svc.cluster.local"
    assert short("SRV", f"_http._tcp.web.{zone}") == [f"0 100 80 web.{zone}."]
    assert short("SRV", f"_dns._udp.web.{zone}") == [f"0 100 53 web.{zone}."]
    dog = pod_ip(named, "dog")
    dashed = f"{dog.replace('.', '-')}.pets.{zone}."
    assert short("SRV", f"_http._tcp.pets.{zone}") == sorted(
        [f"0 50 8080 cat.pets.{zone}.", f"0 50 8080 {dashed}"]
    )
    assert short("-x", cluster_ip(named, "web")) == [f"web.{zone}."]
    assert short("-x", pod_ip(named, "cat")) == [f"cat.pets.{zone}."]
    assert short("-x", dog) == [dashed]
    assert short(f"{dog.replace('.', '-')}.default.pod.cluster.local") == [dog]
    assert short("TXT", "dns-version.cluster.local") == ['"1.1.0"']


def test_the_pods_behind_a_headless_service(named: Cluster, in_pod: InPod) -> None:
    cat, dog = pod_ip(named, "cat"), pod_ip(named, "dog")
    assert sorted(in_pod("cat", "dig", "+search", "+short", "pets").split()) == sorted([cat, dog])
    assert in_pod("dog", "dig", "+search", "+short", "cat.pets").split() == [cat]
    assert named.run("exec", "cat", "--", "hostname", "-f").strip() == "cat.pets.default.svc.cluster.local"


def test_names_that_are_not_there(named: Cluster, in_pod: InPod) -> None:
    missing = in_pod("cat", "dig", "nobody.default.svc.cluster.local")
    assert "status: NXDOMAIN" in missing
    assert "SOA\tns.dns.cluster.local. hostmaster.cluster.local." in missing
    empty = in_pod("cat", "dig", "AAAA", "web.default.svc.cluster.local")
    assert "status: NOERROR" in empty
    assert "ANSWER: 0, AUTHORITY: 1" in empty


def test_a_large_answer_comes_by_tcp(named: Cluster, in_pod: InPod) -> None:
    name = "many.default.svc.cluster.local"
    cut = in_pod("cat", "dig", "+ignore", "+bufsize=512", name)
    assert ";; flags: qr aa tc rd ra;" in cut
    for options in (["+bufsize=512"], ["+tcp"]):
        assert len(in_pod("cat", "dig", "+short", *options, name).split()) == ENDPOINTS
    found = in_pod("cat", "getent", "ahostsv4", "many")
    assert len({line.split()[0] for line in found.splitlines()}) == ENDPOINTS


def test_pods_on_the_host_s_network(named: Cluster) -> None:
    address = cluster_ip(named, "web")
    assert address in named.run("exec", "host", "--", "nslookup", "web.default.svc.cluster.local")
    server = cluster_ip(named, "kube-dns", "kube-system")
    assert server in named.run("exec", "host", "--", "cat", "/etc/resolv.conf")
    assert server not in named.run("exec", "plain", "--", "cat", "/etc/resolv.conf")
    asked = named.execute("dig", "+short", f"@{server}", "web.default.svc.cluster.local")
    assert asked.split() == [address], "this machine is answered, too"


@pytest.fixture
def acme() -> Iterator[str]:
    """A name server of this machine that knows www.acme.example: its address and port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                data, client = server.recvfrom(4096)
                if data == b"over":
                    return
                query = dns.message.from_wire(data)
                answer = dns.message.make_response(query)
                if query.question[0].rdtype == dns.rdatatype.A:
                    answer.answer.append(dns.rrset.from_text("www.acme.example.", 60, "IN", "A", "192.0.2.80"))
                server.sendto(answer.to_wire(), client)

        thread = threading.Thread(target=serve)
        thread.start()
        host, port = server.getsockname()
        yield f"{host}:{port}"
        server.sendto(b"over", (host, port))
        thread.join()


def test_a_stub_domain_counts_at_once(named: Cluster, in_pod: InPod, acme: str) -> None:
    stubs = f'{{"acme.example": ["{acme}"]}}'
    named.run("create", "configmap", "kube-dns", "-n", "kube-system", f"--from-literal=stubDomains={stubs}")
    assert answered(lambda: in_pod("cat", "dig", "+short", "www.acme.example"), "192.0.2.80")
    found = in_pod("cat", "dig", "+search", "+short", "elsewhere").split()
    assert found == ["www.acme.example.", "192.0.2.80"]
    broken = '{"data": {"stubDomains": "nonsense"}}'
    named.run("patch", "configmap", "kube-dns", "-n", "kube-system", "--type=merge", "-p", broken)
    said = ["events", "-n", "kube-system", "--for=configmap/kube-dns"]
    assert answered(lambda: named.run(*said), "InvalidConfiguration")
    assert answered(lambda: in_pod("cat", "dig", "+short", "www.acme.example"), "192.0.2.80"), (
        "the last that was good"
    )


def answered(ask: Callable[[], str], expected: str) -> bool:
    """Whether the answer has what is expected, soon."""
    deadline = time.monotonic() + 20
    while expected not in ask():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def test_pods_of_an_earlier_backend_go_on(named: Cluster, in_pod: InPod) -> None:
    address = cluster_ip(named, "web")
    named.run("cluster", "stop", "--keep-pods")
    named.run("cluster", "start")
    question = ("dig", "+short", "+tries=1", "+time=1", "web.default.svc.cluster.local")
    assert answered(lambda: in_pod("cat", *question), address)
