"""kubectl's describe of a VolumeAttributesClass. Source: k8s.io/kubectl/pkg/describe.describeVolumeAttributesClass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minikctl.describe import common, storage
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client


def describe(client: Client, attributes_class: Mapping[str, Any], show_events: bool) -> str:
    writer = Writer()
    meta = attributes_class["metadata"]
    writer.write(0, f"Name:\t{meta['name']}\n")
    writer.write(0, f"Annotations:\t{storage.plain_pairs(meta.get('annotations'))}\n")
    writer.write(0, f"DriverName:\t{attributes_class.get('driverName', '')}\n")
    writer.write(0, f"Parameters:\t{storage.plain_pairs(attributes_class.get('parameters'))}\n")
    if show_events:
        common.events(writer, common.find_events(client, attributes_class))
    return writer.text()
