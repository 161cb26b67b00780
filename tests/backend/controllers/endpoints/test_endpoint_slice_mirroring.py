"""Endpoints that somebody writes for a service without a selector have slices, as long as they and the service are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from backend.controllers.endpoints.controller import EndpointsControllers
from backend.controllers.endpoints.mirroring import EndpointSliceMirroring
from backend.controllers.endpoints.mirrors import CONTROLLER
from backend.controllers.kept_objects import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from backend.machinery.client import EVENTS, NODES, PODS
from backend.machinery.informers import SharedInformers
from backend.meta.types import Obj
from tests.support.control_plane import ControlPlane, eventually, running


class Mirrored:
    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.client = plane.client

    async def service(self, name: str = "s", **spec: Any) -> Obj:
        body = {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}], **spec}}
        return await self.client.create(SERVICES, body, "default")

    async def endpoints(self, *ips: str, name: str = "s", **meta: Any) -> Obj:
        subset = {"addresses": [{"ip": ip} for ip in ips], "ports": [{"port": 8080}]}
        return await self.client.create(
            ENDPOINTS, {"metadata": {"name": name, **meta}, "subsets": [subset]}, "default"
        )

    async def shown(self) -> list[str]:
        """The addresses in slices that mirror something."""
        label = f"endpointslice.kubernetes.io/managed-by={CONTROLLER}"
        found = await self.client.list(ENDPOINT_SLICES, "default", labelSelector=label)
        return sorted(
            endpoint["addresses"][0] for entry in found["items"] for endpoint in entry.get("endpoints") or ()
        )

    async def show(self, *addresses: str) -> None:
        async def same() -> bool:
            return await self.shown() == [*addresses]

        try:
            await eventually(same, 10)
        except TimeoutError:
            raise AssertionError(f"{await self.shown()}, not {addresses}") from None


@pytest.fixture
async def mirrored(plane: ControlPlane) -> AsyncIterator[Mirrored]:
    informers = SharedInformers(plane.client)
    shared = {
        "services": informers.of(SERVICES), "endpoints": informers.of(ENDPOINTS),
        "endpoint_slices": informers.of(ENDPOINT_SLICES),
    }  # fmt: skip
    mirroring = EndpointSliceMirroring(plane.client, **shared)
    others = EndpointsControllers(
        slice_client=plane.client,
        endpoints_client=plane.client,
        pods=informers.of(PODS),
        nodes=informers.of(NODES),
        **shared,
    )
    controllers = (mirroring.controller, *others.controllers)
    async with running(
        *(informer.run() for informer in informers),
        *(each.run() for each in controllers),
        mirroring.recorder.run(),
    ):
        yield Mirrored(plane)


async def test_endpoints_are_mirrored_as_long_as_they_are_somebodys(mirrored):
    await mirrored.endpoints("10.0.0.1")
    await mirrored.service()
    await mirrored.show("10.0.0.1")
    patch = {"subsets": [{"addresses": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}], "ports": [{"port": 8080}]}]}
    await mirrored.client.patch(ENDPOINTS, "s", patch, "default")
    await mirrored.show("10.0.0.1", "10.0.0.2")
    await mirrored.client.patch(SERVICES, "s", {"spec": {"selector": {"a": "b"}}}, "default")
    await mirrored.show()


async def test_a_label_or_an_election_keeps_endpoints_from_being_mirrored(mirrored):
    skip = {"endpointslice.kubernetes.io/skip-mirror": "true"}
    for name in ("s", "t", "u"):
        await mirrored.service(name)
    await mirrored.endpoints("10.0.0.1", labels=skip)
    await mirrored.endpoints("10.0.0.2", name="t", annotations={"control-plane.alpha.kubernetes.io/leader": "{}"})
    await mirrored.endpoints("10.0.0.3", name="u")
    await mirrored.show("10.0.0.3")
    await mirrored.client.patch(ENDPOINTS, "u", {"metadata": {"labels": skip}}, "default")
    await mirrored.show()


async def test_a_slice_that_somebody_changes_is_mended(mirrored):
    await mirrored.service()
    await mirrored.endpoints("10.0.0.1")
    await mirrored.show("10.0.0.1")
    (entry,) = (await mirrored.client.list(ENDPOINT_SLICES, "default"))["items"]
    await mirrored.client.patch(ENDPOINT_SLICES, entry["metadata"]["name"], {"endpoints": []}, "default")
    await mirrored.show("10.0.0.1")
    await mirrored.client.delete(ENDPOINT_SLICES, entry["metadata"]["name"], "default")
    await mirrored.show("10.0.0.1")


async def test_endpoints_go_with_their_service_whoever_made_them(mirrored):
    await mirrored.endpoints("10.0.0.9", name="nobodys")
    await mirrored.service()
    await mirrored.endpoints("10.0.0.1")
    await mirrored.show("10.0.0.1")
    await mirrored.client.delete(SERVICES, "s", "default")

    async def gone():
        return await mirrored.plane.find(ENDPOINTS, "s", "default") is None

    await eventually(gone, 10)
    await mirrored.show()
    assert await mirrored.plane.find(ENDPOINTS, "nobodys", "default") is not None


async def test_too_many_addresses_are_told(mirrored):
    await mirrored.service()
    await mirrored.endpoints(*(f"10.0.{number // 250}.{number % 250}" for number in range(1001)))

    async def told():
        events = (await mirrored.client.list(EVENTS, "default"))["items"]
        return [(event["reason"], event["message"]) for event in events if event["involvedObject"]["name"] == "s"]

    assert await eventually(told, 10) == [
        (
            "TooManyAddressesToMirror",
            "A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 1 addresses were skipped",
        )
    ]
