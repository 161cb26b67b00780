"""The names of what pods and quotas take: cpu, requests.memory, example.com/gpu. Source: pkg/apis/core/helper."""

from __future__ import annotations

from backend.meta import causes, names, quantity
from backend.meta.errors import Cause

COMPUTE = frozenset({"cpu", "memory", "ephemeral-storage"})
"""What a container may ask for, besides huge pages and extended resources."""
_COUNTED = frozenset(
    {"pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps",
     "persistentvolumeclaims", "services.nodeports", "services.loadbalancers"}
)  # fmt: skip
_QUOTA = COMPUTE | _COUNTED | {
    "requests.cpu", "requests.memory", "requests.storage", "requests.ephemeral-storage", "limits.cpu",
    "limits.memory", "limits.ephemeral-storage",
}  # fmt: skip
_STANDARD = _QUOTA | {"storage"}
_NATIVE_DOMAIN = "kubernetes.io/"
_HUGE_PAGES = "hugepages-"
REQUESTS = "requests."


def is_huge_pages(name: str) -> bool:
    return name.startswith(_HUGE_PAGES)


def _is_native(name: str) -> bool:
    return "/" not in name or _NATIVE_DOMAIN in name


def is_extended(name: str) -> bool:
    """Whether it is a device plugin's, say, and none that Kubernetes defines."""
    return not (_is_native(name) or name.startswith(REQUESTS) or names.qualified_name(f"{REQUESTS}{name}"))


def is_extended_in_quota(name: str) -> bool:
    """Whether a quota names an extended resource so: `requests.example.com/gpu`."""
    return not _is_native(name) and name.startswith(REQUESTS)


def is_for_quota(name: str) -> bool:
    """Whether a quota knows the name, which has no domain."""
    return name in _QUOTA or name.startswith((_HUGE_PAGES, f"{REQUESTS}{_HUGE_PAGES}"))


def overcommits(name: str) -> bool:
    """Whether requests may be below limits: not for what cannot be shared, such as a GPU."""
    return _is_native(name) and not is_huge_pages(name)


def validate_name(name: str, path: str) -> list[Cause]:
    """Source: validateResourceName."""
    faults = names.qualified_name(name)
    if faults:
        return causes.each_invalid(path, name, faults)
    if "/" in name or name in _STANDARD or is_for_quota(name):
        return []
    return [causes.invalid_value(path, name, "must be a standard resource type or fully qualified")]


def validate_container_name(name: str, path: str) -> list[Cause]:
    """Source: validateContainerResourceName."""
    found = validate_name(name, path)
    if "/" not in name and name not in COMPUTE and not is_huge_pages(name) and not names.qualified_name(name):
        found.append(causes.invalid_value(path, name, "must be a standard resource for containers"))
    elif "/" in name and not found and not _is_native(name) and not is_extended(name):
        found.append(causes.invalid_value(path, name, "doesn't follow extended resource name standard"))
    return found


def validate_amount(name: str, amount: object, path: str) -> list[Cause]:
    """Source: ValidateResourceQuantityValue."""
    text = quantity.canonical(str(amount))
    value = quantity.parse(text)
    found = []
    if value < 0:
        found.append(causes.invalid_value(path, text, "must be greater than or equal to 0"))
    if (name in _COUNTED or is_extended(name)) and value.denominator != 1:
        found.append(causes.invalid_value(path, text, "must be an integer"))
    return found
