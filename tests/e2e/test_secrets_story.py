"""From a secret to a running pod, on a real Docker engine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.cli import BIN, Cluster

pytestmark = pytest.mark.docker


def test_demo_tells_the_whole_story(manifests: Path) -> None:
    done = subprocess.run(
        [str(manifests / "secrets" / "demo.sh"), str(BIN)],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "secret/db-user-pass created" in done.stdout
    assert "secret/ssl-certificate created" in done.stdout
    assert "secret/db-secret created" in done.stdout
    assert "root / password" in done.stdout
    assert "password: password\nusername: root\n" in done.stdout
    assert "Read-only file system" in done.stdout


def test_a_pod_waits_for_its_secret_and_starts_when_it_comes(
    cluster: Cluster, namespace: str, manifests: Path
) -> None:
    cluster.run("create", "-n", namespace, "-f", str(manifests / "secrets" / "pod-env.yml"))
    cluster.wait_for_pod(
        "nodejs.lifetouch.us",
        ".status.containerStatuses[0].state.waiting.reason",
        "CreateContainerConfigError",
        namespace=namespace,
    )
    described = cluster.run("describe", "pod", "nodejs.lifetouch.us", "-n", namespace)
    assert 'Error: secret "db-secret" not found' in described
    cluster.run("create", "-n", namespace, "-f", str(manifests / "secrets" / "secrets-db-secret.yml"))
    cluster.wait_for_pod("nodejs.lifetouch.us", ".status.phase", "Running", namespace=namespace)


def test_a_volume_waits_for_its_secret_and_follows_its_changes(
    cluster: Cluster, namespace: str, manifests: Path
) -> None:
    pod = "nodejs-files.lifetouch.us"
    cluster.run("create", "-n", namespace, "-f", str(manifests / "secrets" / "pod-volume.yml"))
    cluster.wait_for_pod(
        pod, ".status.containerStatuses[0].state.waiting.reason", "ContainerCreating", namespace=namespace
    )
    cluster.run("create", "-n", namespace, "-f", str(manifests / "secrets" / "secrets-db-secret.yml"))
    cluster.wait_for_pod(pod, ".status.phase", "Running", namespace=namespace)
    kinds = cluster.run("exec", "-n", namespace, pod, "--", "sh", "-c", "grep ' /etc/creds ' /proc/mounts")
    assert kinds.split()[0] == "tmpfs"
    changed = '{"stringData":{"password":"changed"}}'
    assert cluster.kubectl("patch", "secret", "db-secret", "-n", namespace, "-p", changed).exit_code == 0
    script = "until [ $(cat /etc/creds/password) = changed ]; do sleep 0.2; done; cat /etc/creds/password"
    assert cluster.run("exec", "-n", namespace, pod, "--", "timeout", "30", "sh", "-c", script) == "changed"


def test_exec_passes_on_the_exit_code(cluster: Cluster, namespace: str, manifests: Path) -> None:
    folder = manifests / "secrets"
    cluster.run(
        "create", "-n", namespace, "-f", str(folder / "secrets-db-secret.yml"), "-f", str(folder / "pod-env.yml")
    )
    cluster.wait_for_pod("nodejs.lifetouch.us", ".status.phase", "Running", namespace=namespace)
    failed = cluster.fails("exec", "-n", namespace, "nodejs.lifetouch.us", "--", "sh", "-c", "exit 42")
    assert failed.exit_code == 42
    assert failed.stderr == "command terminated with exit code 42\n"


def test_a_kubeconfig_reaches_the_cluster_over_tls(
    cluster: Cluster, namespace: str, manifests: Path, tmp_path: Path
) -> None:
    """What `--kubeconfig` names is reached by its address and token, not by this user's socket."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(cluster.run("cluster", "kubeconfig"))
    by_tls = (f"--kubeconfig={kubeconfig}", "-n", namespace)
    folder = manifests / "secrets"
    for name in ("secrets-db-secret.yml", "pod-env.yml"):
        cluster.run(*by_tls, "create", "-f", str(folder / name))
    cluster.run(*by_tls, "wait", "--for=condition=Ready", "pod/nodejs.lifetouch.us", "--timeout=60s")
    assert cluster.run(*by_tls, "exec", "-i", "nodejs.lifetouch.us", "--", "cat", stdin="piped") == "piped"
    kubeconfig.write_text(kubeconfig.read_text().replace("token: ", "token: not-"))
    refused = cluster.fails(*by_tls, "get", "pods")
    assert refused.stderr == "error: You must be logged in to the server (Unauthorized)\n"
