"""The end of a cluster's network, with few modules: a cluster that ends need not load what it takes to run one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from backend.config import Config
from backend.meta.capabilities import holds
from backend.network import netlink
from backend.network.nftables import NftError
from backend.network.proxy import route_localnet

log = logging.getLogger(__name__)


async def remove_network(config: Config) -> None:
    """Take back what the network's parts put into the kernel: for a cluster that stops with its pods, or was killed.

    What is not there is no error, and what could not be removed is logged. Other clusters keep theirs.
    """
    if not holds("NET_ADMIN"):
        return  # Who may not remove it did not make it either.
    try:
        await asyncio.to_thread(route_localnet.remove_with_table, config.cluster_id)
    except NftError as error:
        log.warning("the cluster's rules are not removed: %s", error)
    remove_routes(config.pod_network_cidrs)  # Last: they keep packets on this machine.


def remove_routes(cidrs: Sequence[str]) -> None:
    """Those that a PodNetwork made. Without root there are none."""
    for cidr in cidrs:
        try:
            netlink.remove_route(cidr)
        except OSError as error:
            log.warning("the route to %s is not removed: %s", cidr, error)
