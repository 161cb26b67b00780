"""What quotas, limit ranges and priority classes may say, in kube-apiserver's words."""

import pytest

from backend.resources.core.limit_range import LIMIT_RANGE
from backend.resources.core.resource_quota import RESOURCE_QUOTA
from backend.resources.scheduling.priority_class import PRIORITY_CLASS


def faults(kind, obj) -> list[str]:
    obj = {"metadata": {"name": "x"}, **obj}
    kind.default(obj)
    return [str(cause) for cause in kind.validate(obj)]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"hard": {"pods": "1", "requests.cpu": "1", "count/deployments.apps": "3", "requests.example.com/gpu": "1",
                   "gold.storageclass.storage.k8s.io/requests.storage": "1Gi"}}, []),
        ({"hard": {"nope": "1"}},
         ['spec.hard[nope]: Invalid value: "nope": must be a standard resource type or fully qualified',
          'spec.hard[nope]: Invalid value: "nope": must be a standard resource for quota']),
        ({"hard": {"pods": "1500m"}}, ['spec.hard[pods]: Invalid value: "1500m": must be an integer']),
        ({"hard": {"cpu": "-1"}}, ['spec.hard[cpu]: Invalid value: "-1": must be greater than or equal to 0']),
        ({"hard": {"cpu": "1"}, "scopes": ["BestEffort"]},
         ['spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource']),
        ({"hard": {"pods": "1"}, "scopes": ["BestEffort", "NotBestEffort"]},
         ['spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes']),
        ({"hard": {"pods": "1"}, "scopeSelector": {"matchExpressions": [
            {"scopeName": "PriorityClass", "operator": "In", "values": []}]}},
         ["spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is"
          " 'In' or 'NotIn' for scope selector"]),
    ],
)  # fmt: skip
def test_rules_of_a_quota(spec, expected):
    assert faults(RESOURCE_QUOTA, {"spec": spec}) == expected


def test_the_scopes_of_a_quota_stay():
    old = {"metadata": {"name": "x"}, "spec": {"hard": {"pods": "1"}}}
    new = {**old, "spec": {"hard": {"pods": "1"}, "scopes": ["BestEffort"]}}
    (cause,) = RESOURCE_QUOTA.validate_update(new, old)
    assert str(cause) == 'spec.scopes: Invalid value: ["BestEffort"]: field is immutable'


def test_a_quota_shows_what_is_used_of_requests_and_limits():
    status = {"hard": {"pods": "2", "limits.cpu": "1"}, "used": {"pods": "1"}}
    row = RESOURCE_QUOTA.row({"metadata": {"name": "q"}, "spec": {}, "status": status}, 0.0)
    assert row[:3] == ["q", "pods: 1/2", "limits.cpu: 0/1"]


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ({"type": "Container", "max": {"cpu": "1"}, "min": {"cpu": "2"}},
         ['spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
          'spec.limits[0].defaultRequest[cpu]: Invalid value: "1": min value 2 is greater than default request value 1',
          'spec.limits[0].default[cpu]: Invalid value: "2": min value 2 is greater than default value 1']),
        ({"type": "Pod", "default": {"cpu": "1"}},
         ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"]),
        ({"type": "PersistentVolumeClaim"},
         ["spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was"
          " provided"]),
        ({"type": "Nope"},
         ['spec.limits[0].type: Invalid value: "Nope": must be a standard limit type or fully qualified']),
        ({"type": "Pod", "maxLimitRequestRatio": {"cpu": "500m"}},
         ['spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "500m": ratio 500m is less than 1']),
        ({"type": "Container", "default": {"example.com/gpu": "2"}, "defaultRequest": {"example.com/gpu": "1"}},
         ['spec.limits[0].defaultRequest[example.com/gpu]: Invalid value: "1": default value 2 must equal to'
          " defaultRequest value 1 in example.com/gpu"]),
    ],
)  # fmt: skip
def test_rules_of_a_limit_range(limit, expected):
    assert faults(LIMIT_RANGE, {"spec": {"limits": [limit]}}) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"value": 1_000_000_000}, []),
        ({"value": 1_000_000_001},
         ["value: Forbidden: maximum allowed value of a user defined priority is 1000000000"]),
        ({"value": 1, "metadata": {"name": "system-x"}},
         ["metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only."
          " error: system-x is not a known system priority class"]),
        ({"value": 1, "preemptionPolicy": "Maybe"},
         ['preemptionPolicy: Unsupported value: "Maybe": supported values: "PreemptLowerPriority", "Never"']),
    ],
)  # fmt: skip
def test_rules_of_a_priority_class(fields, expected):
    assert faults(PRIORITY_CLASS, fields) == expected


def test_the_value_and_policy_of_a_priority_class_stay():
    old = {"metadata": {"name": "x"}, "value": 1, "preemptionPolicy": "Never"}
    new = {"metadata": {"name": "x"}, "value": 2, "preemptionPolicy": "PreemptLowerPriority"}
    assert [str(cause) for cause in PRIORITY_CLASS.validate_update(new, old)] == [
        "value: Forbidden: may not be changed in an update.",
        'preemptionPolicy: Invalid value: "PreemptLowerPriority": field is immutable',
    ]
