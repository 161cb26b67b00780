"""Volumes below a temporary root, unmounted at the end whatever a test did."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.kubelet.volumes.manager import PodVolumes
from backend.meta.types import Obj


class Objects(dict[tuple[str, str], Obj]):
    """The Secrets and ConfigMaps that there are, by kind and name."""

    def secret(self, name: str, **data: bytes) -> None:
        encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
        self["Secret", name] = {"metadata": {"name": name}, "data": encoded}

    def config_map(self, name: str, **data: str) -> None:
        self["ConfigMap", name] = {"metadata": {"name": name}, "data": data}

    def lookup(self, kind: str, name: str) -> Obj | None:
        return self.get((kind, name))

    def token(self, source: Obj) -> str:
        return f"token for {source.get('audience', 'the API server')}"


@pytest.fixture
def objects() -> Objects:
    return Objects()


@pytest.fixture
async def volumes(tmp_path: Path) -> AsyncIterator[PodVolumes]:
    manager = PodVolumes(tmp_path / "root")
    yield manager
    for uid in await manager.pod_uids():
        await manager.teardown(uid)


def pod(*volumes: Obj, uid: str = "u1", **spec) -> Obj:
    return {
        "metadata": {"name": "p", "namespace": "ns", "uid": uid, "labels": {"a": "1", "b": 'q"x'}},
        "spec": {"volumes": list(volumes), "containers": [{"name": "c"}], **spec},
    }


@pytest.fixture
def make_pod():
    return pod
