"""EndpointSlices and Endpoints of services: who is behind them, at which ports, and whether they may be asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from backend.controllers.endpoints.controller import EndpointsControllers
from backend.controllers.kept_objects import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from backend.machinery.client import NODES, PODS
from backend.machinery.clock import FakeClock
from backend.machinery.informers import SharedInformers
from backend.meta import timefmt
from backend.meta.types import Obj
from tests.support.control_plane import ControlPlane, running

LABELS = {"app": "a"}


class Services:
    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.client = plane.client
        self.clock = FakeClock(float(int(time.time())))

    @asynccontextmanager
    async def controllers(self) -> AsyncIterator[None]:
        informers = SharedInformers(self.client, self.clock)
        made = EndpointsControllers(
            slice_client=self.client, endpoints_client=self.client, services=informers.of(SERVICES),
            pods=informers.of(PODS), nodes=informers.of(NODES), endpoint_slices=informers.of(ENDPOINT_SLICES),
            endpoints=informers.of(ENDPOINTS), clock=self.clock,
        )  # fmt: skip
        async with running(
            *(informer.run() for informer in informers), *(controller.run() for controller in made.controllers)
        ):
            yield

    async def service(self, name: str = "s", *, ports: Any = None, **spec: Any) -> Obj:
        given = [{"port": 80, "targetPort": 8080}] if ports is None else ports
        body = {
            "metadata": {"name": name, "labels": {"l": "1"}},
            "spec": {"selector": LABELS, "ports": given, **spec},
        }
        return await self.client.create(SERVICES, body, "default")

    async def pod(self, name: str, address: str, *, ready: bool = True, node: str = "n", **spec: Any) -> Obj:
        pod = await self.plane.pod(name, metadata={"labels": LABELS}, **spec)
        if node:
            target = {"target": {"kind": "Node", "name": node}}
            await self.client.create(PODS, target, "default", name, "binding")
        await self.report(name, address, ready=ready)
        return pod

    async def report(self, name: str, address: str, *, ready: bool, phase: str = "Running") -> None:
        now = timefmt.format_time(self.clock.now())
        condition = {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": now}
        status = {"phase": phase, "podIP": address, "podIPs": [{"ip": address}], "conditions": [condition]}
        await self.client.patch(PODS, name, {"status": status}, "default", "status")

    async def slices(self) -> list[Obj]:
        found: list[Obj] = (await self.client.list(ENDPOINT_SLICES, "default"))["items"]
        return found

    async def shown(self) -> dict[str, str]:
        """By address: r(eady), s(erving), t(erminating)."""
        return {
            endpoint["addresses"][0]: "".join(
                name[0] for name in ("ready", "serving", "terminating") if endpoint["conditions"][name]
            )
            for entry in await self.slices()
            for endpoint in entry.get("endpoints") or ()
        }

    async def subsets(self) -> list[Obj]:
        found = await self.plane.find(ENDPOINTS, "s", "default")
        return (found or {}).get("subsets") or []

    async def until(self, holds: Any) -> Any:
        async with asyncio.timeout(10):
            while not (found := await holds()):
                await self.clock.advance(0.02)
                await asyncio.sleep(0.003)
        return found

    async def show(self, expected: dict[str, str]) -> None:
        async def same() -> bool:
            return await self.shown() == expected

        try:
            await self.until(same)
        except TimeoutError:
            raise AssertionError(f"{await self.shown()}, not {expected}") from None


@pytest.fixture
async def services(plane: ControlPlane) -> AsyncIterator[Services]:
    await plane.node()
    made = Services(plane)
    async with made.controllers():
        yield made


async def test_a_service_without_pods_has_one_empty_slice(services):
    made = await services.service()
    (entry,) = await services.until(services.slices)
    assert entry["metadata"]["generateName"] == "s-"
    assert entry["metadata"]["labels"] == {
        "l": "1", "kubernetes.io/service-name": "s",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }  # fmt: skip
    (owner,) = entry["metadata"]["ownerReferences"]
    assert (owner["uid"], owner["controller"]) == (made["metadata"]["uid"], True)
    assert entry["addressType"] == "IPv4"
    assert not entry.get("endpoints")

    async def listed():
        return await services.plane.find(ENDPOINTS, "s", "default")

    found = await services.until(listed)
    assert "subsets" not in found
    assert found["metadata"]["labels"]["endpoints.kubernetes.io/managed-by"] == "endpoint-controller"


async def test_pods_are_shown_as_they_fare(services):
    await services.service()
    await services.pod("p", "10.0.0.1")
    await services.pod("q", "10.0.0.2", ready=False)
    await services.show({"10.0.0.1": "rs", "10.0.0.2": ""})
    await services.report("q", "10.0.0.2", ready=True)
    await services.show({"10.0.0.1": "rs", "10.0.0.2": "rs"})
    await services.client.delete(PODS, "p", "default")
    await services.show({"10.0.0.1": "st", "10.0.0.2": "rs"})
    await services.report("q", "10.0.0.2", ready=False, phase="Failed")
    await services.show({"10.0.0.1": "st"})
    await services.client.delete(PODS, "p", "default", {"gracePeriodSeconds": 0})
    await services.show({})
    assert len(await services.slices()) == 1


async def test_an_endpoint_says_which_pod_it_is_and_how_dns_calls_it(services):
    await services.service(clusterIP="None", publishNotReadyAddresses=True)
    pod = await services.pod("p", "10.0.0.1", ready=False, hostname="h", subdomain="s")
    await services.show({"10.0.0.1": "r"})
    (entry,) = await services.slices()
    (endpoint,) = entry["endpoints"]
    assert endpoint["targetRef"] == {
        "kind": "Pod", "namespace": "default", "name": "p", "uid": pod["metadata"]["uid"]
    }  # fmt: skip
    assert (endpoint["nodeName"], endpoint["hostname"]) == ("n", "h")
    assert entry["metadata"]["labels"]["service.kubernetes.io/headless"] == ""


async def test_a_port_by_name_is_looked_up_in_each_pod(services):
    await services.service(ports=[{"name": "http", "port": 80, "targetPort": "web"}])
    for name, address, number in (("p", "10.0.0.1", 8080), ("q", "10.0.0.2", 8081), ("r", "10.0.0.3", 8080)):
        ports = [{"name": "web", "containerPort": number}]
        await services.pod(name, address, containers=[{"name": "c", "image": "i", "ports": ports}])
    await services.show({f"10.0.0.{number}": "rs" for number in (1, 2, 3)})
    found = {
        entry["ports"][0]["port"]: sorted(endpoint["addresses"][0] for endpoint in entry["endpoints"])
        for entry in await services.slices()
    }
    assert found == {8080: ["10.0.0.1", "10.0.0.3"], 8081: ["10.0.0.2"]}

    async def both():
        return len(await services.subsets()) == 2

    await services.until(both)


async def test_endpoints_tell_ready_ones_from_others(services):
    await services.service(ports=[{"name": "b", "port": 81}, {"name": "a", "port": 80, "protocol": "UDP"}])
    await services.pod("q", "10.0.0.2", ready=False)
    await services.pod("p", "10.0.0.1")

    async def both():
        found = await services.subsets()
        return (
            found
            and len(found[0].get("addresses", ())) == len(found[0].get("notReadyAddresses", ())) == 1
            and found
        )

    (subset,) = await services.until(both)
    assert subset["addresses"][0]["ip"] == "10.0.0.1"
    assert subset["addresses"][0]["nodeName"] == "n"
    assert subset["notReadyAddresses"][0]["targetRef"]["name"] == "q"
    assert subset["ports"] == [
        {"name": "a", "port": 80, "protocol": "UDP"}, {"name": "b", "port": 81, "protocol": "TCP"}
    ]  # fmt: skip


async def test_what_somebody_changes_is_put_right(services):
    await services.service()
    await services.pod("p", "10.0.0.1")
    await services.show({"10.0.0.1": "rs"})
    (entry,) = await services.slices()
    await services.client.delete(ENDPOINT_SLICES, entry["metadata"]["name"], "default")
    await services.show({"10.0.0.1": "rs"})
    found = await services.until(lambda: services.plane.find(ENDPOINTS, "s", "default"))
    await services.client.update(ENDPOINTS, {**found, "subsets": []})

    async def mended():
        return [entry["addresses"][0]["ip"] for entry in await services.subsets()] == ["10.0.0.1"]

    await services.until(mended)


async def test_services_that_select_nothing_are_left_to_people(services):
    for name, spec in (
        ("none", {"selector": None}),
        ("far", {"type": "ExternalName", "externalName": "a.example"}),
    ):
        await services.service(name, **spec)
    own = {"metadata": {"name": "none"}, "subsets": [{"addresses": [{"ip": "10.1.1.1"}], "ports": [{"port": 80}]}]}
    await services.client.create(ENDPOINTS, own, "default")
    await services.service()
    await services.until(services.slices)
    assert len(await services.slices()) == 1
    assert (await services.client.get(ENDPOINTS, "none", "default"))["subsets"][0]["addresses"][0][
        "ip"
    ] == "10.1.1.1"


async def test_a_service_that_is_gone_takes_its_endpoints_along(services):
    await services.service()
    await services.until(lambda: services.plane.find(ENDPOINTS, "s", "default"))
    await services.client.delete(SERVICES, "s", "default")

    async def gone():
        return await services.plane.find(ENDPOINTS, "s", "default") is None

    await services.until(gone)


async def test_a_node_tells_its_zone_to_the_endpoints_on_it(services):
    await services.service(trafficDistribution="PreferSameZone")
    await services.pod("p", "10.0.0.1")
    await services.show({"10.0.0.1": "rs"})
    label = {"metadata": {"labels": {"topology.kubernetes.io/zone": "z"}}}
    await services.client.patch(NODES, "n", label)

    async def told():
        (entry,) = await services.slices()
        (found,) = entry["endpoints"]
        return found.get("zone") == "z" and found["hints"] == {"forZones": [{"name": "z"}]}

    assert await services.until(told)
