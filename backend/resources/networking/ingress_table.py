"""The ingress's table. Source: printIngress."""

from __future__ import annotations

from typing import Any

from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.core.service_table import ingress_points

_SHOWN = 3
"""Hosts that the table shows."""


def _hosts(rules: list[Obj]) -> str:
    hosts: list[str] = []
    more = False
    for rule in rules:
        more = more or len(hosts) == _SHOWN
        if not more and rule.get("host"):
            hosts.append(rule["host"])
    if more:
        return f"{','.join(hosts)} + {len(rules) - _SHOWN} more..."
    return ",".join(hosts) or "*"


def row(ingress: Obj, now: float) -> list[Any]:
    spec = ingress.get("spec") or {}
    return [
        ingress["metadata"]["name"], spec.get("ingressClassName", cells.NONE), _hosts(spec.get("rules") or []),
        ingress_points(ingress.get("status") or {}), "80, 443" if spec.get("tls") else "80",
        cells.age(ingress, now),
    ]  # fmt: skip
