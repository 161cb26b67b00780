"""What the kernel would do with a packet, by the text of the rules: of no more than policies are made of."""

from __future__ import annotations

import ipaddress
import itertools
import re
from dataclasses import dataclass
from typing import NamedTuple

from backend.network.nftables import Content

_HEADERS = {"ip": 4, "ip6": 6}


class Packet(NamedTuple):
    """The first of a connection."""

    source: str
    target: str
    protocol: str
    port: int


@dataclass
class _Verdict(Exception):
    verdict: str


def passes(content: Content, packet: Packet) -> bool:
    """Through all base chains."""
    return all(_base(content, name, packet) == "accept" for name, chain in content.chains.items() if chain.hook)


def _base(content: Content, name: str, packet: Packet) -> str:
    try:
        _visit(content, name, packet)
    except _Verdict as verdict:
        return verdict.verdict
    return "accept"


def _visit(content: Content, name: str, packet: Packet) -> None:
    for rule in content.chains[name].rules:
        rest = rule
        while rest:
            found = [(match, step) for pattern, step in _STEPS if (match := pattern.match(rest))]
            assert found, f"not understood: {rest!r} of {rule!r}"
            match, step = found[0]
            rest = rest[match.end() :]
            if not step(content, packet, match):
                break


def _numbers(text: str) -> list[range]:
    found = [part.partition("-") for part in text.split(", ")]
    return [range(int(first), int(last or first) + 1) for first, _, last in found]


def _value(packet: Packet, header: str, side: str) -> str | None:
    """The address, if the packet is of that IP version."""
    address = packet.source if side == "saddr" else packet.target
    return address if ipaddress.ip_address(address).version == _HEADERS[header] else None


def _in_set(content, packet, match):
    return _value(packet, match[1], match[2]) in content.sets[match[3]].elements


def _in_block(content, packet, match):
    value = _value(packet, match[1], match[2])
    return value is not None and ipaddress.ip_address(value) in ipaddress.ip_network(match[3])


def _not_in_blocks(content, packet, match):
    value = _value(packet, match[1], match[2])
    blocks = [ipaddress.ip_network(text) for text in match[3].split(", ")]
    # nft refuses parts that overlap.
    assert not any(a.overlaps(b) for i, a in enumerate(blocks) for b in blocks[:i])
    return value is not None and not any(ipaddress.ip_address(value) in block for block in blocks)


def _pair_in_set(content, packet, match):
    pair = _value(packet, match[1], "saddr"), _value(packet, match[1], "daddr")
    return None not in pair and " . ".join(pair) in content.sets[match[2]].elements


def _named_port(content, packet, match):
    target = _value(packet, match[1], "daddr")
    return packet.protocol == match[2] and f"{target} . {packet.port}" in content.sets[match[3]].elements


def _port(content, packet, match):
    ranges = _numbers(match[2])
    assert all(a.stop <= b.start for a, b in itertools.pairwise(ranges))
    return packet.protocol == match[1] and any(packet.port in found for found in ranges)


def _verdict_of_map(content, packet, match):
    verdict = content.maps[match[3]].elements.get(_value(packet, match[1], match[2]))
    if verdict is not None:
        _visit(content, verdict.removeprefix("goto "), packet)
        raise AssertionError("the chain has no verdict")
    return False


def _end(content, packet, match):
    raise _Verdict(match[0])


def _jump(content, packet, match):
    _visit(content, match[1], packet)
    return True


_STEPS = [
    (re.compile(pattern + r"(?: |$)"), step)
    for pattern, step in (
        (r"ct state established,related accept", lambda *_: False),
        (r"icmpv6 type \{ [a-z, -]+ \} accept", lambda *_: False),
        (r"(ip6?) saddr \. \1 daddr @(\S+)", _pair_in_set),
        (r"(ip6?) daddr \. (tcp|udp|sctp) dport @(\S+)", _named_port),
        (r"(ip6?) ([sd]addr) vmap @(\S+)", _verdict_of_map),
        (r"(ip6?) ([sd]addr) @(\S+)", _in_set),
        (r"(ip6?) ([sd]addr) != \{ ([^}]+) \}", _not_in_blocks),
        (r"(ip6?) ([sd]addr) ([0-9a-f.:]+(?:/\d+)?)", _in_block),
        (r"meta l4proto (\S+)", lambda _content, packet, match: packet.protocol == match[1]),
        (r"(tcp|udp|sctp) dport \{ ([^}]+) \}", _port),
        (r"jump (\S+)", _jump),
        (r"accept|drop", _end),
    )
]
