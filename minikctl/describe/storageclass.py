"""kubectl's describe of a StorageClass. Source: k8s.io/kubectl/pkg/describe.describeStorageClass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minikctl.describe import common, storage
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client

_DEFAULT_ANNOTATIONS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)


def describe(client: Client, storage_class: Mapping[str, Any], show_events: bool) -> str:
    writer = Writer()
    meta = storage_class["metadata"]
    annotations = meta.get("annotations") or {}
    default = any(annotations.get(key) == "true" for key in _DEFAULT_ANNOTATIONS)
    expansion = storage_class.get("allowVolumeExpansion")
    writer.write(0, f"Name:\t{meta['name']}\n")
    writer.write(0, f"IsDefaultClass:\t{'Yes' if default else 'No'}\n")
    writer.write(0, f"Annotations:\t{storage.plain_pairs(annotations)}\n")
    writer.write(0, f"Provisioner:\t{storage_class.get('provisioner', '')}\n")
    writer.write(0, f"Parameters:\t{storage.plain_pairs(storage_class.get('parameters'))}\n")
    writer.write(0, f"AllowVolumeExpansion:\t{'<unset>' if expansion is None else common.title_bool(expansion)}\n")
    options = storage_class.get("mountOptions") or ()
    writer.write(0, "MountOptions:\n" if options else "MountOptions:\t<none>\n")
    for option in options:
        writer.write(1, f"{option}\n")
    for title, field in (("ReclaimPolicy", "reclaimPolicy"), ("VolumeBindingMode", "volumeBindingMode")):
        if storage_class.get(field) is not None:
            writer.write(0, f"{title}:\t{storage_class[field]}\n")
    topologies = storage_class.get("allowedTopologies")
    if topologies is not None:
        _topologies(writer, topologies)
    if show_events:
        common.events(writer, common.find_events(client, storage_class))
    return writer.text()


def _topologies(writer: Writer, topologies: list[Mapping[str, Any]]) -> None:
    writer.write(0, "AllowedTopologies:\t" + ("\n" if topologies else "<none>\n"))
    for number, term in enumerate(topologies):
        wanted = [(one["key"], "in", one.get("values") or ()) for one in term.get("matchLabelExpressions") or ()]
        storage.requirements(writer, 1, f"Term {number}", wanted)
