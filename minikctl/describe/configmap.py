"""kubectl's describe of a ConfigMap."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minikctl.describe import common
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client


def describe(client: Client, configmap: Mapping[str, Any], show_events: bool) -> str:
    writer = Writer()
    common.header(writer, configmap)
    writer.write(0, "\nData\n====\n")
    for key, value in sorted((configmap.get("data") or {}).items()):
        writer.write(0, f"{key}:\n----\n{value}\n\n")
    writer.write(0, "\nBinaryData\n====\n")
    for key, value in sorted((configmap.get("binaryData") or {}).items()):
        writer.write(0, f"{key}: {len(base64.b64decode(value))} bytes\n")
    writer.write(0, "\n")
    if show_events:
        common.events(writer, common.find_events(client, configmap))
    return writer.text()
