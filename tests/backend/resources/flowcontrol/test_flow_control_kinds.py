"""Flow schemas and priority levels: their rules, and that every cluster's own obey them."""

import copy

import pytest

from backend.resources.flowcontrol import bootstrap
from backend.resources.flowcontrol.flow_schema import FLOW_SCHEMA
from backend.resources.flowcontrol.priority_level import PRIORITY_LEVEL_CONFIGURATION as LEVEL

EVERYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"]}


def texts(found):
    return [str(cause) for cause in found]


def schema(name="s", *, rule=None, **spec):
    subjects = [{"kind": "User", "user": {"name": "u"}}]
    rules = [{"subjects": subjects, "resourceRules": [EVERYTHING], **(rule or {})}]
    body = {"priorityLevelConfiguration": {"name": "l"}, "rules": rules, **spec}
    made = {"metadata": {"name": name}, "spec": body}
    FLOW_SCHEMA.default(made)
    return made


def level(name="l", **spec):
    made = {"metadata": {"name": name}, "spec": spec}
    LEVEL.default(made)
    return made


@pytest.mark.parametrize("name", [*bootstrap.MANDATORY_FLOW_SCHEMAS, *bootstrap.SUGGESTED_FLOW_SCHEMAS])
def test_the_clusters_own_schemas_are_valid_as_they_are(name):
    spec = {**bootstrap.MANDATORY_FLOW_SCHEMAS, **bootstrap.SUGGESTED_FLOW_SCHEMAS}[name]
    made = {"metadata": {"name": name}, "spec": copy.deepcopy(spec)}
    FLOW_SCHEMA.default(made)
    assert made["spec"] == spec
    assert texts(FLOW_SCHEMA.validate(made)) == []


@pytest.mark.parametrize("name", [*bootstrap.MANDATORY_PRIORITY_LEVELS, *bootstrap.SUGGESTED_PRIORITY_LEVELS])
def test_the_clusters_own_levels_are_valid_as_they_are(name):
    spec = {**bootstrap.MANDATORY_PRIORITY_LEVELS, **bootstrap.SUGGESTED_PRIORITY_LEVELS}[name]
    made = level(name, **copy.deepcopy(spec))
    assert made["spec"] == spec
    assert texts(LEVEL.validate(made)) == []


def test_mandatory_schemas_stay_as_they_are():
    spec = {**copy.deepcopy(bootstrap.MANDATORY_FLOW_SCHEMAS["catch-all"]), "matchingPrecedence": 5}
    (fault,) = texts(FLOW_SCHEMA.validate({"metadata": {"name": "catch-all"}, "spec": spec}))
    assert fault.endswith("spec of 'catch-all' must equal the fixed value")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        (
            {"matchingPrecedence": 1},
            [
                "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have"
                " matchingPrecedence 1"
            ],
        ),
        ({"matchingPrecedence": 10_001}, [
            "spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000"
        ]),
        (
            {"rule": {"subjects": [{"kind": "Group", "group": {"name": "g"}, "user": {"name": "u"}}]}},
            ["spec.rules[0].subjects[0].user: Forbidden: user is forbidden when subject kind is not 'User'"],
        ),
        (
            {"rule": {"subjects": [{"kind": "ServiceAccount", "serviceAccount": {"name": "*"}}]}},
            [
                "spec.rules[0].subjects[0].serviceAccount.namespace: Required value: must specify namespace for"
                " service account"
            ],
        ),
        (
            {"rule": {"nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["a", "/b*", "/c/*"]}]}},
            [
                'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "a": must start with slash',
                'spec.rules[0].nonResourceRules[0].nonResourceURLs[1]: Invalid value: "/b*": wildcard can only do'
                " suffix matching",
            ],
        ),
        (
            {"rule": {"resourceRules": [{**EVERYTHING, "verbs": ["*", "get"], "namespaces": []}]}},
            [
                'spec.rules[0].resourceRules[0].verbs: Invalid value: ["*","get"]: if \'*\' is present, must not'
                " specify other verbs",
                "spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped"
                " must supply at least one namespace",
            ],
        ),
    ],
)  # fmt: skip
def test_rules_of_flow_schemas(fields, expected):
    assert texts(FLOW_SCHEMA.validate(schema(**fields))) == expected


def test_a_condition_has_one_type():
    made = schema()
    made["status"] = {"conditions": [{"type": "a"}, {"type": "a"}, {}]}
    assert texts(FLOW_SCHEMA.validate_status_update(made, schema())) == [
        'status.conditions[1].type: Duplicate value: "a"',
        "status.conditions[2].type: Required value: must not be empty",
    ]


def test_a_limited_level_queues_with_defaults():
    made = level(type="Limited", limited={"limitResponse": {"type": "Queue", "queuing": {}}})
    assert made["spec"]["limited"]["limitResponse"]["queuing"] == {
        "handSize": 8,
        "queues": 64,
        "queueLengthLimit": 50,
    }
    assert texts(LEVEL.validate(made)) == []
    assert LEVEL.row({**made, "metadata": {"name": "l"}}, 0.0)[:6] == ["l", "Limited", 30, 64, 8, 50]


@pytest.mark.parametrize(
    ("queuing", "expected"),
    [
        ({"queues": 4, "handSize": 5}, ["handSize: Invalid value: 5: should not be greater than queues (4)"]),
        (
            {"queues": 1024, "handSize": 7},
            [
                "handSize: Invalid value: 7: required entropy bits of deckSize 1024 and handSize 7 should not be"
                " greater than 60"
            ],
        ),
        ({"queueLengthLimit": -1}, ["queueLengthLimit: Invalid value: -1: must be positive"]),
    ],
)
def test_rules_of_queues(queuing, expected):
    made = level(type="Limited", limited={"limitResponse": {"type": "Queue", "queuing": queuing}})
    path = "spec.limited.limitResponse.queuing."
    assert texts(LEVEL.validate(made)) == [path + text for text in expected]


def test_only_exempt_is_exempt():
    assert texts(LEVEL.validate(level(type="Exempt"))) == [
        "spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if name is 'exempt'"
    ]
    assert texts(LEVEL.validate(level("exempt", type="Exempt", exempt={"nominalConcurrencyShares": 9}))) == []
