"""kubectl's describe of an IPAddress. Source: k8s.io/kubectl/pkg/describe.describeIPAddressV1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minikctl.describe import common
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client


def describe(client: Client, ip_address: Mapping[str, Any], show_events: bool) -> str:
    writer = Writer()
    common.header(writer, ip_address, namespaced=False)
    parent = (ip_address.get("spec") or {}).get("parentRef")
    if parent is not None:
        writer.write(0, "Parent Reference:\n")
        for field in ("group", "resource", "namespace", "name"):
            writer.write(1, f"{field.title()}:\t{parent.get(field, '')}\n")
    if show_events:
        common.events(writer, common.find_events(client, ip_address))
    return writer.text()
