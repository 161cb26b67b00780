"""How long a failed pod is waited for to be replaced. Source: pkg/controller/job/backoff_utils.go.

Ten seconds after the first failure since the last success, doubled by each further one. kube's controller forgets the
failures when it is restarted; ours finds them again by the pods that are still there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from backend.controllers.workloads.pods import condition
from backend.meta import timefmt
from backend.meta.types import Obj

FIRST_SECONDS = 10.0
MAX_SECONDS = 600.0


class Failures(NamedTuple):
    """Since the last success of a Job."""

    number: int = 0
    last: float = 0.0
    """When the newest happened, in seconds since the epoch."""

    def and_then(self, succeeded: Sequence[Obj], failed: Sequence[Obj]) -> Failures:
        """What becomes of them by pods that have ended since."""
        before = Failures() if succeeded else self
        if not failed:
            return before
        since = max(map(finish_time, succeeded), default=0.0)
        times = [when for when in map(finish_time, failed) if when > since]
        return Failures(before.number + len(times), max(times)) if times else before

    def wait(self, now: float) -> float:
        """Seconds until a pod may be made, 0 for at once."""
        if not self.number:
            return 0.0
        delay = min(FIRST_SECONDS * 2.0 ** min(self.number - 1, 30), MAX_SECONDS)
        return max(0.0, self.last + delay - now)


def finish_time(pod: Obj) -> float:
    """When the pod ended, as well as can be told: by its containers, its readiness, its deletion, or its creation."""
    status, meta = pod.get("status") or {}, pod["metadata"]
    ended = list(_container_ends(status.get("containerStatuses") or ()))
    if ended and all(ended):
        return max(timefmt.parse(end) for end in ended)
    ready = condition(pod, "Ready")
    if ready is not None and ready.get("status") == "False" and ready.get("lastTransitionTime"):
        return timefmt.parse(ready["lastTransitionTime"])
    if meta.get("deletionTimestamp"):
        return timefmt.parse(meta["deletionTimestamp"]) - float(meta.get("deletionGracePeriodSeconds", 0))
    return timefmt.parse(meta["creationTimestamp"])


def _container_ends(statuses: Iterable[Obj]) -> Iterable[str]:
    for status in statuses:
        yield ((status.get("state") or {}).get("terminated") or {}).get("finishedAt") or ""
