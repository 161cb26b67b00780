"""Whatever happens, and in whatever order: in the end there is what should be, once."""

from __future__ import annotations

import random

import pytest

from backend.kubelet.runtime.api import RuntimeFailure
from tests.support.kubelet_node import Node


async def disturb(node: Node, dice: random.Random) -> None:
    running = [s for s in node.runtime.states() if any(c.state == "running" for c in s.containers)]
    match dice.randrange(8):
        case 0 | 1 if running:
            state = dice.choice(running)
            name = dice.choice([c.name for c in state.containers if c.state == "running"])
            node.runtime.exit(state.uid, name, dice.choice([0, 1, 137]))
        case 2 if running:
            node.runtime.kill_sandbox(dice.choice(running).uid)
        case 3:
            await node.stop()
            if dice.random() < 0.3:
                node.runtime.reboot()
            await node.start()
        case 4:
            node.runtime.set_available(False)
            await node.clock.advance(dice.random() * 20)
            node.runtime.set_available(True)
        case 5:
            name = f"p{dice.randrange(4)}"
            if node.get(name) is not None:
                await node.delete(name, gracePeriodSeconds=dice.choice([0, 5]))
        case 6:
            name = f"p{dice.randrange(4)}"
            if node.get(name) is None:
                node.pod(name, {"name": "a"}, {"name": "b"}, initContainers=[{"name": "i"}])
        case _:
            await node.clock.advance(dice.random() * 30)


@pytest.mark.parametrize("seed", range(6))
async def test_pods_converge_through_crashes_reboots_and_restarts(node: Node, seed: int) -> None:
    dice = random.Random(seed)

    async def fail_sometimes(operation: str, _subject: str) -> None:
        if operation in ("run_sandbox", "create_container", "start_container", "stop_container") and calm is False:
            if dice.random() < 0.15:
                raise RuntimeFailure("CreateContainerError", "bad luck")
            await node.clock.sleep(dice.random())

    calm = False
    node.runtime.before = fail_sometimes
    node.runtime.on_start = lambda config: 0 if config.name == "i" else None
    for _ in range(40):
        await disturb(node, dice)
        await node.clock.advance(dice.random())
    calm = True
    for name in ("p0", "p1", "last"):
        if node.get(name) is None:
            node.pod(name, {"name": "a"}, {"name": "b"}, initContainers=[{"name": "i"}])
    names = {name for (resource, _, name) in node.api.objects if resource == "pods"}
    alive = {name for name in names if not node.get(name)["metadata"].get("deletionTimestamp")}
    await node.advance_until(lambda: settled(node, alive), step=5, limit=1500)


def settled(node: Node, alive: set[str]) -> bool:
    """Every pod that should be runs in one sandbox, each container once; nothing else is there."""
    if {name for (resource, _, name) in node.api.objects if resource == "pods"} != alive:
        return False
    if node.engine_uids() != {node.get(name)["metadata"]["uid"] for name in alive}:
        return False
    return all(
        node.status(name)["phase"] == "Running"
        and node.condition("Ready", name)["status"] == "True"
        and sorted(c.name for c in state.containers if c.state == "running") == ["a", "b"]
        and len([s for s in state.sandboxes if s.ready]) == 1
        for name in alive
        for state in [node.engine_pod(node.get(name)["metadata"]["uid"])]
    )
