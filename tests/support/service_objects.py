"""Services and EndpointSlices as the proxy gets them, and informers that a test fills."""

from __future__ import annotations

import itertools
from typing import Any, cast

from backend.machinery.client import GVR, Client
from backend.machinery.informer import Informer
from backend.meta.types import Obj

_versions = itertools.count(1)


class FilledInformer(Informer):
    """Knows what a test puts into it, and nothing else."""

    def __init__(self) -> None:
        super().__init__(cast(Client, None), GVR("", "v1", "things"))
        self.synced.set()

    def put(self, *objects: Obj) -> None:
        for obj in objects:
            self._put({**obj, "metadata": {**obj["metadata"], "resourceVersion": str(next(_versions))}})

    def drop(self, *objects: Obj) -> None:
        for obj in objects:
            self._remove(obj)


def service(name: str, cluster_ip: str, *ports: Obj, status: Obj | None = None, **spec: Any) -> Obj:
    """In the namespace default. A port defaults to 80/TCP."""
    addresses = spec.pop("clusterIPs", [cluster_ip])
    return {
        "metadata": {"namespace": "default", "name": name, "uid": name},
        "spec": {
            "type": "ClusterIP", "clusterIP": cluster_ip, "clusterIPs": addresses,
            "ports": [*ports] or [port()], **spec,
        },
        "status": status or {},
    }  # fmt: skip


def port(number: int = 80, protocol: str = "TCP", **more: Any) -> Obj:
    return {"port": number, "protocol": protocol, **more}


def endpoint(address: str, node: str | None = "n", **conditions: bool) -> Obj:
    found: Obj = {"addresses": [address], "conditions": conditions or {"ready": True}}
    return {**found, "nodeName": node} if node else found


def endpoint_slice(of: str, *endpoints: Obj | str, ports: list[Obj] | None = None, name: str = "") -> Obj:
    """Of the service `of`; its port defaults to 8080/TCP without a name."""
    items = [endpoint(each) if isinstance(each, str) else each for each in endpoints]
    version = "IPv6" if items and ":" in items[0]["addresses"][0] else "IPv4"
    return {
        "metadata": {
            "namespace": "default", "name": name or f"{of}-{version.lower()}",
            "labels": {"kubernetes.io/service-name": of},
        },
        "addressType": version, "endpoints": items, "ports": ports or [{"port": 8080, "protocol": "TCP"}],
    }  # fmt: skip
