from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.batch import Batch
from tests.support.control_plane import ControlPlane
from tests.support.workshop import Workshop


@pytest.fixture
async def shop(plane: ControlPlane) -> AsyncIterator[Workshop]:
    made = Workshop(plane)
    async with made.controllers():
        yield made


@pytest.fixture
async def batch(plane: ControlPlane) -> AsyncIterator[Batch]:
    made = Batch(plane)
    async with made.controllers():
        yield made
