"""The scheduler's decision on one pod: a node, or the words that say why there is none. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from backend.meta.types import Obj
from backend.scheduler.filters import Refusal, refuse
from backend.scheduler.nodeinfo import Load, NodeInfo
from backend.scheduler.scores import best

_NO_NODES = "no nodes available to schedule pods"


@dataclass(frozen=True, slots=True)
class Decision:
    node: str = ""
    message: str = ""
    """Why there is no node, as kube-scheduler says it."""


def decide(spec: Obj, load: Load, nodes: Sequence[NodeInfo]) -> Decision:
    """Raises nothing; exactly one of the decision's fields is set."""
    if not nodes:
        return Decision(message=_NO_NODES)
    fitting: list[NodeInfo] = []
    refusals: list[Refusal] = []
    for info in nodes:
        refusal = refuse(spec, load, info)
        if refusal is None:
            fitting.append(info)
        else:
            refusals.append(refusal)
    if fitting:
        return Decision(node=best(spec, load, fitting).name)
    return Decision(message=_unschedulable(spec, refusals))


def _unschedulable(spec: Obj, refusals: Sequence[Refusal]) -> str:
    """Source: FitError.Error; what follows the reasons is said by the plugins that would make room."""
    reasons = _counted(reason for refusal in refusals for reason in refusal.reasons)
    text = f"0/{len(refusals)} nodes are available: {reasons}. no new claims to deallocate, preemption: "
    if spec.get("preemptionPolicy") == "Never":
        return text + "not eligible due to preemptionPolicy=Never."
    helps = _counted(
        "Preemption is not helpful for scheduling"
        if refusal.for_good
        else "No preemption victims found for incoming pod"
        for refusal in refusals
    )
    return f"{text}0/{len(refusals)} nodes are available: {helps}."


def _counted(reasons: Iterable[str]) -> str:
    return ", ".join(sorted(f"{count} {reason}" for reason, count in Counter(reasons).items()))
