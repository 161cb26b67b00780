"""kubectl's describe of a LimitRange, and of those of a namespace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client

_TITLES = "Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio\n"
_RULE = "----\t--------\t---\t---\t---------------\t-------------\t-----------------------\n"
_FIELDS = ("min", "max", "defaultRequest", "default", "maxLimitRequestRatio")


def describe(client: Client, limit_range: Mapping[str, Any], show_events: bool) -> str:
    """kubectl shows no events here."""
    writer = Writer()
    meta = limit_range["metadata"]
    writer.write(0, f"Name:\t{meta['name']}\n")
    writer.write(0, f"Namespace:\t{meta.get('namespace', '')}\n")
    writer.write(0, _TITLES)
    writer.write(0, _RULE)
    _limits(writer, limit_range, "")
    return writer.text()


def all_of(writer: Writer, limit_ranges: Sequence[Mapping[str, Any]]) -> None:
    """Source: DescribeLimitRanges."""
    if not limit_ranges:
        writer.write(0, "No LimitRange resource.\n")
        return
    writer.write(0, f"Resource Limits\n {_TITLES}")
    writer.write(0, f" {_RULE}")
    for limit_range in limit_ranges:
        _limits(writer, limit_range, " ")


def _limits(writer: Writer, limit_range: Mapping[str, Any], indent: str) -> None:
    """kubectl shows a limit's resources in no order; here they are by name."""
    for limit in limit_range["spec"].get("limits") or ():
        for name in sorted({name for field in _FIELDS for name in limit.get(field) or ()}):
            values = [(limit.get(field) or {}).get(name, "-") for field in _FIELDS]
            writer.write(0, "\t".join([f"{indent}{limit['type']}", name, *values]) + "\n")
