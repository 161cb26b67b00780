"""What a disruption budget has to say when a pod is to be evicted.

Source: EvictionREST of pkg/registry/core/pod/storage/eviction.go.
"""

from __future__ import annotations

from backend.apiserver.call import Call
from backend.apiserver.reading import find
from backend.meta import errors
from backend.meta.errors import ApiError
from backend.meta.label_selector import as_selector
from backend.meta.types import Obj
from backend.resources.core.pod_table import has_condition
from backend.resources.policy.poddisruptionbudget import POD_DISRUPTION_BUDGET
from backend.store.api import Entry, RevisionMismatch

_UNGUARDED = ("Succeeded", "Failed", "Pending")
_MAX_DISRUPTED = 2000
"""Evictions of one budget that nobody has confirmed yet."""
_VIOLATED = "Cannot evict pod as it would violate the pod's disruption budget."
_SEVERAL = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
_BUSY_SECONDS = 10


async def claim(call: Call) -> None:
    """Count the request's pod as disrupted in the budget that guards it, if one does.

    Raises 404 without the pod, 429 where the budget allows no disruption, 500 where several guard the pod.
    """
    while True:
        pod = find(call).obj
        status = pod.get("status") or {}
        if status.get("phase") in _UNGUARDED or pod["metadata"].get("deletionTimestamp"):
            return
        guards = _guards(call, pod)
        if len(guards) > 1:
            raise ApiError(500, "", _SEVERAL)
        if not guards or (not has_condition(status, "Ready") and _may_lose_unhealthy(guards[0].obj)):
            return
        try:
            await _decrement(call, guards[0])
        except RevisionMismatch:
            continue
        return


def _guards(call: Call, pod: Obj) -> list[Entry]:
    labels = pod["metadata"].get("labels")
    prefix = f"{POD_DISRUPTION_BUDGET.prefix}{call.request.namespace}/"
    return [
        entry
        for entry in call.server.store.list(prefix).entries
        if as_selector(entry.obj["spec"].get("selector")).matches(labels)
    ]


def _may_lose_unhealthy(budget: Obj) -> bool:
    """Whether a pod that is not ready may go without counting."""
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget["status"]
    return bool(0 < status["desiredHealthy"] <= status["currentHealthy"])


async def _decrement(call: Call, entry: Entry) -> None:
    """Raises RevisionMismatch where the budget has changed since."""
    budget = entry.obj
    name, status = budget["metadata"]["name"], budget["status"]
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        raise _refused(f"The disruption budget {name} is still being processed by the server.", _BUSY_SECONDS)
    if status["disruptionsAllowed"] < 0:
        raise _forbidden(name, "pdb disruptions allowed is negative")
    disrupted = status.get("disruptedPods") or {}
    if len(disrupted) > _MAX_DISRUPTED:
        text = "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
        raise _forbidden(name, text)
    if status["disruptionsAllowed"] == 0:
        needs = f"needs {status['desiredHealthy']} healthy pods and has {status['currentHealthy']} currently"
        raise _refused(f"The disruption budget {name} {needs}", 0)
    if call.dry_run:
        return
    left = {
        **status,
        "disruptionsAllowed": status["disruptionsAllowed"] - 1,
        "disruptedPods": {**disrupted, call.request.name: call.server.now()},
    }
    await call.server.store.update(entry.key, {**budget, "status": left}, revision=entry.revision)


def _refused(why: str, seconds: int) -> ApiError:
    details: Obj = {"causes": [{"reason": "DisruptionBudget", "message": why}]}
    if seconds:
        details["retryAfterSeconds"] = seconds
    return ApiError(429, "TooManyRequests", _VIOLATED, details)


def _forbidden(name: str, why: str) -> ApiError:
    return errors.forbidden("poddisruptionbudget.policy", name, why)
