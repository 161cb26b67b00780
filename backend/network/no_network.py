"""The network's part where there can be none: it says so, instead of parts that would fail again and again."""

from __future__ import annotations

import logging

from backend.machinery.client import Client
from backend.machinery.events import EventRecorder

_log = logging.getLogger(__name__)


class NoNetwork:
    """Says so in the log and as an event of the Node."""

    def __init__(self, client: Client, node_name: str, problem: str) -> None:
        self._recorder = EventRecorder(client, "kube-proxy", node_name)
        self._node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node_name, "uid": node_name}}
        self._message = (
            f"service addresses, load balancers, cluster DNS and network policies do not work: {problem}"
        )

    async def run(self) -> None:
        """Until cancelled."""
        _log.warning("%s", self._message)
        self._recorder.event(self._node, "Warning", "NetworkNotReady", self._message)
        await self._recorder.run()
