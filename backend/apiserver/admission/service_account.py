"""ServiceAccount: a pod runs as an account that exists, and pulls images with that account's secrets.

Source: plugin/pkg/admission/serviceaccount.
"""

from __future__ import annotations

import asyncio

from backend.apiserver.admission.attributes import Attributes, Operation
from backend.apiserver.call import Server
from backend.resources.resource import Resource
from backend.store.api import Entry

_MIRROR = "kubernetes.io/config.mirror"
_ACCOUNT_WAIT_SECONDS = 1.5
"""How long a pod waits for the account `default` of a new namespace, which a controller makes."""


class ServiceAccount:
    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return operation == "CREATE" and resource.qualified == "pods" and not subresource

    async def admit(self, attributes: Attributes) -> None:
        pod = attributes.new
        spec = pod["spec"]
        if _MIRROR in (pod["metadata"].get("annotations") or {}):
            return
        namespace, server = attributes.namespace, attributes.call.server
        name = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
        entry = await _find_account(server, f"core/serviceaccounts/{namespace}/{name}", wait=name == "default")
        if entry is None:
            why = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
            raise attributes.forbidden(why)
        spec["serviceAccountName"] = spec["serviceAccount"] = name
        pull_secrets = entry.obj.get("imagePullSecrets")
        if pull_secrets and not spec.get("imagePullSecrets"):
            spec["imagePullSecrets"] = [dict(secret) for secret in pull_secrets]


async def _find_account(server: Server, key: str, *, wait: bool) -> Entry | None:
    entry = server.store.get(key)
    if entry is not None or not wait:
        return entry
    watch = server.store.watch(key)
    try:
        async with asyncio.timeout(_ACCOUNT_WAIT_SECONDS):
            async for event in watch:
                if event.type != "DELETED":
                    return event.entry
    except TimeoutError:
        pass
    finally:
        watch.close()
    return None
