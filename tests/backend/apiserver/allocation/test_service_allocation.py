"""Addresses and node ports of services: given once, kept, freed, and never twice, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from backend.apiserver.bootstrap import create_system_namespaces
from backend.apiserver.handler import Handler
from backend.machinery.client import GVR, Client
from backend.meta.errors import ApiError
from backend.meta.types import ADMIN, ApiRequest, Obj
from backend.resources.catalog import Catalog
from backend.store.sqlstore import SqlStore
from tests.support.control_plane import schemas

SERVICES = GVR("", "v1", "services")
PORTS = [{"port": 80}]


class Services:
    """A cluster whose services can have few addresses."""

    def __init__(self, store: SqlStore, *cidrs: str) -> None:
        self.store = store
        self.handler = Handler(store, Catalog.builtin(), schemas(), service_cidrs=cidrs or ("10.96.0.0/12",))
        self.client = Client(self.handler, ADMIN)

    async def create(self, name: str = "web", **spec: Any) -> Obj:
        """The spec of the new service."""
        spec = {"ports": [{**port} for port in PORTS], **spec}
        made = await self.client.create(SERVICES, {"metadata": {"name": name}, "spec": spec}, "default")
        return made["spec"]

    async def change(self, name: str = "web", **spec: Any) -> Obj:
        """The spec after a merge patch, where None drops a field."""
        return (await self.client.patch(SERVICES, name, {"spec": spec}, "default"))["spec"]

    async def delete(self, name: str = "web") -> None:
        await self.client.delete(SERVICES, name, "default")

    async def dry(self, name: str = "dry", **spec: Any) -> Obj:
        body = {"metadata": {"name": name}, "spec": {"ports": [{**port} for port in PORTS], **spec}}
        request = ApiRequest("create", "", "v1", "services", "default", query={"dryRun": "All"}, body=body)
        return (await self.handler.request(request))["spec"]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    opened = await SqlStore.open(f"sqlite:///{tmp_path / 'state.db'}")
    await create_system_namespaces(Client(Handler(opened, Catalog.builtin(), schemas()), ADMIN))
    yield opened
    await opened.close()


@pytest.fixture
def services(store: SqlStore) -> Services:
    return Services(store)


async def refused(coroutine: Any, code: int = 422) -> str:
    with pytest.raises(ApiError) as caught:
        await coroutine
    assert caught.value.code == code, caught.value.message
    return caught.value.message


async def test_a_service_gets_an_address_and_the_families_that_go_with_it(services: Services) -> None:
    spec = await services.create()
    assert spec["clusterIP"].startswith("10.")
    assert spec["clusterIPs"] == [spec["clusterIP"]]
    assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (["IPv4"], "SingleStack")
    assert spec["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]


async def test_an_address_is_given_once(services: Services) -> None:
    await services.create("a", clusterIP="10.96.7.7")
    why = await refused(services.create("b", clusterIP="10.96.7.7"))
    assert why == (
        'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.96.7.7"]: failed to allocate IP 10.96.7.7:'
        " provided IP is already allocated"
    )
    await services.delete("a")
    assert (await services.create("b", clusterIP="10.96.7.7"))["clusterIPs"] == ["10.96.7.7"]


async def test_addresses_outside_the_range(services: Services) -> None:
    why = await refused(services.create(clusterIP="10.0.0.1"))
    assert why.endswith("failed to allocate IP 10.0.0.1: the provided network does not match the current range")
    why = await refused(services.create(clusterIP="10.96.0.0"))
    text = "the provided IP (10.96.0.0) is not in the valid range. The range of valid IPs is 10.96.0.0/12"
    assert why.endswith(text)


async def test_a_refused_service_holds_nothing(services: Services) -> None:
    await refused(services.create(clusterIP="10.96.7.7", sessionAffinity="Sometimes"))
    await refused(services.create("Bad", clusterIP="10.96.7.7"))
    assert (await services.create(clusterIP="10.96.7.7"))["clusterIP"] == "10.96.7.7"
    await refused(services.create(clusterIP="10.96.7.8"), 409)
    assert (await services.create("b", clusterIP="10.96.7.8"))["clusterIP"] == "10.96.7.8"


async def test_a_dry_run_takes_nothing(services: Services) -> None:
    spec = await services.dry(type="NodePort", ports=[{"port": 80, "name": "a"}, {"port": 81, "name": "b"}])
    assert spec["clusterIP"] == "10.96.0.0"
    assert [port["nodePort"] for port in spec["ports"]] == [32769, 32770]
    await services.dry(clusterIP="10.96.7.7", type="NodePort", ports=[{"port": 80, "nodePort": 30000}])
    made = await services.create(clusterIP="10.96.7.7", type="NodePort", ports=[{"port": 80, "nodePort": 30000}])
    assert made["ports"][0]["nodePort"] == 30000
    why = await refused(services.dry(type="NodePort", ports=[{"port": 80, "nodePort": 30000}]))
    assert why.endswith("spec.ports[0].nodePort: Invalid value: 30000: provided port is already allocated")


async def test_a_full_range(store: SqlStore) -> None:
    services = Services(store, "10.1.2.0/29")
    given = {(await services.create(f"s{number}"))["clusterIP"] for number in range(6)}
    assert given == {f"10.1.2.{host}" for host in range(1, 7)}
    why = await refused(services.create("more"), 500)
    assert why == "Internal error occurred: failed to allocate a serviceIP: range is full"
    await services.delete("s3")
    assert (await services.create("more"))["clusterIP"] in given


async def test_many_at_once_get_different_values(store: SqlStore) -> None:
    services = Services(store, "10.1.0.0/24")
    made = await asyncio.gather(*(services.create(f"s{number}", type="NodePort") for number in range(200)))
    assert len({spec["clusterIP"] for spec in made}) == 200
    assert len({spec["ports"][0]["nodePort"] for spec in made}) == 200


async def test_one_of_two_gets_what_both_ask_for(services: Services) -> None:
    asked: dict[str, Any] = {
        "clusterIP": "10.96.7.7",
        "type": "NodePort",
        "ports": [{"port": 80, "nodePort": 30007}],
    }
    results = await asyncio.gather(*(services.create(f"s{n}", **asked) for n in range(8)), return_exceptions=True)
    assert sum(isinstance(result, dict) for result in results) == 1


async def test_a_new_process_knows_what_is_taken(store: SqlStore) -> None:
    before = Services(store, "10.1.2.0/29")
    taken = [(await before.create(f"s{number}"))["clusterIP"] for number in range(4)]
    after = Services(store, "10.1.2.0/29")
    given = [(await after.create(f"t{number}"))["clusterIP"] for number in range(2)]
    assert len({*taken, *given}) == 6


async def test_it_follows_more_changes_than_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = await SqlStore.open(f"sqlite:///{tmp_path / 'small.db'}")
    monkeypatch.setattr(opened._broadcaster, "_max_events", 10)
    await create_system_namespaces(Client(Handler(opened, Catalog.builtin(), schemas()), ADMIN))
    one, other = Services(opened, "10.1.0.0/24"), Services(opened, "10.1.0.0/24")
    await one.create("first", clusterIP="10.1.0.7")
    for number in range(60):
        await other.create(f"s{number}")
    await other.delete("first")
    given = {(await one.create(f"t{number}"))["clusterIP"] for number in range(20)}
    listed = await one.client.list(SERVICES, "default")
    assert len({item["spec"]["clusterIP"] for item in listed["items"]}) == 80
    assert len(given) == 20
    await opened.close()


async def test_node_ports(services: Services) -> None:
    spec = await services.create(type="NodePort")
    assert 30086 <= spec["ports"][0]["nodePort"] <= 32767
    assert spec["externalTrafficPolicy"] == "Cluster"
    why = await refused(services.create("b", type="NodePort", ports=[{"port": 80, "nodePort": 80}]))
    assert why == (
        'Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range.'
        " The range of valid ports is 30000-32767"
    )


async def test_one_port_over_two_protocols_has_one_node_port(services: Services) -> None:
    ports = [{"name": "a", "port": 53}, {"name": "b", "port": 53, "protocol": "UDP"}]
    spec = await services.create(type="NodePort", ports=ports)
    assert spec["ports"][0]["nodePort"] == spec["ports"][1]["nodePort"]
    ports = [{"name": "a", "port": 53}, {"name": "b", "port": 53, "protocol": "UDP", "nodePort": 30053}]
    spec = await services.create("other", type="NodePort", ports=ports)
    assert [port["nodePort"] for port in spec["ports"]] == [30053, 30053]


async def test_a_load_balancer_may_have_no_node_ports(services: Services) -> None:
    spec = await services.create(type="LoadBalancer", allocateLoadBalancerNodePorts=False)
    assert "nodePort" not in spec["ports"][0]
    spec = await services.create("b", type="LoadBalancer", externalTrafficPolicy="Local")
    assert spec["healthCheckNodePort"] != spec["ports"][0]["nodePort"]
    assert spec["allocateLoadBalancerNodePorts"] is True
    why = await refused(services.change("b", healthCheckNodePort=30001))
    assert why.endswith("spec.healthCheckNodePort: Forbidden: field is immutable")
    assert "healthCheckNodePort" not in await services.change("b", externalTrafficPolicy="Cluster")
    freed = spec["healthCheckNodePort"]
    await services.create("c", type="NodePort", ports=[{"port": 80, "nodePort": freed}])


async def test_headless_services_have_no_address(services: Services) -> None:
    spec = await services.create(clusterIP="None", selector={"a": "b"})
    assert spec["clusterIPs"] == ["None"]
    assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (["IPv4"], "SingleStack")
    spec = await services.create("b", clusterIP="None")
    assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (["IPv4", "IPv6"], "RequireDualStack")


async def test_a_change_keeps_what_was_given(services: Services) -> None:
    made = await services.create(type="NodePort")
    body = {"metadata": {"name": "web", "namespace": "default"}, "spec": {"type": "NodePort", "ports": PORTS}}
    replaced = (await services.client.update(SERVICES, body))["spec"]
    assert replaced == made
    why = await refused(services.change(clusterIP="10.96.7.7", clusterIPs=["10.96.7.7"]))
    assert why.endswith('spec.clusterIPs[0]: Invalid value: ["10.96.7.7"]: may not change once set')


async def test_types_change_into_each_other(services: Services) -> None:
    made = await services.create(type="NodePort")
    address, port = made["clusterIP"], made["ports"][0]["nodePort"]
    plain = await services.change(type="ClusterIP")
    assert plain["clusterIP"] == address
    assert "nodePort" not in plain["ports"][0]
    assert "externalTrafficPolicy" not in plain
    await services.create("taker", type="NodePort", ports=[{"port": 80, "nodePort": port}])
    named = await services.change(type="ExternalName", externalName="example.com")
    assert not {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"} & named.keys()
    await services.create("second", clusterIP=address)
    again = await services.change(type="LoadBalancer", externalName=None)
    assert again["clusterIP"] != address
    assert again["ports"][0]["nodePort"] != port


async def test_a_second_family(store: SqlStore) -> None:
    services = Services(store, "10.1.2.0/24", "fd00:1::/112")
    both = await services.create(ipFamilyPolicy="PreferDualStack")
    assert both["ipFamilies"] == ["IPv4", "IPv6"]
    assert both["clusterIPs"][1].startswith("fd00:1::")
    second = both["clusterIPs"][1]
    why = await refused(services.change(clusterIPs=both["clusterIPs"][:1], ipFamilies=["IPv4"]))
    assert "spec.ipFamilyPolicy: Invalid value: \"PreferDualStack\": must be 'SingleStack' to release" in why
    one = await services.change(ipFamilyPolicy="SingleStack")
    assert (one["clusterIPs"], one["ipFamilies"]) == (both["clusterIPs"][:1], ["IPv4"])
    six = await services.create("six", clusterIP=second)
    assert six["ipFamilies"] == ["IPv6"]
    assert len((await services.change(ipFamilyPolicy="RequireDualStack"))["clusterIPs"]) == 2


async def test_families_that_the_cluster_has_not(services: Services) -> None:
    why = await refused(services.create(ipFamilyPolicy="RequireDualStack"))
    assert why.endswith("this cluster is not configured for dual-stack services")
    why = await refused(services.create(ipFamilies=["IPv6"]))
    assert why.endswith('spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster')
    why = await refused(services.create(clusterIP="fd00::1"))
    assert why.endswith('spec.clusterIPs[0]: Invalid value: ["fd00::1"]: IPv6 is not configured on this cluster')
    why = await refused(services.create(clusterIPs=["10.96.0.9"]))
    assert "must be empty when `clusterIP` is not specified" in why


async def test_a_ready_service_cidr_offers_its_addresses(store: SqlStore) -> None:
    services, cidrs = Services(store, "10.1.2.0/29"), GVR("networking.k8s.io", "v1", "servicecidrs")
    await services.client.create(cidrs, {"metadata": {"name": "more"}, "spec": {"cidrs": ["10.9.0.0/24"]}})
    await refused(services.create(clusterIP="10.9.0.7"))
    ready = {
        "type": "Ready",
        "status": "True",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "reason": "",
        "message": "",
    }
    patch = {"status": {"conditions": [ready]}}
    await services.client.patch(cidrs, "more", patch, subresource="status")
    assert (await services.create(clusterIP="10.9.0.7"))["clusterIP"] == "10.9.0.7"
