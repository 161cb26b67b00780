"""Lets connections from 127.0.0.1 to a node port be answered from the pods' bridge: the sysctl route_localnet.

With it the kernel would also take packets from the bridge for 127.0.0.1, which our chain `proxy/loopback` drops:
it is set after the first apply of that, and taken back after the last cluster's table, unless somebody else had set it.
A chain without rules in each table says that it was one of us; it is there as long as the table, whoever gets killed.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.network.nftables import NftUnavailable, chains_of_all_tables, remove_table, table_name

log = logging.getLogger(__name__)

SYSCTLS = Path("/proc/sys/net/ipv4/conf")
_MARKER = "proxy/route-localnet/"


def marker(bridge: str) -> str | None:
    """The name of the chain that says it was us; None if somebody else had set it before. Blocks. Raises NftError."""
    name = _MARKER + bridge
    ours = any(name in chains for chains in chains_of_all_tables().values())
    return name if ours or not _is_set(bridge) else None


def allow(bridge: str) -> None:
    """Call it once the table is applied. Blocks. Raises OSError where there is no such bridge, or we may not."""
    with _alone(bridge):
        if not _is_set(bridge):
            (SYSCTLS / bridge / "route_localnet").write_text("1")


def remove_with_table(cluster_id: str) -> None:
    """Remove the cluster's table, and with the last one what we set. What is not there is no error. Blocks."""
    table = table_name(cluster_id)
    try:
        before = chains_of_all_tables().get(table)
        if before is None:
            return
        remove_table(cluster_id)
    except NftUnavailable:
        return  # Then there is no table either.
    for name in before:
        if name.startswith(_MARKER):
            _take_back(name)


def _take_back(name: str) -> None:
    bridge = name.removeprefix(_MARKER)
    try:
        with _alone(bridge):
            if not any(name in chains for chains in chains_of_all_tables().values()):
                (SYSCTLS / bridge / "route_localnet").write_text("0")
    except OSError as error:
        log.info("route_localnet of %s stays: %s", bridge, error)  # A bridge that is gone took it along.


def _is_set(bridge: str) -> bool:
    try:
        return (SYSCTLS / bridge / "route_localnet").read_text().strip() != "0"
    except OSError:
        return False


@contextmanager
def _alone(bridge: str) -> Iterator[None]:
    """Among the clusters of this machine: one that stops must not take back what another has just set."""
    folder = os.open(SYSCTLS / bridge, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
