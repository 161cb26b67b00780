"""What may change in a pod. Source: ValidatePodUpdate, ValidatePodStatusUpdate."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.core.pod_validation import validate_pod_spec
from backend.resources.difference import difference

_MAX_INT32 = 2**31 - 1
_ONLY = (
    "pod updates may not change fields other than "
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def validate_pod_update(pod: Obj, old: Obj) -> Sequence[Cause]:
    new_spec, old_spec = pod["spec"], old["spec"]
    found = validate_pod_spec(new_spec, "spec")
    for field in ("containers", "initContainers"):
        if len(new_spec.get(field) or ()) != len(old_spec.get(field) or ()):
            found.append(causes.forbidden(f"spec.{field}", "pod updates may not add or remove containers"))
            return found
    found += _validate_deadline(new_spec.get("activeDeadlineSeconds"), old_spec.get("activeDeadlineSeconds"))
    found += _validate_tolerations(new_spec.get("tolerations") or (), old_spec.get("tolerations") or ())
    found += _validate_gates(new_spec.get("schedulingGates") or (), old_spec.get("schedulingGates") or ())
    if (allowed := _with_allowed_changes_undone(new_spec, old_spec)) != old_spec:
        found.append(causes.forbidden("spec", f"{_ONLY}\n{difference(old_spec, allowed)}"))
    return found


def _validate_deadline(new: int | None, old: int | None) -> list[Cause]:
    path = "spec.activeDeadlineSeconds"
    if new is not None:
        if not 0 <= new <= _MAX_INT32:
            return [causes.invalid_value(path, new, f"must be between 0 and {_MAX_INT32}, inclusive")]
        if old is not None and old < new:
            return [causes.invalid_value(path, new, "must be less than or equal to previous value")]
    elif old is not None:
        return [causes.invalid_value(path, None, "must not update from a positive integer to nil value")]
    return []


def _without_seconds(toleration: Obj) -> Obj:
    return {name: value for name, value in toleration.items() if name != "tolerationSeconds"}


def _validate_tolerations(new: Sequence[Obj], old: Sequence[Obj]) -> list[Cause]:
    kept = [_without_seconds(toleration) for toleration in new]
    if all(_without_seconds(toleration) in kept for toleration in old):
        return []
    detail = "existing toleration can not be modified except its tolerationSeconds"
    return [causes.forbidden("spec.tolerations", detail)]


def _validate_gates(new: Sequence[Obj], old: Sequence[Obj]) -> list[Cause]:
    known = {gate["name"] for gate in old}
    return [
        causes.forbidden(
            f"spec.schedulingGates[{index}].name",
            f"only deletion is allowed, but found new scheduling gate '{gate['name']}'",
        )
        for index, gate in enumerate(new)
        if gate["name"] not in known
    ]


def _with_allowed_changes_undone(new: Obj, old: Obj) -> Obj:
    """The new spec with the old values of all that may change; any rest of a difference is not allowed."""
    undone = copy.deepcopy(new)
    for field in ("containers", "initContainers"):
        for container, before in zip(undone.get(field) or (), old.get(field) or (), strict=True):
            _put_back(container, before, "image")
    fields = ["activeDeadlineSeconds", "tolerations", "schedulingGates"]
    if old.get("terminationGracePeriodSeconds", 0) < 0 and new.get("terminationGracePeriodSeconds") == 1:
        fields.append("terminationGracePeriodSeconds")
    if old.get("schedulingGates"):
        # Whoever holds the gate may still narrow where the pod goes.
        fields += [field for field in ("nodeSelector", "affinity") if _narrows(new.get(field), old.get(field))]
    for field in fields:
        _put_back(undone, old, field)
    return undone


def _narrows(new: Obj | None, old: Obj | None) -> bool:
    return not old or (new is not None and {**new, **old} == new)


def _put_back(target: Obj, source: Obj, field: str) -> None:
    if field in source:
        target[field] = source[field]
    else:
        target.pop(field, None)


def validate_pod_status_update(pod: Obj, old: Obj) -> Sequence[Cause]:
    new_status, old_status = pod.get("status") or {}, old.get("status") or {}
    found: list[Cause] = []
    if name := new_status.get("nominatedNodeName"):
        found += causes.each_invalid("status.nominatedNodeName", name, names.dns1123_subdomain(name))
    old_class, new_class = old_status.get("qosClass"), new_status.get("qosClass")
    if old_class and new_class and new_class != old_class:
        found.append(causes.immutable("status.qosClass", new_class))
    for field, policy in (
        ("containerStatuses", pod["spec"].get("restartPolicy")),
        ("initContainerStatuses", "OnFailure" if pod["spec"].get("restartPolicy") == "Always" else None),
    ):
        if policy in ("Never", "OnFailure"):
            found += _validate_still_terminated(field, policy, new_status, old_status)
    return found


def _validate_still_terminated(field: str, policy: str, new: Obj, old: Obj) -> list[Cause]:
    """A container that ended for good does not come back to life."""
    ended = {
        status["name"]
        for status in old.get(field) or ()
        if (terminated := (status.get("state") or {}).get("terminated")) is not None
        and (policy == "Never" or terminated.get("exitCode", 0) == 0)
    }
    return [
        causes.forbidden(f"status.{field}[{index}].state", "may not be transitioned to non-terminated state")
        for index, status in enumerate(new.get(field) or ())
        if status["name"] in ended and "terminated" not in (status.get("state") or {})
    ]
