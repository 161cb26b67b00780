"""What each metric of an autoscaler proposes, and what its status shows of that.

Source: computeReplicasForMetric and computeStatusFor...Metric of pkg/controller/podautoscaler/horizontal.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backend.controllers.horizontal_pod_autoscaler import replica_calculator as calculator
from backend.controllers.horizontal_pod_autoscaler.metrics import (
    NO_CUSTOM_METRICS,
    MetricsError,
    milli,
    no_external_metric,
    resource_metrics,
)
from backend.controllers.horizontal_pod_autoscaler.replica_calculator import Proposal, Situation
from backend.machinery.client import Client
from backend.meta import quantity
from backend.meta.types import Obj


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose metrics are asked for: the pods of a namespace with a selector, as text."""

    namespace: str
    selector: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one metric: `name` says what was measured, `status` is its entry of status.currentMetrics."""

    replicas: int
    name: str
    status: Obj


class NoProposal(Exception):
    """A metric proposes nothing. `reason` and `why` are for its condition and event, the message for all metrics'."""

    def __init__(self, reason: str, why: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.why = why


async def propose(client: Client, metric: Obj, subject: Subject, situation: Situation) -> Outcome:
    """Raises NoProposal."""
    kind = metric["type"]
    if kind in ("Resource", "ContainerResource"):
        return await _resource(client, metric, subject, situation)
    if kind == "Pods":
        raise _no_pods_metric(metric["pods"])
    if kind == "Object":
        raise _no_object_metric(metric["object"], subject.namespace)
    if kind == "External":
        raise _no_external_metric(metric["external"], subject.namespace)
    why = f'unknown metric source type "{kind}"'
    raise NoProposal("InvalidMetricSourceType", why, why)


async def _resource(client: Client, metric: Obj, subject: Subject, situation: Situation) -> Outcome:
    kind = metric["type"]
    field = kind[:1].lower() + kind[1:]
    source = metric[field]
    resource, container, target = source["name"], source.get("container", ""), source["target"]
    average = target.get("averageValue")
    try:
        try:
            metrics = await resource_metrics(client, resource, subject.namespace, subject.selector, container)
        except MetricsError as error:
            raise MetricsError(f"unable to get metrics for resource {resource}: {error}") from None
        if average is not None:
            proposal = calculator.by_average(situation, metrics, milli(str(average)), resource)
        else:
            proposal = calculator.by_utilization(
                situation, metrics, target["averageUtilization"], resource, container
            )
    except MetricsError as error:
        why = f"failed to get {resource} {'utilization' if average is None else 'usage'}: {error}"
        what = f"{container} container" if container else f"{resource} resource"
        reason = f"FailedGet{kind}Metric"
        raise NoProposal(reason, why, f"failed to get {what} metric value: {why}") from None
    status = {"type": kind, field: {**_named(source), "current": _current(proposal)}}
    return Outcome(proposal.replicas, _name(resource, container, average is None), status)


def _named(source: Obj) -> Obj:
    return {field: source[field] for field in ("name", "container") if field in source}


def _current(proposal: Proposal) -> Obj:
    shown: Obj = {"averageValue": quantity.canonical(f"{proposal.average}m")}
    if proposal.utilization is not None:
        shown["averageUtilization"] = proposal.utilization
    return shown


def _name(resource: str, container: str, is_utilization: bool) -> str:
    if not is_utilization:
        return f"{resource} resource"
    return f"{resource} {'container ' if container else ''}resource utilization (percentage of request)"


def _no_pods_metric(source: Obj) -> NoProposal:
    why = f"unable to get metric {source['metric']['name']}: {NO_CUSTOM_METRICS}"
    return NoProposal("FailedGetPodsMetric", why, f"failed to get pods metric value: {why}")


def _no_object_metric(source: Obj, namespace: str) -> NoProposal:
    """Kubernetes writes the object and the error in each other's place."""
    name, described = source["metric"]["name"], source["describedObject"]
    why = (
        f"unable to get metric {name}: {described['kind']} on {namespace} {described['name']}/{NO_CUSTOM_METRICS}"
    )
    is_average = source["target"]["type"] == "AverageValue"
    message = f"failed to get {name} object metric: {why}" if is_average else why
    return NoProposal("FailedGetObjectMetric", why, f"failed to get object metric value: {message}")


def _no_external_metric(source: Obj, namespace: str) -> NoProposal:
    name, selector = source["metric"]["name"], source["metric"].get("selector")
    why = f"unable to get external metric {namespace}/{name}/{_go_selector(selector)}: {no_external_metric(name)}"
    is_average = source["target"].get("averageValue") is not None
    what = f"failed to get {name} external metric" if is_average else f"failed to get external metric {name}"
    message = f"failed to get {name} external metric value: {what}: {why}"
    return NoProposal("FailedGetExternalMetric", why, message)


def _go_selector(selector: Obj | None) -> str:
    """As the generated String of LabelSelector writes one."""
    if selector is None:
        return "nil"
    labels = "".join(f"{key}: {value}," for key, value in sorted((selector.get("matchLabels") or {}).items()))
    expressions = "".join(map(_go_requirement, selector.get("matchExpressions") or ()))
    return (
        f"&LabelSelector{{MatchLabels:map[string]string{{{labels}}},"
        f"MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}"
    )


def _go_requirement(expression: Obj) -> str:
    values: Sequence[str] = expression.get("values") or ()
    return (
        f"LabelSelectorRequirement{{Key:{expression['key']},Operator:{expression['operator']},"
        f"Values:[{' '.join(values)}],}},"
    )
