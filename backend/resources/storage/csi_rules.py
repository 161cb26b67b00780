"""Rules of CSIDriver, CSINode and CSIStorageCapacity. Source: pkg/apis/storage/validation/validation.go."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes, names, quantity
from backend.meta.errors import Cause
from backend.meta.label_selector import validate_label_selector
from backend.meta.types import Obj

_GROUP_POLICIES = ("File", "None", "ReadWriteOnceWithFSType")
_LIFECYCLE_MODES = ("Persistent", "Ephemeral")
_MAX_DRIVER_NAME = 63
_MAX_NODE_ID = 256
_MIN_TOKEN_SECONDS = 600
_MIN_ALLOCATABLE_SECONDS = 10
_COUNTED = ("tokenRequests", "requiresRepublish", "seLinuxMount", "nodeAllocatableUpdatePeriodSeconds")


def validate_driver_name(name: str, path: str) -> list[Cause]:
    """The name of a CSI driver wherever one is referred to. Source: ValidateCSIDriverName of core."""
    if not name:
        return [causes.required(path)]
    found = [causes.too_long(path, _MAX_DRIVER_NAME)] if len(name) > _MAX_DRIVER_NAME else []
    return found + causes.each_invalid(path, name, names.dns1123_subdomain(name.lower()))


def prepare_csi_driver_update(driver: Obj, old: Obj) -> None:
    """A generation counts what drivers have to be told of, and begins with the first change."""
    if any(driver["spec"].get(name) != old["spec"].get(name) for name in _COUNTED):
        driver["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1


def validate_csi_driver(driver: Obj) -> Sequence[Cause]:
    spec = driver["spec"]
    found: list[Cause] = []
    if (policy := spec.get("fsGroupPolicy")) not in _GROUP_POLICIES:
        found.append(causes.not_supported("spec.fsGroupPolicy", policy, _GROUP_POLICIES))
    found += _validate_token_requests(spec.get("tokenRequests") or (), "spec.tokenRequests")
    found += [
        causes.not_supported("spec.volumeLifecycleModes", mode, _LIFECYCLE_MODES)
        for mode in spec.get("volumeLifecycleModes") or ()
        if mode not in _LIFECYCLE_MODES
    ]
    period = spec.get("nodeAllocatableUpdatePeriodSeconds")
    if period is not None and period < _MIN_ALLOCATABLE_SECONDS:
        detail = f"must be greater than or equal to {_MIN_ALLOCATABLE_SECONDS} seconds"
        found.append(causes.invalid_value("spec.nodeAllocatableUpdatePeriodSeconds", period, detail))
    return found


def _validate_token_requests(requests: Sequence[Obj], path: str) -> list[Cause]:
    """One for each audience."""
    found: list[Cause] = []
    audiences: set[str] = set()
    for index, request in enumerate(requests):
        audience, seconds = request.get("audience", ""), request.get("expirationSeconds")
        if audience in audiences:
            found.append(causes.duplicate(f"{path}[{index}].audience", audience))
            continue
        audiences.add(audience)
        here = f"{path}[{index}].expirationSeconds"
        if seconds is not None and seconds < _MIN_TOKEN_SECONDS:
            found.append(causes.invalid_value(here, seconds, "may not specify a duration less than 10 minutes"))
        if seconds is not None and seconds > 1 << 32:
            found.append(
                causes.invalid_value(here, seconds, "may not specify a duration larger than 2^32 seconds")
            )
    return found


def validate_csi_driver_update(new: Obj, old: Obj) -> Sequence[Cause]:
    found = list(validate_csi_driver(new))
    for field, path in (("attachRequired", "attachedRequired"), ("volumeLifecycleModes", "volumeLifecycleModes")):
        if new["spec"].get(field) != old["spec"].get(field):
            found.append(causes.immutable(f"spec.{path}", new["spec"].get(field)))
    return found


def validate_csi_node(node: Obj) -> Sequence[Cause]:
    found: list[Cause] = []
    seen: set[str] = set()
    for index, driver in enumerate((node.get("spec") or {}).get("drivers") or ()):
        path, name = f"spec.drivers[{index}]", driver.get("name", "")
        found += _validate_node_driver(driver, path)
        if name in seen:
            found.append(causes.duplicate(f"{path}.name", name))
        seen.add(name)
        found += _validate_topology_keys(driver.get("topologyKeys") or (), path)
    return found


def _validate_node_driver(driver: Obj, path: str) -> list[Cause]:
    found = validate_driver_name(driver.get("name", ""), f"{path}.name")
    node_id = driver.get("nodeID", "")
    if not node_id:
        found.append(causes.required(f"{path}.nodeID"))
    if len(node_id) > _MAX_NODE_ID:
        detail = f"must be {_MAX_NODE_ID} characters or less"
        found.append(causes.invalid_value(f"{path}.nodeID", node_id, detail))
    count = (driver.get("allocatable") or {}).get("count")
    if count is not None and count < 0:
        detail = "must be greater than or equal to 0"
        found.append(causes.invalid_value(f"{path}.allocatable.count", count, detail))
    return found


def _validate_topology_keys(keys: Sequence[str], path: str) -> list[Cause]:
    found: list[Cause] = []
    for index, key in enumerate(keys):
        if not key:
            found.append(causes.required(path))
        if key in keys[:index]:
            found.append(causes.duplicate(path, key))
        found += causes.each_invalid(path, key, names.qualified_name(key))
    return found


def validate_csi_node_update(new: Obj, old: Obj) -> Sequence[Cause]:
    """A driver comes and goes; while it is there, only what it can allocate changes."""
    found = list(validate_csi_node(new))
    drivers = {driver["name"]: driver for driver in (new.get("spec") or {}).get("drivers") or ()}
    for before in (old.get("spec") or {}).get("drivers") or ():
        after = drivers.get(before["name"])
        if after is not None and {**after, "allocatable": None} != {**before, "allocatable": None}:
            found.append(causes.immutable("spec.drivers", {k: v for k, v in after.items() if k != "allocatable"}))
    return found


def validate_storage_capacity(capacity: Obj) -> Sequence[Cause]:
    name, amount = capacity.get("storageClassName", ""), capacity.get("capacity")
    found: list[Cause] = []
    if (topology := capacity.get("nodeTopology")) is not None:
        found += validate_label_selector(topology, "nodeTopology")
    found += causes.each_invalid("storageClassName", name, names.dns1123_subdomain(name))
    if amount is not None and quantity.parse(amount) < 0:
        found.append(causes.invalid_value("capacity", amount, "must be greater than or equal to 0"))
    return found


def validate_storage_capacity_update(new: Obj, old: Obj) -> Sequence[Cause]:
    return [
        causes.immutable(field, new.get(field))
        for field in ("nodeTopology", "storageClassName")
        if new.get(field) != old.get(field)
    ]
