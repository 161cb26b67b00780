"""Which of the nodes that can run a pod suits it best.

Source: the score plugins NodeResourcesFit (LeastAllocated), NodeAffinity and TaintToleration, with the default
scheduler's weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from backend.meta.types import Obj
from backend.scheduler.affinity import preferred_weight
from backend.scheduler.nodeinfo import Load, NodeInfo, untolerated

_MAX = Fraction(100)
_AFFINITY_WEIGHT = 2
_TAINT_WEIGHT = 3


def best(spec: Obj, load: Load, nodes: Sequence[NodeInfo]) -> NodeInfo:
    """The node with the highest score; of equal ones that with the fewest pods, then the first."""
    if len(nodes) == 1:
        return nodes[0]
    preferred = _normalized([preferred_weight(spec, info.obj or {}) for info in nodes])
    disliked = _normalized([_disliked(spec, info.obj or {}) for info in nodes])
    scores = [
        _least_allocated(load, info) + _AFFINITY_WEIGHT * likes + _TAINT_WEIGHT * (_MAX - dislikes)
        for info, likes, dislikes in zip(nodes, preferred, disliked, strict=True)
    ]
    order = sorted(range(len(nodes)), key=lambda index: (-scores[index], len(nodes[index].pods), index))
    return nodes[order[0]]


def _least_allocated(load: Load, info: NodeInfo) -> Fraction:
    """The mean, over cpu and memory, of the share of the node that would be left free."""
    shares = []
    for name in ("cpu", "memory"):
        offered = info.allocatable.get(name, Fraction(0))
        taken = info.scored.get(name, Fraction(0)) + load.scored[name]
        shares.append((offered - taken) * _MAX / offered if 0 < taken <= offered else Fraction(0))
    return sum(shares, Fraction(0)) / len(shares)


def _disliked(spec: Obj, node: Obj) -> int:
    taints = [
        taint
        for taint in (node.get("spec") or {}).get("taints") or ()
        if taint.get("effect") == "PreferNoSchedule"
    ]
    return len(untolerated(taints, spec.get("tolerations") or ()))


def _normalized(values: Sequence[int]) -> list[Fraction]:
    highest = max(values)
    return [_MAX * value / highest if highest else Fraction(0) for value in values]
