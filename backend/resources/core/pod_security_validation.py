"""Rules of security contexts. Source: ValidateSecurityContext, validatePodSpecSecurityContext."""

from __future__ import annotations

import re

from backend.meta import causes
from backend.meta.errors import Cause
from backend.meta.types import Obj

_MAX_ID = 2**31 - 1
_ID_RANGE = f"must be between 0 and {_MAX_ID}, inclusive"
_SECCOMP = ("Localhost", "RuntimeDefault", "Unconfined")
_SYSCTL = re.compile(r"([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?")
_SYSCTL_FAULT = f"must have at most 253 characters and match regex ^{_SYSCTL.pattern}$"


def _validate_ids(context: Obj, fields: tuple[str, ...], path: str) -> list[Cause]:
    return [
        causes.invalid_value(f"{path}.{field}", context[field], _ID_RANGE)
        for field in fields
        if context.get(field) is not None and not 0 <= context[field] <= _MAX_ID
    ]


def _validate_seccomp(profile: Obj | None, path: str) -> list[Cause]:
    if profile is None:
        return []
    kind, local = profile.get("type", ""), profile.get("localhostProfile")
    if kind == "Localhost":
        detail = "must be set when seccomp type is Localhost "
        return [] if local else [causes.required(f"{path}.localhostProfile", detail)]
    if kind not in _SECCOMP:
        if not kind:
            return [causes.required(f"{path}.type", "type is required when seccompProfile is set")]
        return [causes.not_supported(f"{path}.type", kind, _SECCOMP)]
    if local is not None:
        return [
            causes.invalid_value(
                f"{path}.localhostProfile", local, "can only be set when seccomp type is Localhost"
            )
        ]
    return []


def validate_container_security(context: Obj, path: str) -> list[Cause]:
    found = _validate_ids(context, ("runAsUser", "runAsGroup"), path)
    found += _validate_seccomp(context.get("seccompProfile"), f"{path}.seccompProfile")
    if context.get("allowPrivilegeEscalation") is False:
        if context.get("privileged"):
            detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            found.append(causes.invalid_value(path, context, detail))
        if "CAP_SYS_ADMIN" in ((context.get("capabilities") or {}).get("add") or ()):
            detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            found.append(causes.invalid_value(path, context, detail))
    return found


def validate_pod_security(spec: Obj, spec_path: str) -> list[Cause]:
    context: Obj = spec.get("securityContext") or {}
    path = f"{spec_path}.securityContext"
    found: list[Cause] = []
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        detail = "ShareProcessNamespace and HostPID cannot both be enabled"
        found.append(causes.invalid_value(f"{path}.shareProcessNamespace", True, detail))
    found += _validate_ids(context, ("fsGroup", "runAsUser", "runAsGroup"), path)
    for index, group in enumerate(context.get("supplementalGroups") or ()):
        if not 0 <= group <= _MAX_ID:
            found.append(causes.invalid_value(f"{path}.supplementalGroups[{index}]", group, _ID_RANGE))
    policy = context.get("fsGroupChangePolicy")
    if policy is not None and policy not in ("Always", "OnRootMismatch"):
        found.append(causes.not_supported(f"{path}.fsGroupChangePolicy", policy, ("Always", "OnRootMismatch")))
    found += _validate_seccomp(context.get("seccompProfile"), f"{path}.seccompProfile")
    return found + _validate_sysctls(context, f"{path}.sysctls")


def _validate_sysctls(context: Obj, path: str) -> list[Cause]:
    found: list[Cause] = []
    seen: set[str] = set()
    for index, sysctl in enumerate(context.get("sysctls") or ()):
        name = sysctl.get("name", "")
        here = f"{path}[{index}].name"
        if not name:
            found.append(causes.required(here))
        elif len(name) > 253 or not _SYSCTL.fullmatch(name):
            found.append(causes.invalid_value(here, name, _SYSCTL_FAULT))
        elif name in seen:
            found.append(causes.duplicate(here, name))
        seen.add(name)
    return found
