"""Rules of a pod that its schema cannot say. Source: ValidatePodCreate, ValidatePodSpec."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.core.affinity_validation import validate_affinity
from backend.resources.core.container_validation import validate_containers
from backend.resources.core.pod_dns_validation import validate_dns, validate_host_aliases
from backend.resources.core.pod_resources_validation import validate_pod_resources
from backend.resources.core.pod_security_validation import validate_pod_security
from backend.resources.core.volume_validation import validate_volumes

_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_PREEMPTION_POLICIES = ("Never", "PreemptLowerPriority")
_MAX_INT32 = 2**31 - 1


def validate_pod(pod: Obj) -> Sequence[Cause]:
    """For creation."""
    found = validate_pod_spec(pod["spec"], "spec")
    if pod["spec"].get("ephemeralContainers"):
        found.append(causes.forbidden("spec.ephemeralContainers", "cannot be set on create"))
    if pod["spec"].get("schedulingGates") and pod["spec"].get("nodeName"):
        found.append(
            causes.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared")
        )
    return found


def validate_pod_spec(spec: Obj, path: str) -> list[Cause]:
    """For creation and update; the rules that only a pod has, and not a template, included."""
    found, volumes = validate_volumes(spec.get("volumes") or (), f"{path}.volumes")
    found += validate_containers(spec, volumes, path)
    found += validate_pod_resources(spec, path)
    found += _validate_policies(spec, path)
    found += validate_dns(spec, path)
    found += _validate_node_selector(spec, f"{path}.nodeSelector")
    found += validate_pod_security(spec, path)
    found += validate_affinity(spec.get("affinity") or {}, f"{path}.affinity")
    found += _validate_gates(spec, path)
    found += _validate_spread(spec.get("topologySpreadConstraints") or (), f"{path}.topologySpreadConstraints")
    found += _validate_names(spec, path)
    found += _validate_deadline(spec.get("activeDeadlineSeconds"), f"{path}.activeDeadlineSeconds")
    found += validate_tolerations(spec.get("tolerations") or (), f"{path}.tolerations")
    found += validate_host_aliases(spec.get("hostAliases") or (), f"{path}.hostAliases")
    return found + _validate_image_spaces(spec, path)


def _validate_policies(spec: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    if spec.get("restartPolicy") not in _RESTART_POLICIES:
        found.append(
            causes.not_supported(f"{path}.restartPolicy", spec.get("restartPolicy", ""), _RESTART_POLICIES)
        )
    preemption = spec.get("preemptionPolicy")
    if preemption is not None and preemption not in _PREEMPTION_POLICIES:
        found.append(causes.not_supported(f"{path}.preemptionPolicy", preemption, _PREEMPTION_POLICIES))
    return found


def _validate_node_selector(spec: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    for key, value in sorted((spec.get("nodeSelector") or {}).items()):
        found += causes.each_invalid(path, key, names.qualified_name(key))
        found += causes.each_invalid(path, value, names.label_value(value))
    return found


def _validate_gates(spec: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    for index, gate in enumerate(spec.get("readinessGates") or ()):
        here = f"{path}.readinessGates[{index}].conditionType"
        found += causes.each_invalid(here, gate["conditionType"], names.qualified_name(gate["conditionType"]))
    seen: set[str] = set()
    for index, gate in enumerate(spec.get("schedulingGates") or ()):
        here = f"{path}.schedulingGates[{index}]"
        found += causes.each_invalid(here, gate["name"], names.qualified_name(gate["name"]))
        if gate["name"] in seen:
            found.append(causes.duplicate(here, gate["name"]))
        seen.add(gate["name"])
    return found


def _validate_spread(constraints: Sequence[Obj], path: str) -> list[Cause]:
    found: list[Cause] = []
    seen: set[tuple[str, str]] = set()
    for index, constraint in enumerate(constraints):
        here = f"{path}[{index}]"
        skew, key = constraint.get("maxSkew", 0), constraint.get("topologyKey", "")
        action = constraint.get("whenUnsatisfiable", "")
        if skew <= 0:
            found.append(causes.invalid_value(f"{here}.maxSkew", skew, "must be greater than zero"))
        if not key:
            found.append(causes.required(f"{here}.topologyKey", "can not be empty"))
        if action not in ("DoNotSchedule", "ScheduleAnyway"):
            supported = ("DoNotSchedule", "ScheduleAnyway")
            found.append(causes.not_supported(f"{here}.whenUnsatisfiable", action, supported))
        if (key, action) in seen:
            found.append(causes.duplicate(f"{here}.{{topologyKey, whenUnsatisfiable}}", f"{{{key}, {action}}}"))
        seen.add((key, action))
    return found


def _validate_names(spec: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    for name, check in (
        ("serviceAccountName", names.dns1123_subdomain),
        ("nodeName", names.dns1123_subdomain),
        ("hostname", names.dns1123_label),
        ("subdomain", names.dns1123_label),
        ("priorityClassName", names.dns1123_subdomain),
        ("runtimeClassName", names.dns1123_subdomain),
    ):
        if value := spec.get(name):
            found += causes.each_invalid(f"{path}.{name}", value, check(value))
    return found


def _validate_deadline(seconds: int | None, path: str) -> list[Cause]:
    if seconds is None or 1 <= seconds <= _MAX_INT32:
        return []
    return [causes.invalid_value(path, seconds, f"must be between 1 and {_MAX_INT32}, inclusive")]


def validate_tolerations(tolerations: Sequence[Obj], path: str) -> list[Cause]:
    found: list[Cause] = []
    for index, toleration in enumerate(tolerations):
        here = f"{path}[{index}]"
        key, effect = toleration.get("key", ""), toleration.get("effect", "")
        operator, value = toleration.get("operator", ""), toleration.get("value", "")
        if key:
            found += causes.each_invalid(f"{here}.key", key, names.qualified_name(key))
        elif operator != "Exists":
            detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            found.append(causes.invalid_value(f"{here}.operator", operator, detail))
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            detail = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            found.append(causes.invalid_value(f"{here}.effect", effect, detail))
        found += _validate_toleration_operator(toleration, operator, value, f"{here}.operator")
        if effect and effect not in ("NoSchedule", "PreferNoSchedule", "NoExecute"):
            supported = ("NoSchedule", "PreferNoSchedule", "NoExecute")
            found.append(causes.not_supported(f"{here}.effect", effect, supported))
    return found


def _validate_toleration_operator(toleration: Obj, operator: str, value: str, path: str) -> list[Cause]:
    if operator in ("Equal", ""):
        faults = names.label_value(value)
        return [causes.invalid_value(path, value, ";".join(faults))] if faults else []
    if operator == "Exists":
        detail = "value must be empty when `operator` is 'Exists'"
        return [causes.invalid_value(path, toleration, detail)] if value else []
    return [causes.not_supported(path, operator, ("Equal", "Exists"))]


def _validate_image_spaces(spec: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    for field in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(field) or ()):
            image = container.get("image", "")
            if image != image.strip():
                detail = "must not have leading or trailing whitespace"
                found.append(causes.invalid_value(f"{path}.{field}[{index}].image", image, detail))
    return found
