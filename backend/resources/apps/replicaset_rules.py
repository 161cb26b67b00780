"""Rules of apps/v1 ReplicaSet. Source: SetDefaults_ReplicaSet; ValidateReplicaSet, ValidateReplicaSetUpdate."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.apps import replicas_validation
from backend.resources.core.pod_template_spec import default_template

_PARTS = ("fullyLabeledReplicas", "readyReplicas", "availableReplicas")
_COUNTS = ("replicas", *_PARTS, "observedGeneration")


def default(replica_set: Obj) -> None:
    spec = replica_set.setdefault("spec", {})
    default_template(spec)
    spec.setdefault("replicas", 1)
    replica_set.setdefault("status", {}).setdefault("replicas", 0)


def validate(replica_set: Obj) -> Sequence[Cause]:
    spec = replica_set["spec"]
    found = causes.nonnegative("spec.replicas", spec["replicas"])
    found += causes.nonnegative("spec.minReadySeconds", spec.get("minReadySeconds"))
    # kube-apiserver calls it a deployment here too.
    found += replicas_validation.validate_selector(spec, "deployment")
    return found + replicas_validation.validate_replica_template(spec)


def validate_update(replica_set: Obj, old: Obj) -> Sequence[Cause]:
    return [*validate(replica_set), *replicas_validation.validate_selector_kept(replica_set, old)]


def validate_status_update(replica_set: Obj, _old: Obj) -> Sequence[Cause]:
    status = replica_set["status"]
    found = replicas_validation.validate_counts(status, _COUNTS, _PARTS)
    return found + replicas_validation.validate_available(status)
