"""The official Python client (`kubernetes`): what a pod's process says and hears, on a real Docker engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.incluster_config import InClusterConfigLoader
from kubernetes.stream import portforward, stream
from kubernetes.watch import Watch

pytestmark = [
    pytest.mark.docker,
    # The client leaves the sockets of finished streams to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

IMAGE = "busybox:1.36"
_SECONDS = 60
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


@pytest.fixture(scope="module")
def core(cluster_kubeconfig: Path) -> Iterator[client.CoreV1Api]:
    with config.new_client_from_config(str(cluster_kubeconfig)) as api:
        yield client.CoreV1Api(api)


@pytest.fixture(scope="module")
def namespace(core: client.CoreV1Api) -> Iterator[str]:
    name = core.create_namespace({"metadata": {"generateName": "python-"}}).metadata.name
    yield name
    core.delete_namespace(name)


def start(core: client.CoreV1Api, namespace: str, name: str, script: str, phase: str = "Running") -> None:
    """A pod that runs `script`, once it is in `phase`."""
    container = client.V1Container(
        name="c", image=IMAGE, image_pull_policy="IfNotPresent", command=["sh", "-c", script]
    )
    spec = client.V1PodSpec(containers=[container], restart_policy="Never", termination_grace_period_seconds=0)
    made = core.create_namespaced_pod(namespace, client.V1Pod(metadata={"name": name}, spec=spec))
    watch, seen = Watch(), ""
    events = watch.stream(
        core.list_namespaced_pod, namespace, field_selector=f"metadata.name={name}",
        resource_version=made.metadata.resource_version, timeout_seconds=_SECONDS,
    )  # fmt: skip
    for event in events:
        seen = event["object"].status.phase
        if seen == phase:
            watch.stop()
    assert seen == phase


@pytest.fixture(scope="module")
def server(core: client.CoreV1Api, namespace: str) -> str:
    """A pod that serves a page on port 8080."""
    start(core, namespace, "server", "mkdir /www; echo hello >/www/index.html; exec httpd -f -p 8080 -h /www")
    return "server"


def test_exec_gives_output_errors_and_the_exit_code(core: client.CoreV1Api, namespace: str, server: str) -> None:
    command = ["sh", "-c", "echo out; echo err >&2"]
    options = {"stdout": True, "stderr": True, "stdin": False, "tty": False}
    both = stream(core.connect_get_namespaced_pod_exec, server, namespace, command=command, **options)
    assert sorted(both.split()) == ["err", "out"]
    failing = stream(
        core.connect_get_namespaced_pod_exec, server, namespace, command=["sh", "-c", "exit 7"],
        **options, _preload_content=False,
    )  # fmt: skip
    failing.run_forever(timeout=_SECONDS)
    assert failing.returncode == 7
    failing.close()


def test_exec_talks_both_ways(core: client.CoreV1Api, namespace: str, server: str) -> None:
    shell = stream(
        core.connect_get_namespaced_pod_exec, server, namespace, command=["sh"],
        stdin=True, stdout=True, stderr=True, tty=False, _preload_content=False,
    )  # fmt: skip
    shell.write_stdin("echo one; echo two >&2\n")
    assert shell.readline_stdout(timeout=_SECONDS) == "one"
    assert shell.readline_stderr(timeout=_SECONDS) == "two"
    shell.write_stdin("exit 3\n")
    shell.run_forever(timeout=_SECONDS)
    assert (shell.is_open(), shell.returncode) == (False, 3)
    shell.close()


def test_exec_on_a_terminal(core: client.CoreV1Api, namespace: str, server: str) -> None:
    said = stream(
        core.connect_get_namespaced_pod_exec, server, namespace, command=["sh", "-c", "tty; echo done"],
        stdin=False, stdout=True, stderr=False, tty=True,
    )  # fmt: skip
    assert said.split() == ["/dev/pts/0", "done"]


def test_ports_are_forwarded(core: client.CoreV1Api, namespace: str, server: str) -> None:
    forwarded = portforward(core.connect_get_namespaced_pod_portforward, server, namespace, ports="8080")
    socket = forwarded.socket(8080)
    socket.settimeout(_SECONDS)
    socket.sendall(b"GET / HTTP/1.0\r\n\r\n")
    answer = b""
    while piece := socket.recv(4096):
        answer += piece
    assert answer.endswith(b"\r\n\r\nhello\n")
    assert forwarded.error(8080) is None
    socket.close()


def test_logs_are_followed_to_their_end(core: client.CoreV1Api, namespace: str) -> None:
    start(core, namespace, "talks", "for n in 1 2 3; do echo line $n; sleep 0.2; done", "Running")
    assert list(Watch().stream(core.read_namespaced_pod_log, "talks", namespace)) == ["line 1", "line 2", "line 3"]
    assert core.read_namespaced_pod_log("talks", namespace, tail_lines=1) == "line 3\n"


def test_the_files_of_a_pod_s_account_are_in_cluster_configuration(
    core: client.CoreV1Api, namespace: str, server: str, tmp_path: Path
) -> None:
    for name in ("token", "ca.crt", "namespace"):
        content = stream(
            core.connect_get_namespaced_pod_exec, server, namespace, command=["cat", f"{ACCOUNT}/{name}"],
            stdin=False, stdout=True, stderr=True, tty=False,
        )  # fmt: skip
        (tmp_path / name).write_text(content)
    assert (tmp_path / "namespace").read_text() == namespace
    host, port = core.api_client.configuration.host.removeprefix("https://").split(":")
    environment = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
    made = client.Configuration()
    loader = InClusterConfigLoader(str(tmp_path / "token"), str(tmp_path / "ca.crt"), environ=environment)
    loader.load_and_set(made)
    with client.ApiClient(made) as api:
        review = client.AuthenticationV1Api(api).create_self_subject_review(client.V1SelfSubjectReview())
        user = review.status.user_info
        assert user.username == f"system:serviceaccount:{namespace}:default"
        assert user.extra["authentication.kubernetes.io/pod-name"] == [server]
        with pytest.raises(ApiException) as refused:
            client.CoreV1Api(api).list_namespaced_pod(namespace)
        assert refused.value.status == 403


def test_a_pod_is_evicted_and_gone(core: client.CoreV1Api, namespace: str) -> None:
    start(core, namespace, "leaves", "sleep 600")
    version = core.read_namespaced_pod("leaves", namespace).metadata.resource_version
    core.create_namespaced_pod_eviction("leaves", namespace, client.V1Eviction(metadata={"name": "leaves"}))
    watch, kinds = Watch(), []
    events = watch.stream(
        core.list_namespaced_pod, namespace, field_selector="metadata.name=leaves", resource_version=version,
        timeout_seconds=_SECONDS,
    )  # fmt: skip
    for event in events:
        kinds.append(event["type"])
        if kinds[-1] == "DELETED":
            watch.stop()
    assert kinds[-1] == "DELETED"
