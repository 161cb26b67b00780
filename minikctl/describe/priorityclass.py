"""kubectl's describe of a PriorityClass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backend.meta.label_selector import format_labels
from minikctl.describe import common
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client


def describe(client: Client, priority_class: Mapping[str, Any], show_events: bool) -> str:
    writer = Writer()
    meta = priority_class["metadata"]
    writer.write(0, f"Name:\t{meta['name']}\n")
    writer.write(0, f"Value:\t{priority_class.get('value', 0)}\n")
    writer.write(0, f"GlobalDefault:\t{'true' if priority_class.get('globalDefault') else 'false'}\n")
    writer.write(0, f"PreemptionPolicy:\t{priority_class['preemptionPolicy']}\n")
    writer.write(0, f"Description:\t{priority_class.get('description', '')}\n")
    writer.write(0, f"Annotations:\t{format_labels(meta.get('annotations'))}\n")
    if show_events:
        common.events(writer, common.find_events(client, priority_class))
    return writer.text()
