"""The control plane's own node is known as such."""

from __future__ import annotations

from backend.controllers.control_plane_role import LABEL, ControlPlaneRole
from backend.machinery.client import NODES
from tests.support.control_plane import ControlPlane, eventually, running


async def test_the_own_node_has_the_role_and_gets_it_back(plane: ControlPlane) -> None:
    async def labelled() -> bool:
        return LABEL in ((await plane.client.get(NODES, "n"))["metadata"].get("labels") or {})

    async with running(ControlPlaneRole(plane.client, "n").run()):
        await plane.node("other")
        await plane.node("n")
        await eventually(labelled)
        await plane.client.patch(NODES, "n", {"metadata": {"labels": {LABEL: None}}})
        await eventually(labelled)
    assert LABEL not in ((await plane.client.get(NODES, "other"))["metadata"].get("labels") or {})
