"""Roles and bindings: defaults, rules, tables."""

import pytest

from backend.resources.rbac.bindings import CLUSTER_ROLE_BINDING, ROLE_BINDING
from backend.resources.rbac.roles import CLUSTER_ROLE, GROUP, ROLE

NOW = 1_700_000_000.0
META = {"name": "x", "creationTimestamp": "2023-11-14T22:13:00Z"}


def texts(causes):
    return [str(cause) for cause in causes]


def rule(**fields):
    return {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], **fields}


def binding(kind="Role", name="r", *subjects, **reference):
    made = {
        "metadata": META,
        "roleRef": {"kind": kind, "name": name, **reference},
        "subjects": list(subjects),
    }
    ROLE_BINDING.default(made)
    return made


def test_a_role_without_rules_says_so():
    role = {"metadata": META, "rules": []}
    ROLE.default(role)
    assert role["rules"] is None
    assert ROLE.validate(role) == []
    assert ROLE.row(role, NOW) == ["x", "2023-11-14T22:13:00Z"]


def test_a_rule_names_verbs_groups_and_resources():
    assert texts(ROLE.validate({"rules": [rule(), {}]})) == [
        "rules[1].verbs: Required value: verbs must contain at least one value",
        "rules[1].apiGroups: Required value: resource rules must supply at least one api group",
        "rules[1].resources: Required value: resource rules must supply at least one resource",
    ]


def test_urls_are_for_cluster_roles_and_alone():
    urls = {"verbs": ["get"], "nonResourceURLs": ["/healthz"]}
    assert texts(ROLE.validate({"rules": [urls]})) == [
        'rules[0].nonResourceURLs: Invalid value: ["/healthz"]: namespaced rules cannot apply to non-resource URLs'
    ]
    assert CLUSTER_ROLE.validate({"rules": [urls]}) == []
    assert texts(CLUSTER_ROLE.validate({"rules": [{**urls, "resources": ["pods"]}]})) == [
        'rules[0].nonResourceURLs: Invalid value: ["/healthz"]: rules cannot apply to both regular resources and'
        " non-resource URLs"
    ]


@pytest.mark.parametrize(
    ("aggregation", "faults"),
    [
        ({"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}, []),
        (
            {},
            [
                "aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if"
                " aggregationRule is non-nil"
            ],
        ),
        (
            {"clusterRoleSelectors": [{"matchExpressions": [{"key": "a", "operator": "Is"}]}]},
            [
                'aggregationRule.clusterRoleSelectors[0].matchExpressions[0].operator: Invalid value: "Is": not a'
                " valid selector operator"
            ],
        ),
        (
            {"clusterRoleSelectors": [{"matchExpressions": [{"key": "a", "operator": "In"}]}]},
            [
                "aggregationRule.clusterRoleSelectors[0].matchExpressions[0].values: Required value: must be"
                " specified when `operator` is 'In' or 'NotIn'"
            ],
        ),
        (
            {
                "clusterRoleSelectors": [
                    {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}
                ]
            },
            [
                "aggregationRule.clusterRoleSelectors[0].matchExpressions[0].values: Forbidden: may not be"
                " specified when `operator` is 'Exists' or 'DoesNotExist'"
            ],
        ),
    ],
)
def test_an_aggregation_selects(aggregation, faults):
    assert texts(CLUSTER_ROLE.validate({"rules": None, "aggregationRule": aggregation})) == faults


def test_groups_are_filled_in():
    made = binding("Role", "r", {"kind": "User", "name": "u"}, {"kind": "ServiceAccount", "name": "s"})
    assert made["roleRef"]["apiGroup"] == GROUP
    assert made["subjects"] == [
        {"kind": "User", "name": "u", "apiGroup": GROUP},
        {"kind": "ServiceAccount", "name": "s"},
    ]
    assert ROLE_BINDING.validate(made) == []


def test_a_cluster_binding_is_of_a_cluster_role():
    made = binding("Role", "r", {"kind": "ServiceAccount", "name": "S"})
    assert texts(CLUSTER_ROLE_BINDING.validate(made)) == [
        'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
        'subjects[0].name: Invalid value: "S": a lowercase RFC 1123 subdomain must consist of lower case'
        " alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g."
        " 'example.com', regex used for validation is"
        r" '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
        "subjects[0].namespace: Required value",
    ]


def test_subjects_are_of_three_kinds():
    made = binding("Thing", "a/b", {"kind": "User", "name": ""}, {"kind": "Robot", "name": "r"})
    assert texts(ROLE_BINDING.validate(made)) == [
        'roleRef.kind: Unsupported value: "Thing": supported values: "Role", "ClusterRole"',
        "roleRef.name: Invalid value: \"a/b\": may not contain '/'",
        "subjects[0].name: Required value",
        'subjects[0].name: Invalid value: "": user name cannot be empty',
        'subjects[1].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"',
    ]


def test_the_role_of_a_binding_stays():
    assert texts(ROLE_BINDING.validate_update(binding("Role", "b"), binding("Role", "a"))) == [
        'roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"Role","Name":"b"}: cannot change'
        " roleRef"
    ]
    assert ROLE_BINDING.validate_update(binding("Role", "a"), binding("Role", "a")) == []


def test_a_binding_in_a_table():
    made = binding(
        "ClusterRole",
        "view",
        {"kind": "User", "name": "ann"},
        {"kind": "User", "name": "bob"},
        {"kind": "Group", "name": "all"},
        {"kind": "ServiceAccount", "name": "sa", "namespace": "ns"},
    )
    assert ROLE_BINDING.row(made, NOW) == ["x", "ClusterRole/view", "20s", "ann, bob", "all", "ns/sa"]
