"""What EndpointSlices say about where a service's ports lead, and which of it gets new connections.

Sources: pkg/proxy/endpointslicecache.go, pkg/proxy/topology.go (CategorizeEndpoints). With one node there is one zone,
so hints are of no account.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from backend.meta.types import Obj
from backend.network.proxy.family import BY_NAME, Family, canonical

PortKey = tuple[str, str, Family]
"""(name of the service's port, protocol in lower case, family)."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    address: str
    port: int
    ready: bool
    serving: bool
    """Ready but for that it may be terminating."""
    terminating: bool
    local: bool
    """On this node."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Who gets new connections."""

    cluster: tuple[Endpoint, ...]
    local: tuple[Endpoint, ...]
    """Where the service's traffic policy is Local."""


def endpoints_by_port(slices: Iterable[Obj], node_name: str) -> dict[PortKey, tuple[Endpoint, ...]]:
    """Of the slices of one service. An endpoint that is in several of them is there once; slices of FQDNs are not
    for proxies."""
    found: dict[PortKey, dict[tuple[str, int], Endpoint]] = {}
    for entry in slices:
        family = BY_NAME.get(entry.get("addressType", ""))
        if family is None:
            continue
        for port in entry.get("ports") or ():
            if port.get("port"):
                key = (port.get("name") or "", (port.get("protocol") or "TCP").lower(), family)
                _collect(found.setdefault(key, {}), entry, port["port"], node_name)
    return {
        key: tuple(sorted(known.values(), key=lambda each: (each.address, each.port)))
        for key, known in found.items()
    }


def _collect(known: dict[tuple[str, int], Endpoint], entry: Obj, port: int, node_name: str) -> None:
    for item in entry.get("endpoints") or ():
        address, conditions = canonical(next(iter(item.get("addresses") or ()), "")), item.get("conditions") or {}
        if not address:
            continue
        # What is not said: unknown counts as ready. Source: the API's documentation of EndpointConditions.
        ready = conditions.get("ready") is not False
        serving = ready if conditions.get("serving") is None else bool(conditions["serving"])
        terminating = bool(conditions.get("terminating"))
        local = item.get("nodeName") == node_name
        before = known.get((address, port))
        if before is None or (ready and not before.ready):
            known[address, port] = Endpoint(address, port, ready, serving, terminating, local)


def choose(endpoints: Sequence[Endpoint]) -> Chosen:
    """The ready ones; where there are none, those that still serve while they terminate."""
    return Chosen(_usable(endpoints), _usable([each for each in endpoints if each.local]))


def _usable(endpoints: Sequence[Endpoint]) -> tuple[Endpoint, ...]:
    ready = tuple(each for each in endpoints if each.ready)
    return ready or tuple(each for each in endpoints if each.serving and each.terminating)
