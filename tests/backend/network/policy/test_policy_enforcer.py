"""The part between the API and the kernel: what makes it work, what it says when it cannot, and whom it makes wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from backend.controllers.kept_objects import SERVICES
from backend.machinery.client import EVENTS, NAMESPACES, PODS
from backend.machinery.informer import Informer
from backend.meta.types import Obj
from backend.network.nftables import Content, NftUnavailable
from backend.network.policy.enforcer import NETWORK_POLICIES, NetworkPolicies
from tests.support.control_plane import ControlPlane, control_plane, eventually, running
from tests.support.policy_objects import labelled


class Kernel:
    """A section of a table that exists nowhere."""

    def __init__(self) -> None:
        self.contents: list[Content] = []
        self.problem = ""
        self.open = asyncio.Event()
        self.open.set()

    async def put(self, content: Content) -> None:
        await self.open.wait()
        if self.problem:
            raise NftUnavailable(self.problem)
        self.contents.append(content)


class Enforced:
    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.client = plane.client
        self.kernel = Kernel()
        self.services = Informer(plane.client, SERVICES)
        self.part = NetworkPolicies(plane.client, self.kernel, self.services)  # type: ignore[arg-type]

    async def policy(self, name: str = "p", **spec: Any) -> Obj:
        body = {"metadata": {"name": name}, "spec": {"podSelector": {}, **spec}}
        return await self.client.create(NETWORK_POLICIES, body, "default")

    async def status(self, name: str, address: str, phase: str = "Running") -> None:
        status = {"phase": phase, "podIP": address, "podIPs": [{"ip": address}]}
        await self.client.patch(PODS, name, {"status": status}, "default", "status")

    def isolated(self) -> set[str]:
        """As the newest rules say."""
        found = self.kernel.contents[-1].maps.get("policy-ingress-4") if self.kernel.contents else None
        return set(found.elements) if found is not None else set()

    def members(self) -> list[set[str]]:
        """The addresses of each set of peers."""
        content = self.kernel.contents[-1]
        return [set(found.elements) for name, found in content.sets.items() if name.startswith("policy-peer-")]

    async def until(self, look: Callable[[], object], expected: object) -> None:
        async def same() -> bool:
            return look() == expected

        try:
            await eventually(same, 10)
        except TimeoutError:
            raise AssertionError(f"{look()}, not {expected}") from None


@pytest.fixture
async def enforced(tmp_path: Path) -> AsyncIterator[Enforced]:
    async with control_plane(tmp_path) as plane:
        made = Enforced(plane)
        async with running(made.services.run(), made.part.run()):
            yield made


async def test_without_policies_there_are_no_rules(enforced: Enforced) -> None:
    await enforced.until(lambda: enforced.kernel.contents, [Content()])
    await enforced.plane.pod("a")
    await enforced.status("a", "10.0.0.1")
    made = await enforced.policy()
    await enforced.until(enforced.isolated, {"10.0.0.1"})
    await enforced.client.delete(NETWORK_POLICIES, made["metadata"]["name"], "default")
    await enforced.until(lambda: enforced.kernel.contents[-1], Content())


async def test_rules_follow_pods_and_namespaces(enforced: Enforced) -> None:
    near = {"namespaceSelector": labelled(near="yes"), "podSelector": labelled(app="a")}
    await enforced.policy(ingress=[{"from": [near]}])
    await enforced.plane.pod("a", metadata={"labels": {"app": "a"}})
    await enforced.status("a", "10.0.0.1")
    await enforced.until(enforced.isolated, {"10.0.0.1"})
    assert enforced.members() == [set()]
    await enforced.client.patch(NAMESPACES, "default", {"metadata": {"labels": {"near": "yes"}}})
    await enforced.until(enforced.members, [{"10.0.0.1"}])
    await enforced.client.patch(PODS, "a", {"metadata": {"labels": {"app": "b"}}}, "default")
    await enforced.until(enforced.members, [set()])
    await enforced.status("a", "10.0.0.1", phase="Succeeded")
    await enforced.until(enforced.isolated, set())


async def test_a_new_pod_waits_until_it_is_isolated(enforced: Enforced) -> None:
    await enforced.policy(podSelector=labelled(app="a"))
    await enforced.until(lambda: bool(enforced.kernel.contents and enforced.kernel.contents[-1].chains), True)
    enforced.kernel.open.clear()
    pod = await enforced.plane.pod("a", metadata={"labels": {"app": "a"}})
    free = await enforced.plane.pod("b")
    await enforced.part.address_given(free, ["10.0.0.2"])
    waiting = asyncio.create_task(enforced.part.address_given(pod, ["10.0.0.1"]))
    done, _ = await asyncio.wait([waiting], timeout=0.2)
    assert not done
    enforced.kernel.open.set()
    await waiting
    assert enforced.isolated() == {"10.0.0.1"}
    # A status that does not tell the address yet takes nothing back; a deletion does.
    count = len(enforced.kernel.contents)
    await enforced.client.patch(PODS, "a", {"metadata": {"labels": {"more": "1"}}}, "default")
    await enforced.until(lambda: len(enforced.kernel.contents) > count, True)
    assert enforced.isolated() == {"10.0.0.1"}
    await enforced.client.delete(PODS, "a", "default", {"gracePeriodSeconds": 0})
    await enforced.until(enforced.isolated, set())


async def test_what_is_not_enforced_is_told_at_the_policy(enforced: Enforced) -> None:
    enforced.kernel.problem = "nft is not installed"
    await enforced.policy("mine")

    async def told() -> list[tuple[str, str, str]]:
        events = (await enforced.client.list(EVENTS, "default"))["items"]
        return [(event["involvedObject"]["name"], event["reason"], event["message"]) for event in events]

    assert await eventually(told, 10) == [
        ("mine", "NotEnforced", "The policy is not enforced: nft is not installed")
    ]
