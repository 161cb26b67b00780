"""Rules of DeviceClass. Source: pkg/apis/resource/validation/validation.go."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.resource_k8s.device_rules import (
    MAX_CONFIGS,
    MAX_SELECTORS,
    each,
    validate_configuration,
    validate_selector,
)


def validate(device_class: Obj) -> Sequence[Cause]:
    spec = device_class.get("spec") or {}
    found = each(spec.get("selectors"), MAX_SELECTORS, validate_selector, "spec.selectors")
    found += each(spec.get("config"), MAX_CONFIGS, validate_configuration, "spec.config")
    name = spec.get("extendedResourceName")
    if name is not None and not _is_extended(name):
        detail = "must be a valid extended resource name"
        found.append(causes.invalid_value("spec.extendedResourceName", name, detail))
    return found


def _is_extended(name: str) -> bool:
    """Source: IsExtendedResourceName."""
    native = "/" not in name or "kubernetes.io/" in name
    return not native and not name.startswith("requests.") and not names.qualified_name(f"requests.{name}")


def validate_update(new: Obj, _old: Obj) -> Sequence[Cause]:
    return validate(new)
