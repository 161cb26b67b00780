"""Keeps an APIService for every group version that is served. Source: autoregistration of k8s.io/kube-aggregator."""

from __future__ import annotations

import asyncio

from backend.apiserver import registry
from backend.apiserver.call import Server
from backend.meta.errors import ApiError
from backend.meta.types import ApiRequest, Obj, User
from backend.resources.apiregistration.api_service import API_SERVICE

_SELF = User("system:apiserver", ("system:masters",))
_AGENT = "kube-apiserver"
_MANAGED = "kube-aggregator.kubernetes.io/automanaged"
_GROUPS = {
    "": 18000, "apps": 17800, "events.k8s.io": 17750, "authentication.k8s.io": 17700, "authorization.k8s.io": 17600,
    "autoscaling": 17500, "batch": 17400, "certificates.k8s.io": 17300, "networking.k8s.io": 17200,
    "policy": 17100, "rbac.authorization.k8s.io": 17000, "storage.k8s.io": 16800,
    "admissionregistration.k8s.io": 16700, "apiextensions.k8s.io": 16700, "scheduling.k8s.io": 16600,
    "coordination.k8s.io": 16500, "node.k8s.io": 16300, "discovery.k8s.io": 16200,
    "flowcontrol.apiserver.k8s.io": 16100, "internal.apiserver.k8s.io": 16000, "resource.k8s.io": 15900,
    "storagemigration.k8s.io": 15800, "metrics.k8s.io": 100,
}  # fmt: skip
"""groupPriorityMinimum of Kubernetes' own groups. Source: apiVersionPriorities of pkg/controlplane/apiserver; that of
the metrics is metrics-server's."""
_VERSIONS = {("", "v1"): 1, ("autoscaling", "v2"): 30, ("metrics.k8s.io", "v1beta1"): 100}
_VERSION, _CUSTOM_GROUP, _CUSTOM_VERSION = 15, 1000, 100


class LocalServices:
    """`run` follows the catalog until it is cancelled."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._changed = asyncio.Event()

    async def run(self) -> None:
        stop = self._server.catalog.on_change(self._changed.set)
        try:
            while True:
                self._changed.clear()
                await self._settle()
                await self._changed.wait()
        finally:
            stop()

    async def _settle(self) -> None:
        """Make what is missing, and take away what was made for a group version that is gone."""
        wanted = {
            f"{version}.{group}": (group, version)
            for group, versions in self._server.catalog.groups()
            for version in versions
            if group != API_SERVICE.group
        }
        present = {
            entry.obj["metadata"]["name"]: entry.obj
            for entry in self._server.store.list(API_SERVICE.prefix).entries
        }
        made = [self._ask("create", body=_service(*wanted[name])) for name in wanted if name not in present]
        dropped = [
            self._ask("delete", name)
            for name, service in present.items()
            if name not in wanted and _MANAGED in (service["metadata"].get("labels") or {})
        ]
        await asyncio.gather(*made, *dropped)

    async def _ask(self, verb: str, name: str = "", body: Obj | None = None) -> None:
        request = ApiRequest(
            verb, API_SERVICE.group, API_SERVICE.version, API_SERVICE.plural, name=name, body=body, user=_SELF,
            user_agent=_AGENT,
        )  # fmt: skip
        try:
            await registry.serve(self._server, request, [])
        except ApiError as error:
            if error.code not in (404, 409):  # somebody else was faster
                raise


def _service(group: str, version: str) -> Obj:
    own = group in _GROUPS
    spec: Obj = {
        "version": version,
        "groupPriorityMinimum": _GROUPS.get(group, _CUSTOM_GROUP),
        "versionPriority": _VERSIONS.get((group, version), _VERSION) if own else _CUSTOM_VERSION,
    }
    if group:
        spec["group"] = group
    labels = {_MANAGED: "onstart" if own else "true"}
    return {"metadata": {"name": f"{version}.{group}", "labels": labels}, "spec": spec}
