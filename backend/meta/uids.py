"""Random identifiers in the form of RFC 4122, version 4: the uids of objects and the ids of requests."""

from __future__ import annotations

import os
from collections import deque

_BYTES = 16
_DRAWN = 256
"""Identifiers whose randomness is drawn at once: a system call for each would cost more than all the rest."""

_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}

_drawn: deque[str] = deque()


def new_uid() -> str:
    """Such as `0f9f1f1e-6a1d-4c57-9a56-1c6a1f0c9b7e`; 122 of its bits are the operating system's randomness."""
    if not _drawn:
        digits = os.urandom(_BYTES * _DRAWN).hex()
        _drawn.extend(digits[start : start + 2 * _BYTES] for start in range(0, len(digits), 2 * _BYTES))
    bits = _drawn.popleft()
    return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-{_VARIANTS[bits[16]]}{bits[17:20]}-{bits[20:]}"


# Two processes must not hand out the same ones.
os.register_at_fork(after_in_child=_drawn.clear)
