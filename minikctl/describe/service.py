"""kubectl's describe of a Service. Source: k8s.io/kubectl/pkg/describe.describeService."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backend.meta.label_selector import format_labels
from minikctl.client.errors import StatusError
from minikctl.describe import common
from minikctl.describe.endpoint_lists import format_slices, slices_of
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client

Obj = Mapping[str, Any]


def describe(client: Client, service: Obj, show_events: bool) -> str:
    writer = Writer()
    meta, spec = service["metadata"], service["spec"]
    try:
        slices = slices_of(client, meta["namespace"], meta["name"])
    except StatusError:
        slices = []
    common.header(writer, service)
    writer.write(0, f"Selector:\t{format_labels(spec.get('selector'))}\n")
    writer.write(0, f"Type:\t{spec.get('type', '')}\n")
    _addresses(writer, spec, (service.get("status") or {}).get("loadBalancer") or {})
    for port in spec.get("ports") or ():
        _port(writer, port, slices)
    writer.write(0, f"Session Affinity:\t{spec.get('sessionAffinity', '')}\n")
    _fields(
        writer, spec,
        ("External Traffic Policy", "externalTrafficPolicy"),
        ("Internal Traffic Policy", "internalTrafficPolicy"),
        ("HealthCheck NodePort", "healthCheckNodePort"),
    )  # fmt: skip
    if spec.get("loadBalancerSourceRanges"):
        writer.write(0, f"LoadBalancer Source Ranges:\t{','.join(spec['loadBalancerSourceRanges'])}\n")
    if show_events:
        common.events(writer, common.find_events(client, service))
    return writer.text()


def _fields(writer: Writer, spec: Obj, *fields: tuple[str, str]) -> None:
    for title, name in fields:
        if spec.get(name):
            writer.write(0, f"{title}:\t{spec[name]}\n")


def _addresses(writer: Writer, spec: Obj, balancer: Obj) -> None:
    _fields(writer, spec, ("IP Family Policy", "ipFamilyPolicy"))
    writer.write(0, f"IP Families:\t{','.join(spec.get('ipFamilies') or ['<none>'])}\n")
    writer.write(0, f"IP:\t{spec.get('clusterIP', '')}\n")
    writer.write(0, f"IPs:\t{','.join(spec.get('clusterIPs') or ['<none>'])}\n")
    if spec.get("externalIPs"):
        writer.write(0, f"External IPs:\t{','.join(spec['externalIPs'])}\n")
    _fields(writer, spec, ("Desired LoadBalancer IP", "loadBalancerIP"), ("External Name", "externalName"))
    if balancer.get("ingress"):
        writer.write(0, f"LoadBalancer Ingress:\t{', '.join(map(_ingress, balancer['ingress']))}\n")


def _ingress(point: Obj) -> str:
    if not point.get("ip"):
        return str(point.get("hostname", ""))
    return f"{point['ip']} ({point['ipMode']})" if point.get("ipMode") is not None else str(point["ip"])


def _port(writer: Writer, port: Obj, slices: list[Obj]) -> None:
    name, protocol = port.get("name") or "<unset>", port.get("protocol", "")
    writer.write(0, f"Port:\t{name}\t{port.get('port', 0)}/{protocol}\n")
    writer.write(0, f"TargetPort:\t{port.get('targetPort', 0)}/{protocol}\n")
    if port.get("nodePort"):
        writer.write(0, f"NodePort:\t{name}\t{port['nodePort']}/{protocol}\n")
    writer.write(0, f"Endpoints:\t{format_slices(slices, port.get('name', ''))}\n")
