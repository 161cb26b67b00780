"""ResourceQuota: what is used is counted before an object is stored, so that no quota is ever exceeded.

Source: k8s.io/apiserver/pkg/admission/plugin/resourcequota. The usage goes into the quotas' status by conditional
writes. Requests of one namespace that come together are counted together, with one write for each quota.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from backend.apiserver.admission.attributes import Attributes, Operation
from backend.apiserver.admission.stored import Stored
from backend.meta import errors, resource_list
from backend.meta.errors import ApiError
from backend.meta.resource_list import Amounts
from backend.meta.types import Obj
from backend.resources.quota.evaluators import Evaluator, evaluator
from backend.resources.resource import Resource
from backend.store.api import Entry, RevisionMismatch, Store

_PREFIX = "core/resourcequotas/"
_ATTEMPTS = 4
_UNCOUNTED = frozenset({"events", "events.events.k8s.io"})


class _Waiter:
    __slots__ = ("attributes", "done", "error", "rules")

    def __init__(self, attributes: Attributes, rules: Evaluator) -> None:
        self.attributes = attributes
        self.rules = rules
        self.done = False
        self.error: ApiError | None = None

    def end(self, error: ApiError | None = None) -> None:
        self.done, self.error = True, error


class _Namespace:
    """Whoever gets the lock counts for all who wait."""

    __slots__ = ("lock", "waiting")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.waiting: list[_Waiter] = []


class ResourceQuota:
    def __init__(self) -> None:
        self._quotas = Stored(_PREFIX)
        self._namespaces: dict[str, _Namespace] = {}

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        if operation not in ("CREATE", "UPDATE") or not resource.namespaced or resource.qualified in _UNCOUNTED:
            return False
        return evaluator(resource.group, resource.plural).handles(operation, subresource)

    async def validate(self, attributes: Attributes) -> None:
        name = attributes.namespace
        if not self._quotas.entries(attributes.call.server.store, name):
            return
        namespace = self._namespaces.setdefault(name, _Namespace())
        resource = attributes.resource
        waiter = _Waiter(attributes, evaluator(resource.group, resource.plural))
        namespace.waiting.append(waiter)
        try:
            async with namespace.lock:
                if not waiter.done:
                    await self._count(name, namespace)
        finally:
            if not waiter.done:
                namespace.waiting.remove(waiter)
            if not namespace.waiting and not namespace.lock.locked():
                self._namespaces.pop(name, None)
        if waiter.error is not None:
            raise waiter.error

    async def _count(self, name: str, namespace: _Namespace) -> None:
        """For all who wait now. Who is not done stays among them, should this be cut off."""
        batch = list(namespace.waiting)
        store = batch[0].attributes.call.server.store
        quotas = {entry.key: entry for entry in self._quotas.entries(store, name)}
        for _ in range(_ATTEMPTS):
            quotas = await self._reserve(store, batch, quotas)
            if not quotas:
                break
        for waiter in batch:
            if not waiter.done:
                waiter.end(errors.modified("resourcequotas", next(iter(quotas)).rpartition("/")[2]))
        namespace.waiting = [waiter for waiter in namespace.waiting if not waiter.done]

    async def _reserve(self, store: Store, batch: list[_Waiter], quotas: dict[str, Entry]) -> dict[str, Entry]:
        """Count what the waiters take of these quotas; the newest states of those that somebody else changed."""
        used: dict[str, Amounts] = {
            key: dict((entry.obj.get("status") or {}).get("used") or {}) for key, entry in quotas.items()
        }
        before = {key: dict(amounts) for key, amounts in used.items()}
        for waiter in batch:
            if waiter.done:
                continue
            try:
                changed = _check(waiter, quotas, used)
            except ApiError as error:
                waiter.end(error)
                continue
            if not changed or waiter.attributes.dry_run:
                waiter.end()
            else:
                used.update(changed)
        lost: dict[str, Entry] = {}
        for key, entry in quotas.items():
            if used[key] == before[key]:
                continue
            status = {**entry.obj["status"], "used": used[key]}
            quota = {**entry.obj, "metadata": dict(entry.obj["metadata"]), "status": status}
            try:
                await store.update(key, quota, revision=entry.revision)
            except RevisionMismatch as error:
                if error.current is not None:
                    lost[key] = error.current
        if not lost:
            for waiter in batch:
                if not waiter.done:
                    waiter.end()
        return lost


def _check(waiter: _Waiter, quotas: dict[str, Entry], used: dict[str, Amounts]) -> dict[str, Amounts]:
    """What would be used with the object, of the quotas that it changes. Raises 403. Source: CheckRequest."""
    attributes, rules = waiter.attributes, waiter.rules
    obj, now = attributes.new, attributes.call.server.clock()
    interesting = _interesting(waiter, quotas, used)
    if not interesting:
        return {}
    usage = rules.usage(obj, now)
    negative = [name for name, amount in usage.items() if amount.startswith("-")]
    if negative:
        names = resource_list.show_names(negative)
        raise attributes.forbidden(f"quota usage is negative for resource(s): {names}")
    changed = {}
    for key in interesting:
        quota = quotas[key].obj
        hard = quota["status"]["hard"]
        delta = usage
        if attributes.old is not None and rules.matches(quota, hard, attributes.old):
            delta = resource_list.subtract(usage, rules.usage(attributes.old, now))
        asked = resource_list.nonzero(resource_list.only(delta, hard))
        if asked:
            changed[key] = _with(attributes, quota, used[key], asked)
    return changed


def _interesting(waiter: _Waiter, quotas: dict[str, Entry], used: dict[str, Amounts]) -> list[str]:
    """The quotas that limit the object. Raises 403 for one whose usage is unknown, or of which the object does not
    say what it takes."""
    attributes, rules = waiter.attributes, waiter.rules
    found = []
    for key, entry in quotas.items():
        name = entry.obj["metadata"]["name"]
        hard = (entry.obj.get("status") or {}).get("hard") or {}
        if not rules.matches(entry.obj, hard, attributes.new):
            continue
        names = rules.names(hard)
        missing = rules.missing(names, attributes.new)
        if missing:
            raise attributes.forbidden(f"failed quota: {name}: {missing}")
        if not used[key].keys() >= set(names):
            shown = resource_list.show_names(names)
            raise attributes.forbidden(f"status unknown for quota: {name}, resources: {shown}")
        found.append(key)
    return found


def _with(attributes: Attributes, quota: Obj, used: Amounts, asked: Amounts) -> Amounts:
    hard = resource_list.amounts(quota["status"]["hard"])
    total = resource_list.add(used, asked)
    exceeded = resource_list.exceeding(resource_list.only(total, asked), hard)
    if exceeded:
        requested, present, limited = (_shown(amounts, exceeded) for amounts in (asked, used, hard))
        name = quota["metadata"]["name"]
        why = f"exceeded quota: {name}, requested: {requested}, used: {present}, limited: {limited}"
        raise attributes.forbidden(why)
    return total


def _shown(amounts: Amounts, names: Iterable[str]) -> str:
    return resource_list.show(resource_list.only(amounts, set(names)))
