"""Changes the sizes of a Deployment's ReplicaSets. Source: pkg/controller/deployment/sync.go."""

from __future__ import annotations

import math
from collections.abc import Sequence

from backend.controllers.workloads.deployment import replica_sets as rules
from backend.controllers.workloads.expected import Expected
from backend.controllers.workloads.replicas import REPLICA_SETS
from backend.machinery.client import Client
from backend.machinery.controller import Key
from backend.machinery.events import EventRecorder
from backend.meta.types import Obj


class Scaler:
    def __init__(self, client: Client, recorder: EventRecorder, expected: Expected) -> None:
        self._client = client
        self._recorder = recorder
        self._expected = expected

    async def scale(self, deployment: Obj, replica_set: Obj, replicas: int) -> Obj:
        """The ReplicaSet with this size, and with annotations that tell the Deployment's. Raises ApiError."""
        before = rules.size(replica_set)
        annotations: dict[str, str] = replica_set["metadata"].get("annotations") or {}
        wanted = {**annotations, **rules.size_annotations(deployment)}
        if before == replicas and wanted == annotations:
            return replica_set
        meta = {**replica_set["metadata"], "annotations": wanted}
        changed = {**replica_set, "metadata": meta, "spec": {**replica_set["spec"], "replicas": replicas}}
        updated = await self._client.update(REPLICA_SETS, changed)
        self._expected.wrote(key_of(deployment), updated)
        if before != replicas:
            self.tell(deployment, replica_set["metadata"]["name"], before, replicas)
        return updated

    def tell(self, deployment: Obj, name: str, before: int, after: int) -> None:
        direction = "up" if after > before else "down"
        text = f"Scaled {direction} replica set {name} from {before} to {after}"
        self._recorder.event(deployment, "Normal", "ScalingReplicaSet", text)

    async def spread(self, deployment: Obj, new: Obj | None, old: Sequence[Obj]) -> None:
        """Make the ReplicaSets' sizes what a Deployment that was scaled asks for, without rolling out."""
        everything = [*old, *([new] if new is not None else [])]
        only = _active_or_latest(new, old)
        if only is not None:
            await self.scale(deployment, only, rules.desired(deployment))
        elif new is not None and _is_saturated(deployment, new):
            for replica_set in rules.active(old):
                await self.scale(deployment, replica_set, 0)
        elif rules.is_rolling(deployment):
            await self._spread_proportionally(deployment, rules.active(everything))

    async def _spread_proportionally(self, deployment: Obj, replica_sets: Sequence[Obj]) -> None:
        """So that a rollout under way keeps its proportions, and a bad one risks no more than it did."""
        wanted = rules.desired(deployment)
        allowed = wanted + rules.max_surge(deployment) if wanted > 0 else 0
        to_add = allowed - rules.total(replica_sets)
        ordered = rules.oldest_first(replica_sets)
        if to_add > 0:
            ordered.reverse()
        ordered.sort(key=rules.size, reverse=True)
        sizes, added = [], 0
        for replica_set in ordered:
            part = _proportion(deployment, replica_set, to_add, added)
            sizes.append(rules.size(replica_set) + part)
            added += part
        if sizes:
            sizes[0] = max(0, sizes[0] + to_add - added)
        for replica_set, replicas in zip(ordered, sizes, strict=True):
            await self.scale(deployment, replica_set, replicas)


def key_of(deployment: Obj) -> Key:
    return Key(deployment["metadata"]["namespace"], deployment["metadata"]["name"])


def _active_or_latest(new: Obj | None, old: Sequence[Obj]) -> Obj | None:
    """The one ReplicaSet that counts, if there is one. Source: FindActiveOrLatest."""
    running = rules.active([*old, *([new] if new is not None else [])])
    if len(running) == 1:
        return running[0]
    if running:
        return None
    if new is not None:
        return new
    ordered = rules.oldest_first(old)
    return ordered[-1] if ordered else None


def _is_saturated(deployment: Obj, new: Obj) -> bool:
    """Whether the new ReplicaSet is all that is wanted. Source: IsSaturated."""
    wanted = rules.desired(deployment)
    counts = (rules.number_annotation(new, rules.DESIRED), rules.size(new), rules.count(new, "availableReplicas"))
    return counts == (wanted, wanted, wanted)


def _proportion(deployment: Obj, replica_set: Obj, to_add: int, added: int) -> int:
    """What of `to_add` is this ReplicaSet's. Source: GetReplicaSetProportion."""
    left = to_add - added
    if not rules.size(replica_set) or not left:
        return 0
    part = _fraction(deployment, replica_set)
    return min(part, left) if to_add > 0 else max(part, left)


def _fraction(deployment: Obj, replica_set: Obj) -> int:
    wanted, present = rules.desired(deployment), rules.size(replica_set)
    if wanted == 0:
        return -present
    before = rules.number_annotation(replica_set, rules.MAXIMUM) or rules.count(deployment, "replicas")
    if not before:
        return 0
    grown = present * (wanted + rules.max_surge(deployment)) / before
    return math.floor(grown + 0.5) - present
