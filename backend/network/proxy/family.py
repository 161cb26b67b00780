"""What differs between IPv4 and IPv6 in rules."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    version: int
    keyword: str
    """As in `ip saddr` and `dnat ip to`."""
    type: str
    nfproto: str
    loopback: str

    def join(self, address: str, port: int) -> str:
        return f"{address}:{port}" if self.version == 4 else f"[{address}]:{port}"


IPV4 = Family(4, "ip", "ipv4_addr", "ipv4", "127.0.0.0/8")
IPV6 = Family(6, "ip6", "ipv6_addr", "ipv6", "::1")
FAMILIES = (IPV4, IPV6)
BY_NAME = {"IPv4": IPV4, "IPv6": IPV6}
"""By the names of spec.ipFamilies and an EndpointSlice's addressType."""


def family_of(address: str) -> Family:
    """Of an address or a CIDR."""
    return IPV6 if ":" in address else IPV4


def canonical(address: str) -> str:
    """As the kernel and nft write it; "" for what is no address to them (old objects may have leading zeros)."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.inet_ntop(family, socket.inet_pton(family, address))
    except OSError:
        return ""


def collapsed(cidrs: list[str]) -> list[str]:
    """The same addresses in CIDRs that do not overlap, all of one family, with no bits of hosts."""
    networks = [ipaddress.ip_network(cidr.strip(), strict=False) for cidr in cidrs]
    return [str(network) for network in ipaddress.collapse_addresses(networks)]  # type: ignore[type-var]
