"""The backend starts itself, once; it stops, dies and comes back without losing or disturbing anything."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.cli import Cluster, Output

NewCluster = Callable[..., Cluster]


def docker(*args: str) -> str:
    return subprocess.run(["docker", *args], capture_output=True, text=True, check=True).stdout


def containers(cluster: Cluster, *options: str) -> dict[str, str]:
    """Name -> start time of the containers of a cluster's pods that run, told by Docker. With "-a" of all that it has,
    also of those in which settings are tried at a start."""
    only = options or ("--filter", "label=io.kubernetes.pod.uid")
    listed = docker("ps", "-q", "--filter", f"label=minikctl.cluster={cluster_id(cluster)}", *only).split()
    if not listed:
        return {}
    shown = docker("inspect", "--format", "{{.Name}} {{.State.StartedAt}}", *listed)
    return dict(line.split() for line in shown.splitlines())


def cluster_id(cluster: Cluster) -> str:
    """What the backend labels its containers with: a cluster is its folder, whatever others have the same name."""
    return f"{cluster.name}-{hashlib.sha256(str(cluster.folder).encode()).hexdigest()[:8]}"


def run_sample_pod(cluster: Cluster, manifests: Path) -> None:
    folder = manifests / "secrets"
    cluster.run("create", "-f", str(folder / "secrets-db-secret.yml"), "-f", str(folder / "pod-env.yml"))
    cluster.wait_for_pod("nodejs.lifetouch.us", ".status.phase", "Running")


def test_ten_commands_at_once_start_one_backend(new_cluster: NewCluster) -> None:
    cluster = new_cluster()
    commands = [
        cluster.spawn("create", "secret", "generic", f"s{n}", "--from-literal=a=b", stdout=subprocess.PIPE)
        for n in range(10)
    ]
    outputs = [command.communicate(timeout=60)[0] for command in commands]
    assert outputs == [f"secret/s{n} created\n" for n in range(10)]
    names = cluster.run("get", "secrets", "-o", "name").splitlines()
    assert names == [f"secret/s{n}" for n in range(10)]
    log = (cluster.folder / "backend.log").read_text()
    assert str(cluster.pid) == cluster.run("cluster", "status", "-o", "json").json["pid"].__str__(), log


def test_state_is_for_this_user_only(new_cluster: NewCluster) -> None:
    cluster = new_cluster()
    cluster.run("cluster", "start")
    assert stat.S_IMODE(cluster.home.stat().st_mode) == 0o700
    assert stat.S_IMODE(cluster.folder.stat().st_mode) == 0o700
    for path in cluster.folder.rglob("*"):
        if path.is_file() and path.suffix not in (".crt",):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_database_that_is_none_is_named_and_left_alone(new_cluster: NewCluster) -> None:
    cluster = new_cluster()
    cluster.folder.mkdir(parents=True)
    garbage = b"this is not a database" * 1000
    (cluster.folder / "state.db").write_bytes(garbage)
    failed = cluster.fails("get", "secrets")
    assert failed.exit_code == 1
    assert failed.stderr.startswith("error: ")
    assert "state.db" in failed.stderr
    assert failed.stderr.count("\n") == 1
    assert (cluster.folder / "state.db").read_bytes() == garbage


def test_a_backend_with_a_bug_shows_the_end_of_its_log(new_cluster: NewCluster, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "uvicorn.py").write_text("raise RuntimeError('broken on purpose')\n")
    cluster = new_cluster(PYTHONPATH=str(tmp_path / "broken"))
    failed = cluster.fails("get", "secrets")
    first, *log = failed.stderr.splitlines()
    path = cluster.folder / "backend.log"
    assert first == (
        f'error: the backend of cluster "{cluster.name}" did not start (exit code 1); the last lines of {path}:'
    )
    assert log[-1] == "  RuntimeError: broken on purpose"
    assert len(log) <= 15
    del cluster.env["PYTHONPATH"]
    assert cluster.run("get", "secrets") == ""


def test_a_state_file_from_a_newer_version_is_refused_and_left_alone(new_cluster: NewCluster) -> None:
    cluster = new_cluster()
    cluster.run("create", "secret", "generic", "kept", "--from-literal=a=b")
    cluster.run("cluster", "stop")
    database = cluster.folder / "state.db"
    with sqlite3.connect(database) as connection:
        changed = connection.execute("UPDATE meta SET value = '99' WHERE name = 'schema_version'").rowcount
        assert changed == 1
    connection.close()
    failed = cluster.fails("get", "secrets")
    assert "newer version" in failed.stderr
    assert str(database) in failed.stderr
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE meta SET value = '1' WHERE name = 'schema_version'")
    connection.close()
    assert cluster.run("get", "secrets", "-o", "name") == "secret/kept\n"


def test_a_full_disk_is_named_and_heals(new_cluster: NewCluster, small_disk: Path) -> None:
    """At the start the log cannot be written either; later, what is stored can be read, and no write is half done."""
    cluster = new_cluster(home=small_disk / "home")
    filler = small_disk / "filler"
    fill(filler)
    failed = cluster.fails("get", "secrets")
    assert "no space left on device" in failed.stderr.lower()
    assert failed.stderr.count("\n") == 1
    filler.unlink()
    cluster.run("create", "secret", "generic", "before", "--from-literal=a=b")
    fill(filler)
    (small_disk.parent / "value").write_bytes(os.urandom(500_000))
    failed = cluster.fails("create", "secret", "generic", "big", f"--from-file={small_disk.parent / 'value'}")
    assert "disk is full" in failed.stderr
    assert cluster.run("get", "secrets", "-o", "name") == "secret/before\n"
    filler.unlink()
    cluster.run("create", "secret", "generic", "after", "--from-literal=a=b")
    cluster.kill()
    assert cluster.run("get", "secrets", "-o", "name").split() == ["secret/after", "secret/before"]


def test_a_read_only_home_is_named(new_cluster: NewCluster, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    cluster = new_cluster(home=small_disk / "home")
    failed = cluster.fails("get", "secrets")
    assert failed.stderr == f"error: cannot make {cluster.home}: Read-only file system\n"


def fill(path: Path) -> None:
    """Until the disk has no byte left."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "minikctl-test", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a file system of its own needs root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_start_whose_command_was_killed_goes_on(new_cluster: NewCluster) -> None:
    """The backend lives without the command that started it, and the next command finds all it needs."""
    cluster = new_cluster()
    starting = cluster.spawn("cluster", "start", stdout=subprocess.DEVNULL)
    pid = wait_for_backend(cluster)
    starting.kill()
    starting.wait()
    assert cluster.run("get", "secrets").stderr == "No resources found in default namespace.\n"
    assert cluster.pid == pid
    assert "minikctl" in cluster.kubectl("config", "view")


