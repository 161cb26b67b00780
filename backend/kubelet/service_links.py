"""Where services are, as variables of a container: NAME_SERVICE_HOST and its like, and those of Docker's links.

Source: pkg/kubelet/envvars and getServiceEnvVarMap of pkg/kubelet/kubelet_pods.go.
"""

from __future__ import annotations

from collections.abc import Iterator

from backend.machinery.client import GVR, Client
from backend.machinery.clock import Clock
from backend.machinery.informer import Informer
from backend.meta.types import Obj

SERVICES = GVR("", "v1", "services")
API_SERVICE = ("default", "kubernetes")
"""Pods of all namespaces are told of it, also those that want to hear of no other."""
_BY_NAMESPACE = "namespace"


class ServiceLinks:
    """The services that have an address, as they are now. `run` works until it is cancelled."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._services = Informer(
            client, SERVICES, clock=clock, transform=_kept,
            indexers={_BY_NAMESPACE: lambda service: [service["metadata"]["namespace"]]},
        )  # fmt: skip

    async def run(self) -> None:
        await self._services.run()

    async def variables(self, pod: Obj) -> dict[str, str]:
        """Those of the services in the pod's namespace unless it has enableServiceLinks: false, and of the API server.
        Waits until services were listed once."""
        await self._services.synced.wait()
        namespace = pod["metadata"]["namespace"]
        own = (
            self._services.by_index(_BY_NAMESPACE, namespace)
            if pod["spec"].get("enableServiceLinks", True)
            else ()
        )
        found = {service["metadata"]["name"]: service for service in own}
        api_service = self._services.get(*API_SERVICE)
        if api_service is not None:
            found.setdefault(API_SERVICE[1], api_service)
        return {name: value for service in found.values() for name, value in link_variables(service)}


def _kept(service: Obj) -> Obj | None:
    """What is needed of a service; nothing of one without an address."""
    meta, spec = service["metadata"], service["spec"]
    if spec.get("clusterIP") in (None, "", "None"):
        return None
    kept = {name: meta[name] for name in ("name", "namespace", "uid", "resourceVersion")}
    return {"metadata": kept, "spec": {"clusterIP": spec["clusterIP"], "ports": spec.get("ports") or []}}


def link_variables(service: Obj) -> Iterator[tuple[str, str]]:
    """(name, value) of a service that has an address. The first port has a name without a number, too."""
    address, ports = service["spec"]["clusterIP"], service["spec"]["ports"]
    prefix = _variable_name(service["metadata"]["name"])
    yield f"{prefix}_SERVICE_HOST", address
    if not ports:
        return
    yield f"{prefix}_SERVICE_PORT", str(ports[0]["port"])
    for port in ports:
        if port.get("name"):
            yield f"{prefix}_SERVICE_PORT_{_variable_name(port['name'])}", str(port["port"])
    host = f"[{address}]" if ":" in address else address
    for index, port in enumerate(ports):
        protocol, number = port.get("protocol") or "TCP", port["port"]
        url = f"{protocol.lower()}://{host}:{number}"
        if index == 0:
            yield f"{prefix}_PORT", url
        link = f"{prefix}_PORT_{number}_{protocol}"
        yield link, url
        yield f"{link}_PROTO", protocol.lower()
        yield f"{link}_PORT", str(number)
        yield f"{link}_ADDR", address


def _variable_name(name: str) -> str:
    return name.replace("-", "_").upper()
