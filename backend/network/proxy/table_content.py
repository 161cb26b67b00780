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
from backend.network.proxy.service_rules import ServiceRules

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
    """Of two services with the same address and port, the one that comes last has it. Takes some ms for a thousand."""
    chains, sets, maps = dict(_base_chains(grounds)), dict[str, Set](), dict[str, Map]()
    leads: dict[str, dict[str, str]] = {}
    members: dict[str, set[str]] = {}
    for rules in services:
        chains.update(rules.chains)
        sets.update(rules.sets)
        for name, elements in rules.leads.items():
            leads.setdefault(name, {}).update(elements)
        for name, joined in rules.members.items():
            members.setdefault(name, set()).update(joined)
    for family in FAMILIES:
        target = f"{family.type} . inet_proto . inet_service"
        for name, key in (
            (names.addresses(family), target),
            (names.node_ports(family), "inet_proto . inet_service"),
        ):
            maps[name] = Map(f"{key} : verdict", leads.get(name, {}))
        for name, of in (
            (names.to_itself(family), f"{family.type} . {family.type}"),
            (names.elsewhere(family), target),
        ):
            sets[name] = Set(of, frozenset(members.get(name, ())))
    return Content(chains, sets, maps)


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
