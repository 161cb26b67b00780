"""The service `kubernetes` is there, says where the API server is, and comes back."""

from __future__ import annotations

from backend.controllers.kept_objects import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from backend.controllers.kubernetes_service import SERVICE_CIDRS, KubernetesService
from tests.support.control_plane import ControlPlane, eventually, running


def keeper(plane: ControlPlane, port: int = 6443, address: str = "192.0.2.7") -> KubernetesService:
    return KubernetesService(plane.client, cidrs=["10.96.0.0/12"], address=address, port=port)


async def test_it_is_made_with_all_that_belongs_to_it(plane: ControlPlane) -> None:
    async with running(keeper(plane).run()):
        endpoints = await eventually(lambda: plane.find(ENDPOINTS, "kubernetes", "default"))
        service = await plane.find(SERVICES, "kubernetes", "default")
        assert service["spec"]["clusterIP"] == "10.96.0.1"
        assert service["spec"]["ports"] == [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}]
        assert service["metadata"]["labels"] == {"component": "apiserver", "provider": "kubernetes"}
        assert endpoints["subsets"] == [
            {"addresses": [{"ip": "192.0.2.7"}], "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}]}
        ]
        found = await plane.find(ENDPOINT_SLICES, "kubernetes", "default")
        assert found["endpoints"] == [{"addresses": ["192.0.2.7"], "conditions": {"ready": True}}]
        assert found["metadata"]["labels"] == {"kubernetes.io/service-name": "kubernetes"}

        async def ready() -> object:
            cidr = await plane.find(SERVICE_CIDRS, "kubernetes")
            return cidr and cidr["status"].get("conditions")

        assert (await eventually(ready))[0]["status"] == "True"


async def test_it_comes_back_and_follows_the_port(plane: ControlPlane) -> None:
    async with running(keeper(plane).run()):
        first = await eventually(lambda: plane.find(SERVICES, "kubernetes", "default"))
        await plane.client.delete(SERVICES, "kubernetes", "default")

        async def made_again() -> bool:
            found = await plane.find(SERVICES, "kubernetes", "default")
            return found is not None and found["metadata"]["uid"] != first["metadata"]["uid"]

        await eventually(made_again)
        assert (await plane.find(SERVICES, "kubernetes", "default"))["spec"]["clusterIP"] == "10.96.0.1"
    async with running(keeper(plane, port=7443).run()):

        async def follows() -> bool:
            service = await plane.find(SERVICES, "kubernetes", "default")
            slices = await plane.find(ENDPOINT_SLICES, "kubernetes", "default")
            return service["spec"]["ports"][0]["targetPort"] == 7443 == slices["ports"][0]["port"]

        await eventually(follows)


async def test_without_an_address_there_are_no_endpoints(plane: ControlPlane) -> None:
    async with running(keeper(plane, address="").run()):

        async def ready() -> object:
            cidr = await plane.find(SERVICE_CIDRS, "kubernetes")
            return cidr and cidr["status"].get("conditions")

        await eventually(ready)
        assert await plane.find(ENDPOINTS, "kubernetes", "default") is None


async def test_it_says_where_the_server_is_once_that_is_known(plane: ControlPlane) -> None:
    made = keeper(plane, address="")
    async with running(made.run()):
        await eventually(lambda: plane.find(SERVICES, "kubernetes", "default"))
        assert await plane.find(ENDPOINTS, "kubernetes", "default") is None
        made.advertise("172.17.0.1", 7443)
        found = await eventually(lambda: plane.find(ENDPOINTS, "kubernetes", "default"))
        assert found["subsets"] == [
            {"addresses": [{"ip": "172.17.0.1"}], "ports": [{"name": "https", "port": 7443, "protocol": "TCP"}]}
        ]
