"""Backends for clients that know nothing of ours: all that they get is what `minikctl cluster kubeconfig` prints."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import client as kubernetes_client
from kubernetes import config as kubernetes_config

from tests.support.backend_process import running_backend
from tests.support.cli import Cluster


def printed_kubeconfig(home: Path) -> Path:
    """What `minikctl cluster kubeconfig` prints for the backend that runs under `home`, in a file there."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("MINIKCTL_")}
    done = subprocess.run(
        [sys.executable, "-m", "minikctl", "cluster", "kubeconfig"],
        env={**env, "MINIKCTL_HOME": str(home)}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    path = home / "printed.kubeconfig"
    path.write_text(done.stdout)
    return path


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of one backend without a kubelet, for all tests of a process."""
    with running_backend(tmp_path_factory.mktemp("clients")) as home:
        yield printed_kubeconfig(home)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One cluster with a kubelet on the real Docker engine, for all tests of a process."""
    shared = Cluster(tmp_path_factory.mktemp("pods") / ".minikctl", f"clients-{os.getpid()}")
    shared.run("cluster", "start")
    yield shared
    shared.delete()


@pytest.fixture(scope="session")
def cluster_kubeconfig(cluster: Cluster) -> Path:
    path = cluster.home.parent / "kubeconfig"
    path.write_text(cluster.run("cluster", "kubeconfig"))
    return path


@pytest.fixture(scope="session")
def python_client(kubeconfig: Path) -> Iterator[kubernetes_client.ApiClient]:
    """The official Python client, for the backend without a kubelet."""
    with kubernetes_config.new_client_from_config(str(kubeconfig)) as made:
        yield made


@pytest.fixture
def namespace(python_client: kubernetes_client.ApiClient) -> Iterator[str]:
    """A namespace of the backend without a kubelet, for one test."""
    core = kubernetes_client.CoreV1Api(python_client)
    name = core.create_namespace({"metadata": {"generateName": "test-"}}).metadata.name
    yield name
    core.delete_namespace(name)
