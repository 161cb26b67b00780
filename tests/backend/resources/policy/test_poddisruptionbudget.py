"""Disruption budgets."""

import pytest

from backend.resources.policy.poddisruptionbudget import POD_DISRUPTION_BUDGET as BUDGET

COUNTS = {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0}


def budget(status=None, **spec):
    made = {"metadata": {"name": "b"}, "spec": spec, "status": status or {"disruptionsAllowed": 5}}
    BUDGET.default(made)
    return made


def test_a_budget_starts_with_nothing_allowed():
    made = budget(minAvailable=1)
    BUDGET.prepare_create(made)
    assert made["status"] == COUNTS


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"minAvailable": 1}, []),
        ({"maxUnavailable": "50%", "selector": {"matchLabels": {"a": "b"}}}, []),
        ({"minAvailable": -1}, ["spec.minAvailable: Invalid value: -1: must be greater than or equal to 0"]),
        ({"maxUnavailable": "101%"}, ['spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%']),
        ({"minAvailable": 1, "maxUnavailable": "5%"}, [
            'spec: Invalid value: {"MinAvailable":1,"Selector":null,"MaxUnavailable":"5%",'
            '"UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set']),
        ({"unhealthyPodEvictionPolicy": "Never"}, [
            'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow",'
            ' "IfHealthyBudget"']),
        ({"selector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}, [
            "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or"
            " 'NotIn'"]),
    ],
)  # fmt: skip
def test_what_is_refused(spec, expected):
    made = budget(**spec)
    assert [str(cause) for cause in BUDGET.validate(made)] == expected
    assert [str(cause) for cause in BUDGET.validate_update(made, made)] == expected


def test_its_status():
    made = budget(status={"currentHealthy": -1, "conditions": [{"type": "a/b/c"}]})
    found = [str(cause) for cause in BUDGET.validate_status_update(made, made)]
    assert [fault.partition(": ")[0] for fault in found] == ["status.conditions[0].type", "status.currentHealthy"]


def test_a_budget_in_a_table():
    assert BUDGET.row(budget(minAvailable="50%"), 0.0) == ["b", "50%", "N/A", 5, "<unknown>"]
    assert BUDGET.row(budget(maxUnavailable=0), 0.0)[1:3] == ["N/A", "0"]
