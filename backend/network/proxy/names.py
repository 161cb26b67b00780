"""The names of what the proxy has in the cluster's table, and of what its services share there."""

from __future__ import annotations

from backend.network.proxy.family import Family

REJECT = "proxy/reject"
DISPATCH = "proxy/dispatch"


def addresses(family: Family) -> str:
    """Map of (address, protocol, port) to what happens: all of a service's addresses but the node's own."""
    return f"proxy/addresses{family.version}"


def node_ports(family: Family) -> str:
    """Map of (protocol, port) to what happens, for the node's own addresses."""
    return f"proxy/node-ports{family.version}"


def to_itself(family: Family) -> str:
    """Set of (address, same address) of endpoints that may reach themselves by their service."""
    return f"proxy/to-itself{family.version}"


def elsewhere(family: Family) -> str:
    """Set of (address, protocol, port) of endpoints that are not pods of this machine."""
    return f"proxy/elsewhere{family.version}"
