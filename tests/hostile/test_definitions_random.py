"""Schemas, rules and columns of custom resources, and objects of such a kind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from tests.hostile.strategies import PATCHES, bounded, documents, maps, refused_or_dry, scalars, texts
from tests.support.wire import Wire, settled

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions?dryRun=All"


rules = st.one_of(
    st.text(max_size=30),
    st.lists(
        st.sampled_from(
            [
                "self",
                ".",
                "s",
                "l",
                "m",
                "(",
                ")",
                "[",
                "]",
                "{",
                "}",
                "'a'",
                "1",
                "1u",
                "1.5",
                "-",
                "!",
                "&&",
                "||",
                "?",
                ":",
                "==",
                "in",
                "size",
                "all",
                "exists",
                "map",
                "has",
                "matches",
                "x",
                ",",
                "+",
                "*",
                "%",
                "/",
                "<",
                "true",
                "null",
                "type",
                "dyn",
                "oldSelf",
                "duration",
                "timestamp",
                "quantity",
                "url",
                "cel.bind",
                "format",
                "'%s'",
                "b'\\xff'",
                "'\\U00110000'",
                "?.",
                "[?",
                "optional.of",
                "99999999999999999999",
                "r'('",
                " ",
                "\n",
                "//",
            ]
        ),
        max_size=14,
    ).map("".join),
    st.lists(
        st.sampled_from(
            [
                "self.s",
                "self.l",
                "self.m",
                "self.n",
                "'a'",
                "1",
                "self.l[0]",
                "self.m['a']",
                "size(self.l)",
                "self.l.map(x, x + 'a')",
                "self.s.matches('(')",
                "self.s.find('a+')",
                "self.n / 0",
                "self.l.sum()",
                "self.s.split('')",
                "quantity('1')",
                "true",
            ]
        ),
        min_size=2,
        max_size=4,
    ).map(" == ".join),
)
KEYWORDS = (
    "type",
    "format",
    "pattern",
    "properties",
    "items",
    "additionalProperties",
    "required",
    "enum",
    "default",
    "nullable",
    "minimum",
    "maximum",
    "multipleOf",
    "maxLength",
    "minItems",
    "uniqueItems",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "$ref",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
    "x-kubernetes-validations",
)
types = st.sampled_from(["object", "array", "string", "integer", "number", "boolean", "null", ""])
schemas = st.recursive(
    st.fixed_dictionaries({"type": types}, optional=dict.fromkeys(KEYWORDS[1:3], documents)),
    lambda inner: st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(texts, inner, max_size=3)}
        ),
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
        st.fixed_dictionaries({"type": types}, optional={"allOf": st.lists(inner, max_size=2), "not": inner}),
        st.fixed_dictionaries({"type": types}, optional=dict.fromkeys(KEYWORDS[1:], documents)),
    ),
    max_leaves=6,
)


def definition(schema: Any, **version: Any) -> dict[str, Any]:
    one = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, **version}
    names = {"plural": "oddities", "kind": "Oddity"}
    return {
        "metadata": {"name": "oddities.hostile.io"},
        "spec": {
            "group": "hostile.io",
            "scope": "Namespaced",
            "names": names,
            "versions": [one],
        },
    }


@pytest.mark.usefixtures("unchanged")
class TestDefinitions:
    @bounded
    @given(schemas)
    def test_with_any_schema(self, wire: Wire, schema: Any) -> None:
        refused_or_dry(wire, "POST", DEFINITIONS, definition({"type": "object", "properties": {"spec": schema}}))

    @bounded
    @given(rules, rules)
    def test_with_any_rule(self, wire: Wire, rule: str, message: str) -> None:
        strings = {"type": "string"}
        properties = {
            "s": strings,
            "n": {"type": "integer"},
            "l": {"type": "array", "items": strings},
            "m": {"type": "object", "additionalProperties": strings},
        }
        validations = [{"rule": rule, "messageExpression": message}]
        schema = {"type": "object", "properties": properties, "x-kubernetes-validations": validations}
        refused_or_dry(wire, "POST", DEFINITIONS, definition(schema))

    @bounded
    @given(
        st.lists(
            st.fixed_dictionaries(
                {
                    "name": texts,
                    "type": texts,
                    "jsonPath": st.one_of(texts, st.text(alphabet=".[]*'\"@?()&|=$0a-\\:", max_size=15)),
                }
            ),
            max_size=3,
        ),
        maps,
        maps,
    )
    def test_with_any_columns(self, wire: Wire, columns: Any, scale: Any, conversion: Any) -> None:
        sent = definition({"type": "object"}, additionalPrinterColumns=columns, subresources={"scale": scale})
        refused_or_dry(wire, "POST", DEFINITIONS, sent)
        sent["spec"]["conversion"] = {"strategy": "Webhook", "webhook": conversion}
        refused_or_dry(wire, "POST", DEFINITIONS, sent)


@seed(1)
@settings(bounded, derandomize=False)
@given(maps, st.lists(scalars, max_size=5), st.dictionaries(texts, scalars, max_size=4))
def test_custom_resources_with_anything_in_them(
    wire: Wire, widgets: str, spec: Any, items: Any, table: Any
) -> None:
    sent = {
        "apiVersion": "hostile.io/v1",
        "kind": "Oddity",
        "metadata": {"name": "x"},
        "spec": spec,
        "l": items,
        "m": table,
    }
    refused_or_dry(wire, "POST", f"{widgets}?dryRun=All", sent)
    refused_or_dry(
        wire, "PATCH", f"{widgets}/there?dryRun=All&fieldManager=x", json.dumps(sent).encode(), PATCHES[1]
    )
    named = {**sent, "metadata": {"name": "there"}}
    refused_or_dry(wire, "PATCH", f"{widgets}/there?dryRun=All&fieldManager=x", named, PATCHES[3])


@pytest.fixture(scope="module")
def widgets(wire: Wire) -> Iterator[str]:
    """A kind with a schema of every sort, and one object of it."""
    strings = {"type": "string", "pattern": "^(a+)+$"}
    schema = {
        "type": "object",
        "properties": {
            "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            "l": {"type": "array", "x-kubernetes-list-type": "set", "items": {"x-kubernetes-int-or-string": True}},
            "m": {"type": "object", "additionalProperties": strings, "default": {"a": "aa"}},
        },
        "x-kubernetes-validations": [
            {
                "rule": "!has(self.m) || self.m.all(k, size(self.m[k]) < 5)",
                "messageExpression": "'m' + string(size(self.m))",
            }
        ],
    }
    path = DEFINITIONS.partition("?")[0]
    assert wire.call("POST", path, definition(schema)).code == 201
    collection = "/apis/hostile.io/v1/namespaces/default/oddities"
    there = {"apiVersion": "hostile.io/v1", "kind": "Oddity", "metadata": {"name": "there"}}
    assert wire.call("POST", collection, there).code == 201
    settled(wire)
    yield collection
    wire.call("DELETE", f"{path}/oddities.hostile.io")
    settled(wire)
