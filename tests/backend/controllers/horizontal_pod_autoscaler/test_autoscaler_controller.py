"""HorizontalPodAutoscalers are looked at, and what they point at is scaled."""

from __future__ import annotations

from typing import Any

import pytest

from backend.controllers.horizontal_pod_autoscaler.controller import AUTOSCALERS
from backend.machinery.client import GVR
from backend.machinery.controller import Key
from backend.meta.errors import conflict
from tests.support.autoscaling import DEPLOYMENTS, Autoscaling, conditions
from tests.support.control_plane import eventually, running

UTILIZATION = "cpu resource utilization (percentage of request)"
GOT = ("True", "SucceededGetScale", "the HPA controller was able to get the target's current scale")


async def test_it_grows_when_pods_use_more_than_the_target(scaling: Autoscaling) -> None:
    await scaling.deployment(2)
    await scaling.autoscaler()
    scaling.uses("100m", "140m")
    status = await scaling.sync()
    assert await scaling.replicas() == 3
    assert (status["currentReplicas"], status["desiredReplicas"]) == (2, 3)
    current = {"averageUtilization": 120, "averageValue": "120m"}
    assert status["currentMetrics"] == [{"type": "Resource", "resource": {"name": "cpu", "current": current}}]
    assert status["lastScaleTime"] == "2023-11-14T22:13:20Z"
    rescaled = "the HPA controller was able to update the target scale to 3"
    found = f"the HPA was able to successfully calculate a replica count from {UTILIZATION}"
    within = "the desired count is within the acceptable range"
    assert conditions(status) == {
        "AbleToScale": ("True", "SucceededRescale", rescaled),
        "ScalingActive": ("True", "ValidMetricFound", found),
        "ScalingLimited": ("False", "DesiredWithinRange", within),
    }
    assert await scaling.told("SuccessfulRescale") == f"New size: 3; reason: {UTILIZATION} above target"


async def test_nothing_is_written_when_nothing_changes(scaling: Autoscaling) -> None:
    await scaling.deployment(1)
    await scaling.autoscaler()
    scaling.uses("80m")
    status = await scaling.sync()
    assert conditions(status)["AbleToScale"][1] == "ReadyForNewScale"
    before = scaling.plane.store.revision
    await scaling.sync()
    assert scaling.plane.store.revision == before


async def test_it_shrinks_after_five_quiet_minutes(scaling: Autoscaling) -> None:
    await scaling.deployment(3)
    await scaling.autoscaler(minReplicas=2)
    scaling.uses("5m", "5m", "5m")
    status = await scaling.sync()
    assert conditions(status)["AbleToScale"][1] == "ScaleDownStabilized"
    await scaling.clock.advance(299)
    await scaling.sync()
    assert await scaling.replicas() == 3
    await scaling.clock.advance(2)
    status = await scaling.sync()
    assert await scaling.replicas() == 2
    assert conditions(status)["ScalingLimited"][1] == "TooFewReplicas"
    assert await scaling.told("SuccessfulRescale") == "New size: 2; reason: All metrics below target"


@pytest.mark.parametrize(
    ("replicas", "limits", "expected", "why"),
    [
        (5, {"maxReplicas": 3}, 3, "Current number of replicas above Spec.MaxReplicas"),
        (1, {"minReplicas": 2}, 2, "Current number of replicas below Spec.MinReplicas"),
    ],
)
async def test_the_limits_hold_whatever_is_measured(
    scaling: Autoscaling, replicas: int, limits: dict[str, int], expected: int, why: str
) -> None:
    await scaling.deployment(replicas)
    await scaling.autoscaler(**limits)
    await scaling.sync()
    assert (await scaling.replicas(), scaling.asked) == (expected, 0)
    assert await scaling.told("SuccessfulRescale") == f"New size: {expected}; reason: {why}"


