"""The rules of one service: pure functions of what it asks for and of its endpoints.

Each (address, protocol, port) of a service leads by a map that all services share to a chain of its own, which
chooses an endpoint at random. A service with affinity has a chain and a set for each endpoint: the set remembers the
clients that were sent there, for as long as they were last seen.
Source of what leads where: pkg/proxy/nftables/proxier.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from backend.network.nftables import Chain, Set
from backend.network.proxy import names
from backend.network.proxy.endpoints import Endpoint, choose
from backend.network.proxy.service_ports import ServicePort


@dataclass(slots=True)
class ServiceRules:
    """One service's part of the table, never changed once it is made. Equal rules are equal."""

    chains: dict[str, Chain] = field(default_factory=dict)
    sets: dict[str, Set] = field(default_factory=dict)
    leads: dict[str, dict[str, str]] = field(default_factory=dict)
    """Elements of the maps that all services share, by the map's name."""
    members: dict[str, set[str]] = field(default_factory=dict)
    """The same of shared sets."""

    def lead(self, name: str, key: str, verdict: str) -> None:
        """The first one of a key counts."""
        self.leads.setdefault(name, {}).setdefault(key, verdict)

    def join(self, name: str, element: str) -> None:
        self.members.setdefault(name, set()).add(element)


def add_rules(
    rules: ServiceRules, port: ServicePort, endpoints: Sequence[Endpoint], pod_subnets: Sequence[str]
) -> None:
    """`endpoints` are all of this port; `pod_subnets` of its family. What is no pod of this machine is not `local`."""
    chosen = choose(endpoints)
    target = _Target(rules, port)
    if chosen.cluster:
        everywhere = target.balance("cluster", chosen.cluster)
        nearby = everywhere if chosen.local == chosen.cluster else target.balance("local", chosen.local)
        internal = nearby if port.internal_local else everywhere
        external = everywhere
        if port.external_local and nearby != everywhere:
            external = target.external(everywhere, nearby, pod_subnets)
        guarded = target.restricted(external)
    else:
        internal = external = guarded = f"goto {names.REJECT}"
    target.lead(port.cluster_ip, internal)
    for address in port.external_ips:
        target.lead(address, external)
    for address in port.load_balancer_ips:
        target.lead(address, guarded)
    if port.node_port:
        rules.lead(names.node_ports(port.family), f"{port.protocol} . {port.node_port}", external)
    for each in {*chosen.cluster, *chosen.local}:
        if each.local:
            rules.join(names.to_itself(port.family), f"{each.address} . {each.address}")
        else:
            rules.join(names.elsewhere(port.family), f"{each.address} . {port.protocol} . {each.port}")


class _Target:
    """Makes the chains of one port; each method answers the verdict that leads there."""

    def __init__(self, rules: ServiceRules, port: ServicePort) -> None:
        self._rules = rules
        self._port = port
        self._family = port.family

    def lead(self, address: str, verdict: str) -> None:
        port = self._port
        self._rules.lead(names.addresses(self._family), f"{address} . {port.protocol} . {port.port}", verdict)

    def balance(self, scope: str, endpoints: Sequence[Endpoint]) -> str:
        """Even by chance, as every new connection is a draw of its own. To nobody: dropped, since somebody elsewhere
        has what this node has not, so that a refusal would be wrong."""
        if not endpoints:
            return "drop"
        if self._port.affinity_seconds:
            return self._chain(scope, self._sticky_rules(endpoints))
        return self._chain(scope, (self._translation(endpoints),))

    def external(self, everywhere: str, nearby: str, pod_subnets: Sequence[str]) -> str:
        """Traffic from outside stays on this node, pods and the node itself may have any endpoint."""
        ip = self._family.keyword
        pods = [f"{ip} saddr {subnet} {everywhere}" for subnet in pod_subnets]
        return self._chain("external", (*pods, f"fib saddr type local {everywhere}", nearby))

    def restricted(self, verdict: str) -> str:
        ranges = self._port.source_ranges
        if not ranges:
            return verdict
        outside = f"{self._family.keyword} saddr != {{ {', '.join(ranges)} }} drop"
        return self._chain("load-balancer", (outside, verdict))

    def _sticky_rules(self, endpoints: Sequence[Endpoint]) -> tuple[str, ...]:
        ip, seconds = self._family.keyword, self._port.affinity_seconds
        options = ("flags dynamic,timeout", f"timeout {seconds}s")
        known, fresh = [], []
        for number, each in enumerate(endpoints):
            where = f"{each.address}/{each.port}".replace(":", ".")
            clients = self._name(f"clients-{seconds}s") + f"/{where}"
            self._rules.sets[clients] = Set(self._family.type, options=options)
            verdict = self._chain(
                "endpoint", (f"update @{clients} {{ {ip} saddr }}", self._translation([each])), f"/{where}"
            )
            known.append(f"{ip} saddr @{clients} {verdict}")
            fresh.append(f"{number} : {verdict}")
        return (*known, f"numgen random mod {len(endpoints)} vmap {{ {', '.join(fresh)} }}")

    def _translation(self, endpoints: Sequence[Endpoint]) -> str:
        to = f"meta l4proto {self._port.protocol} dnat {self._family.keyword} to"
        if len(endpoints) == 1:
            return f"{to} {self._family.join(endpoints[0].address, endpoints[0].port)}"
        slots = ", ".join(f"{number} : {each.address} . {each.port}" for number, each in enumerate(endpoints))
        return f"{to} numgen random mod {len(endpoints)} map {{ {slots} }}"

    def _chain(self, scope: str, rules: tuple[str, ...], suffix: str = "") -> str:
        name = self._name(scope) + suffix
        self._rules.chains[name] = Chain(rules)
        return f"goto {name}"

    def _name(self, scope: str) -> str:
        return f"{scope}{self._family.version}/{self._port.path}"
