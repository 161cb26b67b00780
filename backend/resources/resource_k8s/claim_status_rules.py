"""Rules of a ResourceClaim's status. Source: pkg/apis/resource/validation/validation.go."""

from __future__ import annotations

import re
from collections.abc import Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.core.affinity_validation import validate_node_selector
from backend.resources.resource_k8s.claim_rules import RequestNames, request_names, validate_reference
from backend.resources.resource_k8s.device_rules import (
    MAX_CONFIGS,
    MAX_REQUESTS,
    each,
    each_once,
    itself,
    validate_configuration,
    validate_driver_name,
    validate_label,
    validate_pool_name,
    validate_raw,
)

_MAX_RESERVED = 256
_MAX_RESULTS = 32
_MAX_CONDITIONS = 8
_MAX_DATA = 10 * 1024
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
_NEW_USERS = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"

DeviceId = tuple[str, str, str, str]


def validate_status_update(new: Obj, old: Obj) -> Sequence[Cause]:
    """A claim is allocated once at a time, and reserved for pods while it is."""
    status, before = new.get("status") or {}, old.get("status") or {}
    allocation, reserved = status.get("allocation"), status.get("reservedFor") or []
    found = each_once(
        reserved, _MAX_RESERVED, _validate_user, "status.reservedFor", lambda user: user.get("uid", "")
    )
    found += _validate_devices(status, allocation or {})
    if reserved and allocation is None:
        detail = "may not be specified when `allocated` is not set"
        found.append(causes.forbidden("status.reservedFor", detail))
    elif new["metadata"].get("deletionTimestamp") and any(
        user not in (before.get("reservedFor") or []) for user in reserved
    ):
        found.append(causes.forbidden("status.reservedFor", _NEW_USERS))
    if allocation is None or allocation == before.get("allocation"):
        return found
    if before.get("allocation") is not None:
        return [*found, causes.immutable("status.allocation", allocation)]
    return found + _validate_allocation(allocation, request_names(new["spec"].get("devices") or {}))


def _validate_user(user: Obj, path: str) -> list[Cause]:
    return [causes.required(f"{path}.{field}") for field in ("resource", "name", "uid") if not user.get(field)]


def _validate_devices(status: Obj, allocation: Obj) -> list[Cause]:
    allocated = {_device_id(result) for result in (allocation.get("devices") or {}).get("results") or ()}

    def check(device: Obj, path: str) -> list[Cause]:
        found = _validate_place(device, path)
        if _device_id(device) not in allocated:
            shown = "/".join(part for part in _device_id(device) if part)
            found.append(causes.invalid_value(path, shown, "must be an allocated device in the claim"))
        conditions = device.get("conditions") or ()
        if len(conditions) > _MAX_CONDITIONS:
            found.append(causes.too_many(f"{path}.conditions", len(conditions), _MAX_CONDITIONS))
        if device.get("data") is not None:
            found += validate_raw(device["data"], f"{path}.data", _MAX_DATA)
        return found

    return each_once(status.get("devices"), -1, check, "status.devices", _device_id)


def _device_id(device: Obj) -> DeviceId:
    driver, pool, name, share = (device.get(field) or "" for field in ("driver", "pool", "device", "shareID"))
    return driver, pool, name, share


def _validate_place(device: Obj, path: str) -> list[Cause]:
    found = validate_driver_name(device.get("driver", ""), f"{path}.driver")
    found += validate_pool_name(device.get("pool", ""), f"{path}.pool")
    found += validate_label(device.get("device", ""), f"{path}.device")
    share = device.get("shareID")
    if share is not None and not _UUID(share):
        detail = (
            "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase"
            " hexadecimal characters"
        )
        found.append(causes.invalid_value(f"{path}.shareID", share, detail))
    return found


def _validate_allocation(allocation: Obj, known: RequestNames) -> list[Cause]:
    devices, path = allocation.get("devices") or {}, "status.allocation.devices"

    def validate_result(result: Obj, here: str) -> list[Cause]:
        found = validate_reference(result.get("request", ""), known, f"{here}.request")
        found += _validate_place(result, here)
        for field in ("bindingConditions", "bindingFailureConditions"):
            for index, name in enumerate(result.get(field) or ()):
                found += causes.each_invalid(f"{here}.{field}[{index}]", name, names.qualified_name(name))
        return found

    def validate_config(config: Obj, here: str) -> list[Cause]:
        source = config.get("source", "")
        found = [] if source else [causes.required(f"{here}.source")]
        if source and source not in ("FromClass", "FromClaim"):
            found.append(causes.not_supported(f"{here}.source", source, ("FromClaim", "FromClass")))
        found += each_once(
            config.get("requests"),
            MAX_REQUESTS,
            lambda name, at: validate_reference(name, known, at),
            f"{here}.requests",
            itself,
        )
        return found + validate_configuration(config, here)

    found = each(devices.get("results"), _MAX_RESULTS, validate_result, f"{path}.results")
    found += each(devices.get("config"), 2 * MAX_CONFIGS, validate_config, f"{path}.config")
    if (selector := allocation.get("nodeSelector")) is not None:
        found += validate_node_selector(selector, "status.allocation.nodeSelector")
    return found
