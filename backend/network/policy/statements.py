"""Policies as chains of the kernel's rules.

A policy has a chain for each direction in which it isolates: what a rule lets through is accepted there. Pods that obey
the same policies share a chain that visits those policies' chains, and then drops. Whose packets go there is a matter
of a map's elements, who is a peer one of sets' elements: a pod that comes and goes changes no rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from backend.network.nftables import Chain
from backend.network.policy.rules import (
    DIRECTIONS,
    EGRESS,
    INGRESS,
    Block,
    Direction,
    Peer,
    PodPeer,
    Policy,
    Ports,
    digest,
)
from backend.network.policy.rules import Rule as PolicyRule

PREFIX = "policy-"
FAMILIES = {4: "ip", 6: "ip6"}
"""By IP version, what nft calls the header."""
ADDRESS_TYPE = {4: "ipv4_addr", 6: "ipv6_addr"}
OWN_SIDE = {INGRESS: "daddr", EGRESS: "saddr"}
"""Where the isolated pod is; its peer is on the other side."""
PEER_SIDE = {INGRESS: "saddr", EGRESS: "daddr"}

_HOOK_PRIORITY = {EGRESS: "filter + 1", INGRESS: "filter + 2"}
"""One after the other: what one direction accepts goes on to the next hook. Both after the proxy has translated service
addresses, and rejected those that lead nowhere."""
_BEFORE_TRANSLATION = {EGRESS: "dstnat - 10", INGRESS: "dstnat - 9"}
_NAME_LENGTH = 200
"""Of nft's 255 bytes."""
_NEIGHBOURS = "nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert"


def map_name(direction: Direction, family: int) -> str:
    """address of an isolated pod : verdict."""
    return f"{PREFIX}{direction}-{family}"


def self_name(family: int) -> str:
    """address . address of each isolated pod."""
    return f"{PREFIX}self-{family}"


def peer_name(peer: PodPeer, family: int) -> str:
    """The addresses of the peer's pods."""
    return f"{PREFIX}peer-{peer.digest}-{family}"


def port_name(protocol: str, name: str, family: int) -> str:
    """address . number of all pods that have a port of this name."""
    return f"{PREFIX}port-{protocol}-{name}-{family}"


def policy_chain_name(direction: Direction, policy: Policy) -> str:
    name = f"{PREFIX}{direction}/{policy.namespace}/{policy.name}"
    return name if len(name) <= _NAME_LENGTH else f"{name[:_NAME_LENGTH]}/{digest(name)}"


def shared_chain_name(direction: Direction, policies: Sequence[Policy]) -> str:
    """Of the pods that obey these."""
    return f"{PREFIX}{direction}-all-{digest('|'.join(policy_chain_name(direction, p) for p in policies))}"


def base_chains(families: Sequence[int], resolvers: Sequence[str]) -> dict[str, Chain]:
    """Where packets between pods, and between pods and the world, come by. What this machine itself sends or gets does
    not pass here: a node always reaches its pods, and its pods reach it. Cluster DNS is on this machine, too, but
    stands for a pod: what goes to its service addresses, `resolvers`, is judged before they are translated."""
    chains: dict[str, Chain] = {}
    for direction in DIRECTIONS:
        hook = f"type filter hook forward priority {_HOOK_PRIORITY[direction]}"
        chains[f"{PREFIX}{direction}"] = Chain(tuple(_base_rules(direction, families)), hook)
        if resolvers:
            rules = tuple(_resolver_rules(direction, families, resolvers))
            hook = f"type filter hook prerouting priority {_BEFORE_TRANSLATION[direction]}"
            chains[f"{PREFIX}dns-{direction}"] = Chain(rules, hook)
    return chains


def _resolver_rules(direction: Direction, families: Sequence[int], resolvers: Sequence[str]) -> Iterator[str]:
    yield "ct state established,related accept"
    for address in resolvers:
        family = family_of(address)
        if family in families:
            header, verdicts = FAMILIES[family], map_name(direction, family)
            yield f"{header} daddr {address} {header} {OWN_SIDE[direction]} vmap @{verdicts}"


def family_of(address: str) -> int:
    """4 or 6."""
    return 6 if ":" in address else 4


def _base_rules(direction: Direction, families: Sequence[int]) -> Iterator[str]:
    yield "ct state established,related accept"
    if 6 in families:
        yield f"icmpv6 type {{ {_NEIGHBOURS} }} accept"
    for family in families:
        header = FAMILIES[family]
        yield f"{header} saddr . {header} daddr @{self_name(family)} accept"
        yield f"{header} {OWN_SIDE[direction]} vmap @{map_name(direction, family)}"


def policy_chains(policy: Policy, families: Sequence[int]) -> Iterator[tuple[str, Chain]]:
    for direction, rules in policy.rules.items():
        statements = (text for rule in rules for text in _statements(direction, rule, families))
        yield policy_chain_name(direction, policy), Chain(tuple(statements))


def shared_chain(direction: Direction, policies: Iterable[Policy]) -> Chain:
    visits = (f"jump {policy_chain_name(direction, policy)}" for policy in policies if policy.rules[direction])
    return Chain((*visits, "drop"))


def _statements(direction: Direction, rule: PolicyRule, families: Sequence[int]) -> Iterator[str]:
    for peer in (None,) if rule.peers is None else rule.peers:
        for ports in (None,) if rule.ports is None else rule.ports:
            yield from _matches(PEER_SIDE[direction], peer, ports, families)


def _matches(side: str, peer: Peer | None, ports: Ports | None, families: Sequence[int]) -> Iterator[str]:
    """A rule that names no address is one for all families."""
    if peer is None and (ports is None or not ports.name):
        yield " ".join([*_port_match(ports, 0), "accept"])
        return
    for family in families:
        if not isinstance(peer, Block) or peer.network.version == family:
            yield " ".join([*_peer_match(side, peer, family), *_port_match(ports, family), "accept"])


def _peer_match(side: str, peer: Peer | None, family: int) -> Iterator[str]:
    match = f"{FAMILIES[family]} {side}"
    if isinstance(peer, PodPeer):
        yield f"{match} @{peer_name(peer, family)}"
    elif peer is not None:
        yield f"{match} {peer.network}"
        if peer.excepted:
            yield f"{match} != {{ {', '.join(map(str, peer.excepted))} }}"


def _port_match(ports: Ports | None, family: int) -> Iterator[str]:
    if ports is None:
        return
    if ports.name:
        yield f"{FAMILIES[family]} daddr . {ports.protocol} dport @{port_name(ports.protocol, ports.name, family)}"
    elif ports.is_all:
        yield f"meta l4proto {ports.protocol}"
    else:
        numbers = (str(first) if first == last else f"{first}-{last}" for first, last in ports.ranges)
        yield f"{ports.protocol} dport {{ {', '.join(numbers)} }}"
