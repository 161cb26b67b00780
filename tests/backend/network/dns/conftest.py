from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.dns_cluster import DnsCluster


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[DnsCluster]:
    """With the namespaces default and kube-system, and nobody to ask for other names."""
    made = DnsCluster(tmp_path)
    async with made.running():
        await made.ask("cluster.local", "SOA")  # It answers, and so has listed what there is.
        yield made
