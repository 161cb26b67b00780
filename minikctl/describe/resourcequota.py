"""kubectl's describe of a ResourceQuota, and of the quotas of a namespace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from backend.meta import quantity
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client

_SCOPES = {
    "Terminating": "Matches all pods that have an active deadline. These pods have a limited lifespan on a node before"
    " being actively terminated by the system.",
    "NotTerminating": "Matches all pods that do not have an active deadline. These pods usually include long running"
    " pods whose container command is not expected to terminate.",
    "BestEffort": "Matches all pods that do not have resource requirements set. These pods have a best effort quality"
    " of service.",
    "NotBestEffort": "Matches all pods that have at least one resource requirement set. These pods have a burstable or"
    " guaranteed quality of service.",
}


def describe(client: Client, quota: Mapping[str, Any], show_events: bool) -> str:
    """kubectl shows no events here."""
    writer = Writer()
    meta = quota["metadata"]
    writer.write(0, f"Name:\t{meta['name']}\n")
    writer.write(0, f"Namespace:\t{meta.get('namespace', '')}\n")
    _scopes(writer, quota, "", " * ")
    writer.write(0, "Resource\tUsed\tHard\n")
    writer.write(0, "--------\t----\t----\n")
    for name, used, hard in _amounts(quota):
        writer.write(0, f"{name}\t{quantity.in_form_of(used, hard)}\t{hard}\n")
    return writer.text()


def all_of(writer: Writer, quotas: Sequence[Mapping[str, Any]]) -> None:
    """Source: DescribeResourceQuotas."""
    if not quotas:
        writer.write(0, "No resource quota.\n")
        return
    writer.write(0, "Resource Quotas\n")
    for quota in sorted(quotas, key=lambda quota: str(quota["metadata"]["name"])):
        writer.write(0, f"  Name:\t{quota['metadata']['name']}\n")
        _scopes(writer, quota, "  ", "  * ")
        writer.write(0, "  Resource\tUsed\tHard\n")
        writer.write(0, "  --------\t---\t---\n")
        for name, used, hard in _amounts(quota):
            writer.write(0, f"  {name}\t{used}\t{hard}\n")


def _scopes(writer: Writer, quota: Mapping[str, Any], indent: str, bullet: str) -> None:
    scopes = sorted(quota["spec"].get("scopes") or ())
    if scopes:
        writer.write(0, f"{indent}Scopes:\t{', '.join(scopes)}\n")
    for scope in scopes:
        if scope in _SCOPES:
            writer.write(0, f"{bullet}{_SCOPES[scope]}\n")


def _amounts(quota: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(resource, used, hard) by name."""
    status = quota.get("status") or {}
    used = status.get("used") or {}
    return [(name, used.get(name, "0"), hard) for name, hard in sorted((status.get("hard") or {}).items())]
