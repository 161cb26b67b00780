"""How many replicas metrics ask for: pure rules, of pods and numbers.

Source: pkg/controller/podautoscaler/replica_calculator.go and metrics/utilization.go, error texts included. Values are
thousandths of a unit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backend.controllers.horizontal_pod_autoscaler.metrics import MetricsError, PodMetric, milli
from backend.controllers.horizontal_pod_autoscaler.settings import Settings
from backend.controllers.workloads.pods import condition
from backend.meta import timefmt
from backend.meta.types import Obj
from backend.resources.core.pod_table import is_sidecar
from backend.scheduler.podrequests import pod_requests

_FULL_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Tolerances:
    """By which part of the target use may differ from it, down and up, before anything is done."""

    down: float
    up: float

    def within(self, ratio: float) -> bool:
        return 1.0 - self.down <= ratio <= 1.0 + self.up


@dataclass(frozen=True, slots=True)
class Situation:
    """What a calculation is about. `now` is seconds since the epoch."""

    current: int
    pods: Sequence[Obj]
    tolerances: Tolerances
    settings: Settings
    now: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """`average` is the mean use of a pod, `utilization` the percentage of what is requested, where that is asked."""

    replicas: int
    average: int
    utilization: int | None = None


@dataclass(frozen=True, slots=True)
class Groups:
    """Names of pods: how many count as they are, and which are unready, without a metric, or on their way out."""

    ready: int
    unready: frozenset[str]
    missing: frozenset[str]
    ignored: frozenset[str]


def by_utilization(
    situation: Situation, metrics: Mapping[str, PodMetric], target: int, resource: str, container: str = ""
) -> Proposal:
    """For a percentage of what pods request. Raises MetricsError."""
    groups, values = _grouped(situation, metrics, resource)
    requests = pod_request_values(situation.pods, container, resource)

    def ratio(values: Mapping[str, int]) -> tuple[float, int, int]:
        return _utilization_ratio(values, requests, target)

    measured, utilization, average = ratio(values)
    fallback = max(_FULL_PERCENT, target)
    missing = {name: requests[name] * fallback // 100 for name in groups.missing}
    replicas = _replicas(situation, groups, values, measured, missing, lambda filled: ratio(filled)[0])
    return Proposal(replicas, average, utilization)


def by_average(situation: Situation, metrics: Mapping[str, PodMetric], target: int, resource: str) -> Proposal:
    """For a mean value of each pod. Raises MetricsError."""
    groups, values = _grouped(situation, metrics, resource)

    def ratio(values: Mapping[str, int]) -> float:
        return sum(values.values()) // len(values) / target

    missing = dict.fromkeys(groups.missing, target)
    replicas = _replicas(situation, groups, values, ratio(values), missing, ratio)
    return Proposal(replicas, sum(values.values()) // len(values))


def _grouped(
    situation: Situation, metrics: Mapping[str, PodMetric], resource: str
) -> tuple[Groups, dict[str, int]]:
    """The groups, and the values of pods that count. Raises MetricsError where there are none."""
    if not situation.pods:
        raise MetricsError("no pods returned by selector while calculating replica count")
    groups = group_pods(situation, metrics, resource)
    left_out = groups.ignored | groups.unready
    values = {name: metric.value for name, metric in metrics.items() if name not in left_out}
    if not values:
        raise MetricsError("did not receive metrics for targeted pods (pods might be unready)")
    return groups, values


def _replicas(
    situation: Situation, groups: Groups, values: Mapping[str, int], measured: float,
    missing: Mapping[str, int], ratio: Callable[[Mapping[str, int]], float],
) -> int:  # fmt: skip
    """What is not known counts against a change: a pod without a metric as busy when it goes down, and as idle, like
    an unready one, when it goes up."""
    current, tolerances = situation.current, situation.tolerances
    up_with_unready = bool(groups.unready) and measured > 1.0
    if not up_with_unready and not groups.missing:
        return current if tolerances.within(measured) else math.ceil(measured * groups.ready)
    filled = dict(values)
    if measured < 1.0:
        filled |= missing
    elif measured > 1.0:
        filled |= dict.fromkeys(groups.missing, 0)
    if up_with_unready:
        filled |= dict.fromkeys(groups.unready, 0)
    again = ratio(filled)
    if tolerances.within(again) or (measured < 1.0 < again) or (again < 1.0 < measured):
        return current
    replicas = math.ceil(again * len(filled))
    if (again < 1.0 and replicas > current) or (again > 1.0 and replicas < current):
        return current
    return replicas


def _utilization_ratio(
    values: Mapping[str, int], requests: Mapping[str, int], target: int
) -> tuple[float, int, int]:
    """(ratio to the target, percentage of requests, mean value). Raises MetricsError."""
    known = [name for name in values if name in requests]
    requested = sum(requests[name] for name in known)
    if not requested:
        raise MetricsError("no metrics returned matched known pods")
    used = sum(values[name] for name in known)
    percentage = used * 100 // requested
    return percentage / target, percentage, used // len(known)


def group_pods(situation: Situation, metrics: Mapping[str, PodMetric], resource: str) -> Groups:
    ready = 0
    unready: set[str] = set()
    missing: set[str] = set()
    ignored: set[str] = set()
    for pod in situation.pods:
        name, phase = pod["metadata"]["name"], (pod.get("status") or {}).get("phase")
        metric = metrics.get(name)
        if pod["metadata"].get("deletionTimestamp") or phase == "Failed":
            ignored.add(name)
        elif phase == "Pending":
            unready.add(name)
        elif metric is None:
            missing.add(name)
        elif resource == "cpu" and _is_warming_up(pod, metric, situation):
            unready.add(name)
        else:
            ready += 1
    return Groups(ready, frozenset(unready), frozenset(missing), frozenset(ignored))


def _is_warming_up(pod: Obj, metric: PodMetric, situation: Situation) -> bool:
    """Whether its processor time tells nothing yet: a start takes more of it than what follows."""
    ready, started = condition(pod, "Ready"), pod["status"].get("startTime")
    if ready is None or not started:
        return True
    start, since = timefmt.parse(started), timefmt.parse(ready["lastTransitionTime"])
    not_ready = ready["status"] == "False"
    if start + situation.settings.cpu_initialization_period > situation.now:
        return not_ready or metric.time < since + metric.window
    return not_ready and start + situation.settings.initial_readiness_delay > since


def pod_request_values(pods: Sequence[Obj], container: str, resource: str) -> dict[str, int]:
    """What each pod requests, or one container of it. Raises MetricsError where a container requests nothing."""
    return {pod["metadata"]["name"]: _requested(pod, container, resource) for pod in pods}


def _requested(pod: Obj, container: str, resource: str) -> int:
    spec, name = pod["spec"], pod["metadata"]["name"]
    if not container and (spec.get("resources") or {}).get("requests"):
        total = pod_requests(spec)
        if resource not in total:
            raise MetricsError(f"missing pod-level request for {resource} in Pod {name}")
        return math.ceil(total[resource] * 1000)
    sidecars = filter(is_sidecar, spec.get("initContainers") or ())
    containers = [one for one in (*spec["containers"], *sidecars) if not container or one["name"] == container]
    if not containers:
        raise MetricsError(f"container {container} not found in Pod {name}")
    for one in containers:
        if resource not in ((one.get("resources") or {}).get("requests") or {}):
            raise MetricsError(f"missing request for {resource} in container {one['name']} of Pod {name}")
    return sum(milli(str(one["resources"]["requests"][resource])) for one in containers)
