"""kubectl's describe of a RoleBinding and of a ClusterRoleBinding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minikctl.describe import common
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client


def describe(_client: Client, binding: Mapping[str, Any], _show_events: bool) -> str:
    writer = Writer()
    common.header(writer, binding, namespaced=False)
    writer.write(0, "Role:\n")
    writer.write(1, f"Kind:\t{binding['roleRef']['kind']}\n")
    writer.write(1, f"Name:\t{binding['roleRef']['name']}\n")
    writer.write(0, "Subjects:\n")
    writer.write(1, "Kind\tName\tNamespace\n")
    writer.write(1, "----\t----\t---------\n")
    for subject in binding.get("subjects") or ():
        writer.write(1, f"{subject['kind']}\t{subject['name']}\t{subject.get('namespace', '')}\n")
    return writer.text()
