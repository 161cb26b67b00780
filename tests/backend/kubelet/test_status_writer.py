"""What a pod's status writer sends while a write of it is still on its way."""

from __future__ import annotations

import asyncio

import pytest

from backend.kubelet.status_writer import StatusWriter
from backend.machinery.clock import FakeClock
from backend.meta.errors import ApiError


class Api:
    """Takes patches, each when `answer` is set."""

    def __init__(self):
        self.patches = []
        self.faults = []
        self.answer = asyncio.Event()

    async def patch(self, _gvr, _name, body, *_where):
        await self.answer.wait()
        if self.faults:
            raise self.faults.pop()
        self.patches.append(body["status"])


@pytest.fixture
async def api():
    return Api()


@pytest.fixture
async def writer(api):
    made = StatusWriter(api, FakeClock(), "default", "a", "uid-a")
    yield made
    await made.close()


def status(phase):
    return {"phase": phase, "conditions": []}


async def sent(api, writer):
    api.answer.set()
    await writer.flush()
    return [patch.get("phase") for patch in api.patches]


async def test_what_is_on_its_way_is_not_written_again(api, writer):
    writer.write(status("Running"), {})
    await asyncio.sleep(0)
    writer.write(status("Running"), {})
    assert writer.newest == status("Running")
    assert await sent(api, writer) == ["Running"]


async def test_what_takes_back_a_write_on_its_way_is_written(api, writer):
    writer.write(status("Pending"), {})
    assert await sent(api, writer) == ["Pending"]
    api.answer.clear()
    writer.write(status("Running"), {})
    await asyncio.sleep(0)
    writer.write(status("Pending"), {})
    assert await sent(api, writer) == ["Pending", "Running", "Pending"]


async def test_what_could_not_be_written_is_not_replaced_by_what_is_older(api, writer):
    api.faults.append(ApiError(503, "ServiceUnavailable", "not now"))
    writer.write(status("Running"), {})
    api.answer.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert writer.newest == status("Running")
    assert api.patches == []
