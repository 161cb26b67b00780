"""The proxy's section of the cluster's table: what all services share, and the rules of each.

Base chains, in the order in which a packet meets them:

- `loopback` drops what comes from the bridge to or from 127.0.0.0/8: it would pass, as node ports are served there.
- `prerouting` (packets of others) and `output` (of this machine) translate service addresses, just before Docker's.
- `forward` and `output` guards reject what is still addressed to a service once that is over.
- `postrouting` masquerades what would be answered past this machine otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from backend.network.bridge import PodBridge
from backend.network.nftables import Chain, Content, Map, Set
from backend.network.proxy import names
from backend.network.proxy.family import FAMILIES, Family, family_of
from backend.network.proxy.service_rules import Key, ServiceRules

_BEFORE_DOCKERS = 1
"""Docker's chains are iptables', at the usual priorities; the first translation of a connection counts."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """What the rules of all services stand on."""

    bridge: PodBridge
    service_cidrs: tuple[str, ...]
    """All ranges whose addresses lead nowhere without a rule."""

    def pod_subnets(self, family: Family) -> list[str]:
        return [subnet for subnet in self.bridge.subnets if family_of(subnet) == family]


def section(grounds: Grounds, services: Iterable[ServiceRules]) -> Content:
    """Of two services with the same address and port, the one that comes first has it."""
    chains = dict(_base_chains(grounds))
    sets: dict[str, Set] = {}
    leads: dict[Key, str] = {}
    node_ports: dict[Key, str] = {}
    to_itself: set[Key] = set()
    elsewhere: set[Key] = set()
    for rules in services:
        chains.update(rules.chains)
        sets.update(rules.sets)
        _lead(leads, rules.addresses)
        _lead(node_ports, rules.node_ports)
        to_itself |= rules.to_itself
        elsewhere |= rules.elsewhere
    maps: dict[str, Map] = {}
    for family in FAMILIES:
        address = family.type
        target = f"{address} . inet_proto . inet_service"
        maps[names.addresses(family)] = Map(f"{target} : verdict", _map_of(family, leads))
        maps[names.node_ports(family)] = Map("inet_proto . inet_service : verdict", _map_of(family, node_ports))
        sets[names.to_itself(family)] = Set(f"{address} . {address}", _set_of(family, to_itself))
        sets[names.elsewhere(family)] = Set(target, _set_of(family, elsewhere))
    return Content(chains, sets, maps)


def _lead(leads: dict[Key, str], more: dict[Key, str]) -> None:
    for key, verdict in more.items():
        leads.setdefault(key, verdict)


def _map_of(family: Family, elements: dict[Key, str]) -> dict[str, str]:
    return {key: verdict for (of, key), verdict in elements.items() if of is family}


def _set_of(family: Family, elements: set[Key]) -> frozenset[str]:
    return frozenset(key for of, key in elements if of is family)


def _base_chains(grounds: Grounds) -> Iterable[tuple[str, Chain]]:
    bridge = grounds.bridge.name
    loopback = tuple(f'iifname "{bridge}" ip {end} 127.0.0.0/8 drop' for end in ("daddr", "saddr"))
    guard = tuple(f"{family_of(cidr).keyword} daddr {cidr} goto {names.REJECT}" for cidr in grounds.service_cidrs)
    yield (
        names.REJECT,
        Chain(("meta l4proto tcp reject with tcp reset", "reject with icmpx type port-unreachable")),
    )
    yield names.DISPATCH, Chain(tuple(_dispatch()))
    yield "proxy/loopback", Chain(loopback, "type filter hook prerouting priority raw")
    translate = (f"jump {names.DISPATCH}",)
    yield "proxy/prerouting", Chain(translate, f"type nat hook prerouting priority {-100 - _BEFORE_DOCKERS}")
    yield "proxy/output", Chain(translate, f"type nat hook output priority {-100 - _BEFORE_DOCKERS}")
    yield "proxy/guard-forward", Chain(guard, f"type filter hook forward priority {-_BEFORE_DOCKERS}")
    yield "proxy/guard-output", Chain(guard, f"type filter hook output priority {-_BEFORE_DOCKERS}")
    masquerade = tuple(_masquerade(grounds))
    yield "proxy/postrouting", Chain(masquerade, f"type nat hook postrouting priority {100 - _BEFORE_DOCKERS}")


def _dispatch() -> Iterable[str]:
    for family in FAMILIES:
        target = "meta l4proto . th dport vmap"
        yield f"{family.keyword} daddr . {target} @{names.addresses(family)}"
        # No node ports at ::1, as with kube-proxy: there is no route_localnet for IPv6.
        here = "meta nfproto ipv4" if family.version == 4 else "ip6 daddr != ::1"
        yield f"{here} fib daddr type local {target} @{names.node_ports(family)}"


def _masquerade(grounds: Grounds) -> Iterable[str]:
    """A pod that reaches itself, an endpoint elsewhere, which would answer past us, and a node port at 127.0.0.1."""
    for family in FAMILIES:
        ip = family.keyword
        yield f"ct status dnat {ip} saddr . {ip} daddr @{names.to_itself(family)} masquerade"
        away = f"{ip} daddr . meta l4proto . th dport @{names.elsewhere(family)}"
        yield f'oifname != "lo" ct status dnat {away} masquerade'
    yield f'ct status dnat ip saddr 127.0.0.0/8 oifname "{grounds.bridge.name}" masquerade'
