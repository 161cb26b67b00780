"""kubectl's describe of a Deployment. Source: describeDeployment, and GetAllReplicaSets of its util/deployment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backend.meta.label_selector import as_selector
from minikctl.client.errors import StatusError
from minikctl.describe import common, controlled
from minikctl.describe.pod_template import pod_template
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client

Obj = Mapping[str, Any]

_HASH = "pod-template-hash"


def describe(client: Client, deployment: Obj, show_events: bool) -> str:
    writer = Writer()
    meta, spec, status = deployment["metadata"], deployment["spec"], deployment.get("status") or {}
    writer.write(0, f"Name:\t{meta['name']}\n")
    writer.write(0, f"Namespace:\t{meta['namespace']}\n")
    writer.write(0, f"CreationTimestamp:\t{common.rfc1123z(meta.get('creationTimestamp'))}\n")
    common.pairs(writer, "Labels", meta.get("labels"))
    common.annotation_lines(writer, meta.get("annotations"))
    selector = str(as_selector(spec.get("selector")))
    writer.write(0, f"Selector:\t{selector}\n")
    writer.write(0, f"Replicas:\t{_replicas(spec, status)}\n")
    strategy = spec.get("strategy") or {}
    writer.write(0, f"StrategyType:\t{strategy.get('type', '')}\n")
    writer.write(0, f"MinReadySeconds:\t{spec.get('minReadySeconds', 0)}\n")
    rolling = strategy.get("rollingUpdate")
    if rolling:
        bounds = f"{rolling['maxUnavailable']} max unavailable, {rolling['maxSurge']} max surge"
        writer.write(0, f"RollingUpdateStrategy:\t{bounds}\n")
    pod_template(writer, spec["template"])
    controlled.conditions(writer, status.get("conditions"))
    _replica_sets(writer, client, deployment, selector)
    if show_events:
        common.events(writer, common.find_events(client, deployment))
    return writer.text()


def _replicas(spec: Obj, status: Obj) -> str:
    counts = {
        "desired": spec.get("replicas", 0),
        "updated": status.get("updatedReplicas", 0),
        "total": status.get("replicas", 0),
        "available": status.get("availableReplicas", 0),
        "unavailable": status.get("unavailableReplicas", 0),
    }
    return " | ".join(f"{count} {name}" for name, count in counts.items())


def _replica_sets(writer: Writer, client: Client, deployment: Obj, selector: str) -> None:
    path = f"/apis/apps/v1/namespaces/{deployment['metadata']['namespace']}/replicasets"
    try:
        found = controlled.owned(client, path, deployment, selector)
    except StatusError:
        return
    wanted = without_hash(deployment["spec"]["template"])
    found.sort(key=lambda one: (one["metadata"].get("creationTimestamp") or "", one["metadata"]["name"]))
    new = next((one for one in found if without_hash(one["spec"]["template"]) == wanted), None)
    old = [one for one in found if one is not new]
    if not found:
        return
    writer.write(0, f"OldReplicaSets:\t{_listed(old)}\n")
    writer.write(0, f"NewReplicaSet:\t{_listed([new] if new else [])}\n")


def without_hash(template: Obj) -> Obj:
    """The controller labels each replica set's pods with a hash, which the deployment's own template has not."""
    meta = template.get("metadata") or {}
    labels = {key: value for key, value in (meta.get("labels") or {}).items() if key != _HASH}
    return {**template, "metadata": {**meta, "labels": labels}}


def _listed(replica_sets: list[dict[str, Any]]) -> str:
    return ", ".join(
        f"{one['metadata']['name']} ({(one.get('status') or {}).get('replicas', 0)}/{one['spec'].get('replicas', 0)}"
        " replicas created)"
        for one in replica_sets
    ) or "<none>"  # fmt: skip
