"""kubectl's describe of an Ingress. Source: k8s.io/kubectl/pkg/describe.describeIngressV1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minikctl.client.errors import StatusError
from minikctl.describe import common
from minikctl.describe.endpoint_lists import format_slices, slices_of
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client

Obj = Mapping[str, Any]


def describe(client: Client, ingress: Obj, show_events: bool) -> str:
    writer = Writer()
    meta, spec = ingress["metadata"], ingress.get("spec") or {}
    default = "<default>"
    if spec.get("defaultBackend") is not None:
        default = _backend(client, meta["namespace"], spec["defaultBackend"])
    writer.write(0, f"Name:\t{meta['name']}\n")
    common.pairs(writer, "Labels", meta.get("labels"))
    writer.write(0, f"Namespace:\t{meta['namespace']}\n")
    writer.write(0, f"Address:\t{_address(ingress.get('status') or {})}\n")
    writer.write(0, f"Ingress Class:\t{spec.get('ingressClassName', '<none>')}\n")
    writer.write(0, f"Default backend:\t{default}\n")
    if spec.get("tls"):
        writer.write(0, "TLS:\n")
    for tls in spec.get("tls") or ():
        how = f"{tls['secretName']} terminates" if tls.get("secretName") else "SNI routes"
        writer.write(1, f"{how} {','.join(tls.get('hosts') or ())}\n")
    _rules(writer, client, ingress, default)
    common.annotation_lines(writer, meta.get("annotations"))
    if show_events:
        common.events(writer, common.find_events(client, ingress))
    return writer.text()


def _address(status: Obj) -> str:
    points = (status.get("loadBalancer") or {}).get("ingress") or ()
    return ",".join(sorted({point.get("ip") or point.get("hostname") or "" for point in points} - {""}))


def _rules(writer: Writer, client: Client, ingress: Obj, default: str) -> None:
    writer.write(0, "Rules:\n  Host\tPath\tBackends\n")
    writer.write(1, "----\t----\t--------\n")
    rules = [rule for rule in (ingress.get("spec") or {}).get("rules") or () if rule.get("http") is not None]
    for rule in rules:
        writer.write(1, f"{rule.get('host') or '*'}\t\n")
        for path in rule["http"].get("paths") or ():
            backend = _backend(client, ingress["metadata"]["namespace"], path.get("backend") or {})
            writer.write(2, f"\t{path.get('path', '')} \t{backend}\n")
    if not rules:
        writer.write(1, f"*\t*\t{default}\n")


def _backend(client: Client, namespace: str, backend: Obj) -> str:
    """`web:80 (10.0.0.1:8080)`."""
    service, resource = backend.get("service"), backend.get("resource")
    if service is not None:
        port = service.get("port") or {}
        shown = f"{service.get('name', '')}:{port.get('number') or port.get('name', '')}"
        return f"{shown} ({_endpoints(client, namespace, service.get('name', ''), port)})"
    if resource is None:
        return ""
    group = resource.get("apiGroup", "<none>")
    return f"APIGroup: {group}, Kind: {resource.get('kind', '')}, Name: {resource.get('name', '')}"


def _endpoints(client: Client, namespace: str, name: str, port: Obj) -> str:
    try:
        slices = slices_of(client, namespace, name)
        service = client.get(f"/api/v1/namespaces/{namespace}/services/{name}")
    except StatusError as error:
        return f"<error: {error}>"
    named = ""
    for one in service["spec"].get("ports") or ():
        by_number = port.get("number") and port["number"] == one.get("port")
        if by_number or (port.get("name") and port["name"] == one.get("name")):
            named = one.get("name", "")
    return format_slices(slices, named)
