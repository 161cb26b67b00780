"""What one request takes while its object is on the way to the store.

Source: PortAllocationOperation, and Allocate and AllocateNext of the allocators of addresses and ports.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.apiserver.allocation.holdings import Holdings, Value
from backend.apiserver.allocation.ranges import NODE_PORTS, AddressRange
from backend.meta.addresses import parse_ip

FULL = "range is full"
_DRY_RUN_PORTS = 32769
"""The first port that a dry run shows: a number that no real service has."""


class Unavailable(Exception):
    """Why a value cannot be had."""


class Reservation:
    """A dry run takes nothing, and shows values that are not chosen."""

    def __init__(self, holdings: Holdings, ranges: Sequence[AddressRange], *, dry_run: bool) -> None:
        """`ranges` are all that addresses may be of."""
        self._holdings = holdings
        self._ranges = ranges
        self._dry_run = dry_run
        self._taken: list[Value] = []

    def close(self) -> None:
        for value in self._taken:
            self._holdings.free(value)

    def take_address(self, text: str) -> None:
        """Raises Unavailable."""
        address = parse_ip(text)
        covering = [each for each in self._ranges if address is not None and each.covers(address)]
        if address is None or not covering:
            raise Unavailable("the provided network does not match the current range")
        if not any(each.offers(address) for each in covering):
            valid = f"The range of valid IPs is {covering[0].text}"
            raise Unavailable(f"the provided IP ({text}) is not in the valid range. {valid}")
        if not self._dry_run:
            self._take(str(address), "provided IP is already allocated")

    def next_address(self, family: str) -> str:
        """Raises Unavailable."""
        ranges = [each for each in self._ranges if each.family == family]
        if self._dry_run:
            return ranges[0].base
        for each in ranges:
            chosen = each.choose(lambda address: address not in self._holdings)
            if chosen is not None:
                self._take(chosen, FULL)
                return chosen
        raise Unavailable(FULL)

    def take_port(self, port: int) -> None:
        """Raises Unavailable."""
        if port not in NODE_PORTS and not self._dry_run:
            valid = f"The range of valid ports is {NODE_PORTS}"
            raise Unavailable(f"provided port is not in the valid range. {valid}")
        self._take(port, "provided port is already allocated")

    def next_port(self) -> int:
        """Raises Unavailable."""
        if self._dry_run:
            ports = [value for value in self._taken if isinstance(value, int)]
            port = max(ports) + 1 if ports else _DRY_RUN_PORTS
            self._taken.append(port)
            return port
        chosen = NODE_PORTS.choose(lambda port: port not in self._holdings)
        if chosen is None:
            raise Unavailable(FULL)
        self._take(chosen, FULL)
        return chosen

    def _take(self, value: Value, refusal: str) -> None:
        if value in self._holdings or value in self._taken:
            raise Unavailable(refusal)
        self._taken.append(value)
        if not self._dry_run:
            self._holdings.reserve(value)
