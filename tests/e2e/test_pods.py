"""What pods may ask of the kubelet, on a real Docker engine: all of pods/pods.yml at once, in one namespace."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import Cluster, Output

pytestmark = pytest.mark.docker

FOLDER = Path(__file__).parent / "pods"
STATE = ".status.containerStatuses[0].state"


class Pods:
    """The pods of one namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace

    def run(self, *args: str, stdin: str = "") -> Output:
        return self.cluster.run("-n", self.namespace, *args, stdin=stdin)

    def until(self, pod: str, expression: str, expected: str) -> None:
        self.cluster.wait_for_pod(pod, expression, expected, namespace=self.namespace)

    def value(self, pod: str, expression: str) -> str:
        return str(self.run("get", "pod", pod, "-o", f"jsonpath={{{expression}}}"))

    def sh(self, pod: str, script: str, *options: str) -> Output:
        return self.cluster.run("-n", self.namespace, "exec", pod, *options, "--", "sh", "-c", script, check=False)


def containers(namespace: str) -> list[str]:
    """The names of what the engine has of a namespace's pods, sandboxes too."""
    listed = subprocess.run(
        ["docker", "ps", "-a", "--format", "{{.Names}}", "--filter", f"name=_{namespace}_"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return listed.stdout.split()


@pytest.fixture(scope="module")
def pods(cluster: Cluster) -> Iterator[Pods]:
    made = Pods(cluster, f"pods-{os.getpid()}")
    made.run("create", "namespace", made.namespace)
    made.run("create", "-f", str(FOLDER / "references.yml"), "-f", str(FOLDER / "pods.yml"))
    yield made
    made.run("delete", "namespace", made.namespace, "--wait=false")


def test_environment(pods: Pods) -> None:
    pods.until("environment", ".status.phase", "Succeeded")
    lines = pods.run("logs", "environment").splitlines()
    assert {
        "PLAIN=a", "LATER=$(AFTER)", "EXPANDED=a-$(USERNAME)-$(PLAIN)", "USERNAME=root", "PASSWORD=p$(word)",
        "COLOUR=blue", "P_COLOUR=blue", "POD=environment", "APP=env", "MEMORY=67108864", "args=a",
    } <= set(lines)  # fmt: skip
    assert not [line for line in lines if line.startswith(("NOWHERE=", "level"))]


def test_volumes(pods: Pods) -> None:
    pods.until("volumes", ".status.phase", "Running")
    script = """
        cat /secret/deep/name; echo; ls /secret; stat -Lc %a /secret/deep/name
        cat /settings/COLOUR; echo; cat /etc/app.conf; cat /labels/all; echo
        cat /all/user /all/colour /all/pod; echo; ls /absent | wc -l
        grep -c ' /secret tmpfs\\| /memory tmpfs' /proc/mounts
        until [ -e /scratch/file ]; do sleep 0.1; done; cat /scratch/file
        for file in /secret/x /host/x; do touch $file; done
    """
    seen = pods.sh("volumes", script, "-c", "c")
    assert seen.splitlines() == [
        "root", "deep", "400", "blue", "level=1", 'app="volumes"', "rootbluevolumes", "0", "2", "shared",
    ]  # fmt: skip
    assert seen.stderr.count("Read-only file system") == 2


def test_changes_reach_the_volumes_but_not_sub_paths(pods: Pods) -> None:
    pods.until("volumes", ".status.phase", "Running")
    for patch in ('secret/credentials {"stringData":{"user":"new"}}', 'cm/settings {"data":{"app.conf":"new"}}'):
        target, _, text = patch.partition(" ")
        assert pods.cluster.kubectl("-n", pods.namespace, "patch", target, "-p", text).exit_code == 0
    files = "$(cat /secret/deep/name)$(cat /all/user)$(cat /settings/app.conf)"
    script = f"until [ {files} = newnewnew ]; do sleep 0.1; done"
    assert pods.sh("volumes", f"timeout 60 sh -c '{script}'; cat /etc/app.conf", "-c", "c") == "level=1\n"


@pytest.mark.parametrize(
    ("pod", "reason"),
    [
        ("never-pulled", "ErrImageNeverPull"),
        ("no-such-image", "ImagePullBackOff"),
        ("no-image-name", "InvalidImageName"),
        ("crashes", "CrashLoopBackOff"),
    ],
)
def test_reasons_to_wait(pods: Pods, pod: str, reason: str) -> None:
    pods.until(pod, f"{STATE}.waiting.reason", reason)
    assert pods.run("get", "pod", pod, "--no-headers").split()[:3:2] == [pod, reason]


def test_restarts(pods: Pods) -> None:
    pods.until("crashes", f"{STATE}.waiting.reason", "CrashLoopBackOff")
    last = ".status.containerStatuses[0].lastState.terminated"
    assert pods.value("crashes", f"{last}.exitCode") == "3"
    assert int(pods.value("crashes", ".status.containerStatuses[0].restartCount")) >= 1
    assert "Back-off restarting failed container c in pod crashes" in pods.run("describe", "pod", "crashes")
    pods.until("fails-once", ".status.phase", "Succeeded")
    assert pods.value("fails-once", ".status.containerStatuses[0].restartCount") == "1"
    pods.until("fails", ".status.phase", "Failed")
    assert pods.value("fails", f"{STATE}.terminated.exitCode") == "7"
    assert pods.value("fails", ".status.containerStatuses[0].restartCount") == "0"


def test_a_command_that_is_not_in_the_image(pods: Pods) -> None:
    pods.until("no-command", ".status.phase", "Failed")
    assert pods.value("no-command", f"{STATE}.terminated.exitCode") == "127"
    assert "/no/such/program" in pods.value("no-command", f"{STATE}.terminated.message")


def test_init_containers(pods: Pods) -> None:
    pods.until("inits", ".status.phase", "Succeeded")
    assert pods.run("logs", "inits") == "1\n2\n3\n"
    pods.until("init-fails", ".status.phase", "Failed")
    assert pods.run("get", "pod", "init-fails", "--no-headers").split()[2] == "Init:Error"
    assert pods.value("init-fails", ".status.initContainerStatuses[0].state.terminated.exitCode") == "5"
    assert pods.value("init-fails", f"{STATE}.waiting.reason") == "PodInitializing"


@pytest.mark.parametrize(
    ("pod", "message"),
    [
        ("no-key", "Error: couldn't find key none in Secret"),
        ("no-host-path", "hostPath type check failed: /no/such/folder is not a directory"),
        ("leaves-its-volume", 'subpath "/etc" not within volume path'),
        ("too-large", "0/1 nodes are available: 1 Insufficient memory."),
    ],
)
def test_pods_that_cannot_start_say_why(pods: Pods, pod: str, message: str) -> None:
    watch = pods.cluster.spawn(
        "-n", pods.namespace, "get", "events", "--watch", f"--field-selector=involvedObject.name={pod}",
        "-o", "jsonpath={.message}{'\\n'}", stdout=subprocess.PIPE,
    )  # fmt: skip
    timer = threading.Timer(120, watch.kill)
    timer.start()
    assert watch.stdout is not None
    assert any(message in line for line in watch.stdout)
    timer.cancel()
    watch.kill()
    watch.communicate()
    assert pods.value(pod, ".status.phase") == "Pending"


def test_users_groups_and_limits(pods: Pods) -> None:
    pods.until("as-user", ".status.phase", "Failed")
    lines = pods.run("logs", "as-user").splitlines()
    assert lines == ["1000", "2000 3000", "p$(word)touch: /file: Read-only file system"]
    pods.until("too-greedy", f"{STATE}.terminated.reason", "OOMKilled")
    pods.until("too-late", ".status.reason", "DeadlineExceeded")


def test_probes(pods: Pods) -> None:
    pods.until("probed", ".status.containerStatuses[?(@.name=='dies')].lastState.terminated.exitCode", "137")
    ready = ".status.containerStatuses[?(@.name=='ready-later')].ready"
    assert pods.value("probed", ready) == "false"
    pods.sh("probed", "touch /tmp/ready", "-c", "ready-later")
    pods.until("probed", ready, "true")
    described = pods.run("describe", "pod", "probed")
    assert "Readiness probe failed" in described
    assert "Container dies failed liveness probe, will be restarted" in described


def test_what_an_engine_refuses_is_told_and_the_pod_starts(pods: Pods) -> None:
    """Whether this engine may run privileged containers is its affair; the pod starts in any case."""
    pods.until("privileged", ".status.phase", "Running")
    allowed = (
        pods.sh("privileged", "mount -t tmpfs none /mnt || mkdir /mnt; mount -t tmpfs none /mnt").exit_code == 0
    )
    assert allowed or "privileged" in pods.run("describe", "pod", "privileged").partition("Events:")[2]


def test_the_grace_period_is_given_and_ends(pods: Pods) -> None:
    for pod in ("polite", "stubborn"):
        pods.until(pod, ".status.phase", "Running")
    start = time.monotonic()
    pods.run("delete", "pod", "polite")
    assert time.monotonic() - start < 15
    start = time.monotonic()
    pods.run("delete", "pod", "stubborn")
    assert 3 <= time.monotonic() - start < 15


def test_a_pod_that_is_deleted_while_it_starts_leaves_nothing(pods: Pods) -> None:
    manifest = """
apiVersion: v1
kind: Pod
metadata: {name: short-lived}
spec:
  containers: [{name: c, image: "busybox:1.36", command: [sleep, "3600"]}]
"""
    pods.run("create", "-f", "-", stdin=manifest)
    pods.run("delete", "pod", "short-lived", "--grace-period=1")
    assert not [name for name in containers(pods.namespace) if "short-lived" in name]
    assert pods.run("get", "pods", "-o", "name").count("short-lived") == 0


def test_equal_names_in_two_namespaces_and_the_end_of_one(pods: Pods) -> None:
    other = Pods(pods.cluster, f"{pods.namespace}-b")
    other.run("create", "namespace", other.namespace)
    references = (FOLDER / "references.yml").read_text().replace("root", "other")
    documents = (FOLDER / "pods.yml").read_text().split("\n---\n")
    chosen = [
        text
        for text in documents
        if "name: environment" in text or "name: volumes" in text or "{name: stubborn" in text
    ]
    other.run("create", "-f", "-", stdin="\n---\n".join([references, *chosen]))
    other.until("environment", ".status.phase", "Succeeded")
    assert "USERNAME=other" in other.run("logs", "environment").splitlines()
    assert "USERNAME=root" in pods.run("logs", "environment").splitlines()
    other.until("volumes", ".status.phase", "Running")
    assert containers(other.namespace)
    pods.cluster.run("delete", "namespace", other.namespace)
    assert containers(other.namespace) == []
    assert "not found" in pods.cluster.fails("get", "namespace", other.namespace).stderr
    assert pods.value("volumes", ".status.phase") == "Running"
