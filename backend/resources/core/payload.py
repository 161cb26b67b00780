"""What Secret and ConfigMap share: keys with data, a limit on their total size, and immutability."""

from __future__ import annotations

from collections.abc import Sequence

from backend.meta import causes
from backend.meta.errors import Cause
from backend.meta.types import Obj

MAX_BYTES = 1024 * 1024
"""Of all the values together, decoded. Source: core.MaxSecretSize."""

_IMMUTABLE = "field is immutable when `immutable` is set"


def decoded_size(encoded: str) -> int:
    """The number of bytes that standard, padded base64 stands for; the schema has checked the encoding."""
    digits = encoded.rstrip("=")
    return len(digits) * 3 // 4


def immutable_causes(new: Obj, old: Obj, fields: Sequence[str]) -> list[Cause]:
    """The faults of an update of an object that was marked `immutable`; none if it was not."""
    if not old.get("immutable"):
        return []
    found = []
    if not new.get("immutable"):
        found.append(causes.forbidden("immutable", _IMMUTABLE))
    for name in fields:
        if (new.get(name) or {}) != (old.get(name) or {}):
            found.append(causes.forbidden(name, _IMMUTABLE))
    return found
