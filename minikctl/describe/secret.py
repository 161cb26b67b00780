"""kubectl's describe of a Secret: the keys and how long their values are, never the values."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minikctl.describe import common
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client

SERVICE_ACCOUNT_TOKEN = "kubernetes.io/service-account-token"


def describe(client: Client, secret: Mapping[str, Any], show_events: bool) -> str:
    writer = Writer()
    common.header(writer, secret)
    type_ = secret.get("type", "")
    writer.write(0, f"\nType:\t{type_}\n")
    writer.write(0, "\nData\n====\n")
    for key, value in sorted((secret.get("data") or {}).items()):
        decoded = base64.b64decode(value)
        if type_ == SERVICE_ACCOUNT_TOKEN and key == "token":
            writer.write(0, f"{key}:\t{decoded.decode(errors='replace')}\n")
        else:
            writer.write(0, f"{key}:\t{len(decoded)} bytes\n")
    return writer.text()
