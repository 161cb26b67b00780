"""Autoscalers, in the version that is stored and in the older one."""

import copy

import pytest

from backend.resources.autoscaling.horizontalpodautoscaler import (
    HORIZONTAL_POD_AUTOSCALER as V2,
)
from backend.resources.autoscaling.horizontalpodautoscaler import (
    HORIZONTAL_POD_AUTOSCALER_V1 as V1,
)

NOW = 1_700_000_000.0
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}


def autoscaler(kind=V2, **spec):
    made = {
        "metadata": {"name": "h", "namespace": "n"},
        "spec": {"scaleTargetRef": TARGET, "maxReplicas": 5, **spec},
    }
    kind.default(made)
    kind.prepare_create(made)
    return made


def metric(kind, field, **source):
    return {"type": kind, field: source}


def cpu(percent):
    return metric(
        "Resource", "resource", name="cpu", target={"type": "Utilization", "averageUtilization": percent}
    )


PODS = metric("Pods", "pods", metric={"name": "pps"}, target={"type": "AverageValue", "averageValue": "1k"})
QUEUE = metric("External", "external", metric={"name": "q", "selector": {"matchLabels": {"a": "b"}}},
               target={"type": "Value", "value": "30"})  # fmt: skip
HITS = metric("Object", "object", describedObject=TARGET, metric={"name": "hits"},
              target={"type": "AverageValue", "averageValue": "5"})  # fmt: skip
MEMORY = metric("ContainerResource", "containerResource", name="memory", container="c",
                target={"type": "AverageValue", "averageValue": "1Gi"})  # fmt: skip


def faults(spec):
    return [str(cause) for cause in V2.validate(autoscaler(**spec))]


def test_without_metrics_cpu_is_watched():
    made = autoscaler()
    assert made["spec"]["metrics"] == [cpu(80)]
    assert made["spec"]["minReplicas"] == 1
    assert "behavior" not in made["spec"]
    assert made["status"] == {"desiredReplicas": 0, "currentMetrics": None}
    assert V2.validate(made) == []


def test_a_behavior_is_completed_in_both_directions():
    made = autoscaler(behavior={"scaleDown": {"stabilizationWindowSeconds": 60}})
    percent = {"type": "Percent", "value": 100, "periodSeconds": 15}
    assert made["spec"]["behavior"] == {
        "scaleUp": {
            "stabilizationWindowSeconds": 0,
            "selectPolicy": "Max",
            "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}, percent],
        },
        "scaleDown": {"stabilizationWindowSeconds": 60, "selectPolicy": "Max", "policies": [percent]},
    }
    again = copy.deepcopy(made)
    V2.default(again)
    assert again == made


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"minReplicas": 0}, [
            "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1",
            "spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero"
            " replicas"]),
        ({"minReplicas": 6}, [
            "spec.maxReplicas: Invalid value: 5: must be greater than or equal to `minReplicas`"]),
        ({"maxReplicas": 0}, [
            "spec.maxReplicas: Invalid value: 0: must be greater than 0",
            "spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`"]),
        ({"scaleTargetRef": {"kind": "a/b"}}, [
            "spec.scaleTargetRef.kind: Invalid value: \"a/b\": may not contain '/'",
            "spec.scaleTargetRef.name: Required value"]),
        ({"metrics": [{"type": "Resource"}]}, [
            "spec.metrics[0].resource: Required value: must populate information for the given metric source"]),
        ({"metrics": [{**PODS, **QUEUE}]}, [
            "spec.metrics[0].pods: Forbidden: must populate the given metric source only"]),
        ({"metrics": [cpu(0)]}, [
            "spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0"]),
        ({"metrics": [metric("Resource", "resource", name="cpu", target={"type": "Value", "value": "-1"})]}, [
            'spec.metrics[0].resource.target.value: Invalid value: "-1": must be positive',
            "spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or"
            " a target utilization"]),
        ({"metrics": [metric("Pods", "pods", metric={}, target={"type": "x"})]}, [
            "spec.metrics[0].pods.metric.name: Required value: must specify a metric name",
            'spec.metrics[0].pods.target.type: Invalid value: "x": must be either Utilization, Value, or AverageValue',
            "spec.metrics[0].pods.target.averageValue: Required value: must specify a positive target averageValue"]),
        ({"behavior": {"scaleUp": {"stabilizationWindowSeconds": 4000, "selectPolicy": "All",
                                   "policies": [{"type": "Some", "value": 0, "periodSeconds": 1801}]}}}, [
            "spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 4000: must be less than or equal to 3600",
            'spec.behavior.scaleUp.selectPolicy: Unsupported value: "All": supported values: "Disabled", "Max", "Min"',
            'spec.behavior.scaleUp.policies[0].type: Unsupported value: "Some": supported values: "Percent", "Pods"',
            "spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero",
            "spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to"
            " 1800"]),
    ],
)  # fmt: skip
def test_what_is_refused(spec, expected):
    assert faults(spec) == expected


