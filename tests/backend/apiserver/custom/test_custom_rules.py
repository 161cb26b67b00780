"""CEL rules of custom resources: what they refuse, in which words, and which are refused themselves."""

import json

import pytest

from tests.backend.apiserver.custom.conftest import definition, widget


def rules(*rules, **properties):
    return {"type": "object", "properties": properties, "x-kubernetes-validations": list(rules)}


INT = {"type": "integer"}
STRING = {"type": "string"}


async def test_rules_refuse_what_they_say(served):
    schema = rules(
        {"rule": "self.min <= self.max", "message": "min must not be above max"},
        {"rule": "self.max < 100"},
        {"rule": "self.name != 'bad'", "messageExpression": "'not ' + self.name", "fieldPath": ".name",
         "reason": "FieldValueForbidden"},
        min=INT, max=INT, name=STRING,
    )  # fmt: skip
    await served.define(schema)
    await served.widget("good", spec={"min": 1, "max": 2, "name": "n"})
    message = await served.refused(422, "create", "", widget(spec={"min": 200, "max": 100, "name": "bad"}))
    assert message == (
        'Widget.example.com "w" is invalid: [spec: Invalid value: "object": min must not be above max, '
        'spec: Invalid value: "object": failed rule: self.max < 100, spec.name: Forbidden: not bad]'
    )
    message = await served.refused(422, "create", "", widget(spec={"max": 5, "name": "n"}))
    assert "no such key: min evaluating rule: min must not be above max" in message


async def test_transition_rules_compare_with_what_was(served):
    schema = rules(
        {"rule": "self.size >= oldSelf.size", "message": "size cannot shrink"},
        size=INT,
        kind={"type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "immutable"}]},
        mode={"type": "string", "x-kubernetes-validations": [
            {"rule": "oldSelf.hasValue() || self == 'new'", "optionalOldSelf": True}]},
        ports={"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
               "items": {"type": "object", "required": ["name"], "properties": {"name": STRING, "n": INT},
                         "x-kubernetes-validations": [{"rule": "self.n == oldSelf.n", "message": "fixed"}]}},
    )  # fmt: skip
    await served.define(schema)
    message = await served.refused(422, "create", "", widget(spec={"size": 1, "mode": "old"}))
    assert "spec.mode: Invalid value: \"string\": failed rule: oldSelf.hasValue() || self == 'new'" in message
    spec = {"size": 2, "kind": "a", "mode": "new", "ports": [{"name": "p", "n": 1}, {"name": "q", "n": 2}]}
    await served.widget(spec=spec)
    changed = {"size": 1, "kind": "b", "mode": "old", "ports": [{"name": "q", "n": 3}, {"name": "r", "n": 9}]}
    message = await served.refused(
        422, "patch", "w", {"spec": changed}, content_type="application/merge-patch+json"
    )
    for text in (
        'spec: Invalid value: "object": size cannot shrink',
        'spec.kind: Invalid value: "string": immutable',
        'spec.ports[0]: Invalid value: "object": fixed',
    ):
        assert text in message
    assert "ports[1]" not in message
    assert "spec.mode" not in message


async def test_what_was_wrong_before_does_not_hinder_other_changes(served):
    await served.define(rules(name=STRING, other=INT))
    await served.widget(spec={"name": "Bad", "other": 1})
    stricter = rules(
        name={**STRING, "pattern": "^[a-z]+$", "x-kubernetes-validations": [{"rule": "self.size() > 5"}]},
        other=INT,
    )
    body = definition(stricter)
    change = [{"op": "replace", "path": "/spec/versions", "value": body["spec"]["versions"]}]
    await served.client.patch(
        served_definitions(), "widgets.example.com", change, content_type="application/json-patch+json"
    )
    patch = {"spec": {"other": 2}}
    answer = await served.send("patch", "w", patch, content_type="application/merge-patch+json")
    assert json.loads(answer.body)["spec"] == {"name": "Bad", "other": 2}
    touched = {"spec": {"name": "Worse"}}
    message = await served.refused(422, "patch", "w", touched, content_type="application/merge-patch+json")
    assert "should match '^[a-z]+$'" in message


def served_definitions():
    from tests.backend.apiserver.custom.conftest import DEFINITIONS

    return DEFINITIONS


@pytest.mark.parametrize(
    ("rule", "texts"),
    [
        (
            {"rule": "self.nope > 1"},
            ["spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule: Invalid value: ",
             "compilation failed: ERROR: <input>:1:5: undefined field 'nope'\n | self.nope > 1\n | ....^"],
        ),
        ({"rule": "1 + 1"}, ["cel expression must evaluate to a bool"]),
        ({"rule": " "}, ["x-kubernetes-validations[0].rule: Required value: rule is not specified"]),
        ({"rule": "true", "message": "a\nb"}, ["message must not contain line breaks"]),
        ({"rule": "true", "messageExpression": "1"}, ["messageExpression must evaluate to a string"]),
        ({"rule": "true", "messageExpression": "nope"}, ["messageExpression compilation failed: ERROR"]),
        ({"rule": "true", "fieldPath": ".zz"}, ["fieldPath must be a valid path: does not refer to a valid field"]),
        ({"rule": "true", "reason": "Because"}, ['reason: Unsupported value: "Because": supported values: ']),
        ({"rule": "true", "optionalOldSelf": True}, ["may not be set if oldSelf is not used in rule"]),
    ],
)  # fmt: skip
async def test_rules_that_cannot_be_are_refused_with_their_definition(served, rule, texts):
    message = await served.not_defined(definition(rules(rule, size=INT)))
    for text in texts:
        assert text in message


async def test_old_values_of_unordered_items_cannot_be_compared(served):
    items = {"type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf"}]}
    message = await served.not_defined(definition(rules(tags={"type": "array", "items": items})))
    assert "oldSelf cannot be used on the uncorrelatable portion of the schema within " in message
