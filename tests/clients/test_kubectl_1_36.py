"""kubectl 1.36, a version before ours: the commands that people type."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.cli import Output

KUBECTL = Path(sys.prefix) / "clients" / "kubectl-1.36" / "bin" / "kubectl"
_SECONDS = 60

pytestmark = pytest.mark.skipif(
    not KUBECTL.exists(),
    reason="make test installs kubectl 1.36 into the virtual environment (manifests/setup/clients.sh)",
)

Kubectl = Callable[..., Output]

MANIFEST = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: COLOR}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: c
        image: busybox:1.36
        imagePullPolicy: IfNotPresent
        command: [sh, -c, "mkdir /www; echo hello >/www/index.html; echo started; exec httpd -f -p 8080 -h /www"]
"""


def on(kubeconfig: Path, namespace: str) -> Kubectl:
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "HOME": str(kubeconfig.parent)}

    def run(*args: str, stdin: str = "", code: int = 0) -> Output:
        done = subprocess.run(
            [str(KUBECTL), "-n", namespace, *args], input=stdin, env=environment,
            capture_output=True, text=True, timeout=90,
        )  # fmt: skip
        output = Output.of(done)
        assert output.exit_code == code, f"kubectl {' '.join(args)}: {output!r}"
        return output

    return run


@pytest.fixture
def kubectl(kubeconfig: Path, namespace: str) -> Kubectl:
    return on(kubeconfig, namespace)


def test_objects_are_applied_compared_and_pruned(kubectl: Kubectl) -> None:
    manifest, changed = MANIFEST.replace("COLOR", "red"), MANIFEST.replace("COLOR", "blue")
    assert (
        kubectl("apply", "-f", "-", stdin=manifest) == "configmap/settings created\ndeployment.apps/web created\n"
    )
    assert kubectl("diff", "-f", "-", stdin=manifest) == ""
    difference = kubectl("diff", "-f", "-", stdin=changed, code=1)
    assert "-  color: red\n+  color: blue\n" in difference
    applied = kubectl("apply", "-f", "-", stdin=changed)
    assert applied == "configmap/settings configured\ndeployment.apps/web unchanged\n"
    refused = kubectl("apply", "--server-side", "-f", "-", "--field-manager=other", stdin=manifest, code=1)
    assert 'conflict with "kubectl-client-side-apply" using v1: .data.color' in refused.stderr
    kubectl("apply", "--server-side", "-f", "-", "--field-manager=other", "--force-conflicts", stdin=manifest)
    assert kubectl("get", "cm", "settings", "-o", "jsonpath={.data.color}") == "red"
    assert kubectl("delete", "-f", "-", stdin=manifest).splitlines() == [
        'configmap "settings" deleted from ' + kubectl_namespace(kubectl),
        'deployment.apps "web" deleted from ' + kubectl_namespace(kubectl),
    ]


def kubectl_namespace(kubectl: Kubectl) -> str:
    return kubectl("get", "cm", "kube-root-ca.crt", "-o", "jsonpath={.metadata.namespace} namespace")


def test_typed_creates_and_changes(kubectl: Kubectl) -> None:
    kubectl("create", "secret", "generic", "s", "--from-literal=a=b")
    kubectl("create", "deployment", "d", "--image=busybox:1.36", "--replicas=0")
    kubectl("create", "role", "r", "--verb=get", "--resource=pods")
    kubectl("expose", "deployment", "d", "--port=80")
    kubectl("scale", "deployment", "d", "--replicas=2")
    kubectl("set", "image", "deployment/d", "busybox=busybox:1.35")
    kubectl("label", "secret", "s", "x=y")
    kubectl("patch", "secret", "s", "--type=json", "-p", '[{"op": "remove", "path": "/data/a"}]')
    assert kubectl("get", "secret", "s", "--show-labels", "--no-headers").split()[:3] == ["s", "Opaque", "0"]
    spec = kubectl("get", "deployment", "d", "-o", "json").json["spec"]
    assert (spec["replicas"], spec["template"]["spec"]["containers"][0]["image"]) == (2, "busybox:1.35")
    described = kubectl("describe", "deployment", "d")
    assert re.search(r"Replicas: +2 desired", described)
    assert kubectl("auth", "can-i", "delete", "pods") == "yes\n"


def test_discovery_and_documentation(kubectl: Kubectl) -> None:
    assert json.loads(kubectl("version", "-o", "json"))["serverVersion"]["gitVersion"].startswith("v1.37")
    names = kubectl("api-resources", "-o", "name").split()
    assert {"pods", "deployments.apps", "customresourcedefinitions.apiextensions.k8s.io"} <= set(names)
    explained = kubectl("explain", "deployment.spec.strategy")
    assert "FIELD: strategy <DeploymentStrategy>" in explained
    assert "rollingUpdate" in explained
    unknown = kubectl("create", "-f", "-", stdin=MANIFEST.replace("replicas", "replica"), code=1)
    assert 'unknown field "spec.replica"' in unknown.stderr


@pytest.mark.docker
def test_pods(cluster_kubeconfig: Path) -> None:
    on(cluster_kubeconfig, "default")("create", "namespace", "old-kubectl")
    kubectl = on(cluster_kubeconfig, "old-kubectl")
    kubectl("create", "-f", "-", stdin=MANIFEST)
    kubectl("rollout", "status", "deployment/web", f"--timeout={_SECONDS}s")
    kubectl("wait", "--for=condition=Ready", "pod", "-l", "app=web", f"--timeout={_SECONDS}s")
    assert kubectl("get", "pods", "--no-headers").split()[1:3] == ["1/1", "Running"]
    assert kubectl("logs", "deployment/web") == "started\n"
    done = kubectl(
        "exec", "-i", "deploy/web", "--", "sh", "-c", "cat; echo err >&2; exit 6", stdin="hello", code=6
    )
    assert (str(done), "err\n" in done.stderr) == ("hello", True)
    assert forwarded_page(cluster_kubeconfig) == "hello\n"
    kubectl("delete", "namespace", "old-kubectl")


def forwarded_page(kubeconfig: Path) -> str:
    """The page that the pod serves, through kubectl port-forward."""
    forward = subprocess.Popen(
        [str(KUBECTL), f"--kubeconfig={kubeconfig}", "-n", "old-kubectl", "port-forward", "deploy/web", ":8080"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert forward.stdout is not None
        (port,) = re.findall(r"^Forwarding from 127\.0\.0\.1:(\d+) -> 8080$", forward.stdout.readline().strip())
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=_SECONDS) as page:
            return page.read().decode()
    finally:
        forward.terminate()
        forward.communicate()
