"""What the containers of a cluster on the fake runtime pretend to use."""

from __future__ import annotations

from typing import Any

import pytest

from backend.kubelet.runtime.api import ContainerConfig, SandboxConfig
from backend.kubelet.runtime.pretending import CPU, MEMORY, PretendingRuntime
from backend.machinery.clock import FakeClock


class Pretending:
    """One pod with one container; a test sets its pod's `annotations`."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.annotations: dict[str, str] = {}
        self.runtime = PretendingRuntime(self._pods, self.clock)
        self.id = ""

    def _pods(self) -> list[Any]:
        return [{"metadata": {"uid": "u", "annotations": self.annotations}}]

    async def start(self) -> None:
        sandbox = await self.runtime.run_sandbox(SandboxConfig("u", "default", "p", "p", 0, {}))
        self.id, _ = await self.runtime.create_container(sandbox, ContainerConfig("c", "i", 0, {}))
        await self.runtime.start_container(self.id)

    async def used(self) -> tuple[float, int]:
        """(processor seconds, bytes)"""
        usage = (await self.runtime.usage([self.id]))[self.id]
        return usage.cpu_nanoseconds / 10**9, usage.working_set_bytes


@pytest.fixture
async def pretending() -> Pretending:
    made = Pretending()
    await made.start()
    return made


async def test_a_container_uses_what_its_pod_is_annotated_with(pretending: Pretending) -> None:
    pretending.annotations = {CPU: "500m", MEMORY: "64Mi"}
    await pretending.clock.advance(10)
    assert await pretending.used() == (5.0, 64 << 20)
    pretending.annotations = {CPU: "2", MEMORY: "1Mi"}
    await pretending.clock.advance(10)
    assert await pretending.used() == (25.0, 1 << 20)


@pytest.mark.parametrize("annotations", [{}, {CPU: "much", MEMORY: ""}])
async def test_without_a_quantity_it_uses_next_to_nothing(
    pretending: Pretending, annotations: dict[str, str]
) -> None:
    pretending.annotations = annotations
    await pretending.clock.advance(100)
    seconds, size = await pretending.used()
    assert 0 < seconds < 1
    assert size == 4 << 20


async def test_what_does_not_run_uses_nothing(pretending: Pretending) -> None:
    pretending.runtime.end(pretending.id, 0)
    assert await pretending.runtime.usage([pretending.id]) == {}
