"""Resource quantities: `500m`, `1Gi`, `1e3`.

Source: k8s.io/apimachinery/pkg/api/resource. A quantity is kept to a billionth (rounded away from zero), and one
with a binary suffix is capped at 2^63-1.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction

WRONG_FORMAT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
WRONG_SUFFIX = "unable to parse quantity's suffix"

_PARTS = re.compile(r"([+-]?)0*([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)").fullmatch
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIX = {exponent: suffix for suffix, exponent in _BINARY.items()} | {0: ""}
_NANO = -9
_MAX = 2**63 - 1
_MAX_EXPONENT = 2**31
_MAX_LENGTH = 4000
"""Longer numbers mean nothing, and cost quadratic time to read."""
_LARGEST_SCALE = 1000
"""`1e999999999` is a valid quantity; as a number it is taken to be as good as 1e1000."""


class _Number:
    """value * 10**scale, after rounding; `form` is "decimal", "exponent" or "binary"."""

    __slots__ = ("form", "scale", "text", "value")

    def __init__(self, value: int, scale: int, form: str, text: str = "") -> None:
        self.value = value
        self.scale = scale
        self.form = form
        self.text = text
        """What was read, where it is kept as it is."""


def _suffix(suffix: str) -> tuple[int, str]:
    exponent = _DECIMAL.get(suffix)
    if exponent is not None:
        return exponent, "decimal"
    exponent = _BINARY.get(suffix)
    if exponent is not None:
        return exponent, "binary"
    if suffix[0] in "eE" and re.fullmatch("[-+]?[0-9]+", suffix[1:]):
        exponent = int(suffix[1:20])
        if len(suffix) < 20 and abs(exponent) < _MAX_EXPONENT:
            return exponent, "exponent"
    raise ValueError(WRONG_SUFFIX)


def _ceil_nano(value: int, scale: int) -> tuple[int, int]:
    """Round away from zero to a billionth."""
    if scale >= _NANO or value == 0:
        return value, scale
    # A value with fewer digits than the exponent takes away is the smallest quantity there is.
    if -scale + _NANO > len(str(abs(value))):
        return (1 if value > 0 else -1), _NANO
    unit = 10 ** (_NANO - scale)
    return (-(-value // unit) if value > 0 else value // unit), _NANO


def _read(text: str) -> _Number:
    match = _PARTS(text)
    if match is None or not text or len(text) > _MAX_LENGTH:
        raise ValueError(WRONG_FORMAT)
    sign, whole, part, suffix = match.groups()
    part = part or ""
    exponent, form = _suffix(suffix)
    digits = (whole or "0") + part
    value = -int(digits) if sign == "-" else int(digits)
    scale = -len(part)
    if form == "binary":
        value, scale = _ceil_nano(value << exponent, scale)
        if abs(value) > _MAX * 10**-scale:
            value, scale = (_MAX if value > 0 else -_MAX), 0
        return _Number(value, scale, form)
    scale += exponent
    # What is canonical at first sight is kept as it was written, even with a plus sign or leading zeros.
    plain = scale % 3 == 0 and digits[0] != "0" and not digits.endswith("000")
    if plain and scale >= _NANO and len(digits) <= 18:
        return _Number(value, scale, form, text)
    value, scale = _ceil_nano(value, scale)
    return _Number(value, scale, form)


def parse(text: str) -> Fraction:
    """The exact value. Raises ValueError with Kubernetes' text."""
    from fractions import Fraction

    number = _read(text)
    scale = min(number.scale, _LARGEST_SCALE)
    return Fraction(number.value * 10**scale) if scale >= 0 else Fraction(number.value, 10**-scale)


@lru_cache(maxsize=512)
def canonical(text: str) -> str:
    """The form that the API server answers with: `0.5` -> `500m`, `1024Mi` -> `1Gi`. Raises ValueError."""
    return _canonical(_read(text))


def add(left: str, right: str) -> str:
    """The sum, canonical, with the suffixes of `left` unless that is zero. Raises ValueError. Source: Quantity.Add."""
    return _combined(left, right, 1)


def subtract(left: str, right: str) -> str:
    """The difference, likewise. Source: Quantity.Sub."""
    return _combined(left, right, -1)


def in_form_of(text: str, other: str) -> str:
    """The amount with the suffixes of `other`: as it is if those are its own, else as a whole number, rounded up."""
    number, form = _read(text), _read(other).form
    if number.form == form:
        return _canonical(number)
    amount = parse(text)
    return _canonical(_Number(-(-amount.numerator // amount.denominator), 0, form))


def _combined(left: str, right: str, sign: int) -> str:
    one, other = _read(left), _read(right)
    scales = min(one.scale, _LARGEST_SCALE), min(other.scale, _LARGEST_SCALE)
    scale = min(*scales, 0)
    value = one.value * 10 ** (scales[0] - scale) + sign * other.value * 10 ** (scales[1] - scale)
    return _canonical(_Number(value, scale, one.form if one.value else other.form))


def _canonical(number: _Number) -> str:
    if number.value == 0:
        return "0"
    if number.text:
        return number.text
    if number.form == "binary":
        binary = _canonical_binary(number)
        if binary is not None:
            return binary
    return _canonical_decimal(number)


def _canonical_binary(number: _Number) -> str | None:
    """None where it would lose precision or is below 1Ki: such a value is shown as decimal."""
    value, rest = divmod(number.value, 10**-number.scale)
    if rest or -1024 < value < 1024:
        return None
    exponent = 0
    while value % 1024 == 0:
        value //= 1024
        exponent += 10
    return f"{value}{_BINARY_SUFFIX.get(exponent, '')}"


def _canonical_decimal(number: _Number) -> str:
    value, scale = number.value, number.scale
    while value % 10 == 0:
        value //= 10
        scale += 1
    value *= 10 ** (scale % 3)
    scale -= scale % 3
    if number.form == "exponent":
        return f"{value}e{scale}" if scale else str(value)
    return f"{value}{_DECIMAL_SUFFIX.get(scale, '')}"
