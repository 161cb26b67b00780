"""Label and field selectors: the errors in REFUSED are what kubectl v1.37 said to the same text."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.meta.errors import ApiError
from backend.meta.selectors import FieldSelector, parse_field_selector, parse_label_selector

REFUSED = [
    ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
    ("a in", "unable to parse requirement: found '' expected: '('"),
    ("a=b,,", "found ',', expected: identifier after ','"),
    ("!", "unable to parse requirement: found '', expected: identifier"),
    ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
    ("a=b=c", "found '=', expected: ',' or 'end of string'"),
    ("=a", "found '=', expected: !, identifier, or 'end of string'"),
    ("a notin b", "unable to parse requirement: found 'b' expected: '('"),
    ("a==b d", "found 'd', expected: ',' or 'end of string'"),
    ("a in (a b)", "unable to parse requirement: found 'b', expected: ',' or ')'"),
    ("(", "found '(', expected: !, identifier, or 'end of string'"),
    ("a!b", "unable to parse requirement: found '!', expected: in, notin, =, ==, !=, gt, lt"),
    (", a", "found ',', expected: !, identifier, or 'end of string'"),
    ("a,", "found '', expected: identifier after ','"),
    ("!a=b", "found '=', expected: ',' or 'end of string'"),
    ("!a in (b)", "found 'in', expected: ',' or 'end of string'"),
    ("x,", "found '', expected: identifier after ','"),
    ("!x,,y", "found ',', expected: identifier after ','"),
    ("a in (x))", "found ')', expected: ',' or 'end of string'"),
    ("a b c", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
    ("a===b", "unable to parse requirement: found '=', expected: identifier"),
    ("a>=1", "unable to parse requirement: found '=', expected: identifier"),
    ("a><1", "unable to parse requirement: found '<', expected: identifier"),
    ("a not in (b)", "unable to parse requirement: found 'not', expected: in, notin, =, ==, !=, gt, lt"),
    ("a=>", "unable to parse requirement: found '>', expected: identifier"),
    ("a in x", "unable to parse requirement: found 'x' expected: '('"),
    ("a!", "unable to parse requirement: found '!', expected: in, notin, =, ==, !=, gt, lt"),
    ("a! b", "unable to parse requirement: found '!', expected: in, notin, =, ==, !=, gt, lt"),
    ("a=!b", "unable to parse requirement: found '!', expected: identifier"),
    ("a=,", "found '', expected: identifier after ','"),
    ("a=(b)", "unable to parse requirement: found '(', expected: identifier"),
    ("!!a", "unable to parse requirement: found '!', expected: identifier"),
    ("a>1 2", "found '2', expected: ',' or 'end of string'"),
    ("a,=b", "found '=', expected: identifier after ','"),
    ("a in (b) c", "found 'c', expected: ',' or 'end of string'"),
]


@pytest.mark.parametrize(("text", "error"), REFUSED)
def test_refused_with_kubernetes_text(text: str, error: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_label_selector(text)
    assert (caught.value.code, caught.value.reason, caught.value.message) == (400, "BadRequest", error)


@pytest.mark.parametrize("value", ["x", "1.5", "99999999999999999999", ""])
def test_comparison_wants_an_integer(value: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_label_selector(f"a>{value}")
    where = f'unable to parse requirement: values[0]: Invalid value: "{value}"'
    assert caught.value.message == f"{where}: for 'Gt', 'Lt' operators, the value must be an integer"


def test_bad_values_are_all_named_with_their_place() -> None:
    with pytest.raises(ApiError, match=r"unable to parse requirement: \[values\[0\]\[a\]: .*, values\[2\]\[a\]: "):
        parse_label_selector("a in (-1,b,c_)")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("", ""), (" ", ""), ("b,a", "a,b"), ("a in (z, y,y)", "a in (y,z)"), ("a in ()", "a in ()"),
        ("a in (x,,y)", "a in (,x,y)"), ("a in (,)", "a in ()"), ("in in (in)", "in in (in)"), ("!notin", "!notin"),
        ("a\t=\nb", "a=b"), ("a= ,b", "a=,b"), ("a = notin", "a=notin"), ("a!=b,a==c", "a!=b,a==c"),
    ],
)  # fmt: skip
def test_canonical_text(text: str, canonical: str) -> None:
    assert str(parse_label_selector(text)) == canonical


@pytest.mark.parametrize(
    ("text", "labels", "matches"),
    [
        ("", {}, True), ("a=b", {"a": "b"}, True), ("a==b", {"a": "c"}, False), ("a=b", {}, False),
        ("a!=b", {}, True), ("a!=b", {"a": "b"}, False), ("a in (b,c)", {"a": "c"}, True),
        ("a notin (b)", {}, True), ("a notin (b)", {"a": "b"}, False), ("a", {"a": ""}, True), ("a", {}, False),
        ("!a", {}, True), ("!a", {"a": ""}, False), ("a=", {"a": ""}, True), ("a=", {}, False),
        ("a>5", {"a": "6"}, True), ("a>5", {"a": "5"}, False), ("a<5", {"a": "4"}, True),
        ("a<5", {"a": "x"}, False), ("a>5", {}, False), ("a=b,c", {"a": "b"}, False), ("x in ()", {"x": ""}, True),
    ],
)  # fmt: skip
def test_matches(text: str, labels: dict[str, str], matches: bool) -> None:
    assert parse_label_selector(text).matches(labels) is matches


def test_no_labels_are_no_labels() -> None:
    assert parse_label_selector("!a").matches(None)
    assert not parse_label_selector("")


KEYS = st.from_regex(r"([a-z]{1,5}\.io/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,6}[A-Za-z0-9])?", fullmatch=True)
VALUES = st.from_regex(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,6}[A-Za-z0-9])?)?", fullmatch=True)
TERMS = st.one_of(
    KEYS,
    KEYS.map("!{}".format),
    st.tuples(KEYS, st.sampled_from(["=", "==", "!="]), VALUES).map("".join),
    st.tuples(KEYS, st.sampled_from(["in", "notin"]), st.lists(VALUES, min_size=1, max_size=3)).map(
        lambda term: f"{term[0]} {term[1]} ({','.join(term[2])})"
    ),
)


@given(st.lists(TERMS, max_size=4), st.dictionaries(KEYS, VALUES, max_size=4))
def test_text_of_a_selector_parses_to_the_same_selector(terms: list[str], labels: dict[str, str]) -> None:
    selector = parse_label_selector(",".join(terms))
    again = parse_label_selector(str(selector))
    assert str(again) == str(selector)
    assert again.matches(labels) == selector.matches(labels)


@given(st.text(alphabet="ab1-_./=!<>(), \tinot\0é", max_size=16))
def test_any_text_is_a_selector_or_a_bad_request(text: str) -> None:
    with suppress(ApiError):
        parse_label_selector(text)


@pytest.mark.parametrize(
    ("text", "requirements"),
    [
        ("", []),
        ("a=b", [("a", "=", "b")]),
        (
            "status.phase!=Running,metadata.name==x",
            [("metadata.name", "=", "x"), ("status.phase", "!=", "Running")],
        ),
        (r"a=b\,c\=d\\", [("a", "=", "b,c=d\\")]),
        ("a=b,,", [("a", "=", "b")]),
        ("a=", [("a", "=", "")]),
    ],
)
def test_field_selector(text: str, requirements: list[tuple[str, str, str]]) -> None:
    assert parse_field_selector(text).requirements == requirements


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a", "invalid selector: 'a'; can't understand 'a'"),
        ("a=b,c", "invalid selector: 'a=b,c'; can't understand 'c'"),
        (r"a=\x", r"invalid field selector: invalid escape sequence: \x"),
        ("a=b\\", "invalid field selector: invalid escape sequence: \\"),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
    ],
)
def test_field_selector_errors(text: str, error: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_field_selector(text)
    assert (caught.value.code, caught.value.message) == (400, error)


def test_field_selector_matches() -> None:
    selector = parse_field_selector("a=1,b!=2")
    assert selector.matches({"a": "1"})
    assert not selector.matches({"a": "1", "b": "2"})
    assert not selector.matches({"b": "3"})


@given(
    st.lists(
        st.tuples(
            st.from_regex("[a-z.]{1,6}", fullmatch=True),
            st.sampled_from(["=", "!="]),
            st.text("ab,=\\", max_size=6),
        ),
        max_size=3,
    )
)
def test_field_selector_text_round_trip(requirements: list[tuple[str, str, str]]) -> None:
    text = str(FieldSelector(requirements))
    assert sorted(parse_field_selector(text).requirements) == sorted(requirements)
