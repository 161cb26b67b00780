"""ServiceCIDRs become ready, and do not go away under the services that need them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from backend.controllers.service_cidr import FINALIZER, SERVICE_CIDRS, ServiceCidrController
from backend.machinery.client import GVR
from backend.machinery.informer import Informer
from tests.support.control_plane import ControlPlane, eventually, running

SERVICES = GVR("", "v1", "services")


def parts(plane: ControlPlane) -> list[Awaitable[None]]:
    service_cidrs, services = Informer(plane.client, SERVICE_CIDRS), Informer(plane.client, SERVICES)
    made = ServiceCidrController(plane.client, service_cidrs=service_cidrs, services=services)
    return [service_cidrs.run(), services.run(), made.controller.run()]


async def gone(plane: ControlPlane) -> None:
    async def look() -> bool:
        return await plane.find(SERVICE_CIDRS, "more") is None

    await eventually(look)


async def make(plane: ControlPlane, name: str = "more", cidr: str = "10.9.0.0/24") -> None:
    await plane.client.create(SERVICE_CIDRS, {"metadata": {"name": name}, "spec": {"cidrs": [cidr]}})


def ready(plane: ControlPlane, status: str = "True", name: str = "more") -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        found = await plane.find(SERVICE_CIDRS, name)
        conditions = (found or {}).get("status", {}).get("conditions") or [{}]
        return bool(conditions[0].get("status") == status)

    return look


async def test_a_new_range_becomes_ready_and_goes_when_nobody_needs_it(plane: ControlPlane) -> None:
    async with running(*parts(plane)):
        await make(plane)
        await eventually(ready(plane))
        found = await plane.find(SERVICE_CIDRS, "more")
        assert found["metadata"]["finalizers"] == [FINALIZER]
        assert found["status"]["conditions"][0]["message"] == "Kubernetes Service CIDR is ready"
        await plane.client.delete(SERVICE_CIDRS, "more")
        await gone(plane)


async def service_in_a_range_that_goes(plane: ControlPlane) -> None:
    await make(plane)
    await eventually(ready(plane))
    spec = {"clusterIP": "10.9.0.7", "ports": [{"port": 80}]}
    await plane.client.create(SERVICES, {"metadata": {"name": "web"}, "spec": spec}, "default")

    async def known() -> bool:
        await plane.client.delete(SERVICE_CIDRS, "more")
        return await ready(plane, "False")()

    await eventually(known)
    assert (await plane.find(SERVICE_CIDRS, "more"))["status"]["conditions"][0]["reason"] == "Terminating"


async def test_a_range_that_a_service_needs_stays_until_the_service_goes(plane: ControlPlane) -> None:
    async with running(*parts(plane)):
        await service_in_a_range_that_goes(plane)
        await plane.client.delete(SERVICES, "web", "default")
        await gone(plane)


async def test_another_range_can_take_over_what_a_service_needs(plane: ControlPlane) -> None:
    async with running(*parts(plane)):
        await service_in_a_range_that_goes(plane)
        await make(plane, "wider", "10.8.0.0/14")
        await gone(plane)
