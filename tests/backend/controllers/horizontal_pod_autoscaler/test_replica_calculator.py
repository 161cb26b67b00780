"""How many replicas metrics ask for, as tables of pods and numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from backend.controllers.horizontal_pod_autoscaler.metrics import MetricsError, PodMetric
from backend.controllers.horizontal_pod_autoscaler.replica_calculator import (
    Situation,
    Tolerances,
    by_average,
    by_utilization,
)
from backend.controllers.horizontal_pod_autoscaler.settings import Settings
from backend.meta.timefmt import format_time

NOW = 1_700_000_000.0
LONG_AGO = NOW - 3600
EVEN = Tolerances(0.1, 0.1)
REQUEST = 100
"""Milli-units that each container requests."""


class P(NamedTuple):
    """A pod: what it uses (None: no metric), and how it is."""

    used: int | None
    state: str = "ready"


def pod(name: str, state: str = "ready", **spec: Any) -> dict[str, Any]:
    started, since, ready = LONG_AGO, LONG_AGO + 10, "True"
    status: dict[str, Any] = {"phase": "Running"}
    meta: dict[str, Any] = {"name": name}
    match state:
        case "pending":
            status["phase"] = "Pending"
        case "failed":
            status["phase"] = "Failed"
        case "deleting":
            meta["deletionTimestamp"] = format_time(NOW)
        case "starting":  # ready for less than a metric's window, in the first five minutes
            started, since = NOW - 60, NOW - 10
        case "started":
            started, since = NOW - 60, NOW - 50
        case "never ready":
            ready, since = "False", LONG_AGO + 1
        case "was ready":
            ready, since = "False", NOW - 100
    status["startTime"] = format_time(started)
    status["conditions"] = [{"type": "Ready", "status": ready, "lastTransitionTime": format_time(since)}]
    requests = {"cpu": f"{REQUEST}m", "memory": f"{REQUEST}m"}
    containers = [{"name": "c", "resources": {"requests": requests}}]
    return {"metadata": meta, "spec": {"containers": containers, **spec}, "status": status}


def situation(pods: list[Any], current: int, tolerances: Tolerances = EVEN) -> Situation:
    return Situation(current, pods, tolerances, Settings(), NOW)


def built(given: list[P]) -> tuple[list[Any], dict[str, PodMetric]]:
    pods = [pod(f"p{number}", one.state) for number, one in enumerate(given)]
    metrics = {f"p{n}": PodMetric(one.used, NOW, 30.0) for n, one in enumerate(given) if one.used is not None}
    return pods, metrics


BUSY, IDLE = P(90), P(10)


@pytest.mark.parametrize(
    ("given", "current", "target", "expected"),
    [
        pytest.param([P(30), P(50), P(70)], 3, 30, 5, id="up"),
        pytest.param([P(10)] * 5, 5, 50, 1, id="down"),
        pytest.param([P(54)] * 3, 3, 50, 3, id="within the tolerance above"),
        pytest.param([P(46)] * 3, 3, 50, 3, id="within the tolerance below"),
        pytest.param([P(56)] * 3, 3, 50, 4, id="beyond the tolerance"),
        pytest.param([P(100), P(100)], 3, 50, 4, id="by the pods that are there, not by what should be"),
        pytest.param([P(100), P(100, "starting")], 2, 50, 2, id="a starting pod is idle when it grows"),
        pytest.param([P(100), P(100, "started")], 2, 50, 4, id="a pod that has been ready for a window counts"),
        pytest.param([P(10), P(10, "starting")], 2, 50, 1, id="a starting pod does not count when it shrinks"),
        pytest.param([P(100), P(100, "pending")], 2, 50, 2, id="a pending pod is idle"),
        pytest.param([P(100), P(100, "never ready")], 2, 50, 2, id="a pod that was never ready is idle"),
        pytest.param([P(100), P(100, "was ready")], 2, 50, 4, id="a pod that is no longer ready counts"),
        pytest.param([P(100), P(None)], 2, 50, 2, id="without a metric it is idle when it grows"),
        pytest.param([P(10), P(10), P(None)], 3, 50, 3, id="without a metric it is busy when it shrinks"),
        pytest.param([P(10)] * 5 + [P(None)], 6, 60, 3, id="and so it shrinks less"),
        pytest.param([P(50), P(50), P(None)], 3, 50, 3, id="without a metric it changes nothing at the target"),
        pytest.param([P(100), P(100), P(100, "failed")], 2, 50, 4, id="failed pods are left out"),
        pytest.param([P(100), P(900, "deleting")], 1, 50, 2, id="so are those on their way out"),
        pytest.param([P(30), P(90), P(None), P(None)], 4, 50, 4, id="missing ones turn no direction"),
        pytest.param([P(200)] * 3 + [P(None)] * 3, 6, 150, 6, id="what is missing uses the target, if that is more"),
    ],
)  # fmt: skip
def test_replicas_for_a_utilization(given: list[P], current: int, target: int, expected: int) -> None:
    pods, metrics = built(given)
    assert by_utilization(situation(pods, current), metrics, target, "cpu").replicas == expected


def test_the_utilization_is_of_the_pods_that_count() -> None:
    pods, metrics = built([P(30), P(50), P(900, "starting")])
    found = by_utilization(situation(pods, 3), metrics, 50, "cpu")
    assert (found.utilization, found.average) == (40, 40)


def test_readiness_matters_for_processor_time_only() -> None:
    pods, metrics = built([P(100), P(100, "starting")])
    assert by_utilization(situation(pods, 2), metrics, 50, "memory").replicas == 4


@pytest.mark.parametrize(
    ("given", "current", "target", "expected"),
    [
        pytest.param([P(100)] * 2, 2, 50, 4, id="up"),
        pytest.param([P(10)] * 4, 4, 20, 2, id="down"),
        pytest.param([P(104)] * 2, 2, 100, 2, id="within the tolerance"),
        pytest.param([P(10), P(10), P(None)], 3, 30, 2, id="what is missing uses the target when it shrinks"),
        pytest.param([P(100), P(None)], 2, 50, 2, id="and nothing when it grows"),
        pytest.param([P(100), P(100, "pending")], 2, 25, 4, id="a pending one uses nothing when it grows"),
    ],
)
def test_replicas_for_an_average(given: list[P], current: int, target: int, expected: int) -> None:
    pods, metrics = built(given)
    assert by_average(situation(pods, current), metrics, target, "cpu").replicas == expected


@pytest.mark.parametrize(("used", "expected"), [(60, 3), (63, 4), (47, 3), (44, 3), (25, 2)])
def test_tolerances_can_differ(used: int, expected: int) -> None:
    pods, metrics = built([P(used)] * 3)
    wide = situation(pods, 3, Tolerances(down=0.2, up=0.25))
    assert by_utilization(wide, metrics, 50, "cpu").replicas == expected


def test_what_cannot_be_calculated_is_said() -> None:
    def why(pods: list[Any], metrics: dict[str, PodMetric], container: str = "") -> str:
        with pytest.raises(MetricsError) as caught:
            by_utilization(situation(pods, 1), metrics, 50, "cpu", container)
        return str(caught.value)

    pods, metrics = built([P(1)])
    assert why([], metrics) == "no pods returned by selector while calculating replica count"
    unready = built([P(1, "starting")])
    assert why(*unready) == "did not receive metrics for targeted pods (pods might be unready)"
    assert why(pods, metrics, "d") == "container d not found in Pod p0"
    assert why([pod("q")], metrics) == "no metrics returned matched known pods"
    sidecar = {"name": "s", "restartPolicy": "Always"}
    assert (
        why([pod("p0", initContainers=[sidecar])], metrics) == "missing request for cpu in container s of Pod p0"
    )
    for_memory = {"requests": {"memory": "1Mi"}}
    bare = pod("p0", containers=[{"name": "c"}], resources=for_memory)
    assert why([bare], metrics) == "missing pod-level request for cpu in Pod p0"


def test_what_a_pod_requests_as_a_whole_goes_before_its_containers() -> None:
    whole = pod("p0", resources={"requests": {"cpu": "400m"}})
    metrics = {"p0": PodMetric(200, NOW, 30.0)}
    assert by_utilization(situation([whole], 1), metrics, 50, "cpu").utilization == 50
    assert by_utilization(situation([whole], 1), metrics, 50, "cpu", "c").utilization == 200
