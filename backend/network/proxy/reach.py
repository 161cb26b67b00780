"""Which endpoints each address of a service may have connections to, and what a change of that ends.

The rules say where new connections go. Those that there are go on to an endpoint that is only not ready or terminating,
and end when it leaves the slices; UDP, which has no end, does not go on to an endpoint that does not serve.
Source: pkg/proxy/conntrack/cleanup.go for UDP.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from backend.network.proxy.conntrack import Flow, Selection
from backend.network.proxy.endpoints import Endpoint
from backend.network.proxy.service_ports import ServicePort

Frontend = tuple[str, str, int]
"""(protocol, address, port); the address is "" for a node port."""
Place = tuple[str, int]
"""(address, port) of an endpoint."""
Reach = Mapping[Frontend, frozenset[Place]]

_FEW = 8
"""Addresses that the kernel is asked for one by one, each time looking at its whole table."""


def reach_of(port: ServicePort, endpoints: Sequence[Endpoint]) -> dict[Frontend, frozenset[Place]]:
    allowed = frozenset(
        (each.address, each.port) for each in endpoints if each.serving or each.ready or port.protocol != "udp"
    )
    addresses = [port.cluster_ip, *port.external_ips, *port.load_balancer_ips]
    reach = {(port.protocol, address, port.port): allowed for address in addresses}
    if port.node_port:
        reach[port.protocol, "", port.node_port] = allowed
    return reach


@dataclass(slots=True)
class Ended:
    """What changes of services end."""

    left: dict[Frontend, set[Place]] = field(default_factory=dict)
    """Endpoints that a frontend has no more."""
    opened: set[Frontend] = field(default_factory=set)
    """UDP frontends that had no endpoint before: what was sent there is remembered as not translated."""

    def add(self, before: Reach, now: Reach) -> None:
        for frontend, places in before.items():
            gone = places - now.get(frontend, frozenset())
            if gone:
                self.left.setdefault(frontend, set()).update(gone)
        for frontend, places in now.items():
            if frontend[0] == "udp" and places and not before.get(frontend):
                self.opened.add(frontend)

    def __bool__(self) -> bool:
        return bool(self.left or self.opened)

    def selections(self) -> list[Selection]:
        """The connections that may be among them."""
        addresses = {address for places in self.left.values() for address, _ in places}
        few = len(addresses) <= _FEW
        found = [Selection(answering=each) for each in addresses] if few else [Selection(translated=True)]
        return [*found, Selection(protocol="udp")] if self.opened else found

    def stale(self, flows: Iterable[Flow]) -> list[Flow]:
        return [flow for flow in flows if any(self._ends(flow, frontend) for frontend in _frontends(flow))]

    def _ends(self, flow: Flow, frontend: Frontend) -> bool:
        if flow.translated:
            return flow.endpoint in self.left.get(frontend, ())
        return frontend in self.opened


EVERYTHING = (Selection(translated=True), Selection(protocol="udp"))
"""What `abandoned` has to see."""


def abandoned(flows: Iterable[Flow], reach: Reach) -> list[Flow]:
    """Connections by a service's address to what is no endpoint of it: they lost it while nobody looked."""
    return [
        flow
        for flow in flows
        if (places := reach.get((flow.protocol, *flow.destination))) is not None
        and (flow.endpoint not in places if flow.translated else flow.protocol == "udp" and places)
    ]


def _frontends(flow: Flow) -> tuple[Frontend, Frontend]:
    address, port = flow.destination
    return (flow.protocol, address, port), (flow.protocol, "", port)
