"""Policies and pods as objects of the API, for whatever makes rules of them."""

from __future__ import annotations

from typing import Any

from backend.meta.types import Obj
from backend.resources.networking.network_policy_rules import default_network_policy


def policy(name: str, namespace: str = "default", **spec: Any) -> Obj:
    made: Obj = {"metadata": {"name": name, "namespace": namespace}, "spec": spec}
    default_network_policy(made)
    return made


def labelled(**labels: str) -> Obj:
    """A selector."""
    return {"matchLabels": labels}


def pod(
    name: str, *addresses: str, namespace: str = "default", ports: dict[str, int] | None = None, **labels: str
) -> Obj:
    """`ports` are TCP, by name."""
    declared = [{"name": name, "containerPort": number} for name, number in (ports or {}).items()]
    return {
        "metadata": {"name": name, "namespace": namespace, "uid": name, "labels": labels, "resourceVersion": "1"},
        "spec": {"containers": [{"name": "c", "ports": declared}]},
        "status": {"phase": "Running", "podIPs": [{"ip": address} for address in addresses]},
    }
