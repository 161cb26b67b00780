"""What a NetworkPolicy says, read once: whom it isolates in which direction, and what it lets through.

Source of the meaning: the API's own descriptions (k8s.io/api/networking/v1, `kubectl explain networkpolicy`).
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from backend.meta.addresses import Network, parse_cidr
from backend.meta.label_selector import as_selector
from backend.meta.selectors import Selector
from backend.meta.types import Obj

Direction = Literal["ingress", "egress"]
INGRESS: Final = "ingress"
EGRESS: Final = "egress"
DIRECTIONS: tuple[Direction, ...] = (INGRESS, EGRESS)
LAST_PORT = 65535

_PEERS = {INGRESS: "from", EGRESS: "to"}


@dataclass(frozen=True, slots=True)
class PodPeer:
    """Pods by their labels: of one namespace, or, where `namespace` is "", of all those that `namespaces` selects.
    Two are equal if they say the same, which `digest` stands for."""

    digest: str
    namespace: str = field(compare=False)
    namespaces: Selector = field(compare=False)
    pods: Selector = field(compare=False)


@dataclass(frozen=True, slots=True)
class Block:
    """Addresses of one family: those of `network` without those of `excepted`, which do not overlap."""

    network: Network
    excepted: tuple[Network, ...] = ()


Peer = PodPeer | Block


@dataclass(frozen=True, slots=True)
class Ports:
    """Of one protocol (tcp, udp or sctp): the port that pods call `name`, or numbers in `ranges` (first, last), which
    are in order and apart."""

    protocol: str
    ranges: tuple[tuple[int, int], ...] = ((0, LAST_PORT),)
    name: str = ""

    @property
    def is_all(self) -> bool:
        return not self.name and self.ranges == ((0, LAST_PORT),)


@dataclass(frozen=True, slots=True)
class Rule:
    """Lets through what is of one of `peers` at one of `ports`; None is any, and no peer at all is nobody."""

    peers: tuple[Peer, ...] | None
    ports: tuple[Ports, ...] | None


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """`rules` has the directions in which the selected pods are isolated. Each reading is one of its own."""

    namespace: str
    name: str
    pods: Selector
    rules: Mapping[Direction, tuple[Rule, ...]]


def read_policy(policy: Obj) -> Policy:
    """Of an object that the API server has taken: with its defaults, and valid."""
    meta, spec = policy["metadata"], policy.get("spec") or {}
    namespace: str = meta["namespace"]
    types = [str(kind).lower() for kind in spec.get("policyTypes") or ()]
    rules = {
        direction: tuple(_rule(rule, namespace, _PEERS[direction]) for rule in spec.get(direction) or ())
        for direction in DIRECTIONS
        if direction in types
    }
    return Policy(namespace, meta["name"], as_selector(spec.get("podSelector") or {}), rules)


def _rule(rule: Obj, namespace: str, field_name: str) -> Rule:
    peers, ports = rule.get(field_name), rule.get("ports")
    return Rule(_peers(peers, namespace) if peers else None, _ports(ports) if ports else None)


def _peers(given: Iterable[Obj], namespace: str) -> tuple[Peer, ...]:
    found: dict[Peer, None] = {}
    for peer in given:
        if block := peer.get("ipBlock"):
            network = parse_cidr(block["cidr"])
            if network is not None:
                found[_block(network[1], block.get("except") or ())] = None
        else:
            found[_pod_peer(peer, namespace)] = None
    return tuple(found)


def _pod_peer(peer: Obj, namespace: str) -> PodPeer:
    pods = as_selector(peer.get("podSelector") or {})
    if (chosen := peer.get("namespaceSelector")) is None:
        return PodPeer(digest(f"{namespace}|{pods}"), namespace, Selector(), pods)
    namespaces = as_selector(chosen)
    return PodPeer(digest(f"|{namespaces}|{pods}"), "", namespaces, pods)


def digest(text: str) -> str:
    """Short enough to be part of a name, and long enough to be nobody else's."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _block(network: Network, texts: Iterable[str]) -> Block:
    parts = [found[1] for text in texts if (found := parse_cidr(text)) is not None]
    if isinstance(network, ipaddress.IPv4Network):
        four = [part for part in parts if isinstance(part, ipaddress.IPv4Network)]
        return Block(network, tuple(ipaddress.collapse_addresses(four)))
    six = [part for part in parts if isinstance(part, ipaddress.IPv6Network)]
    return Block(network, tuple(ipaddress.collapse_addresses(six)))


def _ports(given: Iterable[Obj]) -> tuple[Ports, ...]:
    """Numbers of one protocol are together; each name stands for itself."""
    numbers: dict[str, list[tuple[int, int]]] = {}
    named: dict[Ports, None] = {}
    for entry in given:
        protocol, port = entry.get("protocol", "TCP").lower(), entry.get("port")
        if isinstance(port, str):
            named[Ports(protocol, (), port)] = None
        elif port is None:
            numbers.setdefault(protocol, []).append((0, LAST_PORT))
        else:
            numbers.setdefault(protocol, []).append((port, entry.get("endPort") or port))
    return (*(Ports(protocol, _apart(ranges)) for protocol, ranges in numbers.items()), *named)


def _apart(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The same numbers in ranges that neither overlap nor touch."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)
