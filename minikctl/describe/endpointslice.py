"""kubectl's describe of an EndpointSlice. Source: k8s.io/kubectl/pkg/describe.describeEndpointSliceV1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minikctl.describe import common
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client

Obj = Mapping[str, Any]

UNSET = "<unset>"


def describe(client: Client, endpoint_slice: Obj, show_events: bool) -> str:
    writer = Writer()
    common.header(writer, endpoint_slice)
    writer.write(0, f"AddressType:\t{endpoint_slice.get('addressType', '')}\n")
    _ports(writer, endpoint_slice.get("ports") or [])
    endpoints = endpoint_slice.get("endpoints") or ()
    writer.write(0, "Endpoints:\n" if endpoints else "Endpoints: <none>\n")
    for endpoint in endpoints:
        _endpoint(writer, endpoint)
    if show_events:
        common.events(writer, common.find_events(client, endpoint_slice))
    return writer.text()


def _ports(writer: Writer, ports: list[Obj]) -> None:
    if not ports:
        writer.write(0, "Ports: <unset>\n")
        return
    writer.write(0, "Ports:\n")
    writer.write(1, "Name\tPort\tProtocol\n")
    writer.write(1, "----\t----\t--------\n")
    for port in ports:
        writer.write(1, f"{port.get('name') or UNSET}\t{port.get('port', UNSET)}\t{port.get('protocol', '')}\n")


def _endpoint(writer: Writer, endpoint: Obj) -> None:
    ready = (endpoint.get("conditions") or {}).get("ready")
    writer.write(1, f"- Addresses:\t{', '.join(endpoint.get('addresses') or ['<none>'])}\n")
    writer.write(2, "Conditions:\n")
    writer.write(3, f"Ready:\t{UNSET if ready is None else str(ready).lower()}\n")
    writer.write(2, f"Hostname:\t{endpoint.get('hostname', UNSET)}\n")
    target = endpoint.get("targetRef")
    if target is not None:
        writer.write(2, f"TargetRef:\t{target.get('kind', '')}/{target.get('name', '')}\n")
    writer.write(2, f"NodeName:\t{endpoint.get('nodeName', UNSET)}\n")
    writer.write(2, f"Zone:\t{endpoint.get('zone', UNSET)}\n")
