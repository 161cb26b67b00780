"""What an APIService may say. Source: k8s.io/kube-aggregator/pkg/apis/apiregistration/validation."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj

_LOCAL: Obj = {
    "type": "Available",
    "status": "True",
    "reason": "Local",
    "message": "Local APIServices are always available",
}
_REMOTE: Obj = {
    "type": "Available",
    "status": "False",
    "reason": "FailedDiscoveryCheck",
    "message": "This control plane does not forward requests to other API servers",
}


def default(service: Obj) -> None:
    backing = (service.get("spec") or {}).get("service")
    if backing:
        backing.setdefault("port", 443)


def prepare_create(service: Obj) -> None:
    """Nothing has to be asked to know what its condition is."""
    condition = _REMOTE if (service.get("spec") or {}).get("service") else _LOCAL
    since = service["metadata"]["creationTimestamp"]
    service["status"] = {"conditions": [{"lastTransitionTime": since, **condition}]}


def validate(service: Obj) -> Sequence[Cause]:
    spec: Obj = service.get("spec") or {}
    group, version = spec.get("group") or "", spec.get("version") or ""
    name, required = service["metadata"].get("name", ""), f"{version}.{group}"
    found: list[Cause] = []
    if name != required:
        text = f'must be `spec.version+"."+spec.group`: "{required}"'
        found.append(causes.invalid_value("metadata.name", name, text))
    if group:
        found += causes.each_invalid("spec.group", group, names.dns1123_subdomain(group))
    elif version != "v1":
        found.append(causes.required("spec.group", "only v1 may have an empty group and it better be legacy kube"))
    found += causes.each_invalid("spec.version", version, names.dns1035_label(version))
    found += _validate_priorities(spec)
    backing = spec.get("service")
    if backing is None:
        return [*found, *_validate_local(spec)]
    for field in ("namespace", "name"):
        if not backing.get(field):
            found.append(causes.required(f"spec.service.{field}"))
    if not 1 <= backing.get("port", 443) <= 65535:
        text = "port is not valid: must be between 1 and 65535, inclusive"
        found.append(causes.invalid_value("spec.service.port", backing["port"], text))
    if spec.get("insecureSkipTLSVerify") and spec.get("caBundle"):
        text = "may not be true if caBundle is present"
        found.append(causes.invalid_value("spec.insecureSkipTLSVerify", True, text))
    return found


def _validate_priorities(spec: Obj) -> list[Cause]:
    found: list[Cause] = []
    for field, most in (("groupPriorityMinimum", 20000), ("versionPriority", 1000)):
        value = spec.get(field) or 0
        if value <= 0 or value > most:
            text = f"must be positive and less than {most}"
            found.append(causes.invalid_value(f"spec.{field}", value, text))
    return found


def _validate_local(spec: Obj) -> list[Cause]:
    found: list[Cause] = []
    if spec.get("caBundle"):
        text = "local APIServices may not have a caBundle"
        found.append(causes.invalid_value("spec.caBundle", f"{len(spec['caBundle'])} bytes", text))
    if spec.get("insecureSkipTLSVerify"):
        text = "local APIServices may not have insecureSkipTLSVerify"
        found.append(causes.invalid_value("spec.insecureSkipTLSVerify", True, text))
    return found


def validate_update(service: Obj, _old: Obj) -> Sequence[Cause]:
    return validate(service)
