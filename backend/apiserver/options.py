"""Query parameters and DeleteOptions, with kube-apiserver's checks.

Source: k8s.io/apimachinery/pkg/apis/meta/v1/validation, and the query conversions of pkg/runtime/conversion.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from backend.machinery.client import APPLY_PATCH
from backend.meta import causes, errors
from backend.meta.errors import Cause
from backend.meta.types import ApiRequest, Obj

_KINDS = {
    "create": "CreateOptions",
    "update": "UpdateOptions",
    "patch": "PatchOptions",
    "delete": "DeleteOptions",
    "deletecollection": "DeleteOptions",
}
_FIELD_VALIDATION = ("", "Ignore", "Strict", "Warn")
_POLICIES = ("Foreground", "Background", "Orphan")
_MANAGER_BYTES = 128
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII).fullmatch


def check(kind: str, found: Sequence[Cause]) -> None:
    """Raise 422 for options of `kind` if anything was found."""
    if found:
        raise errors.invalid(f"{kind}.meta.k8s.io", "", found)


def write_options(request: ApiRequest) -> bool:
    """Check the query of a write; whether it is a dry run."""
    query = request.query
    if not query and request.content_type != APPLY_PATCH:
        return False
    found: list[Cause] = []
    dry_run = query.get("dryRun")
    if dry_run is not None:
        found += dry_run_causes([dry_run])
    validation = query.get("fieldValidation", "")
    if validation not in _FIELD_VALIDATION:
        found.append(causes.not_supported("fieldValidation", validation, _FIELD_VALIDATION))
    if request.verb == "patch":
        found = [*_apply_causes(request), *found]
    found += _manager_causes(query.get("fieldManager", ""))
    check(_KINDS[request.verb], found)
    return dry_run is not None


def _apply_causes(request: ApiRequest) -> list[Cause]:
    """Source: ValidatePatchOptions."""
    if request.content_type != APPLY_PATCH:
        if "force" not in request.query:
            return []
        return [causes.forbidden("force", "may not be specified for non-apply patch")]
    if request.query.get("fieldManager"):
        return []
    return [causes.required("fieldManager", "is required for apply patch")]


def dry_run_causes(values: Sequence[str]) -> list[Cause]:
    if all(value == "All" for value in values):
        return []
    shown = ", ".join(map(causes.go_quote, values))
    text = f'Unsupported value: []string{{{shown}}}: supported values: "All"'
    return [Cause("FieldValueNotSupported", "dryRun", text)]


def _manager_causes(manager: str) -> list[Cause]:
    found = []
    if len(manager.encode(errors="replace")) > _MANAGER_BYTES:
        found.append(causes.too_long("fieldManager", _MANAGER_BYTES))
    for position, char in enumerate(manager):
        if not char.isprintable():
            text = f"invalid character U+{ord(char):04X} (at position {position})"
            found.append(causes.invalid_value("fieldManager", manager, text))
    return found


def field_manager(request: ApiRequest) -> str:
    """Who is recorded in managedFields. Source: managerOrUserAgent of endpoints/handlers/create.go.

    A part of this process has no user agent: the program that it is a part of in Kubernetes takes the place.
    """
    manager = request.query.get("fieldManager")
    if manager:
        return manager
    if request.user_agent:
        return request.user_agent.partition("/")[0][:_MANAGER_BYTES]
    name = request.user.name
    if name.startswith("system:serviceaccount:kube-system:"):
        return "kube-controller-manager"
    return "kubelet" if name.startswith("system:node:") else name.rpartition(":")[2][:_MANAGER_BYTES]


def boolean(query: Mapping[str, str], name: str) -> bool | None:
    """None if absent; anything but 0 and false is true. Source: Convert_Slice_string_To_bool."""
    text = query.get(name)
    if text is None:
        return None
    return not (text.startswith("0") or text.lower() == "false")


def integer(query: Mapping[str, str], name: str) -> int | None:
    """None if absent. Raises 400 with strconv's text."""
    text = query.get(name)
    if text is None:
        return None
    if not _INTEGER(text):
        raise errors.bad_request(f"strconv.ParseInt: parsing {causes.go_quote(text)}: invalid syntax")
    value = int(text) if len(text) < 20 else 1 << 63
    if not -(1 << 63) <= value < 1 << 63:
        raise errors.bad_request(f"strconv.ParseInt: parsing {causes.go_quote(text)}: value out of range")
    return value


def revision(text: str) -> int:
    """A resourceVersion as sent; "" is 0. Raises 400."""
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        quoted = causes.go_quote(text)
        why = "value out of range" if text.isascii() and text.isdigit() else "invalid syntax"
        text = f"resourceVersion: Invalid value: {quoted}: strconv.ParseUint: parsing {quoted}: {why}"
        raise errors.bad_request(text)
    return int(text)


def too_large(asked: int, current: int) -> errors.ApiError:
    """504: the store has not reached that revision. Source: storage.NewTooLargeResourceVersionError."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return errors.ApiError(
        504,
        "Timeout",
        f"Timeout: Too large resource version: {asked}, current: {current}",
        {"causes": [cause], "retryAfterSeconds": 1},
    )


def validate_delete(options: Obj) -> None:
    """Source: ValidateDeleteOptions."""
    found: list[Cause] = []
    policy = options.get("propagationPolicy")
    if policy is not None:
        if options.get("orphanDependents") is not None:
            text = "orphanDependents and deletionPropagation cannot be both set"
            found.append(causes.invalid_value("propagationPolicy", policy, text))
        elif policy not in _POLICIES:
            found.append(causes.not_supported("propagationPolicy", policy, (*_POLICIES, "nil")))
    found += dry_run_causes(options.get("dryRun") or [])
    check("DeleteOptions", found)