async def test_a_target_without_replicas_is_left_alone(scaling: Autoscaling) -> None:
    await scaling.deployment(0)
    await scaling.autoscaler()
    status = await scaling.sync()
    disabled = "scaling is disabled since the replica count of the target is zero"
    assert conditions(status) == {"AbleToScale": GOT, "ScalingActive": ("False", "ScalingDisabled", disabled)}
    assert (await scaling.replicas(), scaling.asked) == (0, 0)


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ({"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}, 'deployments/scale.apps "x" not found'),
        ({"apiVersion": "a.b/v1", "kind": "Foo", "name": "x"}, 'no matches for kind "Foo" in group "a.b"'),
        ({"apiVersion": "v1", "kind": "Pod", "name": "x"}, "the server could not find the requested resource"),
    ],
)
async def test_a_target_that_cannot_be_scaled(scaling: Autoscaling, target: dict[str, str], why: str) -> None:
    await scaling.autoscaler(scaleTargetRef=target)
    text = f"the HPA controller was unable to get the target's current scale: {why}"
    assert conditions(await scaling.sync()) == {"AbleToScale": ("False", "FailedGetScale", text)}
    assert await scaling.told("FailedGetScale") == why


async def test_without_a_metrics_api_it_says_so(scaling: Autoscaling) -> None:
    await scaling.deployment(1)
    await scaling.autoscaler()
    scaling.usages = None
    status = await scaling.sync()
    why = (
        "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource"
        " metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)"
    )
    text = f"the HPA was unable to compute the replica count: {why}"
    assert conditions(status) == {"AbleToScale": GOT, "ScalingActive": ("False", "FailedGetResourceMetric", text)}
    assert await scaling.told("FailedGetResourceMetric") == why
    first = f"first error is: failed to get cpu resource metric value: {why}"
    assert await scaling.told("FailedComputeMetricsReplicas") == f"invalid metrics (1 invalid out of 1), {first}"
    assert status["currentMetrics"] == [{"type": ""}]


def metric(kind: str, target: dict[str, Any], **source: Any) -> dict[str, Any]:
    return {"type": kind, kind[:1].lower() + kind[1:]: {**source, "target": target}}


VALUE = {"type": "Value", "value": "1"}
AVERAGE = {"type": "AverageValue", "averageValue": "1"}
SERVICE = {"apiVersion": "v1", "kind": "Service", "name": "s"}
NO_CUSTOM = (
    "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered"
)
NO_EXTERNAL = (
    "unable to fetch metrics from external metrics API: the server could not find the requested resource"
    " (get q.external.metrics.k8s.io)"
)
SELECTED = "&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{},}"


@pytest.mark.parametrize(
    ("asked", "reason", "why", "first"),
    [
        (metric("Pods", AVERAGE, metric={"name": "m"}), "FailedGetPodsMetric",
         f"unable to get metric m: {NO_CUSTOM}", "failed to get pods metric value: "),
        (metric("Object", VALUE, metric={"name": "m"}, describedObject=SERVICE), "FailedGetObjectMetric",
         f"unable to get metric m: Service on default s/{NO_CUSTOM}", "failed to get object metric value: "),
        (metric("External", AVERAGE, metric={"name": "q"}), "FailedGetExternalMetric",
         f"unable to get external metric default/q/nil: {NO_EXTERNAL}",
         "failed to get q external metric value: failed to get q external metric: "),
        (metric("External", VALUE, metric={"name": "q", "selector": {"matchLabels": {"a": "b"}}}),
         "FailedGetExternalMetric", f"unable to get external metric default/q/{SELECTED}: {NO_EXTERNAL}",
         "failed to get q external metric value: failed to get external metric q: "),
    ],
)  # fmt: skip
async def test_metrics_of_which_there_is_no_api(
    scaling: Autoscaling, asked: dict[str, Any], reason: str, why: str, first: str
) -> None:
    await scaling.deployment(1)
    await scaling.autoscaler(metrics=[asked])
    status = await scaling.sync()
    text = f"the HPA was unable to compute the replica count: {why}"
    assert conditions(status)["ScalingActive"] == ("False", reason, text)
    assert await scaling.told(reason) == why
    expected = f"invalid metrics (1 invalid out of 1), first error is: {first}{why}"
    assert await scaling.told("FailedComputeMetricsReplicas") == expected


