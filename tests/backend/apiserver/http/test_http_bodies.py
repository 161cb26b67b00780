from __future__ import annotations

import pytest

from backend.apiserver.http.bodies import decode_delete_options, decode_object, integer, parse_json
from backend.apiserver.http.gojson import error_text
from backend.apiserver.http.yamlform import YamlError, dump, load
from backend.meta.errors import ApiError


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "unexpected end of JSON input"),
        ("{", "unexpected end of JSON input"),
        ('{"a":}', "invalid character '}' looking for beginning of value"),
        ('{"a" 1}', "invalid character '1' after object key"),
        ('{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        ("{a:1}", "invalid character 'a' looking for beginning of object key string"),
        ('{"a":1 "b"}', "invalid character '\"' after object key:value pair"),
        ("[1,]", "invalid character ']' looking for beginning of value"),
        ("[1 2]", "invalid character '2' after array element"),
        ("nux", "invalid character 'x' in literal null (expecting 'l')"),
        ("[01]", "invalid character '1' after array element"),
        ("-x", "invalid character 'x' in numeric literal"),
        ("1.x", "invalid character 'x' after decimal point in numeric literal"),
        ("1ex", "invalid character 'x' in exponent of numeric literal"),
        (r'"\x"', "invalid character 'x' in string escape code"),
        (r'"\u00g0"', r"invalid character 'g' in \u hexadecimal character escape"),
        ('"a\nb"', r"invalid character '\n' in string literal"),
        ("{} x", "invalid character 'x' after top-level value"),
        ("'a'", r"invalid character '\'' looking for beginning of value"),
        ("[" * 10001, "exceeded max depth"),
    ],
)
def test_malformed_json_is_refused_in_go_s_words(text: str, error: str) -> None:
    assert error_text(text.encode()) == error


async def test_a_malformed_body_is_shown_with_its_beginning() -> None:
    with pytest.raises(ApiError) as caught:
        await decode_object(b'{"apiVersion": "v1", "kind": "Secret",', "application/json", "Secret")
    assert caught.value.code == 400
    assert caught.value.message == (
        "the object provided is unrecognized (must be of type Secret): couldn't get version/kind; "
        'json parse error: unexpected end of JSON input ({"apiVersion": "v1", "kind": " ...)'
    )


async def test_yaml_is_read_as_kubernetes_reads_it() -> None:
    text = b"kind: Secret\ndata:\n  1: 2026-01-01\n  b: yes\n"
    assert await decode_object(text, "application/yaml", "Secret") == {
        "kind": "Secret",
        "data": {"1": "2026-01-01", "b": True},
    }


async def test_broken_yaml_is_refused_with_its_line() -> None:
    with pytest.raises(ApiError, match=r"yaml: line 2: "):
        await decode_object(b"a: b\n\tc: d\n", "application/yaml", "Secret")


def test_a_few_lines_of_aliases_do_not_become_gigabytes() -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(YamlError, match="excessive aliasing"):
        load("\n".join(lines).encode())
    with pytest.raises(YamlError):
        load(b"a: &a [*a]")
    assert load(b"a: &x {b: c}\nd: *x") == {"a": {"b": "c"}, "d": {"b": "c"}}


@pytest.mark.parametrize("opener", [b"[", b"- ", b"{a: ", b"? "])
async def test_yaml_that_is_nested_too_deep_does_not_end_the_process(opener: bytes) -> None:
    with pytest.raises(ApiError, match="exceeded max depth"):
        await decode_object(opener * 300_000, "application/yaml", "Secret")


@pytest.mark.parametrize("depth", [260, 1020, 9000])
async def test_json_that_could_not_be_written_again_is_refused(depth: int) -> None:
    assert parse_json(b'{"a":' * 230 + b"[]" + b"}" * 230)
    with pytest.raises(ApiError, match="json parse error: exceeded max depth"):
        await decode_object(b'{"a":' * depth + b"1" + b"}" * depth, "application/json", "Secret")


def test_yaml_is_written_with_sorted_keys() -> None:
    assert dump(b'{"kind":"Pod","apiVersion":"v1","x":"\xc3\xa9"}').decode() == "apiVersion: v1\nkind: Pod\nx: é\n"


async def test_delete_options_may_come_in_the_query() -> None:
    query = {"gracePeriodSeconds": "5", "propagationPolicy": "Foreground"}
    assert await decode_delete_options(b"", "application/json", query) == {
        "gracePeriodSeconds": 5,
        "propagationPolicy": "Foreground",
    }
    assert await decode_delete_options(b"", "application/json", {}) is None
    assert await decode_delete_options(b'{"dryRun":["All"]}', "application/json", query) == {"dryRun": ["All"]}


def test_a_number_is_a_number_in_ascii() -> None:
    assert integer("-12", "x") == -12
    for text in ("", "1.5", "٣", "1e3"):
        with pytest.raises(ApiError, match="invalid syntax"):
            integer(text, "x")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"a":1e400}', "cannot unmarshal number 1e400 into Go value of type float64"),
        (b'{"a":[1,1e5,-2e999],"b":12345}', "cannot unmarshal number -2e999 into Go value of type float64"),
        (b'{"a":"\\ud800"}', "invalid surrogate pair in JSON input"),
        (b'{"a":"\\udc00\\ud800"}', "invalid surrogate pair in JSON input"),
        (b'{"a":"\\ud800\\udc00","b":1e999}', "cannot unmarshal number 1e999 into Go value of type float64"),
        (b"[" * 250 + b"]" * 250, "exceeded max depth"),
        (b'{"a":"\xff"}', "invalid UTF-8 in JSON input"),
    ],
)
def test_what_only_our_parser_refuses_is_told_apart(body: bytes, why: str) -> None:
    assert error_text(body) == why
