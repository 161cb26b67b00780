"""Ranges of addresses and of ports, and how one of them is chosen.

The lower part of a range is for values that users choose; a value is chosen from it only when the rest is full.
Source: pkg/registry/core/service/{ipallocator,portallocator} (KEP-3070).
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Callable, Iterator

from backend.meta.addresses import IPV4, IPV6, Address


def _static_part(size: int, *, least: int, most: int, share: int) -> int:
    return 0 if size <= least else min(max(size // share, least), most)


def _from_random_start(first: int, last: int) -> Iterator[int]:
    """All of first..last, each once."""
    size = last - first + 1
    start = random.randrange(size) if size > 0 else 0
    return (first + (start + step) % size for step in range(size))


def _choose(first: int, last: int, static: int, free: Callable[[int], bool]) -> int | None:
    """A value that is free; None if the range is full."""
    for low, high in ((first + static, last), (first, first + static - 1)):
        for value in _from_random_start(low, high):
            if free(value):
                return value
    return None


class AddressRange:
    """The addresses of one CIDR that a service can have."""

    def __init__(self, cidr: str) -> None:
        self._network = ipaddress.ip_network(cidr)
        v4 = self._network.version == 4
        self.family = IPV4 if v4 else IPV6
        self.text = cidr
        self._first = int(self._network.network_address) + 1
        self._last = int(self._network.broadcast_address) - v4
        self._static = _static_part(self._network.num_addresses, least=16, most=256, share=16)

    @property
    def base(self) -> str:
        """The network's own address, which no service has."""
        return str(self._network.network_address)

    @property
    def first(self) -> str:
        return str(self._address(self._first))

    def covers(self, address: Address) -> bool:
        """Whether it is of the network; the first and the last address of one still cannot be had."""
        return address in self._network

    def offers(self, address: Address) -> bool:
        return self.covers(address) and self._first <= int(address) <= self._last

    def choose(self, free: Callable[[str], bool]) -> str | None:
        """None if the range is full."""
        found = _choose(self._first, self._last, self._static, lambda value: free(str(self._address(value))))
        return None if found is None else str(self._address(found))

    def _address(self, value: int) -> Address:
        if self._network.version == 4:
            return ipaddress.IPv4Address(value)
        return ipaddress.IPv6Address(value)


class PortRange:
    def __init__(self, first: int, last: int) -> None:
        self._first, self._last = first, last
        self._static = _static_part(last - first + 1, least=16, most=128, share=32)

    def __str__(self) -> str:
        return f"{self._first}-{self._last}"

    def __contains__(self, port: int) -> bool:
        return self._first <= port <= self._last

    def choose(self, free: Callable[[int], bool]) -> int | None:
        """None if the range is full."""
        return _choose(self._first, self._last, self._static, free)


NODE_PORTS = PortRange(30000, 32767)
