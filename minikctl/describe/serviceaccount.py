"""kubectl's describe of a ServiceAccount."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minikctl.describe import common
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client


def describe(client: Client, account: Mapping[str, Any], show_events: bool) -> str:
    writer = Writer()
    common.header(writer, account)
    secrets = [each["name"] for each in account.get("imagePullSecrets") or []]
    common.column(writer, "Image pull secrets", secrets or ["<none>"])
    if show_events:
        common.events(writer, common.find_events(client, account))
    return writer.text()
