"""kubectl's describe of a PersistentVolume. Source: k8s.io/kubectl/pkg/describe.describePersistentVolume."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minikctl.describe import common, storage
from minikctl.describe.volume_sources import describe_source
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client

Obj = Mapping[str, Any]


def describe(client: Client, volume: Obj, show_events: bool) -> str:
    writer = Writer()
    spec, status = volume.get("spec") or {}, volume.get("status") or {}
    claim = spec.get("claimRef")
    common.header(writer, volume, namespaced=False)
    writer.write(0, f"Finalizers:\t{storage.finalizers(volume)}\n")
    writer.write(0, f"StorageClass:\t{storage.class_of(volume)}\n")
    writer.write(0, f"Status:\t{storage.status_of(volume)}\n")
    bound = f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else ""
    writer.write(0, f"Claim:\t{bound}\n")
    writer.write(0, f"Reclaim Policy:\t{spec.get('persistentVolumeReclaimPolicy', '')}\n")
    writer.write(0, f"Access Modes:\t{storage.access_modes(spec.get('accessModes'))}\n")
    if spec.get("volumeMode") is not None:
        writer.write(0, f"VolumeMode:\t{spec['volumeMode']}\n")
    writer.write(0, f"Capacity:\t{(spec.get('capacity') or {}).get('storage', '0')}\n")
    _node_affinity(writer, (spec.get("nodeAffinity") or {}).get("required"))
    writer.write(0, f"Message:\t{status.get('message', '')}\n")
    writer.write(0, "Source:\n")
    describe_source(writer, spec)
    if show_events:
        common.events(writer, common.find_events(client, volume))
    return writer.text()


def _node_affinity(writer: Writer, required: Obj | None) -> None:
    writer.write(0, "Node Affinity:\t")
    if required is None:
        writer.write(0, "<none>\n")
        return
    terms = required.get("nodeSelectorTerms") or ()
    writer.write(0, "\n")
    writer.write(1, "Required Terms:\t" + ("\n" if terms else "<none>\n"))
    for number, term in enumerate(terms):
        wanted = [
            (one["key"], one["operator"], one.get("values") or ()) for one in term.get("matchExpressions") or ()
        ]
        storage.requirements(writer, 2, f"Term {number}", wanted)
