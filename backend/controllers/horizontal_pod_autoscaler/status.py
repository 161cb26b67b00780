"""The status of a HorizontalPodAutoscaler as it is worked out. Source: setStatus, setCondition of horizontal.go."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta.types import Obj

ABLE_TO_SCALE = "AbleToScale"
SCALING_ACTIVE = "ScalingActive"
SCALING_LIMITED = "ScalingLimited"


class Status:
    """Begins as what the object has, of which nothing is changed in place. `now` is metav1.Time."""

    def __init__(self, autoscaler: Obj, now: str) -> None:
        self._old: Obj = autoscaler.get("status") or {}
        self._now = now
        self._conditions: list[Obj] = [*(self._old.get("conditions") or ())]
        self._counts: Obj = {
            name: self._old[name]
            for name in ("currentReplicas", "desiredReplicas", "lastScaleTime", "currentMetrics")
            if name in self._old
        }

    @property
    def desired(self) -> int:
        """As it was noted last."""
        return int(self._old.get("desiredReplicas", 0))

    def condition(self, kind: str, state: bool, reason: str, message: str) -> None:
        text = "True" if state else "False"
        old = next((one for one in self._conditions if one["type"] == kind), None)
        since = old["lastTransitionTime"] if old is not None and old["status"] == text else self._now
        new = {"type": kind, "status": text, "lastTransitionTime": since, "reason": reason, "message": message}
        if old is None:
            self._conditions.append(new)
        else:
            self._conditions[self._conditions.index(old)] = new

    def count(self, current: int, desired: int, metrics: Sequence[Obj] | None, *, scaled: bool = False) -> None:
        last = {"lastScaleTime": self._now} if scaled else {}
        kept = {name: self._counts[name] for name in ("lastScaleTime",) if name in self._counts}
        shown = [*metrics] if metrics is not None else None
        self._counts = {
            **kept, **last, "currentReplicas": current, "desiredReplicas": desired, "currentMetrics": shown,
        }  # fmt: skip

    @property
    def changed(self) -> Obj | None:
        """The new status; None if it says what the old one said."""
        new = {**self._counts, "conditions": self._conditions}
        return None if new == {"conditions": [], **self._old} else new
