from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.autoscaling import Autoscaling
from tests.support.control_plane import ControlPlane, running


@pytest.fixture
async def scaling(plane: ControlPlane) -> AsyncIterator[Autoscaling]:
    made = Autoscaling(plane)
    async with running(made.autoscalers.run(), made.pods.run(), made.made.recorder.run()):
        await asyncio.gather(made.autoscalers.synced.wait(), made.pods.synced.wait())
        yield made
