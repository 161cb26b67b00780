"""Each address of a service has its IPAddress, which goes with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from backend.controllers.ip_addresses import IP_ADDRESSES, SERVICES, IpAddresses
from tests.support.control_plane import ControlPlane, eventually, running


async def service(plane: ControlPlane, name: str, **spec: Any) -> None:
    spec = {"ports": [{"port": 80}], **spec}
    await plane.client.create(SERVICES, {"metadata": {"name": name}, "spec": spec}, "default")


def parent_is(plane: ControlPlane, address: str, name: str | None) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        found = await plane.find(IP_ADDRESSES, address)
        return (found["spec"]["parentRef"]["name"] if found else None) == name

    return look


async def test_it_comes_and_goes_with_its_service(plane: ControlPlane) -> None:
    await service(plane, "before", clusterIP="10.96.0.7")
    async with running(IpAddresses(plane.client).run()):
        await eventually(parent_is(plane, "10.96.0.7", "before"))
        found = await plane.find(IP_ADDRESSES, "10.96.0.7")
        assert found["spec"]["parentRef"] == {"resource": "services", "namespace": "default", "name": "before"}
        assert found["metadata"]["labels"] == {
            "ipaddress.kubernetes.io/ip-family": "IPv4",
            "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
        }
        await plane.client.delete(SERVICES, "before", "default")
        await service(plane, "after", clusterIP="10.96.0.7")
        await eventually(parent_is(plane, "10.96.0.7", "after"))
        named = {"spec": {"type": "ExternalName", "externalName": "a.b"}}
        await plane.client.patch(SERVICES, "after", named, "default")
        await eventually(parent_is(plane, "10.96.0.7", None))


async def test_what_is_lost_comes_back_and_what_is_foreign_stays(plane: ControlPlane) -> None:
    parent = {"resource": "things", "name": "mine"}
    await plane.client.create(IP_ADDRESSES, {"metadata": {"name": "192.0.2.1"}, "spec": {"parentRef": parent}})
    await service(plane, "headless", clusterIP="None")
    async with running(IpAddresses(plane.client).run()):
        await service(plane, "web", clusterIP="10.96.0.8")
        await eventually(parent_is(plane, "10.96.0.8", "web"))
        await plane.client.delete(IP_ADDRESSES, "10.96.0.8")
        await eventually(parent_is(plane, "10.96.0.8", "web"))
        listed = await plane.client.list(IP_ADDRESSES)
        assert [item["metadata"]["name"] for item in listed["items"]] == ["10.96.0.8", "192.0.2.1"]
