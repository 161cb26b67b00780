"""`minikctl service` prints URLs that work at that moment, or says why there are none."""

from __future__ import annotations

import subprocess
import urllib.request

from tests.support.cli import Cluster

POD = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: busybox:1.36
    command: [sh, -c, "mkdir /www && echo hello > /www/text && httpd -f -p 8080 -h /www"]
    ports: [{name: http, containerPort: 8080}]
"""
SERVICES = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: each}
spec: {selector: {app: web}, clusterIP: None, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: outer}
spec: {selector: {app: web}, type: LoadBalancer, ports: [{name: http, port: 8000, targetPort: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: nothing}
spec: {selector: {app: nothing}, clusterIP: None}
"""


def test_its_urls_work_as_soon_as_it_prints_them(cluster: Cluster, namespace: str) -> None:
    cluster.run("create", "-n", namespace, "-f", "-", stdin=SERVICES)
    asked = [
        cluster.spawn("service", name, "-n", namespace, "--url", "--wait=60s", stdout=subprocess.PIPE)
        for name in ("web", "each", "outer")
    ]
    cluster.run("create", "-n", namespace, "-f", "-", stdin=POD)
    for command in asked:
        url, _ = command.communicate(timeout=90)
        assert command.returncode == 0
        with urllib.request.urlopen(f"{url.strip()}/text", timeout=10) as answer:
            assert answer.read() == b"hello\n"
    ip = cluster.run("get", "service", "web", "-n", namespace, "-o", "jsonpath={.spec.clusterIP}")
    shown = [line.split() for line in cluster.run("service", "web", "-n", namespace).splitlines()]
    assert shown == [
        ["NAMESPACE", "NAME", "TARGET", "PORT", "URL"],
        [namespace, "web", "http/80", f"http://{ip}:80"],
    ]
    listed = cluster.run("service", "--all", "--url", "-n", namespace)
    assert len(listed.splitlines()) == 3
    assert listed.stderr == f'service "nothing" in namespace "{namespace}" has no ports\n'
    cluster.run("delete", "pod", "web", "-n", namespace)


def test_it_says_why_there_is_no_url(cluster: Cluster, namespace: str) -> None:
    cluster.run("create", "-n", namespace, "-f", "-", stdin=SERVICES)
    failed = cluster.fails("service", "web", "-n", namespace, "--wait=0s")
    hint = f"minikctl describe service web -n {namespace}"
    assert failed.stderr == (
        f'error: service "web" in namespace "{namespace}" has no ready endpoint (waited 0s): see "{hint}"\n'
    )
    assert cluster.fails("service", "nothing", "-n", namespace).stderr == (
        f'error: service "nothing" in namespace "{namespace}" has no ports\n'
    )
    assert cluster.fails("service", "none").stderr == 'Error from server (NotFound): services "none" not found\n'
    assert cluster.fails("service").stderr.startswith("error: the name of a service, or --all, is required\n")
    elsewhere = ("service", "web", "-n", namespace, "--kubeconfig", str(cluster.home.parent / "other.kubeconfig"))
    config = cluster.run("cluster", "kubeconfig").replace("127.0.0.1", "localhost")
    (cluster.home.parent / "other.kubeconfig").write_text(config)
    assert cluster.fails(*elsewhere).stderr == (
        "error: services have no address on this machine: the cluster is not one of this machine's;"
        ' use "minikctl port-forward" instead\n'
    )


def test_names_of_services_are_completed(cluster: Cluster, namespace: str) -> None:
    cluster.run("create", "-n", namespace, "-f", "-", stdin=SERVICES)
    assert cluster.run("__complete", "service", "-n", namespace, "w") == "web\n:4\n"