@pytest.mark.docker
def test_a_command_waits_for_a_backend_that_is_just_stopping(new_cluster: NewCluster, manifests: Path) -> None:
    """Its pods take their time to end, and whoever asked it to stop holds no lock any more."""
    cluster = new_cluster()
    run_sample_pod(cluster, manifests)
    first = cluster.pid
    stopping = cluster.spawn("cluster", "stop", stdout=subprocess.DEVNULL)
    while cluster.run("cluster", "status", "-o", "json", check=False).json["state"] != "Stopped":
        pass
    stopping.kill()
    stopping.wait()
    assert "nodejs.lifetouch.us" in cluster.run("get", "pods")
    assert cluster.pid != first


def wait_for_backend(cluster: Cluster) -> int:
    """The process that has the cluster, which need not be ready. It tells nobody so early: look."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError, ValueError):
            return int((cluster.folder / "lock").read_text())
        time.sleep(0.005)
    raise AssertionError("no backend came")


def test_a_second_backend_on_the_same_data_is_refused(new_cluster: NewCluster) -> None:
    cluster = new_cluster()
    cluster.run("cluster", "start")
    second = cluster.execute("python", "-m", "backend", "--home", str(cluster.folder))
    assert second.exit_code == 1
    assert second.stderr.startswith("error: ")
    assert str(cluster.pid) in second.stderr
    assert cluster.run("cluster", "status", "-o", "json").json["ready"]


def test_status_says_what_a_script_needs(new_cluster: NewCluster) -> None:
    cluster = new_cluster()
    assert cluster.fails("cluster", "status", "-o", "json").json["ready"] is False
    cluster.run("cluster", "start")
    status = cluster.run("cluster", "status", "-o", "json").json
    assert status["ready"] is True
    assert status["pid"] == cluster.pid
    assert status["endpoint"].startswith("https://127.0.0.1:")
    assert status["home"] == str(cluster.folder)
    assert isinstance(status["uptimeSeconds"], int)
    assert status["version"]


def test_profiles_do_not_see_each_other(new_cluster: NewCluster) -> None:
    one, two = new_cluster("one"), new_cluster("two")
    one.run("create", "secret", "generic", "a", "--from-literal=a=b")
    two.run("create", "secret", "generic", "b", "--from-literal=a=b")
    assert one.run("get", "secrets", "-o", "name") == "secret/a\n"
    assert one.run("get", "secrets", "-o", "name", f"--cluster={two.name}") == "secret/b\n"
    assert one.run("cluster", "list", "-o", "name").split() == [one.name, two.name]


def test_kubeconfig_merge_keeps_what_is_there(new_cluster: NewCluster, tmp_path: Path) -> None:
    cluster = new_cluster()
    theirs = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "prod",
        "preferences": {"colors": True},
        "clusters": [{"name": "prod", "cluster": {"server": "https://prod.example.com"}}],
        "users": [{"name": "me", "user": {"token": "secret"}}],
        "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": "me"}}],
    }
    path = tmp_path / ".kube" / "config"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(theirs))
    path.chmod(0o640)
    cluster.run("cluster", "kubeconfig", "--merge")
    cluster.run("cluster", "kubeconfig", "--merge")
    merged = yaml.safe_load(path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    for section, entries in theirs.items():
        if isinstance(entries, list):
            assert merged[section][:1] == entries
            assert len(merged[section]) == 2
        else:
            assert merged[section] == entries
    context = merged["contexts"][1]["name"]
    listed = cluster.execute("kubectl", f"--kubeconfig={path}", f"--context={context}", "get", "ns", "-o", "name")
    assert "namespace/default" in listed.splitlines()


def test_kubeconfig_merge_leaves_a_broken_file_alone(new_cluster: NewCluster, tmp_path: Path) -> None:
    path = tmp_path / ".kube" / "config"
    path.parent.mkdir()
    path.write_text("clusters: [\n")
    failed = new_cluster().fails("cluster", "kubeconfig", "--merge")
    assert str(path) in failed.stderr
    assert path.read_text() == "clusters: [\n"


@pytest.mark.docker
def test_kill_9_disturbs_no_container(new_cluster: NewCluster, manifests: Path) -> None:
    cluster = new_cluster()
    run_sample_pod(cluster, manifests)
    before = containers(cluster)
    assert len(before) == 2
    cluster.run("wait", "--for=condition=Ready", "pod/nodejs.lifetouch.us", "--timeout=60s")
    ready = cluster.run("get", "pod", "nodejs.lifetouch.us", "-o", "json").json["status"]["conditions"]
    cluster.kill()
    assert "nodejs.lifetouch.us   1/1     Running" in cluster.run("get", "pods")
    cluster.run("exec", "nodejs.lifetouch.us", "--", "true")
    assert containers(cluster) == before
    pod = cluster.run("get", "pod", "nodejs.lifetouch.us", "-o", "json").json
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 0
    assert pod["status"]["conditions"] == ready, "it was ready all the time"


@pytest.mark.docker
def test_stop_ends_the_pods_and_start_brings_them_back(new_cluster: NewCluster, manifests: Path) -> None:
    cluster = new_cluster()
    run_sample_pod(cluster, manifests)
    cluster.run("cluster", "stop")
    assert containers(cluster) == {}
    cluster.run("cluster", "start")
    # A status of before the stop must not count.
    cluster.run("wait", "--for=condition=Ready", "pod/nodejs.lifetouch.us", "--timeout=60s")
    assert len(containers(cluster)) == 2
    restarts = "jsonpath={.status.containerStatuses[0].restartCount}"
    assert cluster.run("get", "pod", "nodejs.lifetouch.us", "-o", restarts) == "1"


@pytest.mark.docker
def test_stop_takes_seconds_and_start_treats_pods_as_after_a_reboot(
    new_cluster: NewCluster, manifests: Path, tmp_path: Path
) -> None:
    """All are stopped at once, and none gets its whole minute. Pods that may run again do, the other has failed."""
    cluster = new_cluster()
    image = sample_image(manifests)
    pods = [sleeping_pod(policy, image) for policy in ("Always", "OnFailure", "Never")]
    cluster.run("create", "-f", "-", stdin=yaml.safe_dump_all(pods))
    for pod in pods:
        cluster.wait_for_pod(pod["metadata"]["name"], ".status.phase", "Running")
    began = time.monotonic()
    cluster.run("cluster", "stop")
    assert time.monotonic() - began < 20
    cluster.wait_for_pod("never", ".status.phase", "Failed")
    for name in ("always", "onfailure"):
        cluster.wait_for_pod(name, ".status.containerStatuses[0].restartCount", "1")
        cluster.wait_for_pod(name, ".status.phase", "Running")
    exit_code = "jsonpath={.status.containerStatuses[0].state.terminated.exitCode}"
    assert cluster.run("get", "pod", "never", "-o", exit_code) == "137"


def sleeping_pod(policy: str, image: str) -> dict[str, Any]:
    """It takes no notice of SIGTERM, being the first process of its container."""
    container = {"name": "c", "image": image, "imagePullPolicy": "IfNotPresent", "command": ["sleep", "3600"]}
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": policy.lower()},
        "spec": {"restartPolicy": policy, "terminationGracePeriodSeconds": 60, "containers": [container]},
    }  # fmt: skip


def sample_image(manifests: Path) -> str:
    pod = yaml.safe_load((manifests / "secrets" / "pod-env.yml").read_text())
    image: str = pod["spec"]["containers"][0]["image"]
    return image


@pytest.mark.docker
def test_stop_with_keep_pods_leaves_them_running(new_cluster: NewCluster, manifests: Path) -> None:
    cluster = new_cluster()
    run_sample_pod(cluster, manifests)
    before = containers(cluster)
    cluster.run("cluster", "stop", "--keep-pods")
    assert containers(cluster) == before
    cluster.run("cluster", "start")
    cluster.run("exec", "nodejs.lifetouch.us", "--", "true")
    assert containers(cluster) == before


@pytest.mark.docker
def test_delete_leaves_nothing(new_cluster: NewCluster, manifests: Path) -> None:
    cluster = new_cluster()
    run_sample_pod(cluster, manifests)
    cluster.run("cluster", "stop", "--keep-pods")
    # As a backend leaves it that is killed while it tries out settings.
    name, label = f"minikctl-trial-{cluster_id(cluster)}", f"minikctl.cluster={cluster_id(cluster)}"
    docker("create", "--name", name, "--label", label, "minikctl/pause:1")
    cluster.run("cluster", "delete")
    assert containers(cluster, "-a") == {}
    assert not cluster.folder.exists()
    assert str(cluster.folder) not in Path("/proc/mounts").read_text()


def test_commands_beside_a_delete_get_the_old_cluster_or_a_new_one(new_cluster: NewCluster) -> None:
    cluster = new_cluster()
    cluster.run("create", "configmap", "old")
    commands = [cluster.spawn("cluster", "delete", stderr=subprocess.PIPE)]
    commands += [cluster.spawn("cluster", "start", stderr=subprocess.PIPE) for _ in range(4)]
    for command in commands:
        _, stderr = command.communicate(timeout=60)
        assert (command.returncode, stderr) == (0, "")
    assert "configmap/old" not in cluster.run("get", "configmaps", "-o", "name")
    assert [path.name for path in cluster.folder.parent.iterdir()] == [cluster.name]


@pytest.mark.docker
def test_delete_without_the_engine_says_how_to_find_what_is_left(new_cluster: NewCluster, manifests: Path) -> None:
    cluster = new_cluster()
    run_sample_pod(cluster, manifests)
    cluster.run("cluster", "stop", "--keep-pods")
    left = containers(cluster)
    cluster.env["DOCKER_HOST"] = "unix:///nonexistent/docker.sock"
    try:
        deleted = cluster.run("cluster", "delete")
        assert deleted == f'cluster "{cluster.name}" deleted\n'
        assert not cluster.folder.exists()
        assert "Cannot connect to the Docker daemon" in deleted.stderr
        command = deleted.stderr.splitlines()[0].partition("docker ")[2]
        assert len(docker(*command.split(), "-q").split()) == len(left) == 2
    finally:
        docker("rm", "-f", *(name.lstrip("/") for name in left))


def test_delete_without_an_engine_is_quiet_where_no_pod_ever_was(new_cluster: NewCluster) -> None:
    cluster = new_cluster(DOCKER_HOST="unix:///nonexistent/docker.sock")
    cluster.run("create", "configmap", "a")
    assert cluster.run("cluster", "delete").stderr == ""
    assert not cluster.folder.exists()
    assert cluster.fails("cluster", "delete").stderr.startswith("error: there is no cluster")


def test_without_an_engine_objects_are_stored_and_pods_say_why_they_wait(
    new_cluster: NewCluster, manifests: Path
) -> None:
    cluster = new_cluster(DOCKER_HOST="unix:///nonexistent/docker.sock")
    folder = manifests / "secrets"
    cluster.run("create", "-f", str(folder / "secrets-db-secret.yml"), "-f", str(folder / "pod-env.yml"))
    assert cluster.run("get", "secret", "db-secret", "-o", "name") == "secret/db-secret\n"
    cluster.wait_for_pod("nodejs.lifetouch.us", ".status.phase", "Pending")
    watch = cluster.spawn("get", "events", "--watch", "-o", "jsonpath={.message}{'\\n'}", stdout=subprocess.PIPE)
    try:
        assert watch.stdout is not None
        assert any("Docker" in line for line in watch.stdout)
    finally:
        watch.kill()
        watch.communicate()
    described: Output = cluster.run("describe", "pod", "nodejs.lifetouch.us")
    assert "Docker" in described


def test_rotate_key_encrypts_anew_and_forgets_the_old_key(new_cluster: NewCluster) -> None:
    cluster = new_cluster()
    cluster.run("create", "secret", "generic", "s", "--from-literal=key=value")
    keyring = cluster.folder / "keyring.json"
    old = json.loads(keyring.read_text())
    told = cluster.run("cluster", "rotate-key")
    new = json.loads(keyring.read_text())
    assert told == f'key of cluster "{cluster.name}" rotated (key {new["active"]})\n'
    assert new["active"] != old["active"]
    assert [key["id"] for key in new["keys"]] == [new["active"]]
    assert old["keys"][0]["key"] not in keyring.read_text()
    cluster.run("cluster", "stop")
    assert cluster.run("get", "secret", "s", "-o", "jsonpath={.data.key}") == "dmFsdWU="


@pytest.mark.docker
def test_the_arguments_of_an_exec_are_in_no_log(new_cluster: NewCluster, manifests: Path) -> None:
    cluster = new_cluster()
    run_sample_pod(cluster, manifests)
    assert cluster.run("exec", "nodejs.lifetouch.us", "--", "echo", "hush-hush") == "hush-hush\n"
    assert cluster.kubectl("exec", "nodejs.lifetouch.us", "--", "echo", "hush-hush") == "hush-hush\n"
    assert "hush" not in cluster.run("cluster", "logs")


def test_nothing_secret_is_on_the_disk_in_plain_text(new_cluster: NewCluster) -> None:
    cluster = new_cluster()
    value = "correct-horse-battery-staple"
    encoded = "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5LXN0YXBsZQ"
    cluster.run("create", "secret", "generic", "s", f"--from-literal=key={value}")
    applied = json.loads(cluster.run("get", "secret", "s", "-o", "json"))
    cluster.run("cluster", "rotate-key")
    cluster.kill()
    assert cluster.run("get", "secret", "s", "-o", "json").json["data"] == applied["data"]
    files = [path for path in cluster.folder.rglob("*") if path.is_file()]
    assert {"state.db", "state.db-wal", "backend.log"} <= {path.name for path in files}
    for path in files:
        content = path.read_bytes()
        assert value.encode() not in content, path
        assert encoded.encode() not in content, path
