"""kubectl's describe of a PodDisruptionBudget. Source: describePodDisruptionBudgetV1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backend.meta.label_selector import format_selector
from minikctl.describe import common
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client

_COUNTS = {
    "Allowed disruptions": "disruptionsAllowed", "Current": "currentHealthy", "Desired": "desiredHealthy",
    "Total": "expectedPods",
}  # fmt: skip


def describe(client: Client, budget: Mapping[str, Any], show_events: bool) -> str:
    writer = Writer()
    meta, spec, status = budget["metadata"], budget["spec"], budget.get("status") or {}
    writer.write(0, f"Name:\t{meta['name']}\n")
    writer.write(0, f"Namespace:\t{meta['namespace']}\n")
    if "minAvailable" in spec:
        writer.write(0, f"Min available:\t{spec['minAvailable']}\n")
    elif "maxUnavailable" in spec:
        writer.write(0, f"Max unavailable:\t{spec['maxUnavailable']}\n")
    selector = spec.get("selector")
    writer.write(0, f"Selector:\t{'<unset>' if selector is None else format_selector(selector)}\n")
    writer.write(0, "Status:\n")
    for title, field in _COUNTS.items():
        writer.write(2, f"{title}:\t{status.get(field, 0)}\n")
    if show_events:
        common.events(writer, common.find_events(client, budget))
    return writer.text()
