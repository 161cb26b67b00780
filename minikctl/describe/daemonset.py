"""kubectl's describe of a DaemonSet. Source: describeDaemonSet of k8s.io/kubectl/pkg/describe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backend.meta.label_selector import as_selector, format_labels
from minikctl.describe import common, controlled
from minikctl.describe.pod_template import pod_template
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client

_COUNTS = {
    "Desired Number of Nodes Scheduled": "desiredNumberScheduled",
    "Current Number of Nodes Scheduled": "currentNumberScheduled",
    "Number of Nodes Scheduled with Up-to-date Pods": "updatedNumberScheduled",
    "Number of Nodes Scheduled with Available Pods": "numberAvailable",
    "Number of Nodes Misscheduled": "numberMisscheduled",
}


def describe(client: Client, daemon_set: Mapping[str, Any], show_events: bool) -> str:
    writer = Writer()
    meta, spec, status = daemon_set["metadata"], daemon_set["spec"], daemon_set.get("status") or {}
    selector = str(as_selector(spec.get("selector")))
    writer.write(0, f"Name:\t{meta['name']}\n")
    writer.write(0, f"Namespace:\t{meta['namespace']}\n")
    writer.write(0, f"Selector:\t{selector}\n")
    writer.write(0, f"Node-Selector:\t{format_labels(spec['template']['spec'].get('nodeSelector'))}\n")
    common.pairs(writer, "Labels", meta.get("labels"))
    common.annotation_lines(writer, meta.get("annotations"))
    for title, field in _COUNTS.items():
        writer.write(0, f"{title}: {status.get(field, 0)}\n")
    writer.write(0, f"Pods Status:\t{controlled.pods_status(client, daemon_set, selector)}\n")
    pod_template(writer, spec["template"])
    if show_events:
        common.events(writer, common.find_events(client, daemon_set))
    return writer.text()
