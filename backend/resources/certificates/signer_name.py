"""Names of signers: `example.com/name`. Source: ValidateSignerName of pkg/apis/core/validation."""

from __future__ import annotations

from collections.abc import Callable

from backend.meta import causes, names
from backend.meta.errors import Cause

_DOMAIN_BYTES = 253
_NAME_BYTES = 253 + 1 + 253 + 63 + 1


def validate_signer_name(name: str, field: str) -> list[Cause]:
    if not name:
        return [causes.required(field)]
    segments = name.split("/")
    if len(segments) != 2:
        text = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        return [causes.invalid_value(field, name, text)]
    domain, path = segments
    found = [causes.too_long(field, _DOMAIN_BYTES)] if len(domain) > _DOMAIN_BYTES else []
    found += _validate_labels(domain, names.dns1123_label, field)
    if "." not in domain:
        text = "should be a domain with at least two segments separated by dots"
        found.append(causes.invalid_value(field, domain, text))
    found += _validate_labels(path, names.dns1123_subdomain, field)
    if len(name) > _NAME_BYTES:
        found.append(causes.too_long(field, _NAME_BYTES))
    return found


def _validate_labels(segment: str, rule: Callable[[str], list[str]], field: str) -> list[Cause]:
    """Faults of the first bad label only: those of the next would look the same."""
    for label in segment.split("."):
        if errors := rule(label):
            texts = [f"validating label {causes.go_quote(label)}: {error}" for error in errors]
            return causes.each_invalid(field, segment, texts)
    return []
