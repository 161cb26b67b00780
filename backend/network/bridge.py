"""The bridge that pods are on, as the container engine knows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PodBridge:
    """`name` is the interface on this machine; `subnets` and `gateways` (this machine's own addresses there) are pairs,
    one of each IP family that pods have."""

    name: str
    subnets: tuple[str, ...]
    gateways: tuple[str, ...]
