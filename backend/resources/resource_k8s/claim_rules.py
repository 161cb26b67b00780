"""Rules of ResourceClaim and ResourceClaimTemplate. Sources: pkg/apis/resource/v1/defaults.go and validation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.objectmeta import validate_annotations, validate_labels
from backend.meta.types import Obj
from backend.resources.resource_k8s.device_rules import (
    MAX_CONFIGS,
    MAX_REQUESTS,
    MAX_SELECTORS,
    by_name,
    each,
    each_once,
    itself,
    validate_configuration,
    validate_fully_qualified_name,
    validate_label,
    validate_selector,
    validate_toleration,
)

_MAX_CONSTRAINTS = 32
_MAX_FIRST_AVAILABLE = 8
_ONE_KIND = "exactly one of `exactly` or `firstAvailable` is required"
_NO_REQUEST = (
    "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
)

RequestNames = Mapping[str, frozenset[str]]
"""The claim's requests, each with the names of its alternatives."""


def default(claim: Obj) -> None:
    _default_spec(claim.setdefault("spec", {}))
    claim.setdefault("status", {})


def default_template(template: Obj) -> None:
    spec = template.setdefault("spec", {})
    spec.setdefault("metadata", {})
    _default_spec(spec.setdefault("spec", {}))


def _default_spec(spec: Obj) -> None:
    for request in spec.setdefault("devices", {}).get("requests") or ():
        for wanted in _alternatives(request):
            if not wanted.get("allocationMode"):
                wanted["allocationMode"] = "ExactCount"
            if wanted["allocationMode"] == "ExactCount" and not wanted.get("count"):
                wanted["count"] = 1


def _alternatives(request: Obj) -> Iterator[Obj]:
    if request.get("exactly") is not None:
        yield request["exactly"]
    yield from request.get("firstAvailable") or ()


def validate(claim: Obj) -> Sequence[Cause]:
    return _validate_spec(claim["spec"], "spec")


def validate_update(new: Obj, old: Obj) -> Sequence[Cause]:
    return [causes.immutable("spec", new["spec"])] if new["spec"] != old["spec"] else []


def validate_template(template: Obj) -> Sequence[Cause]:
    meta = template["spec"].get("metadata") or {}
    found = validate_annotations(meta.get("annotations") or {}, "spec.metadata.annotations")
    found += validate_labels(meta.get("labels") or {}, "spec.metadata.labels")
    return found + _validate_spec(template["spec"]["spec"], "spec.spec")


def validate_template_update(new: Obj, old: Obj) -> Sequence[Cause]:
    return validate_update(new, old)


def _validate_spec(spec: Obj, path: str) -> list[Cause]:
    devices, path = spec.get("devices") or {}, f"{path}.devices"
    known = request_names(devices)
    found = each_once(devices.get("requests"), MAX_REQUESTS, _validate_request, f"{path}.requests", by_name)

    def validate_constraint(constraint: Obj, here: str) -> list[Cause]:
        return _validate_references(constraint, known, here) + _validate_attribute(constraint, here)

    def validate_config(config: Obj, here: str) -> list[Cause]:
        return _validate_references(config, known, here) + validate_configuration(config, here)

    found += each(devices.get("constraints"), _MAX_CONSTRAINTS, validate_constraint, f"{path}.constraints")
    return found + each(devices.get("config"), MAX_CONFIGS, validate_config, f"{path}.config")


def request_names(devices: Obj) -> RequestNames:
    return {
        request.get("name", ""): frozenset(map(by_name, request.get("firstAvailable") or ()))
        for request in devices.get("requests") or ()
    }


def _validate_request(request: Obj, path: str) -> list[Cause]:
    found = validate_label(request.get("name", ""), f"{path}.name")
    exactly, alternatives = request.get("exactly"), request.get("firstAvailable")
    if exactly is None and not alternatives:
        return [*found, causes.required(path, _ONE_KIND)]
    if exactly is not None and alternatives:
        return [*found, causes.invalid_value(path, None, f"{_ONE_KIND}, but multiple fields are set")]
    if exactly is not None:
        return found + _validate_wanted(exactly, f"{path}.exactly")
    return found + each_once(
        alternatives, _MAX_FIRST_AVAILABLE, _validate_alternative, f"{path}.firstAvailable", by_name
    )


def _validate_alternative(wanted: Obj, path: str) -> list[Cause]:
    return validate_label(wanted.get("name", ""), f"{path}.name") + _validate_wanted(wanted, path)


def _validate_wanted(wanted: Obj, path: str) -> list[Cause]:
    name, mode, count = wanted.get("deviceClassName", ""), wanted.get("allocationMode", ""), wanted.get("count", 0)
    found = [] if name else [causes.required(f"{path}.deviceClassName")]
    if name:
        found += causes.each_invalid(f"{path}.deviceClassName", name, names.dns1123_subdomain(name))
    found += each(wanted.get("selectors"), MAX_SELECTORS, validate_selector, f"{path}.selectors")
    if mode not in ("All", "ExactCount"):
        found.append(causes.not_supported(f"{path}.allocationMode", mode, ("All", "ExactCount")))
    elif mode == "All" and count:
        detail = "must not be specified when allocationMode is 'All'"
        found.append(causes.invalid_value(f"{path}.count", count, detail))
    elif mode == "ExactCount" and count <= 0:
        found.append(causes.invalid_value(f"{path}.count", count, "must be greater than zero"))
    return found + each(wanted.get("tolerations"), -1, validate_toleration, f"{path}.tolerations")


def _validate_attribute(constraint: Obj, path: str) -> list[Cause]:
    for field in ("matchAttribute", "distinctAttribute"):
        if constraint.get(field) is not None:
            return validate_fully_qualified_name(constraint[field], f"{path}.{field}")
    detail = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'
    return [causes.required(path, detail)]


def _validate_references(part: Obj, known: RequestNames, path: str) -> list[Cause]:
    def check(name: str, here: str) -> list[Cause]:
        return validate_reference(name, known, here)

    return each_once(part.get("requests"), MAX_REQUESTS, check, f"{path}.requests", itself)


def validate_reference(name: str, known: RequestNames, path: str) -> list[Cause]:
    request, slash, alternative = name.partition("/")
    if "/" in alternative:
        return [causes.invalid_value(path, name, _NO_REQUEST)]
    found = validate_label(request, path) + (validate_label(alternative, path) if slash else [])
    if request not in known or (slash and alternative not in known[request]):
        found.append(causes.invalid_value(path, name, _NO_REQUEST))
    return found
