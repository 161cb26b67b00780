"""kubectl's describe of a StatefulSet. Source: describeStatefulSet of k8s.io/kubectl/pkg/describe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backend.meta.label_selector import as_selector
from minikctl.describe import common, controlled
from minikctl.describe.pod_template import pod_template
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client

Obj = Mapping[str, Any]

_STORAGE_CLASS = "volume.beta.kubernetes.io/storage-class"


def describe(client: Client, stateful_set: Obj, show_events: bool) -> str:
    writer = Writer()
    meta, spec, status = stateful_set["metadata"], stateful_set["spec"], stateful_set.get("status") or {}
    selector = str(as_selector(spec.get("selector")))
    writer.write(0, f"Name:\t{meta['name']}\n")
    writer.write(0, f"Namespace:\t{meta['namespace']}\n")
    writer.write(0, f"CreationTimestamp:\t{common.rfc1123z(meta.get('creationTimestamp'))}\n")
    writer.write(0, f"Selector:\t{selector}\n")
    common.pairs(writer, "Labels", meta.get("labels"))
    common.annotation_lines(writer, meta.get("annotations"))
    if spec.get("serviceName"):
        writer.write(0, f"Service Name:\t{spec['serviceName']}\n")
    writer.write(0, f"Pod Management Policy:\t{spec.get('podManagementPolicy', '')}\n")
    writer.write(0, f"Replicas:\t{spec.get('replicas', 0)} desired | {status.get('replicas', 0)} total\n")
    strategy = spec.get("updateStrategy") or {}
    writer.write(0, f"Update Strategy:\t{strategy.get('type', '')}\n")
    rolling = strategy.get("rollingUpdate") or {}
    if "partition" in rolling:
        writer.write(1, f"Partition:\t{rolling['partition']}\n")
        if "maxUnavailable" in rolling:
            writer.write(1, f"MaxUnavailable:\t{rolling['maxUnavailable']}\n")
    retention = spec.get("persistentVolumeClaimRetentionPolicy")
    if retention is not None:
        writer.write(0, "Persistent Volume Claim Retention Policy:\n")
        writer.write(1, f"WhenDeleted:\t{retention.get('whenDeleted', '')}\n")
        writer.write(1, f"WhenScaled:\t{retention.get('whenScaled', '')}\n")
    writer.write(0, f"Pods Status:\t{controlled.pods_status(client, stateful_set, selector)}\n")
    pod_template(writer, spec["template"])
    _claims(writer, spec.get("volumeClaimTemplates") or [])
    if show_events:
        common.events(writer, common.find_events(client, stateful_set))
    return writer.text()


def _claims(writer: Writer, templates: list[Obj]) -> None:
    writer.write(0, "Volume Claims:\n" if templates else "Volume Claims:\t<none>\n")
    for claim in templates:
        meta, spec = claim.get("metadata") or {}, claim.get("spec") or {}
        annotations = meta.get("annotations") or {}
        storage_class = annotations.get(_STORAGE_CLASS, spec.get("storageClassName", ""))
        capacity = ((spec.get("resources") or {}).get("requests") or {}).get("storage", "<default>")
        writer.write(1, f"Name:\t{meta.get('name', '')}\n")
        writer.write(1, f"StorageClass:\t{storage_class}\n")
        common.pairs(writer, "Labels", meta.get("labels"), "  ")
        common.pairs(writer, "Annotations", annotations, "  ")
        writer.write(1, f"Capacity:\t{capacity}\n")
        writer.write(1, f"Access Modes:\t[{' '.join(spec.get('accessModes') or [])}]\n")
