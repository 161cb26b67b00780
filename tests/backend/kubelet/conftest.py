from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.kubelet.volumes import mounts
from tests.support.kubelet_node import Node


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """What its pods still have mounted when a test ends is unmounted, once no thread mounts any more."""
    node = Node(tmp_path)
    await node.start()
    yield node
    await node.stop()
    await asyncio.get_running_loop().shutdown_default_executor()
    for mounted in mounts.mounted_below(tmp_path):
        mounts.unmount(mounted)
