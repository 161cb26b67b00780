"""After a reboot of this machine: what its pods' statuses say is of before it, and nothing runs.

The API server answers before the kubelet has looked at anything. That a pod is not ready is said before, as the node
lifecycle controller says it of the pods of a node that was away (pkg/controller/nodelifecycle, MarkPodsNotReady). The
kubelet tells the rest. Imported before the API answers: it imports next to nothing.
"""

from __future__ import annotations

import asyncio
import os

from backend.machinery.client import NODES, PODS, STRATEGIC_MERGE_PATCH, Client
from backend.machinery.machine import boot_id
from backend.meta.errors import ApiError
from backend.meta.timefmt import now
from backend.meta.types import Obj


async def mark_pods_not_ready(client: Client, node_name: str) -> None:
    """Mark the pods of a node that was last reported before this machine booted; otherwise do nothing. Idempotent.

    Nor where the engine is on another machine, which did not reboot with this one. Raises ApiError."""
    if _engine_is_elsewhere() or not await _rebooted(client, node_name):
        return
    pods = await client.list(PODS, fieldSelector=f"spec.nodeName={node_name}")
    await asyncio.gather(*(_mark(client, pod) for pod in pods["items"] if _is_ready(pod)))


def _engine_is_elsewhere() -> bool:
    return os.environ.get("DOCKER_HOST", "").partition("://")[0] not in ("", "unix", "http+unix")


async def _rebooted(client: Client, node_name: str) -> bool:
    try:
        node = await client.get(NODES, node_name)
    except ApiError as error:
        if error.code != 404:
            raise
        return False
    before = node.get("status", {}).get("nodeInfo", {}).get("bootID")
    return bool(before) and before != boot_id()


def _is_ready(pod: Obj) -> bool:
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


async def _mark(client: Client, pod: Obj) -> None:
    meta = pod["metadata"]
    condition = {"type": "Ready", "status": "False", "lastTransitionTime": now()}
    patch = {"metadata": {"uid": meta["uid"]}, "status": {"conditions": [condition]}}
    await client.patch(PODS, meta["name"], patch, meta["namespace"], "status", STRATEGIC_MERGE_PATCH)
