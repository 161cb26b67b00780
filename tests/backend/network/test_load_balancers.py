"""Addresses of load balancers: whose they are, how long, and what the events say."""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest

from backend.machinery.client import EVENTS
from backend.machinery.informer import Informer
from backend.meta.errors import ApiError
from backend.meta.types import Obj
from backend.network.load_balancers import FINALIZER, SERVICES, LoadBalancers
from tests.support.control_plane import ControlPlane, control_plane, eventually, running

POOL = "198.18.7.0/29"


@pytest.fixture
async def plane(tmp_path: Path) -> Any:
    async with control_plane(tmp_path) as plane:
        yield plane


def parts(plane: ControlPlane, *pool: str) -> list[Awaitable[None]]:
    services = Informer(plane.client, SERVICES)
    return [services.run(), LoadBalancers(plane.client, services, pool or (POOL,)).run()]


async def make(plane: ControlPlane, name: str, **spec: Any) -> Obj:
    body = {"metadata": {"name": name}, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], **spec}}
    return await plane.client.create(SERVICES, body, "default")


async def get(plane: ControlPlane, name: str) -> Obj:
    return await plane.client.get(SERVICES, name, "default")


async def address(plane: ControlPlane, name: str) -> str:
    """Waits until it has one."""

    async def found() -> str:
        ingress = (await get(plane, name))["status"]["loadBalancer"].get("ingress") or [{"ip": ""}]
        return str(ingress[0]["ip"])

    return str(await eventually(found))


async def said(plane: ControlPlane, name: str, reason: str) -> str:
    """The message of an event, once it is there."""

    async def found() -> str:
        listed = await plane.client.list(EVENTS, "default")
        return next(
            (
                event["message"]
                for event in listed["items"]
                if (event["involvedObject"]["name"], event["reason"]) == (name, reason)
            ),
            "",
        )

    return str(await eventually(found))


async def test_each_gets_one_of_its_own_and_says_so(plane: ControlPlane) -> None:
    async with running(*parts(plane)):
        await make(plane, "a")
        await make(plane, "b")
        assert {await address(plane, "a"), await address(plane, "b")} == {"198.18.7.1", "198.18.7.2"}
        service = await get(plane, "a")
        assert service["metadata"]["finalizers"] == [FINALIZER]
        assert service["status"]["loadBalancer"]["ingress"][0]["ipMode"] == "VIP"
        assert await said(plane, "a", "EnsuringLoadBalancer") == "Ensuring load balancer"
        assert await said(plane, "a", "EnsuredLoadBalancer") == "Ensured load balancer"


async def test_a_restart_keeps_them_and_gives_none_twice(plane: ControlPlane) -> None:
    async with running(*parts(plane)):
        before = {name: [await make(plane, name), await address(plane, name)][1] for name in "abc"}
    await make(plane, "d")
    await make(plane, "e")
    async with running(*parts(plane)):
        assert {await address(plane, "d"), await address(plane, "e")}.isdisjoint(before.values())
        assert {name: await address(plane, name) for name in "abc"} == before


async def test_a_deleted_service_gives_its_address_to_one_that_waits(plane: ControlPlane) -> None:
    async with running(*parts(plane, "198.18.7.0/30")):
        for name in "ab":
            await make(plane, name)
            await address(plane, name)
        await make(plane, "c")
        why = "all addresses of 198.18.7.0/30 are in use"
        message = f"Error syncing load balancer: failed to ensure load balancer: {why}"
        assert await said(plane, "c", "SyncLoadBalancerFailed") == message
        freed = await address(plane, "a")
        await plane.client.delete(SERVICES, "a", "default")
        assert await address(plane, "c") == freed
        with pytest.raises(ApiError) as gone:
            await get(plane, "a")
        assert gone.value.code == 404


async def test_another_type_gives_it_up(plane: ControlPlane) -> None:
    async with running(*parts(plane)):
        await make(plane, "a")
        await address(plane, "a")
        await plane.client.patch(SERVICES, "a", {"spec": {"type": "ClusterIP"}}, "default")

        async def given_up() -> bool:
            service = await get(plane, "a")
            return not service["metadata"].get("finalizers") and service["status"] == {"loadBalancer": {}}

        await eventually(given_up)
        assert await said(plane, "a", "Type") == "LoadBalancer -> ClusterIP"
        assert await said(plane, "a", "DeletedLoadBalancer") == "Deleted load balancer"
        await make(plane, "b", loadBalancerIP="198.18.7.1")
        assert await address(plane, "b") == "198.18.7.1"


async def test_an_address_may_be_asked_for(plane: ControlPlane) -> None:
    async with running(*parts(plane)):
        await make(plane, "a", loadBalancerIP="198.18.7.5")
        assert await address(plane, "a") == "198.18.7.5"
        await make(plane, "b", loadBalancerIP="198.18.7.5")
        assert "198.18.7.5 is in use by default/a" in await said(plane, "b", "SyncLoadBalancerFailed")
        await make(plane, "c", loadBalancerIP="192.0.2.5")
        assert "192.0.2.5 is not in 198.18.7.0/29" in await said(plane, "c", "SyncLoadBalancerFailed")
        await plane.client.patch(SERVICES, "b", {"spec": {"loadBalancerIP": "198.18.7.6"}}, "default")
        assert await address(plane, "b") == "198.18.7.6"


async def test_a_service_of_another_implementation_is_left_alone(plane: ControlPlane) -> None:
    async with running(*parts(plane)):
        await make(plane, "other", loadBalancerClass="example.com/other")
        await make(plane, "ours")
        await address(plane, "ours")
        other = await get(plane, "other")
        assert "finalizers" not in other["metadata"]
        assert other["status"] == {"loadBalancer": {}}
