"""Names and keys, with the texts that kube-apiserver v1.37 gives."""

from __future__ import annotations

import pytest

from backend.meta import names

SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start"
    " and end with an alphanumeric character (e.g. 'example.com', regex used for validation is"
    r" '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end"
    " with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is"
    " '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
NAME_PART = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric"
    " character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is"
    " '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


@pytest.mark.parametrize(
    ("name", "errors"),
    [
        ("a", []),
        ("a.b-c.1", []),
        ("rest_service-deployment", [SUBDOMAIN]),
        ("", [SUBDOMAIN]),
        ("A", [SUBDOMAIN]),
        ("a..b", [SUBDOMAIN]),
        ("a\n", [SUBDOMAIN]),
        ("a" * 253, []),
        ("a" * 254, ["must be no more than 253 bytes"]),
    ],
)
def test_subdomain(name: str, errors: list[str]) -> None:
    assert names.dns1123_subdomain(name) == errors


@pytest.mark.parametrize(
    ("name", "errors"),
    [
        ("default", []),
        ("a.b", ["must not contain dots"]),
        ("-a", [LABEL]),
        ("a" * 64, ["must be no more than 63 bytes"]),
    ],
)
def test_label(name: str, errors: list[str]) -> None:
    assert names.dns1123_label(name) == errors


@pytest.mark.parametrize(
    ("key", "errors"),
    [
        ("app", []),
        ("app.kubernetes.io/name", []),
        ("a/", ["name part must be non-empty", NAME_PART]),
        ("/a", ["prefix part must be non-empty"]),
        ("_a", [NAME_PART]),
        ("B/a", [f"prefix part {SUBDOMAIN}"]),
        ("é", [NAME_PART]),
        ("é" * 32, ["name part must be no more than 63 bytes", NAME_PART]),
    ],
)
def test_qualified_name(key: str, errors: list[str]) -> None:
    assert names.qualified_name(key) == errors


def test_two_slashes_are_no_key() -> None:
    (error,) = names.qualified_name("a/b/c")
    assert error.startswith("a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must")
    assert error.endswith(" with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')")


@pytest.mark.parametrize(
    ("key", "start"),
    [
        ("key.name", None),
        ("..data", "must not start with '..'"),
        (".", "must not be '.'"),
        ("..", "must not be '..'"),
        (
            "a b",
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or",
        ),
        ("a" * 254, "must be no more than 253 characters"),
    ],
)
def test_config_map_key(key: str, start: str | None) -> None:
    errors = names.config_map_key(key)
    assert len(errors) == (0 if start is None else 1)
    assert all(error.startswith(start or "") for error in errors)


@pytest.mark.parametrize(("value", "valid"), [("", True), ("a_b.c", True), ("-", False), ("a b", False)])
def test_label_value(value: str, valid: bool) -> None:
    assert (names.label_value(value) == []) == valid


@pytest.mark.parametrize(
    ("name", "strict", "relaxed"),
    [("A_B", True, True), ("1A", False, True), ("a b", False, True), ("a=b", False, False), ("é", False, False)],
)
def test_env_var_name(name: str, strict: bool, relaxed: bool) -> None:
    assert (names.env_var_name(name) == []) == strict
    assert (names.relaxed_env_var_name(name) == []) == relaxed


@pytest.mark.parametrize(
    ("name", "errors"),
    [
        ("http", []),
        ("80", ["must contain at least one letter (a-z)"]),
        ("a--b", ["must not contain consecutive hyphens"]),
        ("-a", ["must not begin or end with a hyphen"]),
        ("a-name-that-is-long", ["must be no more than 15 characters"]),
    ],
)
def test_port_name(name: str, errors: list[str]) -> None:
    assert names.port_name(name) == errors


def test_a_generated_name_may_end_with_a_dash() -> None:
    assert names.dns1123_subdomain(names.mask_trailing_dash("web-")) == []
    assert names.dns1123_subdomain(names.mask_trailing_dash("web_")) != []
