"""kubectl's describe of a CSINode. Source: k8s.io/kubectl/pkg/describe.describeCSINode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minikctl.describe import common
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client


def describe(client: Client, node: Mapping[str, Any], show_events: bool) -> str:
    writer = Writer()
    common.header(writer, node, namespaced=False)
    writer.write(0, f"CreationTimestamp:\t{common.rfc1123z(node['metadata'].get('creationTimestamp'))}\n")
    writer.write(0, "Spec:\n")
    drivers = (node.get("spec") or {}).get("drivers")
    if drivers is not None:
        writer.write(1, "Drivers:\n")
    for driver in drivers or ():
        _driver(writer, driver)
    if show_events:
        common.events(writer, common.find_events(client, node))
    return writer.text()


def _driver(writer: Writer, driver: Mapping[str, Any]) -> None:
    writer.write(2, f"{driver['name']}:\n")
    writer.write(3, f"Node ID:\t{driver.get('nodeID', '')}\n")
    count = (driver.get("allocatable") or {}).get("count")
    if count is not None:
        writer.write(3, "Allocatables:\n")
        writer.write(4, f"Count:\t{count}\n")
    if driver.get("topologyKeys") is not None:
        writer.write(3, f"Topology Keys:\t[{' '.join(driver['topologyKeys'])}]\n")
