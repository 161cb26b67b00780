"""Makes, deletes and lets go of the pods of Jobs, and remembers each write until the cache shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from itertools import islice

from backend.controllers.workloads import pods as pod_rules
from backend.controllers.workloads.expected import Expected
from backend.controllers.workloads.job import per_index, rules
from backend.controllers.workloads.job.new_pods import new_pod
from backend.controllers.workloads.job.view import View
from backend.controllers.workloads.pods import PodControl
from backend.machinery.client import PODS, STRATEGIC_MERGE_PATCH, Client
from backend.machinery.controller import Key
from backend.meta.errors import ApiError
from backend.meta.types import Obj

BURST = 500
"""Pods that are made, deleted or let go of at once. Source: MaxPodCreateDeletePerSync, MaxUncountedPods."""


class JobPodControl:
    """`expected` is about the informer of pods."""

    def __init__(self, client: Client, control: PodControl, expected: Expected) -> None:
        self._client = client
        self._control = control
        self._expected = expected

    async def create(self, key: Key, view: View) -> float | None:
        """Make the pods that are missing, or return the seconds to wait for before. Raises the first ApiError; what
        was made until then is in `view.active`."""
        job, missing = view.job, min(view.missing, BURST)
        if not rules.is_limited_per_index(job) and view.failures.wait(view.now):
            return view.failures.wait(view.now)
        indexes = list(islice(view.pending_indexes(), missing)) if rules.is_indexed(job) else [None] * missing
        if rules.is_limited_per_index(job):
            waits = {
                index: per_index.wait(view.waiting.get(index), view.now) for index in indexes if index is not None
            }
            indexes = [index for index in indexes if index is not None and not waits[index]]
            if not indexes:
                return min(waits.values(), default=None)

        async def create(number: int) -> None:
            index = indexes[number]
            replaced = view.waiting.get(index) if index is not None else None
            made = await self._control.create(new_pod(job, index, replaced), job)
            self._expected.wrote(key, made)
            view.active.append(made)

        await pod_rules.slow_start(len(indexes), create)
        return None

    async def end(self, key: Key, view: View) -> None:
        """Delete what is active, since the Job ends; the pods stay until they are counted."""
        await self._remove(view, [self._delete(key, pod, view.job) for pod in view.active], view.active)

    async def remove(self, key: Key, view: View, pods: Sequence[Obj]) -> None:
        """Delete pods that are too many, and that are not counted: they have not failed."""

        async def remove(pod: Obj) -> None:
            await self._let_go(key, pod)
            await self._delete(key, pod, view.job)

        await self._remove(view, [remove(pod) for pod in pods], pods)

    async def let_go(self, key: Key, pods: Sequence[Obj]) -> tuple[set[str], BaseException | None]:
        """Take the tracking finalizer off. The uids of the pods that have none any more, and the first failure."""
        outcomes = await asyncio.gather(*(self._let_go(key, pod) for pod in pods), return_exceptions=True)
        free = {
            pod["metadata"]["uid"]
            for pod, outcome in zip(pods, outcomes, strict=True)
            if not isinstance(outcome, BaseException)
        }
        return free, _first_failure(outcomes)

    async def _remove(self, view: View, work: Iterable[Awaitable[None]], pods: Sequence[Obj]) -> None:
        """Make the view what it is without the pods that could be deleted. Raises the first failure."""
        outcomes = await asyncio.gather(*work, return_exceptions=True)
        for pod, outcome in zip(list(pods), outcomes, strict=True):
            if not isinstance(outcome, BaseException):
                view.active = [other for other in view.active if other is not pod]
                view.terminating += 1
                view.ready -= pod_rules.is_ready(pod)
        failure = _first_failure(outcomes)
        if failure is not None:
            raise failure

    async def _delete(self, key: Key, pod: Obj, job: Obj) -> None:
        if await self._control.delete(pod, job):
            self._expected.deleted(key, pod)

    async def _let_go(self, key: Key, pod: Obj) -> None:
        written = await release(self._client, pod)
        if written is not None:
            self._expected.wrote(key, written)


async def release(client: Client, pod: Obj) -> Obj | None:
    """Take the tracking finalizer off; the pod as it was written, None if there is nothing to take off any more.
    Raises ApiError also for a conflict, after which the pod may still have it."""
    if not rules.is_tracked(pod):
        return None
    meta = pod["metadata"]
    patch = {"metadata": {"uid": meta["uid"], "$deleteFromPrimitiveList/finalizers": [rules.FINALIZER]}}
    try:
        return await client.patch(PODS, meta["name"], patch, meta["namespace"], content_type=STRATEGIC_MERGE_PATCH)
    except ApiError as error:
        if error.code != 404:
            raise
        return None


def surplus(view: View) -> list[Obj]:
    """The pods to delete: of each index all but one, those whose index is none of the Job's, and what is too many.
    Source: activePodsForRemoval."""
    count = max(0, -view.missing)
    if not rules.is_indexed(view.job):
        if not count:
            return []
        return pod_rules.deletion_order(view.active, (), view.now)[:count][:BURST]
    by_index: dict[int, list[Obj]] = {}
    for pod in view.active:
        by_index.setdefault(rules.index_of(pod), []).append(pod)
    doomed: list[Obj] = []
    left: list[Obj] = []
    for pods in by_index.values():
        *more, last = pod_rules.deletion_order(pods, (), view.now) if len(pods) > 1 else pods
        doomed += more
        (left if rules.counts_for(last, view.job) else doomed).append(last)
    if len(doomed) < count:
        doomed += pod_rules.deletion_order(left, (), view.now)[: count - len(doomed)]
    return doomed[:BURST]


def _first_failure(outcomes: Iterable[BaseException | None]) -> BaseException | None:
    return next((outcome for outcome in outcomes if isinstance(outcome, BaseException)), None)
