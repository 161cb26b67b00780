"""kubectl's describe of a Namespace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minikctl.client.errors import StatusError
from minikctl.describe import common, limitrange, resourcequota
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client


def describe(client: Client, namespace: Mapping[str, Any], show_events: bool) -> str:
    writer = Writer()
    common.header(writer, namespace, namespaced=False)
    status = namespace.get("status") or {}
    writer.write(0, f"Status:\t{status.get('phase', '')}\n")
    conditions = status.get("conditions") or []
    if conditions:
        writer.write(0, "Conditions:\n")
        writer.write(1, "Type\tStatus\tLastTransitionTime\tReason\tMessage\n")
        writer.write(1, "----\t------\t------------------\t------\t-------\n")
    for condition in conditions:
        changed = common.rfc1123z(condition.get("lastTransitionTime"))
        fields = (condition["type"], condition["status"], changed, condition["reason"], condition["message"])
        writer.write(1, "\t".join(fields) + "\n")
    for resource, describe_all in (("resourcequotas", resourcequota.all_of), ("limitranges", limitrange.all_of)):
        found = _items(client, namespace["metadata"]["name"], resource)
        if found is not None:
            writer.write(0, "\n")
            describe_all(writer, found)
    return writer.text()


def _items(client: Client, namespace: str, resource: str) -> list[dict[str, Any]] | None:
    """None if the server does not have the resource, or does not show it."""
    try:
        items: list[dict[str, Any]] = client.get(f"/api/v1/namespaces/{namespace}/{resource}")["items"]
    except StatusError:
        return None
    return items
