"""What every cluster has from the start."""

from __future__ import annotations

import asyncio

from backend.machinery.client import NAMESPACES, Client
from backend.meta.errors import ApiError

SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


async def create_system_namespaces(client: Client) -> None:
    """Create those that are missing, as one commit. Raises ApiError if the store cannot be written."""
    await asyncio.gather(*(_ensure(client, name) for name in SYSTEM_NAMESPACES))


async def _ensure(client: Client, name: str) -> None:
    try:
        await client.get(NAMESPACES, name)
    except ApiError as error:
        if error.code != 404:
            raise
        await client.create(NAMESPACES, {"metadata": {"name": name}})
