"""What a plain YAML scalar means to Go. Source: go-yaml v2 resolve.go."""

from __future__ import annotations

import re

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(
        ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True
    ),
    **dict.fromkeys(
        ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False
    ),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}  # fmt: skip
_INFINITIES = {
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_GO_FRACTION = re.compile(r"\.[0-9](_?[0-9])*([eE][-+]?[0-9](_?[0-9])*)?\Z")
_INT = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)\Z")


def plain(text: str) -> str | int | float | bool | None:
    """What a plain scalar means. Source: go-yaml v2 resolve.go."""
    if text in _WORDS:
        return _WORDS[text]
    if text in _INFINITIES:
        return _INFINITIES[text]
    if text[0] not in "+-.0123456789":
        return text
    if text[0] == ".":
        return float(text.replace("_", "")) if _GO_FRACTION.match(text) else text
    digits = text.replace("_", "")
    if _INT.match(digits):
        number = _int(digits)
        if -(2**63) <= number < 2**64:
            return number
    if _FLOAT.match(digits):
        real = float(digits)
        if real not in (float("inf"), float("-inf")):
            return real
    return text


def _int(digits: str) -> int:
    body = digits.lstrip("+-").lower()
    base = {"0x": 16, "0o": 8, "0b": 2}.get(body[:2]) or (8 if body[0] == "0" else 10)
    number = int(body, base)
    return -number if digits[0] == "-" else number
