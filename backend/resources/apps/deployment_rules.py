"""Rules of apps/v1 Deployment. Source: SetDefaults_Deployment; ValidateDeployment, ValidateDeploymentUpdate."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources import int_or_percent
from backend.resources.apps import replicas_validation
from backend.resources.core.pod_template_spec import default_template

_STRATEGIES = ("Recreate", "RollingUpdate")
_PARTS = ("updatedReplicas", "readyReplicas", "availableReplicas")
_COUNTS = ("observedGeneration", "replicas", *_PARTS, "unavailableReplicas", "collisionCount")


def default(deployment: Obj) -> None:
    spec = deployment.setdefault("spec", {})
    default_template(spec)
    spec.setdefault("replicas", 1)
    strategy = spec.setdefault("strategy", {})
    if not strategy.get("type"):
        strategy["type"] = "RollingUpdate"
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    deployment.setdefault("status", {})


def validate(deployment: Obj) -> Sequence[Cause]:
    spec = deployment["spec"]
    found = causes.nonnegative("spec.replicas", spec["replicas"])
    found += replicas_validation.validate_selector(spec, "deployment")
    found += replicas_validation.validate_replica_template(spec)
    found += _validate_strategy(spec["strategy"])
    found += causes.nonnegative("spec.minReadySeconds", spec.get("minReadySeconds"))
    found += causes.nonnegative("spec.revisionHistoryLimit", spec["revisionHistoryLimit"])
    deadline = spec["progressDeadlineSeconds"]
    found += causes.nonnegative("spec.progressDeadlineSeconds", deadline)
    if deadline <= spec.get("minReadySeconds", 0):
        found.append(
            causes.invalid_value("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")
        )
    return found


def _validate_strategy(strategy: Obj) -> list[Cause]:
    kind, rolling = strategy["type"], strategy.get("rollingUpdate")
    if kind == "RollingUpdate":
        return _validate_rolling(rolling or {})
    if kind == "Recreate":
        detail = "may not be specified when strategy `type` is 'Recreate'"
        return [] if rolling is None else [causes.forbidden("spec.strategy.rollingUpdate", detail)]
    shown = replicas_validation.internal_strategy(strategy, MaxUnavailable=0, MaxSurge=0)
    return [causes.not_supported("spec.strategy", shown, _STRATEGIES)]


def _validate_rolling(rolling: Obj) -> list[Cause]:
    unavailable, surge = rolling["maxUnavailable"], rolling["maxSurge"]
    path = "spec.strategy.rollingUpdate"
    found = int_or_percent.validate(unavailable, f"{path}.maxUnavailable")
    found += int_or_percent.validate(surge, f"{path}.maxSurge")
    if int_or_percent.number(unavailable) == 0 and int_or_percent.number(surge) == 0:
        detail = "may not be 0 when `maxSurge` is 0"
        found.append(causes.invalid_value(f"{path}.maxUnavailable", unavailable, detail))
    return found + int_or_percent.validate_share(unavailable, f"{path}.maxUnavailable")


def validate_update(deployment: Obj, old: Obj) -> Sequence[Cause]:
    return [*validate(deployment), *replicas_validation.validate_selector_kept(deployment, old)]


def validate_status_update(deployment: Obj, old: Obj) -> Sequence[Cause]:
    status = deployment.get("status") or {}
    found = replicas_validation.validate_counts(status, _COUNTS, _PARTS)
    found += replicas_validation.validate_available(status)
    return found + replicas_validation.validate_collisions(status, old.get("status") or {})
