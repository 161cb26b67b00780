from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.kubelet.volumes.manager import PodVolumes
from tests.support.kubelet_node import Node


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    node = Node(tmp_path)
    await node.start()
    yield node
    await node.stop()
    left = PodVolumes(tmp_path)
    for uid in await left.pod_uids():
        await left.teardown(uid)