async def test_a_metric_that_fails_leaves_the_others_to_grow_but_not_to_shrink(scaling: Autoscaling) -> None:
    await scaling.deployment(2)
    memory = {"type": "AverageValue", "averageValue": "20Mi"}
    await scaling.autoscaler(
        metrics=[metric("Pods", AVERAGE, metric={"name": "m"}), metric("Resource", memory, name="memory")]
    )
    scaling.uses("1m", "1m")
    status = await scaling.sync()
    assert await scaling.replicas() == 4  # not 5: it at most doubles, or grows to 4
    assert status["currentMetrics"][1]["resource"]["current"] == {"averageValue": "52428800"}
    assert conditions(status)["ScalingLimited"][1] == "ScaleUpLimit"
    patch = {"spec": {"metrics": [metric("Pods", AVERAGE, metric={"name": "m"}), metric("Resource", {
        "type": "AverageValue", "averageValue": "500Mi"}, name="memory")]}}  # fmt: skip
    await scaling.plane.client.patch(AUTOSCALERS, "h", patch, "default")
    assert conditions(await scaling.sync())["ScalingActive"][:2] == ("False", "FailedGetPodsMetric")


async def test_one_container_can_be_what_counts(scaling: Autoscaling) -> None:
    await scaling.deployment(1)
    target = {"type": "Utilization", "averageUtilization": 50}
    await scaling.autoscaler(metrics=[metric("ContainerResource", target, name="cpu", container="c")])
    scaling.uses("200m")
    status = await scaling.sync()
    assert await scaling.replicas() == 4
    current = {"averageUtilization": 200, "averageValue": "200m"}
    shown = {"name": "cpu", "container": "c", "current": current}
    assert status["currentMetrics"] == [{"type": "ContainerResource", "containerResource": shown}]
    patch = {"spec": {"metrics": [metric("ContainerResource", target, name="cpu", container="d")]}}
    await scaling.plane.client.patch(AUTOSCALERS, "h", patch, "default")
    status = await scaling.sync()
    why = "failed to get container metrics: container d not present in metrics for pod default/web-0"
    assert conditions(status)["ScalingActive"][2].endswith(why)
    assert "first error is: failed to get d container metric value" in await scaling.told(
        "FailedComputeMetricsReplicas"
    )


async def test_rules_hold_it_back(scaling: Autoscaling) -> None:
    await scaling.deployment(1)
    policy = {"type": "Pods", "value": 1, "periodSeconds": 60}
    await scaling.autoscaler(behavior={"scaleUp": {"policies": [policy]}})
    scaling.uses("900m")
    await scaling.sync()
    assert await scaling.replicas() == 2
    await scaling.clock.advance(30)
    assert conditions(await scaling.sync())["ScalingLimited"][1] == "ScaleUpLimit"
    assert await scaling.replicas() == 2
    await scaling.clock.advance(31)
    await scaling.sync()
    assert await scaling.replicas() == 3


async def test_a_tolerance_of_its_own(scaling: Autoscaling) -> None:
    await scaling.deployment(1)
    await scaling.autoscaler(behavior={"scaleUp": {"tolerance": "0.5"}})
    scaling.uses("115m")
    await scaling.sync()
    assert await scaling.replicas() == 1
    scaling.uses("125m")
    await scaling.sync()
    assert await scaling.replicas() == 2


async def test_a_scale_that_cannot_be_changed(scaling: Autoscaling) -> None:
    await scaling.deployment(1)
    await scaling.autoscaler()
    scaling.uses("160m")
    scaling.refusal = conflict("deployments.apps", "web", "changed")
    status = await scaling.sync()
    text = 'Operation cannot be fulfilled on deployments.apps "web": changed'
    why = f"the HPA controller was unable to update the target scale: {text}"
    assert conditions(status)["AbleToScale"] == ("False", "FailedUpdateScale", why)
    assert (status["currentReplicas"], status["desiredReplicas"]) == (1, 0)
    assert await scaling.told("FailedRescale") == f"New size: 2; reason: {UTILIZATION} above target; error: {text}"


