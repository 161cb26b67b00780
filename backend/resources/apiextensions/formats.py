"""The string formats that Kubernetes checks in custom resources; others are documentation only.

Sources: k8s.io/kube-openapi/pkg/validation/strfmt, and supportedVersionedFormats of
k8s.io/apiextensions-apiserver/pkg/apiserver/validation.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from backend.meta import names

_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+")
_HOSTNAME = re.compile(r"(?i)([a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])(\.([a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9]))*\.?")
_MAC = re.compile(
    r"(?i)([0-9a-f]{2}[:-]){5}([0-9a-f]{2}[:-][0-9a-f]{2}[:-])?[0-9a-f]{2}|([0-9a-f]{4}\.){2,3}[0-9a-f]{4}"
)
_UUID = r"(?i)[0-9a-f]{{8}}-?[0-9a-f]{{4}}-?{}[0-9a-f]{{3}}-?{}[0-9a-f]{{3}}-?[0-9a-f]{{12}}"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATE_TIME = re.compile(r"(?i)\d{4}-\d{2}-\d{2}[t ]\d{2}:\d{2}:\d{2}(\.\d+)?(z|[+-]\d{2}:\d{2})?")
_DURATION = re.compile(r"[+-]?((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+|0")
_LONG_DURATION = re.compile(
    r"\s*(\d+(\.\d*)?)\s*(ns|us|µs|ms|s|m|h|d|w|nanos?|nanoseconds?|micros?|microseconds?|millis?|milliseconds?"
    r"|sec|secs?|seconds?|min|mins?|minutes?|hr|hrs?|hours?|days?|wks?|weeks?)\s*"
)


def _pattern(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


def _address(kind: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            kind(text)
        except ValueError:
            return False
        return "%" not in text

    return check


def _uri(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme) or text.startswith("/")


def _date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    month, day = int(text[5:7]), int(text[8:])
    leap = int(text[:4]) % 4 == 0 and (int(text[:4]) % 100 != 0 or int(text[:4]) % 400 == 0)
    days = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return 1 <= month <= 12 and 1 <= day <= days[month - 1]


def _date_time(text: str) -> bool:
    if not _DATE_TIME.fullmatch(text) or not _date(text[:10]):
        return False
    return int(text[11:13]) < 24 and int(text[14:16]) < 60 and int(text[17:19]) < 61


def _byte(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _cidr(text: str) -> bool:
    address, slash, bits = text.partition("/")
    return (
        bool(slash)
        and bits.isdigit()
        and _address(lambda t: ipaddress.ip_network(t, strict=False))(text)
        and bool(address)
    )


def _hostname(text: str) -> bool:
    return (
        len(text) <= 255
        and _HOSTNAME.fullmatch(text) is not None
        and all(len(part) < 64 for part in text.split("."))
    )


def _duration(text: str) -> bool:
    return _DURATION.fullmatch(text) is not None or _LONG_DURATION.fullmatch(text) is not None


def _luhn(text: str) -> bool:
    digits = [int(char) for char in re.sub(r"[ -]", "", text) if char.isdigit()]
    doubled = [digit * 2 - 9 * (digit > 4) if index % 2 else digit for index, digit in enumerate(reversed(digits))]
    return 13 <= len(digits) <= 16 and sum(doubled) % 10 == 0


def _isbn10(text: str) -> bool:
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"\d{9}[\dX]", digits):
        return False
    return sum((index + 1) * (10 if char == "X" else int(char)) for index, char in enumerate(digits)) % 11 == 0


def _isbn13(text: str) -> bool:
    digits = re.sub(r"[\s-]", "", text)
    return (
        bool(re.fullmatch(r"\d{13}", digits))
        and sum((1, 3)[i % 2] * int(c) for i, c in enumerate(digits)) % 10 == 0
    )


_COLOR = r"(2[0-4]\d|25[0-5]|1?\d?\d)"
_CHECKS: dict[str, Callable[[str], bool]] = {
    "bsonobjectid": _pattern("(?i)[0-9a-f]{24}"),
    "uri": _uri,
    "email": lambda text: _EMAIL.fullmatch(text) is not None,
    "hostname": _hostname,
    "ipv4": _address(ipaddress.IPv4Address),
    "ipv6": _address(ipaddress.IPv6Address),
    "cidr": _cidr,
    "mac": lambda text: _MAC.fullmatch(text) is not None,
    "uuid": _pattern(_UUID.format("[0-9a-f]", "[0-9a-f]")),
    "uuid3": _pattern(_UUID.format("3", "[0-9a-f]")),
    "uuid4": _pattern(_UUID.format("4", "[89ab]")),
    "uuid5": _pattern(_UUID.format("5", "[89ab]")),
    "isbn": lambda text: _isbn10(text) or _isbn13(text),
    "isbn10": _isbn10,
    "isbn13": _isbn13,
    "creditcard": _luhn,
    "ssn": _pattern(r"\d{3}[- ]?\d{2}[- ]?\d{4}"),
    "hexcolor": _pattern("(?i)#?([0-9a-f]{3}|[0-9a-f]{6})"),
    "rgbcolor": _pattern(rf"rgb\(\s*{_COLOR}\s*,\s*{_COLOR}\s*,\s*{_COLOR}\s*\)"),
    "byte": _byte,
    "password": lambda _text: True,
    "date": _date,
    "duration": _duration,
    "datetime": _date_time,
    "k8sshortname": lambda text: not names.dns1123_label(text),
    "k8slongname": lambda text: not names.dns1123_subdomain(text),
}


def check_of(form: str) -> Callable[[str], bool] | None:
    """The check of a format by its name, such as `date-time`; None if it is not checked."""
    return _CHECKS.get(form.replace("-", ""))
