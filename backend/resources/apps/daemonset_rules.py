"""Rules of apps/v1 DaemonSet.

Source: SetDefaults_DaemonSet; ValidateDaemonSet; pkg/registry/apps/daemonset/strategy.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes
from backend.meta.errors import Cause
from backend.meta.label_selector import as_selector, is_empty, validate_label_selector
from backend.meta.types import Obj
from backend.resources import int_or_percent
from backend.resources.apps import replicas_validation
from backend.resources.core.pod_template_spec import default_template, labels, validate_endless, validate_template

_STRATEGIES = ("RollingUpdate", "OnDelete")
_TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
_ALWAYS = ("currentNumberScheduled", "desiredNumberScheduled", "numberMisscheduled", "numberReady")
"""Counts of the status that are written even when they are 0."""
_COUNTS = (
    "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady", "observedGeneration",
    "updatedNumberScheduled", "numberAvailable", "numberUnavailable", "collisionCount",
)  # fmt: skip


def default(daemon_set: Obj) -> None:
    spec = daemon_set.setdefault("spec", {})
    default_template(spec)
    strategy = spec.setdefault("updateStrategy", {})
    if not strategy.get("type"):
        strategy["type"] = "RollingUpdate"
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", 1)
        rolling.setdefault("maxSurge", 0)
    spec.setdefault("revisionHistoryLimit", 10)
    status = daemon_set.setdefault("status", {})
    for field in _ALWAYS:
        status.setdefault(field, 0)


def prepare_create(daemon_set: Obj) -> None:
    daemon_set["status"] = dict.fromkeys(_ALWAYS, 0)
    _set_template_generation(daemon_set, 1)


def prepare_update(daemon_set: Obj, old: Obj) -> None:
    """How often the template changed is counted in an annotation, which no client can set."""
    generation = int((old["metadata"].get("annotations") or {}).get(_TEMPLATE_GENERATION, "0"))
    if daemon_set["spec"]["template"] != old["spec"]["template"]:
        generation += 1
    _set_template_generation(daemon_set, generation)


def _set_template_generation(daemon_set: Obj, generation: int) -> None:
    meta = daemon_set["metadata"]
    meta["annotations"] = {**(meta.get("annotations") or {}), _TEMPLATE_GENERATION: str(generation)}


def validate(daemon_set: Obj) -> Sequence[Cause]:
    spec = daemon_set["spec"]
    path, template, selector = "spec.template", spec["template"], spec.get("selector")
    found = validate_label_selector(selector or {}, "spec.selector")
    try:
        if not as_selector(selector).matches(labels(template)):
            detail = "`selector` does not match template `labels`"
            found.append(causes.invalid_value(f"{path}.metadata.labels", labels(template), detail))
    except ValueError:
        pass  # The fault of its operator is among the causes already.
    if selector is not None and is_empty(selector):
        found.append(causes.invalid_value("spec.selector", selector, "empty selector is invalid for daemonset"))
    found += validate_template(template, path)
    found += validate_endless(template, path, "DaemonSet")
    found += causes.nonnegative("spec.minReadySeconds", spec.get("minReadySeconds"))
    found += _validate_strategy(spec["updateStrategy"])
    return found + causes.nonnegative("spec.revisionHistoryLimit", spec["revisionHistoryLimit"])


def _validate_strategy(strategy: Obj) -> list[Cause]:
    path, kind, rolling = "spec.updateStrategy", strategy["type"], strategy.get("rollingUpdate") or {}
    if kind == "OnDelete":
        return []
    if kind != "RollingUpdate":
        shown = replicas_validation.internal_strategy(strategy, MaxUnavailable=0, MaxSurge=0)
        return [causes.not_supported(path, shown, _STRATEGIES)]
    path, unavailable, surge = f"{path}.rollingUpdate", rolling["maxUnavailable"], rolling["maxSurge"]
    found = int_or_percent.validate(unavailable, f"{path}.maxUnavailable")
    found += int_or_percent.validate(surge, f"{path}.maxSurge")
    found += int_or_percent.validate_share(unavailable, f"{path}.maxUnavailable")
    found += int_or_percent.validate_share(surge, f"{path}.maxSurge")
    some_unavailable, some_surge = int_or_percent.number(unavailable), int_or_percent.number(surge)
    if some_unavailable and some_surge:
        detail = "may not be set when maxUnavailable is non-zero"
        found.append(causes.invalid_value(f"{path}.maxSurge", surge, detail))
    elif not some_unavailable and not some_surge:
        found.append(causes.required(f"{path}.maxUnavailable", "cannot be 0 when maxSurge is 0"))
    return found


def validate_update(daemon_set: Obj, old: Obj) -> Sequence[Cause]:
    return [*validate(daemon_set), *replicas_validation.validate_selector_kept(daemon_set, old)]


def validate_status_update(daemon_set: Obj, old: Obj) -> Sequence[Cause]:
    status = daemon_set["status"]
    found = replicas_validation.validate_counts(status, _COUNTS, ())
    return found + replicas_validation.validate_collisions(status, old.get("status") or {})
