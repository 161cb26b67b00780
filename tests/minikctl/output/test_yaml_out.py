"""YAML as go-yaml v2 writes it; the same values through real kubectl are in tests/parity."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikctl.client.yaml_load import load_document
from minikctl.output.yaml_out import dumps


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", '""'),
        ("yes", '"yes"'),
        ("2001-12-14", '"2001-12-14"'),
        ("2001-13-01", "2001-13-01"),
        ("2001-12-14T21:59:43", "2001-12-14T21:59:43"),
        ("1:30", '"1:30"'),
        ("<<", "<<"),
        ("._1", "._1"),
        ("- a", "'- a'"),
        ("a: b", "'a: b'"),
        ("a #b", "'a #b'"),
        ("it's", "it's"),
        (" lead", "' lead'"),
        ("t\tb", '"t\\tb"'),
        ("😀", '"\\U0001F600"'),
        ("é", "é"),
        ("a\nb\n", "|\n    a\n    b"),
        ("a\nb", "|-\n    a\n    b"),
        ("a\n\n", "|+\n    a\n"),
        (" a\nb", "|2-\n     a\n    b"),
        ("a \nb", '"a \\nb"'),
        (1.5, "1.5"),
        (1e21, "1e+21"),
        (None, "null"),
        (True, "true"),
        ({}, "{}"),
        ([], "[]"),
    ],
)
def test_scalars(value: Any, text: str) -> None:
    assert dumps({"a": {"k": value}}) == f"a:\n  k: {text}\n"


def test_lists_stand_below_their_key() -> None:
    assert dumps({"b": [{"y": 1, "x": [1, [2]]}], "a10": 1, "a9": 2}) == (
        'a9: 2\na10: 1\nb:\n- x:\n  - 1\n  - - 2\n  "y": 1\n'
    )


def test_long_lines_fold_at_spaces() -> None:
    text = "word " * 30 + "end"
    assert dumps({"k": text}) == ("k: " + "word " * 15 + "word\n  " + "word " * 14 + "end\n")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x7f\x85\r\ufeff\u2028\u2029")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abcdyn01.-_/ :#", min_size=1), inner),
    max_leaves=10,
)  # fmt: skip


@given(json_values)
def test_what_is_written_reads_back(value: Any) -> None:
    if not any(ord(char) & 0xFFFE == 0xFFFE for char in str(value)):
        assert load_document(dumps({"k": value})) == {"k": value}
