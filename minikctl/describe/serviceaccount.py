"""kubectl's describe of a ServiceAccount."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minikctl.describe import common
from minikctl.describe.writer import Writer

if TYPE_CHECKING:
    from minikctl.client.rest import Client

SERVICE_ACCOUNT_TOKEN = "kubernetes.io/service-account-token"


def describe(client: Client, account: Mapping[str, Any], show_events: bool) -> str:
    writer = Writer()
    common.header(writer, account)
    meta = account["metadata"]
    secrets = client.get(f"/api/v1/namespaces/{meta['namespace']}/secrets")["items"]
    present = {secret["metadata"]["name"] for secret in secrets}
    names = {
        "Image pull secrets": [each["name"] for each in account.get("imagePullSecrets") or []],
        "Mountable secrets": [each["name"] for each in account.get("secrets") or []],
        "Tokens": [secret["metadata"]["name"] for secret in secrets if _is_token_of(secret, account)],
    }
    for title, listed in names.items():
        head = f"{title}:"
        for name in listed:
            missing = "" if name in present else " (not found)"
            writer.write(0, f"{head:<19}\t{name}{missing}\n")
            head = ""
        if not listed:
            writer.write(0, f"{head:<19}\t<none>\n")
    if show_events:
        common.events(writer, common.find_events(client, account))
    return writer.text()


def _is_token_of(secret: Mapping[str, Any], account: Mapping[str, Any]) -> bool:
    annotations = secret["metadata"].get("annotations") or {}
    return (
        secret.get("type") == SERVICE_ACCOUNT_TOKEN
        and annotations.get("kubernetes.io/service-account.name") == account["metadata"]["name"]
        and annotations.get("kubernetes.io/service-account.uid") == account["metadata"]["uid"]
    )
