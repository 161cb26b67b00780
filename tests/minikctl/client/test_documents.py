"""Manifests: cutting up streams, and YAML with Go's rules and texts. Every expectation was seen from kubectl v1.37."""

from __future__ import annotations

from typing import Any

import pytest

from minikctl.client.documents import DocumentFault, split_documents
from minikctl.client.yaml_load import YamlFault, load_document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("y", True),
        ("off", False),
        ("tRUE", "tRUE"),
        ("~", None),
        ("0x1F", 31),
        ("0o17", 15),
        ("017", 15),
        ("09", 9),
        ("0b101", 5),
        ("1_000", 1000),
        ("_1", "_1"),
        ("1:30", "1:30"),
        ("2001-12-14", "2001-12-14"),
        ("1e3", 1000),
        (".1_0", 0.1),
        ("._1", "._1"),
        ("3.0", 3),
        ("1e400", "1e400"),
        ("18446744073709551615", 18446744073709551615),
        ('"5"', "5"),
        ("!!str 5", "5"),
        ("!!int '5'", 5),
        ("!!binary aGVsbG8=", "hello"),
        ("!foo bar", "bar"),
    ],
)
def test_scalars(text: str, value: Any) -> None:
    loaded = load_document(f"a: {text}")["a"]
    assert loaded == value
    assert type(loaded) is type(value)


def test_keys_become_strings() -> None:
    assert load_document("{1: a, yes: b, 1.5: c, 1e21: d, 0x10: e}") == {
        "1": "a", "true": "b", "1.5": "c", "1e+21": "d", "16": "e",
    }  # fmt: skip


def test_merge_keys_override_what_stands_before_them() -> None:
    assert load_document("a: &a {x: 1, z: 2}\nb: {x: 3, <<: *a}\nc: {<<: *a, x: 3}") == {
        "a": {"x": 1, "z": 2},
        "b": {"x": 1, "z": 2},
        "c": {"x": 3, "z": 2},
    }


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("volumes: db-secret\n  - name: x\n", "yaml: line 2: mapping values are not allowed in this context"),
        ("a:\n  b: c\n d: e\n", "yaml: line 2: did not find expected key"),
        ("a: [1, 2\nb: 3\n", "yaml: line 1: did not find expected ',' or ']'"),
        ("\ta: b\n", "yaml: found character that cannot start any token"),
        ('a: "abc\nb: 3\n', "yaml: line 3: found unexpected end of stream"),
        ("a: *x", "yaml: unknown anchor 'x' referenced"),
        ("a: &x [*x]", "yaml: anchor 'x' value contains itself"),
        ("a: \x01", "yaml: control characters are not allowed"),
        ("a: !!int x", "yaml: cannot decode !!str `x` as a !!int"),
        ("a: .inf", "json: unsupported value: +Inf"),
        ("[a]: x", 'yaml: invalid map key: []interface {}{"a"}'),
        ("<<: 5", "yaml: map merge requires map or sequence of maps as the value"),
        ('a: !!binary "a b"', "yaml: !!binary value contains invalid base64 data"),
    ],
)
def test_faults(text: str, fault: str) -> None:
    with pytest.raises(YamlFault) as caught:
        load_document(text)
    assert str(caught.value) == fault


def test_a_stream_of_yaml() -> None:
    text = "# only a comment\n---\na: 1\n--- # next\nb: 2\n---\n---\nnull\n"
    assert list(split_documents(text)) == [{"a": 1}, {"b": 2}]


def test_a_stream_of_json_that_goes_on_as_yaml() -> None:
    assert list(split_documents('{"a": 1} {"b": 2}\n---\nc: 3')) == [{"a": 1}, {"b": 2}, {"c": 3}]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"a": 1', "unexpected EOF"),
        ('{"a" 1}', "json: offset 6: invalid character '1' after object key"),
        ('{"a":"\\q"}', "json: offset 8: invalid character 'q' in string escape code"),
        ('{"a":1}x', "json: offset 8: invalid character 'x' looking for beginning of value"),
        ("a: b\n---c\n", "invalid Yaml document separator: c"),
        ("a: b\n---\nfoo: [\n", "error converting YAML to JSON: yaml: line 1: did not find expected node content"),
    ],
)
def test_broken_streams(text: str, fault: str) -> None:
    with pytest.raises(DocumentFault) as caught:
        list(split_documents(text))
    assert str(caught.value) == fault


@pytest.mark.parametrize("opener", ["[", "- ", "{a: ", "? "])
@pytest.mark.parametrize("depth", [10_001, 500_000])
def test_what_is_nested_too_deep_is_refused(opener: str, depth: int) -> None:
    with pytest.raises(YamlFault, match=r"^yaml: exceeded max depth of 10000$"):
        load_document(opener * depth)


def test_a_few_aliases_may_stand_for_much_but_not_for_everything() -> None:
    values = ", ".join(f"k{i}: v" for i in range(100))
    assert len(load_document(f"x: &x {{{values}}}\nall: [{', '.join(['*x'] * 101)}]")["all"]) == 101
    values = ", ".join(f"k{i}: v" for i in range(10_000))
    with pytest.raises(YamlFault, match=r"^yaml: document contains excessive aliasing$"):
        load_document(f"x: &x {{{values}}}\nall: [{', '.join(['*x'] * 100)}]")
