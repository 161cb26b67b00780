"""The node of this process has the role control-plane, which a kubelet may not give itself.

Source: the mark-control-plane phase of kubeadm, without its taint: pods shall run here.
"""

from __future__ import annotations

import asyncio

from backend.machinery.client import NODES, Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller, Key
from backend.machinery.informer import Informer
from backend.meta.errors import ApiError

LABEL = "node-role.kubernetes.io/control-plane"


class ControlPlaneRole:
    """`run` works until it is cancelled."""

    def __init__(self, client: Client, node_name: str, clock: Clock | None = None) -> None:
        self._client = client
        self._nodes = Informer(client, NODES, clock=clock, fieldSelector=f"metadata.name={node_name}")
        self._controller = Controller("control-plane-role", self.reconcile, clock=clock, informers=(self._nodes,))
        self._nodes.on_change(self._controller.enqueue_changed)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._nodes.run())
            group.create_task(self._controller.run(), name=self._controller.name)

    async def reconcile(self, key: Key) -> None:
        node = self._nodes.get("", key.name)
        if node is None or LABEL in (node["metadata"].get("labels") or {}):
            return
        try:
            await self._client.patch(NODES, key.name, {"metadata": {"labels": {LABEL: ""}}})
        except ApiError as error:
            if error.code != 404:
                raise
