"""kubectl's describe of an IngressClass. Source: k8s.io/kubectl/pkg/describe.describeIngressClassV1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minikctl.describe import common
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client


def describe(client: Client, ingress_class: Mapping[str, Any], show_events: bool) -> str:
    writer = Writer()
    common.header(writer, ingress_class, namespaced=False)
    spec = ingress_class.get("spec") or {}
    writer.write(0, f"Controller:\t{spec.get('controller', '')}\n")
    parameters = spec.get("parameters")
    if parameters is not None:
        writer.write(0, "Parameters:\n")
        if parameters.get("apiGroup") is not None:
            writer.write(1, f"APIGroup:\t{parameters['apiGroup']}\n")
        writer.write(1, f"Kind:\t{parameters.get('kind', '')}\n")
        writer.write(1, f"Name:\t{parameters.get('name', '')}\n")
    if show_events:
        common.events(writer, common.find_events(client, ingress_class))
    return writer.text()
