"""Quantities, versions and named formats. Source: k8s.io/apiserver/pkg/cel/library/{quantity,semverlib,format}.go."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar
from urllib.parse import urlsplit

from backend.meta import names, quantity
from backend.meta.cel.errors import EvaluationError
from backend.meta.cel.functions import Library
from backend.meta.cel.library_standard import timestamp
from backend.meta.cel.values import INT_MAX, INT_MIN, NONE, Optional

LIBRARY = Library()
declare = LIBRARY.declare
add = LIBRARY.add


@dataclass(frozen=True, slots=True)
class Quantity:
    cel_type: ClassVar[str] = "kubernetes.Quantity"
    value: Fraction


@declare("quantity(string) -> kubernetes.Quantity")
def _quantity(text: str) -> Quantity:
    try:
        return Quantity(quantity.parse(text))
    except ValueError as error:
        raise EvaluationError(str(error)) from None


@declare("isQuantity(string) -> bool")
def _is_quantity(text: str) -> bool:
    try:
        quantity.parse(text)
    except ValueError:
        return False
    return True


def _sign(value: Fraction) -> int:
    return (value > 0) - (value < 0)


def _is_integer(held: Quantity) -> bool:
    return held.value.denominator == 1 and INT_MIN <= held.value <= INT_MAX


@declare("kubernetes.Quantity asInteger() -> int")
def _as_integer(held: Quantity) -> int:
    if not _is_integer(held):
        raise EvaluationError("cannot convert value to integer")
    return int(held.value)


_Q = "kubernetes.Quantity"
add(f"{_Q} isInteger() -> bool", _is_integer)
add(f"{_Q} asApproximateFloat() -> double", lambda held: float(held.value))
add(f"{_Q} sign() -> int", lambda held: _sign(held.value))
add(f"{_Q} isGreaterThan({_Q}) -> bool", lambda one, other: one.value > other.value)
add(f"{_Q} isLessThan({_Q}) -> bool", lambda one, other: one.value < other.value)
add(f"{_Q} compareTo({_Q}) -> int", lambda one, other: _sign(one.value - other.value))
add(f"{_Q} add({_Q}) -> {_Q}", lambda one, other: Quantity(one.value + other.value))
add(f"{_Q} add(int) -> {_Q}", lambda one, other: Quantity(one.value + other))
add(f"{_Q} sub({_Q}) -> {_Q}", lambda one, other: Quantity(one.value - other.value))
add(f"{_Q} sub(int) -> {_Q}", lambda one, other: Quantity(one.value - other))

_SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?")
_Part = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Semver:
    cel_type: ClassVar[str] = "kubernetes.Semver"
    major: int
    minor: int
    patch: int
    pre: tuple[str, ...] = ()

    def order(self) -> tuple[int, int, int, bool, tuple[_Part, ...]]:
        """To compare by: numbers come before texts, and a release after what is released before it."""
        parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.pre)
        return self.major, self.minor, self.patch, not self.pre, parts


@declare("semver(string) -> kubernetes.Semver")
def _semver(text: str) -> Semver:
    match = _SEMVER.fullmatch(text)
    if match is None:
        raise EvaluationError("No Major.Minor.Patch elements found")
    pre = tuple(match[4].split(".")) if match[4] else ()
    return Semver(int(match[1]), int(match[2]), int(match[3]), pre)


@declare("semver(string, bool) -> kubernetes.Semver")
def _normalized_semver(text: str, normalize: bool) -> Semver:
    """Normalized: without a leading v and leading zeros, and with what is missing as 0."""
    if normalize:
        core, mark, rest = re.fullmatch(r"v?([^+-]*)([+-]?)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
        parts = [part.lstrip("0") or "0" for part in core.split(".")]
        text = ".".join([*parts, "0", "0"][: max(3, len(parts))]) + mark + rest
    return _semver(text)


@declare("isSemver(string) -> bool", "isSemver(string, bool) -> bool")
def _is_semver(text: str, normalize: bool = False) -> bool:
    try:
        _normalized_semver(text, normalize)
    except EvaluationError:
        return False
    return True


_S = "kubernetes.Semver"
add(f"{_S} major() -> int", lambda version: version.major)
add(f"{_S} minor() -> int", lambda version: version.minor)
add(f"{_S} patch() -> int", lambda version: version.patch)
add(f"{_S} isGreaterThan({_S}) -> bool", lambda one, other: one.order() > other.order())
add(f"{_S} isLessThan({_S}) -> bool", lambda one, other: one.order() < other.order())
add(
    f"{_S} compareTo({_S}) -> int",
    lambda one, other: (one.order() > other.order()) - (one.order() < other.order()),
)


@dataclass(frozen=True, slots=True)
class Format:
    cel_type: ClassVar[str] = "kubernetes.NamedFormat"
    name: str


def _prefixed(check: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    return lambda text: check(names.mask_trailing_dash(text))


def _uri(text: str) -> list[str]:
    try:
        parts = urlsplit(text)
    except ValueError as error:
        return [str(error)]
    return [] if parts.scheme or text.startswith("/") else [f'parse "{text}": invalid URI for request']


def _matching(pattern: str, text: str) -> Callable[[str], list[str]]:
    return lambda value: [] if re.fullmatch(pattern, value) else [text]


def _datetime(text: str) -> list[str]:
    try:
        timestamp(text)
    except EvaluationError:
        return ["invalid datetime"]
    return []


_FORMATS: dict[str, Callable[[str], list[str]]] = {
    "dns1123Label": names.dns1123_label,
    "dns1123Subdomain": names.dns1123_subdomain,
    "dns1035Label": names.dns1035_label,
    "qualifiedName": names.qualified_name,
    "dns1123LabelPrefix": _prefixed(names.dns1123_label),
    "dns1123SubdomainPrefix": _prefixed(names.dns1123_subdomain),
    "dns1035LabelPrefix": _prefixed(names.dns1035_label),
    "labelValue": names.label_value,
    "uri": _uri,
    "uuid": _matching(r"(?i)[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", "does not match the UUID format"),
    "byte": _matching(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", "invalid base64"),
    "date": _matching(r"\d{4}-\d{2}-\d{2}", "invalid date"),
    "datetime": _datetime,
}


def _declare_formats() -> None:
    for name in _FORMATS:
        add(f"format.{name}() -> kubernetes.NamedFormat", lambda name=name: Format(name))


_declare_formats()


@declare("format.named(string) -> optional_type(kubernetes.NamedFormat)")
def _named(name: str) -> Optional:
    return Optional(True, Format(name)) if name in _FORMATS else NONE


@declare("kubernetes.NamedFormat validate(string) -> optional_type(list(string))")
def _validate(form: Format, text: str) -> Optional:
    faults = _FORMATS[form.name](text)
    return Optional(True, faults) if faults else NONE