async def test_two_autoscalers_of_the_same_pods_do_nothing(scaling: Autoscaling) -> None:
    await scaling.deployment(1)
    await scaling.autoscaler()
    await scaling.autoscaler("other")
    scaling.uses("160m")
    await scaling.sync()
    assert await scaling.replicas() == 2
    status = await scaling.sync(Key("default", "other"))
    why = "pods by selector app=web are controlled by multiple HPAs: [{h default} {other default}]"
    assert conditions(status)["ScalingActive"] == ("False", "AmbiguousSelector", why)
    await scaling.plane.client.delete(AUTOSCALERS, "h", "default")

    async def alone() -> bool:
        await scaling.made.reconcile(Key("default", "h"))
        return conditions(await scaling.sync(Key("default", "other")))["ScalingActive"][0] == "True"

    await eventually(alone)


async def test_a_custom_resource_can_be_scaled(scaling: Autoscaling) -> None:
    scale = {
        "specReplicasPath": ".spec.size",
        "statusReplicasPath": ".status.size",
        "labelSelectorPath": ".status.labels",
    }
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema},
        "subresources": {"scale": scale},
    }  # fmt: skip
    names = {"plural": "herds", "singular": "herd", "kind": "Herd"}
    body = {
        "metadata": {"name": "herds.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version]},
    }
    herds = GVR("example.com", "v1", "herds")
    definitions = scaling.plane.handler.definitions
    definitions.load()
    async with running(definitions.run()):
        await scaling.plane.client.create(GVR("apiextensions.k8s.io", "v1", "customresourcedefinitions"), body)

        async def served() -> bool:
            return scaling.plane.catalog.find("example.com", "v1", "herds") is not None

        await eventually(served)
        herd = {
            "apiVersion": "example.com/v1", "kind": "Herd", "metadata": {"name": "x"},
            "spec": {"size": 1}, "status": {"labels": "app=web"},
        }  # fmt: skip
        await scaling.plane.client.create(herds, herd, "default")
        await scaling.pod("web-0")
        await scaling.autoscaler(scaleTargetRef={"apiVersion": "example.com/v1", "kind": "Herd", "name": "x"})
        scaling.uses("240m")
        await scaling.sync()
        assert (await scaling.plane.client.get(herds, "x", "default"))["spec"]["size"] == 3


async def test_it_asks_once_in_a_period_and_only_while_there_is_an_autoscaler(scaling: Autoscaling) -> None:
    async with running(scaling.made.controller.run()):
        await scaling.clock.advance(60)
        assert scaling.asked == 0
        await scaling.deployment(1)
        await scaling.autoscaler()
        scaling.uses("80m")
        await scaling.clock.advance(0)

        async def known() -> bool:
            return scaling.autoscalers.get("default", "h") is not None

        await eventually(known)
        for passed in range(1, 4):
            await scaling.clock.advance(14.9)
            assert scaling.asked == passed - 1
            await scaling.clock.advance(0.1)

            async def measured(wanted: int = passed) -> bool:
                return scaling.asked == wanted

            await eventually(measured)
            await eventually(lambda: _settled(scaling))
        await scaling.plane.client.delete(AUTOSCALERS, "h", "default")

        async def gone() -> bool:
            return scaling.autoscalers.get("default", "h") is None

        await eventually(gone)
        await scaling.clock.advance(60)
        assert scaling.asked == 3


async def _settled(scaling: Autoscaling) -> bool:
    """Whether the last sync has ended, so that the next one's time runs."""
    status = (await scaling.plane.client.get(AUTOSCALERS, "h", "default"))["status"]
    await scaling.clock.settle()
    return (
        bool(status.get("currentMetrics")) and await scaling.plane.find(DEPLOYMENTS, "web", "default") is not None
    )
