"""What becomes of an object's dependents when it is deleted: finalizers tell the garbage collector.

Source: deletionFinalizersForGarbageCollection of k8s.io/apiserver/pkg/registry/generic/registry/store.go, and the
DefaultGarbageCollectionPolicy of pkg/registry/*/strategy.go.
"""

from __future__ import annotations

from backend.apiserver.call import Call
from backend.meta.types import Obj

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"

_ORPHANED_BY_DEFAULT = frozenset({"jobs.batch", "replicationcontrollers"})
_NEVER = frozenset({"events", "events.events.k8s.io"})
_JOBS_WARNING = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set"
    " propagationPolicy=Orphan to suppress this warning"
)


def finalizers(call: Call, delete_options: Obj, meta: Obj) -> list[str]:
    """The finalizers that an object has once it is being deleted; those that it has, where nothing is to change."""
    present: list[str] = meta.get("finalizers") or []
    qualified = call.resource.qualified
    if qualified in _NEVER:
        return present
    wanted = _wanted(delete_options, present, ORPHAN if qualified in _ORPHANED_BY_DEFAULT else "")
    others = [name for name in present if name not in (ORPHAN, FOREGROUND)]
    new = [*others, wanted] if wanted else others
    return present if sorted(new) == sorted(present) else new


def warn_of_orphans(call: Call, delete_options: Obj) -> None:
    """Source: REST.Delete of pkg/registry/batch/job/storage."""
    asked = delete_options.get("propagationPolicy") or delete_options.get("orphanDependents") is not None
    if call.resource.qualified == "jobs.batch" and not asked:
        call.warnings.append(_JOBS_WARNING)


def _wanted(delete_options: Obj, present: list[str], default: str) -> str:
    """What the options ask for, else what the object was given before, else what its kind has."""
    orphan = delete_options.get("orphanDependents")
    if orphan is not None:
        return ORPHAN if orphan else ""
    policy = delete_options.get("propagationPolicy")
    if policy:
        return {"Orphan": ORPHAN, "Foreground": FOREGROUND}.get(policy, "")
    if ORPHAN in present:
        return ORPHAN
    return FOREGROUND if FOREGROUND in present else default
