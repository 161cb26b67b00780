"""kubectl's describe of a ServiceCIDR. Source: k8s.io/kubectl/pkg/describe.describeServiceCIDRV1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minikctl.describe import common
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client


def describe(client: Client, service_cidr: Mapping[str, Any], show_events: bool) -> str:
    writer = Writer()
    common.header(writer, service_cidr, namespaced=False)
    writer.write(0, f"CIDRs:\t{', '.join((service_cidr.get('spec') or {}).get('cidrs') or ())}\n")
    conditions = (service_cidr.get("status") or {}).get("conditions") or ()
    if conditions:
        writer.write(0, "Status:\n")
        writer.write(0, "Conditions:\n")
        writer.write(1, "Type\tStatus\tLastTransitionTime\tReason\tMessage\n")
        writer.write(1, "----\t------\t------------------\t------\t-------\n")
    for condition in conditions:
        changed = common.rfc1123z(condition.get("lastTransitionTime"))
        told = condition.get("reason", ""), condition.get("message", "")
        writer.write(1, "\t".join((condition["type"], condition["status"], changed, *told)) + "\n")
    if show_events:
        common.events(writer, common.find_events(client, service_cidr))
    return writer.text()
