"""Numbers and values as Go's fmt prints them."""

from __future__ import annotations

from typing import Any

from minikctl.flags import go_quote


def go_value(value: Any) -> str:
    """fmt's %v for a decoded JSON value."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return go_float(value)
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{go_value(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(go_value(item) for item in value) + "]"
    return str(value)


def go_float(value: float, limit: int = 21) -> str:
    """fmt's %v for a float64: the shortest form, with an exponent from ten to the `limit` on and below 1e-04.

    strconv's 'g' differs in its limit: 6.
    """
    if value != value or value in (float("inf"), float("-inf")):
        return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[str(value)]
    digits, exponent = shortest_digits(value)
    sign = "-" if str(value).startswith("-") else ""
    if value != 0 and not -4 <= exponent < limit:
        mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
        return f"{sign}{mantissa}e{exponent:+03d}"
    return sign + positional(digits, exponent)


def shortest_digits(value: float) -> tuple[str, int]:
    """The fewest digits that read back as `value`, and the power of ten of the first."""
    mantissa, _, power = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    exponent = int(power or "0") + len(whole) - 1
    if whole.strip("0") == "":
        exponent -= len(whole + fraction) - len(digits) - len(whole) + 1
    return digits.rstrip("0") or "0", exponent if digits.rstrip("0") else 0


def positional(digits: str, exponent: int) -> str:
    """`digits` with the point where `exponent` puts it."""
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    fraction = digits[exponent + 1 :]
    return f"{whole}.{fraction}" if fraction else whole


def go_syntax(value: Any, key_type: str = "string") -> str:
    """fmt's %#v for decoded JSON (map keys are strings) or YAML (`interface {}`)."""
    if value is None:
        return "interface {}(nil)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return go_quote(value)
    if isinstance(value, float):
        return go_float(value)
    if isinstance(value, dict):
        pairs = ", ".join(f"{go_quote(key)}:{go_syntax(value[key], key_type)}" for key in sorted(value))
        return f"map[{key_type}]interface {{}}{{{pairs}}}"
    if isinstance(value, list):
        return "[]interface {}{" + ", ".join(go_syntax(item, key_type) for item in value) + "}"
    return str(value)
