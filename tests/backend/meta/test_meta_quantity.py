"""Quantities: every row of CANONICAL and REFUSED is what kubectl v1.37 itself made of the text."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.meta import quantity
from backend.meta.quantity import WRONG_FORMAT, WRONG_SUFFIX, canonical, parse

CANONICAL = [
    ("1.5", "1500m"), ("1024Mi", "1Gi"), ("0.5", "500m"), ("1e3", "1e3"), ("1E3", "1E3"),
    ("0.0000000001", "1n"), ("1Ki", "1Ki"), ("1500Mi", "1500Mi"), ("1.5Gi", "1536Mi"), ("0.1Ki", "102400m"),
    ("1e-3", "1e-3"), ("5000m", "5"), ("12345678901234567890123", "12345678901234567890123"), ("-0.5", "-500m"),
    ("1.1Ei", "1268213655067531673600m"), ("9Ei", "9223372036854775807"), ("100E", "100E"), (".5", "500m"),
    ("1.", "1."), ("+1", "+1"), ("10n", "10n"), ("1u", "1u"), ("1E", "1E"), ("1000000k", "1G"), ("1.0", "1"),
    ("1024", "1024"), ("0", "0"), ("0Mi", "0"), ("1e0", "1e0"), ("100e-2", "1"), ("1.23e2", "1.23e2"),
    ("12e-10", "2e-9"), ("1000m", "1"), ("1000000n", "1m"), ("1.5m", "1500u"), ("1.0005Ki", "1024512m"),
    ("1025.5Mi", "1050112Ki"), ("-1.1Ki", "-1126400m"), ("100000000000000000000Ki", "9223372036854775807"),
    ("99999999999999999999", "99999999999999999999"), ("9223372036854775808", "9223372036854775808"),
    ("1000e3", "1e6"), ("10e2", "1e3"), ("12e5", "1200e3"), ("123456e-1", "12345600e-3"),
    ("0.0001Ki", "102400u"), ("0.5Ki", "512"), ("0.0005", "500u"), ("1024Ki", "1Mi"), ("1048576", "1048576"),
    ("2048", "2048"), ("1023Ki", "1023Ki"), ("00001", "00001"), ("0.10", "100m"), ("-0", "0"), ("+0", "0"),
    ("-", "0"), (".", "0"), ("1e+3", "1e+3"), ("1E+3", "1E+3"), ("1e-9", "1e-9"), ("1e-10", "1e-9"),
    ("1e20", "100e18"), ("1e100", "10e99"), ("0e5", "0"), ("1000E", "1"), ("-1000m", "-1"),
    ("-1001m", "-1001m"), ("1.1", "1100m"), ("1.10Ki", "1126400m"), ("1024Pi", "1Ei"),
    ("1048576Pi", "9223372036854775807"), ("0.1n", "1n"), ("1.9n", "2n"), ("-1.9n", "-2n"), ("1e18", "1e18"),
    ("1e19", "10e18"), ("9e18", "9e18"), ("1.5e3", "1500"), ("123456789.123456789", "123456789.123456789"),
    ("123456789.1234567891", "123456789123456790n"), ("0.1e1", "1"), ("0.001e3", "1"), ("0.001e1", "10e-3"),
    ("-1e3", "-1e3"), ("8Ei", "9223372036854775807"), ("7Ei", "7Ei"), ("1e-1", "100e-3"),
    ("12345678e-3", "12345678e-3"), ("1000u", "1m"), ("1000000000n", "1"), ("999n", "999n"), ("Ki", "0"),
    ("e3", "0"), ("m", "0"), ("-m", "0"), ("1.500", "1.500"), ("0.10e3", "100"),
    ("-9Ei", "-9223372036854775807"), ("-7Ei", "-7Ei"), ("1e99", "1e99"), ("Ki", "0"), ("e3", "0"), ("m", "0"),
    ("-m", "0"), ("1.500", "1.500"), ("0.10e3", "100"), ("-9Ei", "-9223372036854775807"), ("-7Ei", "-7Ei"),
    ("1e99", "1e99"), ("1e00003", "1e00003"), ("1Ei", "1Ei"), ("0.9Ei", "1037629354146162278400m"),
    ("10000Ti", "10000Ti"), ("1.000000000000000000Ki", "1Ki"), ("5e1", "50"), ("1e-11", "1e-9"),
    ("-1e-11", "-1e-9"), ("1000000000000000000", "1E"), ("1000000000000000001000", "1000000000000000001k"),
    ("0.0000000000000001e10", "1e-6"), (".Ki", "0"), ("+.5", "500m"), ("1500m", "1500m"), ("100m", "100m"),
    ("1.0000000001", "1000000001n"), ("0.3Gi", "322122547200m"), ("E", "0"), ("-", "0"), ("-e5", "0"),
    ("+Ki", "0"), ("1000Ki", "1000Ki"), ("1000Mi", "1000Mi"),
]  # fmt: skip
REFUSED = [
    ("x", WRONG_FORMAT), ("", WRONG_FORMAT), ("1ki", WRONG_SUFFIX), ("1e", WRONG_SUFFIX),
    ("1e3m", WRONG_FORMAT), ("1e2k", WRONG_FORMAT), ("1.2.3", WRONG_FORMAT), ("5e", WRONG_SUFFIX),
    ("1Zi", WRONG_FORMAT), ("1m5", WRONG_SUFFIX), ("1Mi2", WRONG_SUFFIX), ("0x10", WRONG_FORMAT),
    ("1_0", WRONG_FORMAT), ("３", WRONG_FORMAT), ("1e3Ki", WRONG_FORMAT), ("1e+", WRONG_SUFFIX),
    ("1E+", WRONG_SUFFIX), ("1e-", WRONG_SUFFIX), ("1EE", WRONG_SUFFIX), ("1kk", WRONG_SUFFIX),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CANONICAL)
def test_canonical_form_is_kubernetes(text: str, expected: str) -> None:
    assert canonical(text) == expected


@pytest.mark.parametrize(("text", "error"), REFUSED)
def test_refused_with_kubernetes_text(text: str, error: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        canonical(text)
    assert str(caught.value) == error


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500m", Fraction(1, 2)),
        ("1Ki", Fraction(1024)),
        ("1.5Gi", Fraction(3 * 2**29)),
        ("-2k", Fraction(-2000)),
        ("1e3", Fraction(1000)),
        ("1n", Fraction(1, 10**9)),
        ("0.1n", Fraction(1, 10**9)),
    ],
)
def test_value(text: str, value: Fraction) -> None:
    assert parse(text) == value


def test_an_absurd_exponent_costs_nothing() -> None:
    assert canonical("1e100") == "10e99"
    assert parse("1e2000000000") == parse("1e1000")


SUFFIXES = ["", "n", "u", "m", "k", "M", "G", "T", "P", "Ki", "Mi", "Gi", "Ti", "e3", "e-6", "E4"]
NUMBERS = st.from_regex(r"[+-]?[0-9]{1,12}(\.[0-9]{1,8})?", fullmatch=True)


@given(NUMBERS, st.sampled_from(SUFFIXES))
def test_canonical_keeps_the_value_and_is_stable(number: str, suffix: str) -> None:
    text = number + suffix
    assert parse(canonical(text)) == parse(text)
    assert canonical(canonical(text)) == canonical(text)


@given(st.text(alphabet="0123456789.eEinumkKMGTP+- x", max_size=12))
def test_any_text_is_a_quantity_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        result = canonical(text)
        assert canonical(result) == result


@pytest.mark.parametrize(
    ("left", "right", "total", "rest"),
    [
        ("500m", "500m", "1", "0"),
        ("1Gi", "500M", "1573741824", "573741824"),
        ("0", "1Gi", "1Gi", "-1Gi"),
        ("1", "100m", "1100m", "900m"),
        ("1e3", "1", "1001", "999"),
        ("2G", "1k", "2000001k", "1999999k"),
        ("1e999999999", "1", None, None),
    ],
)
def test_amounts_are_added_with_the_suffixes_of_the_first(left, right, total, rest):
    if total is None:
        assert quantity.parse(quantity.add(left, right)) > 0
        return
    assert quantity.add(left, right) == total
    assert quantity.subtract(left, right) == rest


@pytest.mark.parametrize(
    ("amount", "other", "shown"),
    [("0", "1Gi", "0"), ("1500m", "2", "1500m"), ("1M", "1Gi", "1000000"), ("1Ki", "1k", "1024")],
)
def test_an_amount_takes_the_form_of_another(amount, other, shown):
    assert quantity.in_form_of(amount, other) == shown
