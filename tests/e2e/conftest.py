"""A local cluster with a real Docker engine, for the whole run, and a namespace of its own for each test."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.cli import Cluster

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One cluster for all tests that do not stop or break it."""
    shared = Cluster(tmp_path_factory.mktemp("e2e") / ".minikctl", f"e2e-{os.getpid()}")
    shared.run("cluster", "start")
    yield shared
    shared.delete()


@pytest.fixture
def new_cluster(tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Makes clusters that a test has for itself; they are deleted afterwards."""
    made: list[Cluster] = []

    def make(name: str = "own", *, home: Path | None = None, **env: str) -> Cluster:
        made.append(Cluster(home or tmp_path / ".minikctl", f"{name}-{os.getpid()}", env))
        return made[-1]

    yield make
    for each in made:
        each.delete()


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    name = re.sub("[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())[:60].strip("-")
    cluster.run("create", "namespace", name)
    yield name
    cluster.run("delete", "namespace", name, "--wait=false")


@pytest.fixture
def manifests() -> Path:
    return ROOT / "manifests"


@pytest.fixture
def seed() -> Path:
    """The manifests of the book chapter, as printed there: broken."""
    return Path(__file__).parent / "seed"
