"""What the autoscaler knows of pods' use, by way of the resource metrics API.

Source: pkg/controller/podautoscaler/metrics/client.go, whose error texts show in conditions. Values are thousandths of
the resource's unit.
"""

from __future__ import annotations

from dataclasses import dataclass

from backend.machinery.client import GVR, Client
from backend.meta import quantity, timefmt
from backend.meta.errors import ApiError
from backend.meta.types import Obj

POD_METRICS = GVR("metrics.k8s.io", "v1beta1", "pods")
NO_CUSTOM_METRICS = (
    "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered"
)
NO_RESOURCE = "the server could not find the requested resource"


class MetricsError(Exception):
    """There is no number; the message says why."""


@dataclass(frozen=True, slots=True)
class PodMetric:
    """`value` is of the `window` seconds up to `time`."""

    value: int
    time: float = 0.0
    window: float = 0.0


async def resource_metrics(
    client: Client, resource: str, namespace: str, selector: str, container: str = ""
) -> dict[str, PodMetric]:
    """By pod, of all its containers or of one. Raises MetricsError."""
    try:
        answer = await client.list(POD_METRICS, namespace, labelSelector=selector)
    except ApiError as error:
        text = f"{NO_RESOURCE} (get pods.metrics.k8s.io)" if error.code == 404 else str(error)
        raise MetricsError(f"unable to fetch metrics from resource metrics API: {text}") from None
    if not answer["items"]:
        raise MetricsError("no metrics returned from resource metrics API")
    found: dict[str, PodMetric] = {}
    for metrics in answer["items"]:
        containers = metrics.get("containers") or []
        if container:
            containers = [one for one in containers if one["name"] == container]
            if not containers:
                raise MetricsError(f"failed to get container metrics: {_not_present(container, metrics)}")
        amounts = [one["usage"].get(resource) for one in containers]
        if amounts and all(amount is not None for amount in amounts):
            value = sum(milli(str(amount)) for amount in amounts)
            moment = timefmt.parse(metrics["timestamp"])
            found[metrics["metadata"]["name"]] = PodMetric(value, moment, _seconds(metrics["window"]))
    return found


def no_external_metric(name: str) -> str:
    """Nothing here serves the external metrics API: what a client of it is told."""
    return f"unable to fetch metrics from external metrics API: {NO_RESOURCE} (get {name}.external.metrics.k8s.io)"


def milli(amount: str) -> int:
    """In thousandths, rounded up. Source: Quantity.MilliValue."""
    exact = quantity.parse(amount) * 1000
    return -(-exact.numerator // exact.denominator)


def _not_present(container: str, metrics: Obj) -> str:
    meta = metrics["metadata"]
    return f"container {container} not present in metrics for pod {meta['namespace']}/{meta['name']}"


def _seconds(window: str) -> float:
    """A duration as Go prints it, such as 15.2s or 1m0s."""
    from backend.meta.cel.library_standard import duration

    return duration(window).nanos / 10**9