def test_what_scales_to_nothing_may_stay_so():
    old = autoscaler(minReplicas=0, metrics=[QUEUE])
    assert V2.validate_update(old, old) == []
    assert [str(cause) for cause in V2.validate(old)] == [
        "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1"
    ]


@pytest.mark.parametrize(
    ("metrics", "current", "cell"),
    [
        ([cpu(80)], [], "cpu: <unknown>/80%"),
        ([cpu(80)], [metric("Resource", "resource", name="cpu", current={"averageUtilization": 12})], "cpu: 12%/80%"),
        ([PODS, QUEUE, HITS], [], "<unknown>/1k, <unknown>/30 + 1 more..."),
        ([HITS, MEMORY], [metric("Object", "object", current={"averageValue": "2"})],
         "2/5 (avg), memory: <unknown>/1Gi"),
        ([{"type": "New"}], [], "<unknown type>"),
    ],
)  # fmt: skip
def test_metrics_in_a_table(metrics, current, cell):
    made = autoscaler(metrics=metrics)
    made["status"] = {"currentMetrics": current, "currentReplicas": 2}
    assert V2.row(made, NOW) == ["h", "Deployment/web", cell, "1", 5, 2, "<unknown>"]


def test_the_older_version_shows_cpu_and_keeps_the_rest_in_annotations():
    made = autoscaler(metrics=[cpu(70), PODS], behavior={})
    old = V1.from_stored(made)
    assert old["spec"] == {
        "scaleTargetRef": TARGET, "minReplicas": 1, "maxReplicas": 5, "targetCPUUtilizationPercentage": 70,
    }  # fmt: skip
    assert old["status"] == {"currentReplicas": 0, "desiredReplicas": 0}
    assert old["metadata"]["annotations"]["autoscaling.alpha.kubernetes.io/metrics"] == (
        '[{"type":"Pods","pods":{"metricName":"pps","targetAverageValue":"1k"}}]'
    )
    assert V1.row(old, NOW) == V2.row(made, NOW)


@pytest.mark.parametrize("metrics", [[cpu(70)], [cpu(5), PODS, QUEUE], [HITS, MEMORY], [QUEUE]])
def test_nothing_is_lost_on_the_way_there_and_back(metrics):
    made = autoscaler(metrics=metrics, behavior={"scaleUp": {"selectPolicy": "Min"}})
    made["metadata"]["annotations"] = {"mine": "x"}
    made["status"] = {
        "desiredReplicas": 3, "currentReplicas": 2, "lastScaleTime": "2023-11-14T22:13:00Z",
        "conditions": [{"type": "AbleToScale", "status": "True"}],
        "currentMetrics": [
            metric("Resource", "resource", name="cpu", current={"averageUtilization": 3, "averageValue": "5m"}),
            metric("Pods", "pods", metric={"name": "pps"}, current={"averageValue": "7"}),
        ],
    }  # fmt: skip
    back = V1.to_stored(V1.from_stored(made))
    # The older version has no place for the value behind a percentage of CPU.
    del made["status"]["currentMetrics"][0]["resource"]["current"]["averageValue"]
    assert back == made


def test_the_older_version_without_a_target_watches_cpu():
    made = autoscaler(V1)
    assert V1.to_stored(made)["spec"]["metrics"] == [cpu(80)]
    assert V1.validate(made) == []
    assert V1.validate_update(made, made) == []
    assert next(str(cause) for cause in V1.validate(autoscaler(V1, maxReplicas=0))) == (
        "spec.maxReplicas: Invalid value: 0: must be greater than 0"
    )


def test_an_annotation_that_somebody_else_wrote_is_ignored():
    made = autoscaler(V1, targetCPUUtilizationPercentage=9)
    made["metadata"]["annotations"] = {"autoscaling.alpha.kubernetes.io/metrics": "{"}
    assert V1.to_stored(made)["spec"]["metrics"] == [cpu(9)]


def test_a_metric_of_which_nothing_is_known_stays_so_in_both_versions():
    made = autoscaler()
    made["status"] = {"desiredReplicas": 1, "currentMetrics": [{"type": ""}]}
    older = V1.from_stored(made)
    assert older["metadata"]["annotations"]["autoscaling.alpha.kubernetes.io/current-metrics"] == '[{"type":""}]'
    assert V1.to_stored(older)["status"]["currentMetrics"] == [{"type": ""}]
