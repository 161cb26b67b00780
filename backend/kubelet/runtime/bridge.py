"""The engine's default bridge, as `docker network inspect bridge` tells of it."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend.meta.addresses import Network
from backend.network.bridge import PodBridge

ADDRESSES_V6 = Path("/proc/net/if_inet6")
_NAME = "com.docker.network.bridge.name"


def pod_bridge(network: Mapping[str, Any]) -> PodBridge:
    """IPv4 first. Where the engine names no gateway (of `fixed-cidr-v6`, or before its first container) it is the
    interface's address in the subnet or, without one, the subnet's first."""
    name = (network.get("Options") or {}).get(_NAME, "docker0")
    found = []
    for each in network["IPAM"]["Config"] or ():
        subnet = ipaddress.ip_network(each["Subnet"], strict=False)
        given = (each.get("Gateway") or "").partition("/")[0]
        found.append((subnet.version, str(subnet), given or _own_address(name, subnet) or str(subnet[1])))
    found.sort(key=lambda one: one[0])
    return PodBridge(name, tuple(one[1] for one in found), tuple(one[2] for one in found))


def _own_address(name: str, subnet: Network) -> str:
    """Of IPv6 only: "" for IPv4, for which engines take the first."""
    if subnet.version == 4:
        return ""
    try:
        lines = ADDRESSES_V6.read_text().splitlines()
    except OSError:
        return ""
    for line in lines:
        digits, *_, interface = line.split()
        address = ipaddress.IPv6Address(socket.inet_ntop(socket.AF_INET6, bytes.fromhex(digits)))
        if interface == name and address in subnet:
            return str(address)
    return ""
