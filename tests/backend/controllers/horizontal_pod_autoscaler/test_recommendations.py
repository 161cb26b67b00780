"""How fast a number of replicas may change."""

from __future__ import annotations

from typing import Any

import pytest

from backend.controllers.horizontal_pod_autoscaler.recommendations import History, Limits

WINDOW = 300.0
PODS_4 = {"type": "Pods", "value": 4, "periodSeconds": 60}
PERCENT_50 = {"type": "Percent", "value": 50, "periodSeconds": 60}


def behavior(up: dict[str, Any] | None = None, down: dict[str, Any] | None = None) -> dict[str, Any]:
    rules = {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}
    return {
        "scaleUp": {**rules, "stabilizationWindowSeconds": 0, **(up or {})},
        "scaleDown": {**rules, "stabilizationWindowSeconds": 0, **(down or {})},
    }


@pytest.mark.parametrize(
    ("current", "wanted", "least", "most", "replicas", "limited", "reason"),
    [
        (3, 5, 1, 10, 5, False, "DesiredWithinRange"),
        (1, 9, 1, 10, 4, True, "ScaleUpLimit"),
        (3, 9, 1, 10, 6, True, "ScaleUpLimit"),
        (3, 9, 1, 5, 5, True, "TooManyReplicas"),
        (3, 0, 2, 5, 2, True, "TooFewReplicas"),
    ],
)
def test_without_rules_it_stays_within_the_limits_and_at_most_doubles(
    current: int, wanted: int, least: int, most: int, replicas: int, limited: bool, reason: str
) -> None:
    found = History().decide(wanted, Limits(current, least, most), WINDOW, 0.0)
    assert (found.replicas, found.limited, found.limit[0]) == (replicas, limited, reason)


def test_it_shrinks_when_nothing_more_was_recommended_for_a_window() -> None:
    history = History()
    history.begin(5, 0.0)
    history.begin(9, 1.0)
    limits = Limits(5, 1, 10)
    assert history.decide(2, limits, WINDOW, 10.0).stable[0] == "ScaleDownStabilized"
    assert history.decide(3, limits, WINDOW, WINDOW).replicas == 5
    after = history.decide(2, limits, WINDOW, WINDOW + 1)
    assert (after.replicas, after.stable[0]) == (3, "ScaleDownStabilized")
    last = history.decide(2, limits, WINDOW, 2 * WINDOW + 1)
    assert (last.replicas, last.stable[0]) == (2, "ReadyForNewScale")


@pytest.mark.parametrize(
    ("select", "replicas", "reason"),
    [("Max", 15, "ScaleUpLimit"), ("Min", 14, "ScaleUpLimit"), ("Disabled", 10, "ScaleUpLimit")],
)
def test_policies_choose_how_fast_it_grows(select: str, replicas: int, reason: str) -> None:
    rules = behavior(up={"selectPolicy": select, "policies": [PODS_4, PERCENT_50]})
    found = History().decide_by(rules, 99, Limits(10, 1, 50), WINDOW, 0.0)
    assert (found.replicas, found.limit[0], found.limited) == (replicas, reason, True)


@pytest.mark.parametrize(("select", "replicas"), [("Max", 5), ("Min", 6), ("Disabled", 10)])
def test_policies_choose_how_fast_it_shrinks(select: str, replicas: int) -> None:
    rules = behavior(down={"selectPolicy": select, "policies": [PODS_4, PERCENT_50]})
    found = History().decide_by(rules, 1, Limits(10, 1, 50), WINDOW, 0.0)
    assert (found.replicas, found.limit[0]) == (replicas, "ScaleDownLimit")


def test_a_period_counts_what_was_done_in_it() -> None:
    rules, history = behavior(up={"policies": [PODS_4]}), History()
    assert history.decide_by(rules, 20, Limits(1, 1, 50), WINDOW, 0.0).replicas == 5
    history.scaled(rules, 1, 5, 0.0)
    assert history.decide_by(rules, 20, Limits(5, 1, 50), WINDOW, 30.0).replicas == 5
    assert history.decide_by(rules, 20, Limits(5, 1, 50), WINDOW, 61.0).replicas == 9


def test_what_was_shrunk_in_a_period_may_grow_again() -> None:
    rules, history = behavior(up={"policies": [PODS_4]}, down={"policies": [PODS_4]}), History()
    history.scaled(rules, 10, 7, 0.0)
    assert history.decide_by(rules, 40, Limits(7, 1, 50), WINDOW, 10.0).replicas == 14
    assert history.decide_by(rules, 1, Limits(7, 1, 50), WINDOW, 10.0).replicas == 6


def test_it_grows_to_the_least_that_was_recommended_in_the_window() -> None:
    rules, history = behavior(up={"stabilizationWindowSeconds": 60}), History()
    history.begin(2, 0.0)
    first = history.decide_by(rules, 4, Limits(2, 1, 50), WINDOW, 30.0)
    assert (first.replicas, first.stable[0]) == (2, "ScaleUpStabilized")
    assert history.decide_by(rules, 3, Limits(2, 1, 50), WINDOW, 70.0).replicas == 3


def test_the_window_before_it_shrinks_is_the_one_of_its_rules_or_of_all() -> None:
    own, history = behavior(down={"stabilizationWindowSeconds": 10}), History()
    history.begin(5, 0.0)
    assert history.decide_by(own, 2, Limits(5, 1, 9), WINDOW, 20.0).replicas == 2
    unset, another = behavior(), History()
    del unset["scaleDown"]["stabilizationWindowSeconds"]
    another.begin(5, 0.0)
    found = another.decide_by(unset, 2, Limits(5, 1, 9), WINDOW, 20.0)
    assert (found.replicas, found.stable[0]) == (5, "ScaleDownStabilized")


@pytest.mark.parametrize(
    ("wanted", "replicas", "reason"),
    [(20, 12, "TooManyReplicas"), (1, 6, "TooFewReplicas"), (9, 9, "DesiredWithinRange")],
)
def test_rules_keep_to_the_limits(wanted: int, replicas: int, reason: str) -> None:
    found = History().decide_by(behavior(), wanted, Limits(10, 6, 12), WINDOW, 0.0)
    assert (found.replicas, found.limit[0]) == (replicas, reason)
