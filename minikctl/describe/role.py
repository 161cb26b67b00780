"""kubectl's describe of a Role and of a ClusterRole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minikctl.describe import common, policy_rules
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client


def describe(_client: Client, role: Mapping[str, Any], _show_events: bool) -> str:
    writer = Writer()
    common.header(writer, role, namespaced=False)
    writer.write(0, "PolicyRule:\n")
    writer.write(1, "\t".join(policy_rules.COLUMNS) + "\n")
    writer.write(1, "\t".join("-" * len(column) for column in policy_rules.COLUMNS) + "\n")
    for row in policy_rules.rows(role.get("rules") or ()):
        writer.write(1, "\t".join(row) + "\n")
    return writer.text()
