"""What every cluster has from the start."""

from __future__ import annotations

import asyncio

from backend.machinery.client import GVR, NAMESPACES, Client
from backend.meta.errors import ApiError
from backend.meta.types import Obj
from backend.resources.networking.ingress_class import OWN_CLASS, own_class
from backend.resources.scheduling.priority_class import SYSTEM_CLASSES

SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
PRIORITY_CLASSES = GVR("scheduling.k8s.io", "v1", "priorityclasses")
INGRESS_CLASSES = GVR("networking.k8s.io", "v1", "ingressclasses")


async def create_system_namespaces(client: Client) -> None:
    """Create those that are missing, as one commit. Raises ApiError if the store cannot be written."""
    await asyncio.gather(*(_ensure(client, NAMESPACES, name, {}) for name in SYSTEM_NAMESPACES))


async def create_system_priority_classes(client: Client) -> None:
    """Likewise."""
    await asyncio.gather(
        *(
            _ensure(client, PRIORITY_CLASSES, name, {"value": value, "description": description})
            for name, (value, description) in SYSTEM_CLASSES.items()
        )
    )


async def create_ingress_class(client: Client) -> None:
    """Likewise: before anybody can create an Ingress, which gets its class when it is created or never."""
    await _ensure(client, INGRESS_CLASSES, OWN_CLASS, own_class())


async def _ensure(client: Client, gvr: GVR, name: str, fields: Obj) -> None:
    try:
        await client.get(gvr, name)
    except ApiError as error:
        if error.code != 404:
            raise
        await client.create(gvr, {"metadata": {"name": name}, **fields})
