"""Rules of ResourceSlice. Source: pkg/apis/resource/validation/validation.go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.core.affinity_validation import validate_node_selector
from backend.resources.resource_k8s.device_rules import (
    MAX_TAINTS,
    by_name,
    default_taints,
    each,
    each_once,
    validate_driver_name,
    validate_label,
    validate_pool_name,
    validate_qualified_name,
    validate_taint,
)

_MAX_DEVICES = 128
_MAX_DEVICES_WITH_EXTRAS = 64
_MAX_ATTRIBUTES = 32
_MAX_VALUE = 64
_MAX_COUNTER_SETS = 8
_MAX_COUNTERS = 32
_MAX_CONSUMED = 2
_NUMBER = r"(0|[1-9]\d*)"
_PRE_RELEASE = r"(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_BUILD = "[0-9a-zA-Z-]+"
_SEMVER = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_PRE_RELEASE}(\.{_PRE_RELEASE})*)?(\+{_BUILD}(\.{_BUILD})*)?"
).fullmatch
_VALUES = ("bool", "int", "string", "version")
_PLACES = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
_DEVICE_PLACES = (
    "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to"
    " true in the ResourceSlice spec"
)
_NO_DEVICE_PLACES = (
    "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the"
    " ResourceSlice spec"
)


def default(resource_slice: Obj) -> None:
    for device in resource_slice.setdefault("spec", {}).get("devices") or ():
        default_taints(device.get("taints") or ())


def validate(resource_slice: Obj) -> Sequence[Cause]:
    return _validate_spec(resource_slice["spec"], None)


def validate_update(new: Obj, old: Obj) -> Sequence[Cause]:
    return _validate_spec(new["spec"], old["spec"])


def _validate_spec(spec: Obj, old: Obj | None) -> list[Cause]:
    found = validate_driver_name(spec.get("driver", ""), "spec.driver")
    found += _validate_pool(spec.get("pool") or {}, "spec.pool")
    if old is not None:
        found += _validate_unchanged(spec, old)
    found += _validate_places(spec, "spec")
    devices, counters = spec.get("devices"), spec.get("sharedCounters")
    if devices is not None and counters is not None:
        detail = "only one of `sharedCounters` or `devices` is allowed"
        found.append(causes.invalid_value("spec", "", detail))
    extras = any(device.get("taints") or device.get("consumesCounters") for device in devices or ())
    most = _MAX_DEVICES_WITH_EXTRAS if extras else _MAX_DEVICES
    by_device = bool(spec.get("perDeviceNodeSelection"))
    before = {by_name(device): device for device in (old or {}).get("devices") or ()}

    def validate_device(device: Obj, path: str) -> list[Cause]:
        return _validate_device(device, before.get(by_name(device)), path, by_device=by_device)

    found += each_once(devices, most, validate_device, "spec.devices", by_name)
    return found + each_once(counters, _MAX_COUNTER_SETS, _validate_counter_set, "spec.sharedCounters", by_name)


def _validate_pool(pool: Obj, path: str) -> list[Cause]:
    count, generation = pool.get("resourceSliceCount", 0), pool.get("generation", 0)
    found = validate_pool_name(pool.get("name", ""), f"{path}.name")
    if count <= 0:
        found.append(causes.invalid_value(f"{path}.resourceSliceCount", count, "must be greater than zero"))
    if generation < 0:
        detail = "must be greater than or equal to zero"
        found.append(causes.invalid_value(f"{path}.generation", generation, detail))
    return found


def _validate_unchanged(spec: Obj, old: Obj) -> list[Cause]:
    pool = (spec.get("pool") or {}).get("name", "")
    found = [causes.immutable("spec.pool.name", pool)] if pool != (old.get("pool") or {}).get("name", "") else []
    return found + [
        causes.immutable(f"spec.{field}", spec.get(field))
        for field in ("driver", "nodeName")
        if spec.get(field) != old.get(field)
    ]


def _validate_places(spec: Obj, path: str) -> list[Cause]:
    """From which nodes the devices are reached, said in one way."""
    found, places = _validate_node_places(spec, path, "must be either unset or set to a non-empty string")
    terms = (spec.get("nodeSelector") or {}).get("nodeSelectorTerms") or []
    if spec.get("nodeSelector") is not None and len(terms) != 1:
        detail = "must have exactly one node selector term"
        found.append(causes.invalid_value(f"{path}.nodeSelector.nodeSelectorTerms", terms, detail))
    faults, more = _validate_flag(spec, "perDeviceNodeSelection", path)
    found, places = found + faults, places + more
    if not places:
        found.append(causes.required(path, _PLACES))
    elif len(places) > 1:
        detail = f"{_PLACES}, but multiple fields are set"
        found.append(causes.invalid_value(path, "{" + ", ".join(places) + "}", detail))
    return found


def _validate_node_places(part: Obj, path: str, empty: str) -> tuple[list[Cause], list[str]]:
    """The faults of nodeName, nodeSelector and allNodes, and those of them that are given; `empty` is what is said
    of an empty node name."""
    found: list[Cause] = []
    places: list[str] = []
    name, selector = part.get("nodeName"), part.get("nodeSelector")
    if name:
        places.append("`nodeName`")
        found += causes.each_invalid(f"{path}.nodeName", name, names.dns1123_subdomain(name))
    elif name is not None:
        found.append(causes.invalid_value(f"{path}.nodeName", name, empty))
    if selector is not None:
        places.append("`nodeSelector`")
        found += validate_node_selector(selector, f"{path}.nodeSelector")
    faults, more = _validate_flag(part, "allNodes", path)
    return found + faults, places + more


def _validate_flag(part: Obj, field: str, path: str) -> tuple[list[Cause], list[str]]:
    value = part.get(field)
    if value is None:
        return [], []
    if value:
        return [], [f"`{field}`"]
    return [causes.invalid_value(f"{path}.{field}", value, "must be either unset or set to true")], []


def _validate_counter_set(counters: Obj, path: str) -> list[Cause]:
    return _validate_counters(counters, "name", _MAX_COUNTERS, path)


def _validate_consumption(consumption: Obj, path: str) -> list[Cause]:
    return _validate_counters(consumption, "counterSet", _MAX_COUNTERS, path)


def _validate_counters(part: Obj, name_field: str, most: int, path: str) -> list[Cause]:
    found = validate_label(part.get(name_field, ""), f"{path}.{name_field}")
    counters = part.get("counters") or {}
    if not counters:
        return [*found, causes.required(f"{path}.counters")]
    if len(counters) > most:
        return [*found, causes.too_many(f"{path}.counters", len(counters), most)]
    for name in sorted(counters):
        found += validate_label(name, f"{path}.counters[{name}]")
    return found


def _validate_device(device: Obj, old: Obj | None, path: str, *, by_device: bool) -> list[Cause]:
    found = validate_label(device.get("name", ""), f"{path}.name")
    attributes, capacity = device.get("attributes") or {}, device.get("capacity") or {}
    count = len(attributes) + len(capacity)
    if count > _MAX_ATTRIBUTES:
        detail = f"the total number of attributes and capacities must not exceed {_MAX_ATTRIBUTES}"
        found.append(causes.invalid_value(path, count, detail))
    for name, attribute in sorted(attributes.items()):
        here = f"{path}.attributes[{name}]"
        found += validate_qualified_name(name, here) + _validate_attribute(attribute, here)
    for name, amount in sorted(capacity.items()):
        here = f"{path}.capacity[{name}]"
        found += validate_qualified_name(name, here)
        if amount.get("requestPolicy") is not None and not device.get("allowMultipleAllocations"):
            found.append(causes.forbidden(f"{here}.requestPolicy", "allowMultipleAllocations must be true"))
    if old is None or old.get("taints") != device.get("taints"):
        found += each(device.get("taints"), MAX_TAINTS, validate_taint, f"{path}.taints")
    found += each_once(
        device.get("consumesCounters"),
        _MAX_CONSUMED,
        _validate_consumption,
        f"{path}.consumesCounters",
        lambda consumption: consumption.get("counterSet", ""),
    )
    return found + _validate_device_places(device, path, by_device=by_device)


def _validate_device_places(device: Obj, path: str, *, by_device: bool) -> list[Cause]:
    if not by_device:
        given = any(device.get(field) is not None for field in ("nodeName", "nodeSelector", "allNodes"))
        return [causes.invalid_value(path, None, _NO_DEVICE_PLACES)] if given else []
    found, places = _validate_node_places(device, path, "must not be empty")
    if not places:
        found.append(causes.required(path, _DEVICE_PLACES))
    elif len(places) > 1:
        found.append(causes.invalid_value(path, "{" + ", ".join(places) + "}", _DEVICE_PLACES))
    return found


def _validate_attribute(attribute: Obj, path: str) -> list[Cause]:
    """A value, of one type."""
    found: list[Cause] = []
    text, version = attribute.get("string"), attribute.get("version")
    if version is not None and not _SEMVER(version):
        detail = "must be a string compatible with semver.org spec 2.0.0"
        found.append(causes.invalid_value(f"{path}.version", version, detail))
    for field, value in (("string", text), ("version", version)):
        if value is not None and len(value.encode()) > _MAX_VALUE:
            found.append(causes.too_long(f"{path}.{field}", _MAX_VALUE))
    given = [field for field in _VALUES if attribute.get(field) is not None]
    if len(given) != 1:
        shown: Any = attribute if given else ""
        found.append(causes.invalid_value(path, shown, "exactly one value must be specified"))
    return found
