"""Rules of PersistentVolumeClaim.

Sources: pkg/registry/core/persistentvolumeclaim/strategy.go, pkg/api/persistentvolumeclaim/util.go and
pkg/apis/core/validation/validation.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes, names, quantity
from backend.meta.errors import Cause
from backend.meta.label_selector import validate_label_selector
from backend.meta.types import Obj
from backend.resources.core.persistent_volume_rules import validate_access_modes, validate_volume_mode
from backend.resources.core.storage_cells import CLASS_ANNOTATION
from backend.resources.difference import difference

_SNAPSHOT_GROUP = "snapshot.storage.k8s.io"
_ATTRIBUTES_CLASS = "volumeAttributesClassName"
_IMMUTABLE = "is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
_RESIZE_STATES = (
    "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible",
    "NodeResizePending",
)  # fmt: skip


def default(claim: Obj) -> None:
    spec = claim.setdefault("spec", {})
    spec.setdefault("volumeMode", "Filesystem")
    spec.setdefault("resources", {})
    claim.setdefault("status", {}).setdefault("phase", "Pending")


def prepare_create(claim: Obj) -> None:
    claim["status"] = {"phase": "Pending"}
    spec = claim["spec"]
    source = spec.get("dataSource")
    if source is not None and not _is_claim_or_snapshot(source):
        # Anything else was dropped before there was a dataSourceRef, and still is.
        del spec["dataSource"]
    _match_data_sources(spec)


def prepare_update(claim: Obj, _old: Obj) -> None:
    _match_data_sources(claim["spec"])


def _is_claim_or_snapshot(source: Obj) -> bool:
    address = source.get("apiGroup", ""), source.get("kind")
    return address in (("", "PersistentVolumeClaim"), (_SNAPSHOT_GROUP, "VolumeSnapshot"))


def _match_data_sources(spec: Obj) -> None:
    """The old way to name a source and the new one say the same."""
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if source is not None and reference is None:
        spec["dataSourceRef"] = dict(source)
    elif source is None and reference is not None and not reference.get("namespace"):
        spec["dataSource"] = {name: value for name, value in reference.items() if name != "namespace"}


def validate(claim: Obj) -> Sequence[Cause]:
    return validate_claim_spec(claim["spec"], "spec")


def validate_claim_spec(spec: Obj, path: str) -> list[Cause]:
    """Also of the claims that pods and stateful sets have templates of."""
    found: list[Cause] = []
    if not spec.get("accessModes"):
        found.append(causes.required(f"{path}.accessModes", "at least 1 access mode is required"))
    if (selector := spec.get("selector")) is not None:
        found += validate_label_selector(selector, f"{path}.selector")
    found += validate_access_modes(spec, path)
    found += _validate_request(spec, f"{path}.resources[storage]")
    if class_name := spec.get("storageClassName"):
        found += causes.each_invalid(f"{path}.storageClassName", class_name, names.dns1123_subdomain(class_name))
    found += validate_volume_mode(spec, path)
    found += _validate_data_sources(spec, path)
    if attributes_class := spec.get(_ATTRIBUTES_CLASS):
        faults = names.dns1123_subdomain(attributes_class)
        found += causes.each_invalid(f"{path}.{_ATTRIBUTES_CLASS}", attributes_class, faults)
    return found


def _validate_request(spec: Obj, path: str) -> list[Cause]:
    amount = _requested(spec)
    if amount is None:
        return [causes.required(path)]
    if quantity.parse(amount) <= 0:
        return [causes.invalid_value(path, amount, "must be greater than zero")]
    return []


def _requested(spec: Obj) -> str | None:
    amount: str | None = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    return amount


def _validate_data_sources(spec: Obj, path: str) -> list[Cause]:
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    found = _validate_data_source(source, f"{path}.dataSource") if source is not None else []
    if reference is None:
        return found
    found += _validate_data_source(reference, f"{path}.dataSourceRef")
    shown = f"{path}.dataSource"
    if namespace := reference.get("namespace"):
        here = f"{path}.dataSourceRef.namespace"
        found += causes.each_invalid(here, namespace, names.dns1123_label(namespace))
        if source is not None:
            detail = "may not be specified when dataSourceRef.namespace is specified"
            found.append(causes.invalid_value(path, shown, detail))
    elif source is not None and any(
        source.get(name) != reference.get(name) for name in ("apiGroup", "kind", "name")
    ):
        found.append(causes.invalid_value(path, shown, "must match dataSourceRef"))
    return found


def _validate_data_source(source: Obj, path: str) -> list[Cause]:
    found = [causes.required(f"{path}.{name}") for name in ("name", "kind") if not source.get(name)]
    group, kind = source.get("apiGroup", ""), source.get("kind", "")
    if not group and kind != "PersistentVolumeClaim":
        detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
        found.append(causes.invalid_value(path, kind, detail))
    if group:
        found += causes.each_invalid(f"{path}.apiGroup", group, names.dns1123_subdomain(group))
    return found


def validate_update(new: Obj, old: Obj) -> Sequence[Cause]:
    """A claim that has its volume may grow; nothing else of its spec changes, but the name of its volume once."""
    spec, before = new["spec"], old["spec"]
    found = [*validate(new), *_validate_class_annotation(new, old)]
    if _comparable(new, old) != _before(new, old):
        found.append(
            causes.forbidden("spec", f"spec {_IMMUTABLE}\n{difference(_before(new, old), _comparable(new, old))}")
        )
    found += _validate_shrinking(spec, before, (old.get("status") or {}).get("capacity") or {})
    if spec.get("volumeMode") != before.get("volumeMode"):
        found.append(causes.immutable("volumeMode", spec.get("volumeMode")))
    if before.get(_ATTRIBUTES_CLASS) is not None and not spec.get(_ATTRIBUTES_CLASS):
        to = "nil" if spec.get(_ATTRIBUTES_CLASS) is None else "an empty string"
        detail = f"update from non-nil value to {to} is forbidden"
        found.append(causes.forbidden(f"spec.{_ATTRIBUTES_CLASS}", detail))
    return found


def _comparable(new: Obj, old: Obj) -> Obj:
    """The new spec, with what may change as it was."""
    spec, before = dict(new["spec"]), old["spec"]
    _put_back(spec, before, _ATTRIBUTES_CLASS)
    resources = spec.get("resources") or {}
    if (new.get("status") or {}).get("phase") == "Bound" and resources.get("requests") is not None:
        requests = dict(resources["requests"])
        _put_back(requests, (before.get("resources") or {}).get("requests") or {}, "storage")
        spec["resources"] = {**resources, "requests": requests}
    if _class_upgraded(new, old):
        _put_back(spec, before, "storageClassName")
    return spec


def _before(new: Obj, old: Obj) -> Obj:
    before = old["spec"]
    if before.get("volumeName") or "volumeName" not in new["spec"]:
        return dict(before)
    return {**before, "volumeName": new["spec"]["volumeName"]}


def _put_back(target: Obj, source: Obj, field: str) -> None:
    if field in source:
        target[field] = source[field]
    else:
        target.pop(field, None)


def _class_upgraded(new: Obj, old: Obj) -> bool:
    """Whether a claim without a class was given one, by hand or from its annotation of old."""
    name, before = new["spec"].get("storageClassName"), old["spec"].get("storageClassName")
    annotation = (old["metadata"].get("annotations") or {}).get(CLASS_ANNOTATION)
    return name is not None and before is None and annotation in (None, name)


def _validate_class_annotation(new: Obj, old: Obj) -> list[Cause]:
    value, before = (
        (claim["metadata"].get("annotations") or {}).get(CLASS_ANNOTATION, "") for claim in (new, old)
    )
    moved = not value and before == new["spec"].get("storageClassName") and _class_upgraded(new, old)
    if value == before or moved:
        return []
    return [causes.immutable(f"metadata.annotations[{CLASS_ANNOTATION}]", value)]


def _validate_shrinking(spec: Obj, before: Obj, capacity: Obj) -> list[Cause]:
    """An expansion that failed may be taken back, to anything above what there is."""
    asked, asked_before = quantity.parse(_requested(spec) or "0"), quantity.parse(_requested(before) or "0")
    if asked >= asked_before or asked > quantity.parse(capacity.get("storage", "0")):
        return []
    path = "spec.resources.requests.storage"
    return [causes.forbidden(path, "field can not be less than status.capacity")]


def validate_status_update(new: Obj, _old: Obj) -> Sequence[Cause]:
    status = new.get("status") or {}
    found: list[Cause] = []
    if not new["spec"].get("accessModes"):
        found.append(causes.required("Spec.accessModes"))
    for name, amount in sorted((status.get("capacity") or {}).items()):
        found += _validate_amount(amount, f"status.capacity[{name}]")
    path = "status.allocatedResourceStatus"
    for name, state in sorted((status.get("allocatedResourceStatuses") or {}).items()):
        found += _validate_resource_name(name, path)
        if state not in _RESIZE_STATES:
            found.append(causes.not_supported(path, name, sorted(_RESIZE_STATES)))
    for name, amount in sorted((status.get("allocatedResources") or {}).items()):
        faults = _validate_resource_name(name, "status.allocatedResources")
        found += faults or _validate_amount(amount, f"status.allocatedResources[{name}]")
    return found


def _validate_amount(amount: str, path: str) -> list[Cause]:
    value = quantity.parse(amount)
    return [causes.invalid_value(path, int(value), "must be a valid resource quantity")] if value < 0 else []


def _validate_resource_name(name: str, path: str) -> list[Cause]:
    if faults := names.qualified_name(name):
        return causes.each_invalid(path, name, faults)
    native = "/" not in name or "kubernetes.io/" in name
    return [causes.not_supported(path, name, ("storage",))] if native and name != "storage" else []
