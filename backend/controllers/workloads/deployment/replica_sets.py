"""The ReplicaSets of a Deployment: which is the new one, their sizes, and the annotations that they carry.

Source: pkg/controller/deployment/util/deployment_util.go.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from backend.controllers.workloads.hashing import short_hash
from backend.meta import timefmt
from backend.meta.types import Obj

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
_NOT_COPIED = frozenset(
    (
        "kubectl.kubernetes.io/last-applied-configuration", REVISION, REVISION_HISTORY, DESIRED, MAXIMUM,
        "deprecated.deployment.rollback.to",
    )
)  # fmt: skip
_HISTORY_LENGTH = 2000
_FAR_FUTURE = math.inf


def size(replica_set: Obj) -> int:
    return int(replica_set["spec"].get("replicas", 1))


def count(replica_set: Obj, field: str) -> int:
    """A counter of the status; 0 where it is left out."""
    return int((replica_set.get("status") or {}).get(field, 0))


def total(replica_sets: Iterable[Obj]) -> int:
    return sum(map(size, replica_sets))


def counted(replica_sets: Iterable[Obj], field: str) -> int:
    return sum(count(replica_set, field) for replica_set in replica_sets)


def active(replica_sets: Iterable[Obj]) -> list[Obj]:
    return [replica_set for replica_set in replica_sets if size(replica_set) > 0]


def oldest_first(replica_sets: Iterable[Obj]) -> list[Obj]:
    return sorted(replica_sets, key=lambda found: (_created(found), found["metadata"]["name"]))


def _created(obj: Obj) -> float:
    stamp = obj["metadata"].get("creationTimestamp")
    return timefmt.parse(stamp) if stamp else _FAR_FUTURE


def revision(obj: Obj) -> int:
    """0 where there is none, or none that is a number."""
    text = (obj["metadata"].get("annotations") or {}).get(REVISION, "")
    return int(text) if text.isdecimal() else 0


def find_new(deployment: Obj, replica_sets: Iterable[Obj]) -> Obj | None:
    """The oldest ReplicaSet with the Deployment's template."""
    wanted = deployment["spec"]["template"]
    for replica_set in oldest_first(replica_sets):
        if without_hash(replica_set["spec"]["template"]) == without_hash(wanted):
            return replica_set
    return None


def without_hash(template: Obj) -> Obj:
    """A template to compare: what the Deployment added is no difference."""
    meta = dict(template.get("metadata") or {})
    labels = {name: value for name, value in (meta.pop("labels", None) or {}).items() if name != HASH_LABEL}
    meta.pop("creationTimestamp", None)
    if labels:
        meta["labels"] = labels
    return {"metadata": meta, "spec": template["spec"]}


def template_hash(template: Obj, collisions: int) -> str:
    """What tells templates apart; another one after each collision."""
    return short_hash(without_hash(template), collisions)


def copied_annotations(deployment: Obj) -> dict[str, str]:
    """What a ReplicaSet has from its Deployment."""
    annotations = deployment["metadata"].get("annotations") or {}
    return {name: value for name, value in annotations.items() if name not in _NOT_COPIED}


def annotated(deployment: Obj, replica_set: Obj, new_revision: int, *, exists: bool) -> dict[str, str]:
    """The annotations of the new ReplicaSet at this revision. Source: SetNewReplicaSetAnnotations."""
    present: dict[str, str] = replica_set["metadata"].get("annotations") or {}
    annotations = {**present, **copied_annotations(deployment)}
    before = revision(replica_set)
    if before < new_revision:
        annotations[REVISION] = str(new_revision)
        if before:
            annotations[REVISION_HISTORY] = _with_history(present.get(REVISION_HISTORY, ""), before)
    if not exists:
        annotations |= size_annotations(deployment)
    return annotations


def _with_history(history: str, number: int) -> str:
    entries = [*(history.split(",") if history else ()), str(number)]
    while len(",".join(entries)) > _HISTORY_LENGTH:
        entries.pop(0)
    return ",".join(entries)


def size_annotations(deployment: Obj) -> dict[str, str]:
    wanted = desired(deployment)
    return {DESIRED: str(wanted), MAXIMUM: str(wanted + max_surge(deployment))}


def number_annotation(replica_set: Obj, name: str) -> int | None:
    text = (replica_set["metadata"].get("annotations") or {}).get(name, "")
    return int(text) if text.isdecimal() else None


def desired(deployment: Obj) -> int:
    return int(deployment["spec"].get("replicas", 1))


def is_rolling(deployment: Obj) -> bool:
    return bool(deployment["spec"]["strategy"]["type"] == "RollingUpdate")


def max_surge(deployment: Obj) -> int:
    return _fences(deployment)[0]


def max_unavailable(deployment: Obj) -> int:
    """At most all of them."""
    if not is_rolling(deployment) or desired(deployment) == 0:
        return 0
    return min(_fences(deployment)[1], desired(deployment))


def _fences(deployment: Obj) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) as numbers: a surge rounds up and the other down, and both are never 0.

    Source: ResolveFenceposts.
    """
    if not is_rolling(deployment):
        return 0, 0
    rolling, wanted = deployment["spec"]["strategy"].get("rollingUpdate") or {}, desired(deployment)
    surge = scaled(rolling.get("maxSurge", 0), wanted, round_up=True)
    unavailable = scaled(rolling.get("maxUnavailable", 0), wanted, round_up=False)
    return surge, (unavailable if surge or unavailable else 1)


def scaled(value: int | str, whole: int, *, round_up: bool) -> int:
    """An IntOrString of `whole`. Source: GetScaledValueFromIntOrPercent."""
    if isinstance(value, int):
        return value
    part = int(value.rstrip("%")) * whole
    return -(-part // 100) if round_up else part // 100


def size_of_new(deployment: Obj, replica_sets: Sequence[Obj], present: int) -> int:
    """How large the new ReplicaSet, of `present` replicas now, may become. Source: NewRSNewReplicas."""
    wanted = desired(deployment)
    if not is_rolling(deployment):
        return wanted
    room = wanted + max_surge(deployment) - total(replica_sets)
    if room <= 0:
        return present
    return present + min(room, wanted - present)
