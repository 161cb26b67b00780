"""kubectl's describe of a ReplicaSet and of a ReplicationController.

Source: describeReplicaSet, describeReplicationController of k8s.io/kubectl/pkg/describe.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backend.meta.label_selector import as_selector, format_labels, format_selector
from minikctl.describe import common, controlled
from minikctl.describe.pod_template import pod_template
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client

Obj = Mapping[str, Any]


def describe(client: Client, owner: Obj, show_events: bool) -> str:
    writer = Writer()
    meta, spec, status = owner["metadata"], owner["spec"], owner.get("status") or {}
    selector = spec.get("selector")
    is_set = owner["kind"] == "ReplicaSet"
    writer.write(0, f"Name:\t{meta['name']}\n")
    writer.write(0, f"Namespace:\t{meta['namespace']}\n")
    writer.write(0, f"Selector:\t{format_selector(selector) if is_set else format_labels(selector)}\n")
    common.pairs(writer, "Labels", meta.get("labels"))
    common.annotation_lines(writer, meta.get("annotations"))
    if is_set:
        controlled.controlled_by(writer, owner)
    writer.write(0, f"Replicas:\t{status.get('replicas', 0)} current / {spec.get('replicas', 0)} desired\n")
    pods = str(as_selector(selector if is_set else {"matchLabels": selector}))
    writer.write(0, f"Pods Status:\t{controlled.pods_status(client, owner, pods)}\n")
    pod_template(writer, spec.get("template"))
    controlled.conditions(writer, status.get("conditions"))
    if show_events:
        common.events(writer, common.find_events(client, owner))
    return writer.text()
