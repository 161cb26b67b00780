"""Rules of apps/v1 StatefulSet. Source: SetDefaults_StatefulSet; ValidateStatefulSet, ValidateStatefulSetUpdate."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.label_selector import as_selector
from backend.meta.types import Obj
from backend.resources import int_or_percent
from backend.resources.apps import replicas_validation
from backend.resources.core.pod_template_spec import (
    default_template,
    validate_endless,
    validate_selected,
    validate_template_metadata,
)
from backend.resources.core.pod_validation import validate_pod_spec
from backend.resources.core.pod_warnings import template_warnings

_POD_MANAGEMENT = ("OrderedReady", "Parallel")
_RETENTION = ("Retain", "Delete")
_MUTABLE = (
    "replicas", "template", "updateStrategy", "minReadySeconds", "ordinals", "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
)  # fmt: skip
_ONLY = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy',"
    " 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
_PARTS = ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")
_COUNTS = ("replicas", *_PARTS, "observedGeneration", "collisionCount")


def default(stateful_set: Obj) -> None:
    spec = stateful_set.setdefault("spec", {})
    default_template(spec)
    if not spec.get("podManagementPolicy"):
        spec["podManagementPolicy"] = "OrderedReady"
    strategy = spec.setdefault("updateStrategy", {})
    if not strategy.get("type"):
        strategy["type"] = "RollingUpdate"
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("partition", 0)
        rolling.setdefault("maxUnavailable", 1)
    retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
    for when in ("whenDeleted", "whenScaled"):
        if not retention.get(when):
            retention[when] = "Retain"
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    for claim in spec.get("volumeClaimTemplates") or ():
        _default_claim(claim)
    status = stateful_set.setdefault("status", {})
    status.setdefault("replicas", 0)
    status.setdefault("availableReplicas", 0)


def _default_claim(claim: Obj) -> None:
    claim["apiVersion"], claim["kind"] = "v1", "PersistentVolumeClaim"
    claim.setdefault("metadata", {})
    spec = claim.setdefault("spec", {})
    spec.setdefault("resources", {})
    spec.setdefault("volumeMode", "Filesystem")
    claim.setdefault("status", {}).setdefault("phase", "Pending")


def validate(stateful_set: Obj) -> Sequence[Cause]:
    """For creation: the pods that it will make are valid too."""
    spec = stateful_set["spec"]
    service = spec.get("serviceName", "")
    faults = names.dns1123_label(service) if service else []
    found = _validate_spec(spec) + _validate_pods(spec)
    return found + causes.each_invalid("spec.serviceName", service, faults)


def _validate_pods(spec: Obj) -> list[Cause]:
    """The template as the controller completes it: each claim becomes a volume of its name."""
    pod = spec["template"]["spec"]
    volumes = list(pod.get("volumes") or ())
    present = {volume.get("name") for volume in volumes}
    for claim in spec.get("volumeClaimTemplates") or ():
        name = claim["metadata"].get("name", "")
        if name not in present:
            volumes.append({"name": name, "persistentVolumeClaim": {"claimName": name}})
    return validate_pod_spec({**pod, "volumes": volumes}, "spec.template.spec")


def _validate_spec(spec: Obj) -> list[Cause]:
    found: list[Cause] = []
    policy = spec["podManagementPolicy"]
    if policy not in _POD_MANAGEMENT:
        detail = "must be 'OrderedReady' or 'Parallel'"
        found.append(causes.invalid_value("spec.podManagementPolicy", policy, detail))
    found += _validate_strategy(spec["updateStrategy"])
    for when in ("whenDeleted", "whenScaled"):
        kept = spec["persistentVolumeClaimRetentionPolicy"][when]
        if kept not in _RETENTION:
            path = f"spec.persistentVolumeClaimRetentionPolicy.{when}"
            found.append(causes.not_supported(path, kept, _RETENTION))
    found += causes.nonnegative("spec.replicas", spec["replicas"])
    found += causes.nonnegative("spec.minReadySeconds", spec.get("minReadySeconds"))
    found += causes.nonnegative("spec.ordinals.start", (spec.get("ordinals") or {}).get("start"))
    found += replicas_validation.validate_selector(spec, "statefulset")
    return found + _validate_template(spec)


def _validate_template(spec: Obj) -> list[Cause]:
    path, template = "spec.template", spec["template"]
    found: list[Cause] = []
    try:
        found += validate_selected(template, as_selector(spec.get("selector")), path)
        found += validate_template_metadata(template, path)
    except ValueError:
        found.append(
            Cause("FieldValueInvalid", "spec.selector", f"Invalid value: {causes.show(spec['selector'])}")
        )
    return found + validate_endless(template, path, "StatefulSet")


def _validate_strategy(strategy: Obj) -> list[Cause]:
    path, kind = "spec.updateStrategy", strategy["type"]
    shown = replicas_validation.internal_strategy(strategy, Partition=0, MaxUnavailable=None)
    if kind == "OnDelete":
        rolling = shown["RollingUpdate"]
        detail = "only allowed for updateStrategy 'RollingUpdate'"
        return [] if rolling is None else [causes.invalid_value(f"{path}.rollingUpdate", rolling, detail)]
    if kind != "RollingUpdate":
        return [causes.invalid_value(path, shown, "must be 'RollingUpdate' or 'OnDelete'")]
    path, unavailable = f"{path}.rollingUpdate", strategy["rollingUpdate"]["maxUnavailable"]
    found = causes.nonnegative(f"{path}.partition", strategy["rollingUpdate"]["partition"])
    found += int_or_percent.validate(unavailable, f"{path}.maxUnavailable")
    if int_or_percent.number(unavailable) == 0:
        found.append(causes.invalid_value(f"{path}.maxUnavailable", unavailable, "cannot be 0"))
    return found + int_or_percent.validate_share(unavailable, f"{path}.maxUnavailable")


def validate_update(stateful_set: Obj, old: Obj) -> Sequence[Cause]:
    found = _validate_spec(stateful_set["spec"])
    if stateful_set["spec"]["template"] != old["spec"]["template"]:
        found += _validate_pods(stateful_set["spec"])
    fixed, before = (
        {name: value for name, value in spec.items() if name not in _MUTABLE}
        for spec in (stateful_set["spec"], old["spec"])
    )
    if fixed != before:
        found.append(causes.forbidden("spec", _ONLY))
    return found


def validate_status_update(stateful_set: Obj, old: Obj) -> Sequence[Cause]:
    status = stateful_set["status"]
    found = replicas_validation.validate_counts(status, _COUNTS, _PARTS)
    found += replicas_validation.validate_available(status, "status.readyReplicas")
    return found + replicas_validation.validate_collisions(status, old.get("status") or {})


def warnings(stateful_set: Obj, old: Obj | None) -> list[str]:
    """Source: WarningsOnCreate of pkg/registry/apps/statefulset/strategy.go."""
    found = template_warnings(stateful_set, old)
    if (stateful_set["spec"].get("revisionHistoryLimit") or 0) < 0:
        found.append(
            "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"
        )
    return found
