"""The names of addresses, and which of them are ours to answer for.

A range is as many zones as its address has whole octets (IPv4) or nibbles (IPv6): 10.96.0.0/12 is the 16 zones
96.10.in-addr.arpa to 111.10.in-addr.arpa.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from backend.network.dns.cluster_records import Labels

_V4, _V6 = ("in-addr", "arpa"), ("ip6", "arpa")


class ReverseZones:
    def __init__(self, ranges: Iterable[str]) -> None:
        """`ranges` are CIDRs."""
        self._apexes = {apex for cidr in ranges for apex in _apexes(cidr)}

    def apex(self, name: Labels) -> Labels | None:
        """The zone of ours that a name is in."""
        if name[-2:] in (_V4, _V6):
            for start in range(len(name) - 2, -1, -1):
                if name[start:] in self._apexes:
                    return name[start:]
        return None


def address_of(name: Labels) -> str:
    """The address that a name is the reverse of; "" if it is no whole one."""
    digits = name[-3::-1]
    try:
        if name[-2:] == _V4 and len(digits) == 4:
            return str(ipaddress.IPv4Address(".".join(digits)))
        if name[-2:] == _V6 and len(digits) == 32 and all(len(digit) == 1 for digit in digits):
            return str(ipaddress.IPv6Address(int("".join(digits), 16)))
    except ValueError:
        pass
    return ""


def exists(name: Labels) -> bool:
    """Whether it is a part of an address: such a name is there, if only for those below of it."""
    digits = name[:-2]
    if name[-2:] == _V4:
        return len(digits) < 4 and all(_is_octet(digit) for digit in digits)
    return len(digits) < 32 and all(len(digit) == 1 and digit in "0123456789abcdef" for digit in digits)


def _is_octet(digit: str) -> bool:
    return digit.isascii() and digit.isdigit() and str(int(digit)) == digit and int(digit) < 256


def _apexes(cidr: str) -> Iterable[Labels]:
    network = ipaddress.ip_network(cidr)
    step, suffix = (8, _V4) if network.version == 4 else (4, _V6)
    depth = max(1, -(-network.prefixlen // step))
    for part in network.subnets(new_prefix=depth * step):
        pointer = part.network_address.reverse_pointer.split(".")
        yield (*pointer[-2 - depth : -2], *suffix)
