"""One step of a rollout: what to scale next. Source: pkg/controller/deployment/{rolling,recreate}.go."""

from __future__ import annotations

from collections.abc import Sequence

from backend.controllers.workloads.deployment import replica_sets as rules
from backend.controllers.workloads.deployment.scaler import Scaler
from backend.controllers.workloads.ownership import BY_CONTROLLER
from backend.machinery.informer import Informer
from backend.meta.types import Obj
from backend.resources.core.pod_table import TERMINAL_PHASES


async def roll(scaler: Scaler, deployment: Obj, new: Obj, old: Sequence[Obj]) -> bool:
    """Grow the new ReplicaSet, else shrink old ones, as far as availability allows; whether anything was done."""
    if await _grow_new(scaler, deployment, new, old):
        return True
    return await _shrink_old(scaler, deployment, new, old)


async def _grow_new(scaler: Scaler, deployment: Obj, new: Obj, old: Sequence[Obj]) -> bool:
    present, wanted = rules.size(new), rules.desired(deployment)
    target = wanted if present > wanted else rules.size_of_new(deployment, [*old, new], present)
    if present == wanted or target == present:
        return False
    await scaler.scale(deployment, new, target)
    return True


async def _shrink_old(scaler: Scaler, deployment: Obj, new: Obj, old: Sequence[Obj]) -> bool:
    candidates = rules.oldest_first(rules.active(old))
    everything = [*old, new]
    least = rules.desired(deployment) - rules.max_unavailable(deployment)
    not_available = max(0, rules.size(new) - rules.count(new, "availableReplicas"))
    spare = rules.total(everything) - least - not_available
    if not candidates or spare <= 0:
        return False
    removed = 0
    sizes = {replica_set["metadata"]["name"]: rules.size(replica_set) for replica_set in candidates}

    async def shrink(position: int, number: int) -> None:
        nonlocal removed
        name = candidates[position]["metadata"]["name"]
        sizes[name] -= number
        removed += number
        candidates[position] = await scaler.scale(deployment, candidates[position], sizes[name])

    # Replicas that are not available go first: they serve nobody.
    for position, replica_set in enumerate(candidates):
        useless = rules.size(replica_set) - rules.count(replica_set, "availableReplicas")
        number = min(spare - removed, useless)
        if number > 0:
            await shrink(position, number)
    # A ReplicaSet that was shrunk a moment ago may still count pods that it is about to delete.
    staying = (min(rules.size(entry), rules.count(entry, "availableReplicas")) for entry in everything)
    left = min(sum(staying) - least, spare - removed)
    for position, replica_set in enumerate(candidates):
        number = min(left, sizes[replica_set["metadata"]["name"]])
        if number > 0:
            left -= number
            await shrink(position, number)
    return removed > 0


async def stop_old(scaler: Scaler, deployment: Obj, old: Sequence[Obj]) -> bool:
    """For Recreate: whether there was something to stop."""
    running = rules.active(old)
    for replica_set in running:
        await scaler.scale(deployment, replica_set, 0)
    return bool(running)


def old_pods_run(pods: Informer, new: Obj | None, old: Sequence[Obj]) -> bool:
    """Whether a pod of another template may still be at work; one that is on its way out is."""
    if rules.counted(old, "replicas") > 0:
        return True
    for replica_set in old:
        if new is not None and replica_set["metadata"]["uid"] == new["metadata"]["uid"]:
            continue
        for pod in pods.by_index(BY_CONTROLLER, replica_set["metadata"]["uid"]):
            if (pod.get("status") or {}).get("phase") not in TERMINAL_PHASES:
                return True
    return False
