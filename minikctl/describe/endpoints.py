"""kubectl's describe of Endpoints. Source: k8s.io/kubectl/pkg/describe.describeEndpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minikctl.describe import common
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client

Obj = Mapping[str, Any]


def describe(client: Client, endpoints: Obj, show_events: bool) -> str:
    writer = Writer()
    common.header(writer, endpoints)
    writer.write(0, "Subsets:\n")
    for subset in endpoints.get("subsets") or ():
        writer.write(1, f"Addresses:\t{_ips(subset.get('addresses') or ())}\n")
        writer.write(1, f"NotReadyAddresses:\t{_ips(subset.get('notReadyAddresses') or ())}\n")
        if subset.get("ports"):
            writer.write(1, "Ports:\n")
            writer.write(2, "Name\tPort\tProtocol\n")
            writer.write(2, "----\t----\t--------\n")
        for port in subset.get("ports") or ():
            writer.write(
                2, f"{port.get('name') or '<unset>'}\t{port.get('port', 0)}\t{port.get('protocol', '')}\n"
            )
        writer.write(0, "\n")
    if show_events:
        common.events(writer, common.find_events(client, endpoints))
    return writer.text()


def _ips(addresses: Sequence[Obj]) -> str:
    return ",".join(address["ip"] for address in addresses) or "<none>"
