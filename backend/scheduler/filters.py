"""Which nodes can run a pod, and why the others cannot.

Source: the filter plugins of pkg/scheduler/framework/plugins, in the order in which the default scheduler asks
them. The first that refuses a node gives the reasons.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from backend.meta.types import Obj
from backend.scheduler.affinity import matches_required
from backend.scheduler.nodeinfo import Load, NodeInfo, untolerated

_UNSCHEDULABLE_TAINT = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """`for_good`: no removal of other pods from the node would help."""

    reasons: tuple[str, ...]
    for_good: bool


Filter = Callable[[Obj, Load, NodeInfo, Obj], Refusal | None]
"""(pod spec, its load, the node with its pods, the node) -> None where the pod fits."""


def _unschedulable(spec: Obj, _load: Load, _info: NodeInfo, node: Obj) -> Refusal | None:
    cordoned = (node.get("spec") or {}).get("unschedulable")
    if cordoned and untolerated((_UNSCHEDULABLE_TAINT,), spec.get("tolerations") or ()):
        return Refusal(("node(s) were unschedulable",), for_good=True)
    return None


def _taints(spec: Obj, _load: Load, _info: NodeInfo, node: Obj) -> Refusal | None:
    taints = [
        taint
        for taint in (node.get("spec") or {}).get("taints") or ()
        if taint.get("effect") in ("NoSchedule", "NoExecute")
    ]
    if untolerated(taints, spec.get("tolerations") or ()):
        return Refusal(("node(s) had untolerated taint(s)",), for_good=True)
    return None


def _affinity(spec: Obj, _load: Load, _info: NodeInfo, node: Obj) -> Refusal | None:
    if matches_required(spec, node):
        return None
    return Refusal(("node(s) didn't match Pod's node affinity/selector",), for_good=True)


def _ports(_spec: Obj, load: Load, info: NodeInfo, _node: Obj) -> Refusal | None:
    if any(info.takes(port) for port in load.ports):
        return Refusal(("node(s) didn't have free ports for the requested pod ports",), for_good=False)
    return None


def _resources(_spec: Obj, load: Load, info: NodeInfo, _node: Obj) -> Refusal | None:
    reasons: list[str] = []
    for_good = False
    if len(info.pods) + 1 > info.allocatable.get("pods", 0):
        reasons.append("Too many pods")
    for name, amount in load.requests.items():
        offered = info.allocatable.get(name, 0)
        if amount > 0 and amount > offered - info.requested.get(name, 0):
            reasons.append(f"Insufficient {name}")
            for_good = for_good or amount > offered
    return Refusal(tuple(reasons), for_good) if reasons else None


_FILTERS: tuple[Filter, ...] = (_unschedulable, _taints, _affinity, _ports, _resources)


def refuse(spec: Obj, load: Load, info: NodeInfo) -> Refusal | None:
    """Why the node cannot run the pod; None if it can."""
    node = info.obj
    if node is None:
        return Refusal((f'node "{info.name}" not found',), for_good=True)
    for check in _FILTERS:
        refusal = check(spec, load, info, node)
        if refusal is not None:
            return refusal
    return None
