from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.control_plane import ControlPlane
from tests.support.workshop import Workshop


@pytest.fixture
async def shop(plane: ControlPlane) -> AsyncIterator[Workshop]:
    made = Workshop(plane)
    async with made.controllers():
        yield made
