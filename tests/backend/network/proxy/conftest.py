"""A machine of the tests' own, and a service proxy that works there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator

import pytest

from backend.network.nftables import Table
from backend.network.proxy.route_localnet import remove_with_table
from tests.support import proxy_bed
from tests.support.proxy_bed import CLUSTER, Bed, Proxied, proxied


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    if os.geteuid() != 0:
        pytest.skip("makes network namespaces, which needs root")
    with proxy_bed.bed() as made:
        yield made


@pytest.fixture
async def proxy(bed: Bed) -> AsyncIterator[Proxied]:
    async with proxied(Table(CLUSTER)) as made:
        yield made
    await asyncio.to_thread(remove_with_table, CLUSTER)
