"""kubectl's describe of a PersistentVolumeClaim. Source: k8s.io/kubectl/pkg/describe.describePersistentVolumeClaim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minikctl.describe import common, storage
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client

Obj = Mapping[str, Any]


def describe(client: Client, claim: Obj, show_events: bool) -> str:
    pods = client.get(f"/api/v1/namespaces/{claim['metadata']['namespace']}/pods", {"limit": "500"})["items"]
    writer = Writer()
    _claim(writer, claim)
    common.column(writer, "Used By", sorted(_users(claim, pods)) or ["<none>"])
    _conditions(writer, (claim.get("status") or {}).get("conditions") or ())
    if show_events:
        common.events(writer, common.find_events(client, claim))
    return writer.text()


def _claim(writer: Writer, claim: Obj) -> None:
    meta, spec, status = claim["metadata"], claim.get("spec") or {}, claim.get("status") or {}
    bound = spec.get("volumeName", "")
    writer.write(0, f"Name:\t{meta['name']}\n")
    writer.write(0, f"Namespace:\t{meta.get('namespace', '')}\n")
    writer.write(0, f"StorageClass:\t{storage.class_of(claim)}\n")
    writer.write(0, f"Status:\t{storage.status_of(claim)}\n")
    writer.write(0, f"Volume:\t{bound}\n")
    common.pairs(writer, "Labels", meta.get("labels"))
    common.annotation_lines(writer, meta.get("annotations"))
    writer.write(0, f"Finalizers:\t{storage.finalizers(claim)}\n")
    capacity = (status.get("capacity") or {}).get("storage", "0") if bound else ""
    writer.write(0, f"Capacity:\t{capacity}\n")
    modes = storage.access_modes(status.get("accessModes")) if bound else ""
    writer.write(0, f"Access Modes:\t{modes}\n")
    if spec.get("volumeMode") is not None:
        writer.write(0, f"VolumeMode:\t{spec['volumeMode']}\n")
    source = spec.get("dataSource")
    if source is not None:
        writer.write(0, "DataSource:\n")
        if source.get("apiGroup") is not None:
            writer.write(1, f"APIGroup:\t{source['apiGroup']}\n")
        writer.write(1, f"Kind:\t{source.get('kind', '')}\n")
        writer.write(1, f"Name:\t{source.get('name', '')}\n")


def _users(claim: Obj, pods: list[Obj]) -> list[str]:
    """The pods that mount the claim, or for which it was made, each once for every volume."""
    meta = claim["metadata"]
    users = [
        pod["metadata"]
        for pod in pods
        for volume in (pod.get("spec") or {}).get("volumes") or ()
        if (volume.get("persistentVolumeClaim") or {}).get("claimName") == meta["name"]
    ]
    owners = {owner["uid"] for owner in meta.get("ownerReferences") or () if owner.get("kind") == "Pod"}
    owners -= {user["uid"] for user in users}
    users += [pod["metadata"] for pod in pods if pod["metadata"]["uid"] in owners]
    return [user["name"] for user in users]


def _conditions(writer: Writer, conditions: Sequence[Obj]) -> None:
    if not conditions:
        return
    writer.write(0, "Conditions:\n")
    writer.write(1, "Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage\n")
    writer.write(1, "----\t------\t-----------------\t------------------\t------\t-------\n")
    for condition in conditions:
        probed, changed = (common.rfc1123z(condition.get(f"last{what}Time")) for what in ("Probe", "Transition"))
        reason, message = condition.get("reason", ""), condition.get("message", "")
        writer.write(
            1, f"{condition['type']} \t{condition['status']} \t{probed} \t{changed} \t{reason} \t{message}\n"
        )
