"""Counts what quotas limit: when a quota comes or changes, and again when something that it counts goes away.

Source: pkg/controller/resourcequota. What is created is counted by admission, before it is stored.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.machinery.client import GVR, Client
from backend.machinery.clock import Clock, RealClock
from backend.machinery.controller import Controller, Key
from backend.machinery.informer import Informer
from backend.meta import resource_list
from backend.meta.resource_list import Amounts
from backend.meta.types import Obj
from backend.resources.catalog import Catalog
from backend.resources.core.pod_table import TERMINAL_PHASES
from backend.resources.quota import scopes
from backend.resources.quota.evaluators import evaluator, kinds_of
from backend.resources.resource import Resource

RESOURCE_QUOTAS = GVR("", "v1", "resourcequotas")
SERVICES = GVR("", "v1", "services")
CLAIMS = GVR("", "v1", "persistentvolumeclaims")
RESYNC_SECONDS = 300.0
"""After this every quota is counted anew: a create that failed after admission was counted all the same."""
SETTLE_SECONDS = 2.0
"""After this a quota of which less is used is counted again: an object may have been admitted and not stored yet."""
PAGE = 500


class ResourceQuotaController:
    """Keys are (namespace, quota)."""

    def __init__(
        self, client: Client, *, catalog: Catalog, quotas: Informer, pods: Informer, clock: Clock | None = None
    ) -> None:
        self._client = client
        self._catalog = catalog
        self._quotas = quotas
        self._clock = clock or RealClock()
        # Services and claims are changed so that they take less; only how they are counted is kept of them.
        self._changeable = [
            _counted(client, SERVICES, ("type", "ports", "allocateLoadBalancerNodePorts"), clock),
            _counted(client, CLAIMS, ("resources",), clock),
        ]
        self.controller = Controller("resource-quota", self.reconcile, clock=clock, workers=2, informers=(quotas,))
        quotas.on_change(self._quota_changed)
        pods.on_change(self._pod_changed)
        for informer in self._changeable:
            informer.on_change(self._taking_changed)

    @property
    def informers(self) -> list[Informer]:
        """Of this controller's own; whoever runs it runs them."""
        return self._changeable

    def content_changed(self, obj: Obj) -> None:
        """To be told of every namespaced object that is gone, or takes less than before."""
        namespace = obj["metadata"].get("namespace", "")
        for quota in self._quotas.list(namespace) if namespace else ():
            self.controller.enqueue(namespace, quota["metadata"]["name"])

    def _quota_changed(self, new: Obj | None, old: Obj | None) -> None:
        """Its status is written by admission and by this controller: only the spec is of interest."""
        if new is not None and (old is None or new["spec"] != old["spec"]):
            self.controller.enqueue_changed(new, old)

    def _pod_changed(self, new: Obj | None, old: Obj | None) -> None:
        if new is not None and old is not None and _has_ended(new) and not _has_ended(old):
            self.content_changed(new)

    def _taking_changed(self, new: Obj | None, old: Obj | None) -> None:
        if new is not None and old is not None and new.get("spec") != old.get("spec"):
            self.content_changed(new)

    async def reconcile(self, key: Key) -> float | None:
        """Count, and write down what differs from the status; a conflict, if admission was faster, is retried."""
        quota = self._quotas.get(key.namespace, key.name)
        if quota is None:
            return None
        hard = resource_list.amounts(quota["spec"].get("hard"))
        used = await self._used(quota, hard)
        status = quota.get("status") or {}
        if hard == (status.get("hard") or {}) and used == (status.get("used") or {}):
            return RESYNC_SECONDS
        await self._client.update(RESOURCE_QUOTAS, {**quota, "status": {"hard": hard, "used": used}}, "status")
        return SETTLE_SECONDS

    async def _used(self, quota: Obj, hard: Amounts) -> Amounts:
        used: Amounts = dict.fromkeys(hard, "0")
        for group, plural in kinds_of(hard):
            kind = self._kind(group, plural)
            if kind is None:
                continue
            rules = evaluator(group, plural)
            names = rules.names(hard)
            chosen = scopes.requirements(quota)
            namespace = quota["metadata"]["namespace"]
            for obj in await self._objects(GVR(kind.group, kind.version, kind.plural), namespace):
                if all(rules.matches_scope(requirement, obj) for requirement in chosen):
                    taken = rules.usage(obj, self._clock.now())
                    used = resource_list.add(used, resource_list.only(taken, names))
        return used

    def _kind(self, group: str, plural: str) -> Resource | None:
        for kind in self._catalog:
            if kind.group == group and kind.plural == plural and kind.namespaced and "list" in kind.verbs:
                return kind
        return None

    async def _objects(self, gvr: GVR, namespace: str) -> Sequence[Obj]:
        query = {"limit": str(PAGE)}
        found: list[Obj] = []
        while True:
            page = await self._client.list(gvr, namespace, **query)
            found += page["items"]
            token = page["metadata"].get("continue", "")
            if not token:
                return found
            query["continue"] = token


def _counted(client: Client, gvr: GVR, fields: Sequence[str], clock: Clock | None) -> Informer:
    def essentials(obj: Obj) -> Obj:
        spec, meta = obj.get("spec") or {}, obj["metadata"]
        return {
            "metadata": {name: meta[name] for name in ("namespace", "name", "uid", "resourceVersion")},
            "spec": {name: spec[name] for name in fields if name in spec},
        }

    return Informer(client, gvr, clock=clock, transform=essentials)


def _has_ended(pod: Obj) -> bool:
    return (pod.get("status") or {}).get("phase") in TERMINAL_PHASES
