"""Keeps what HorizontalPodAutoscalers point at as large as their metrics ask for.

Source: reconcileAutoscaler of pkg/controller/podautoscaler/horizontal.go. Each is looked at once in a sync period,
and nobody is asked for metrics where there is none.
"""

from __future__ import annotations

import logging

from backend.controllers.horizontal_pod_autoscaler.proposals import NoProposal, Outcome, Subject, propose
from backend.controllers.horizontal_pod_autoscaler.recommendations import History, Limits
from backend.controllers.horizontal_pod_autoscaler.replica_calculator import Situation, Tolerances
from backend.controllers.horizontal_pod_autoscaler.scales import NoScale, Scales
from backend.controllers.horizontal_pod_autoscaler.settings import Settings
from backend.controllers.horizontal_pod_autoscaler.status import (
    ABLE_TO_SCALE,
    SCALING_ACTIVE,
    SCALING_LIMITED,
    Status,
)
from backend.machinery.client import GVR, Client
from backend.machinery.clock import Clock, RealClock
from backend.machinery.controller import Controller, Key
from backend.machinery.events import EventRecorder
from backend.machinery.informer import Informer
from backend.meta import quantity, timefmt
from backend.meta.errors import ApiError
from backend.meta.selectors import Selector, parse_label_selector
from backend.meta.types import Obj
from backend.resources.catalog import Catalog

AUTOSCALERS = GVR("autoscaling", "v2", "horizontalpodautoscalers")
NAME = "horizontal-pod-autoscaler"
_ABOVE = "Current number of replicas above Spec.MaxReplicas"
_BELOW = "Current number of replicas below Spec.MinReplicas"

log = logging.getLogger(__name__)


class _Failed(Exception):
    """This sync ends here; the message is for the log, conditions and events are said."""


class HorizontalPodAutoscalerController:
    """Keys are (namespace, autoscaler). The informers are run by the wiring."""

    def __init__(
        self, client: Client, *, autoscalers: Informer, pods: Informer, catalog: Catalog,
        settings: Settings | None = None, clock: Clock | None = None,
    ) -> None:  # fmt: skip
        self._client = client
        self._autoscalers = autoscalers
        self._pods = pods
        self._settings = settings or Settings()
        self._clock = clock or RealClock()
        self._scales = Scales(client, catalog)
        self._histories: dict[Key, History] = {}
        self._selectors: dict[Key, Selector] = {}
        """Of what each points at, to find pods that two would scale."""
        self.recorder = EventRecorder(client, NAME, clock=clock)
        self.controller = Controller(NAME, self.reconcile, clock=clock, informers=(autoscalers, pods))
        autoscalers.on_change(self._changed)

    def _changed(self, new: Obj | None, old: Obj | None) -> None:
        """A change waits for the next sync, as everything here does; a deletion is noted at once."""
        meta = (new or old or {})["metadata"]
        delay = self._settings.sync_period if new is not None else 0.0
        self.controller.enqueue_after(meta["namespace"], meta["name"], delay)

    async def reconcile(self, key: Key) -> float | None:
        autoscaler = self._autoscalers.get(*key)
        if autoscaler is None:
            self._histories.pop(key, None)
            self._selectors.pop(key, None)
            return None
        status = Status(autoscaler, timefmt.format_time(self._clock.now()))
        try:
            await self._sync(key, autoscaler, status)
        except _Failed as failure:
            log.debug("%s/%s: %s", *key, failure)
        await self._write(autoscaler, status)
        return self._settings.sync_period

    async def _write(self, autoscaler: Obj, status: Status) -> None:
        changed = status.changed
        if changed is None:
            return
        try:
            await self._client.update(AUTOSCALERS, {**autoscaler, "status": changed}, "status")
        except ApiError as error:
            if error.code != 404:
                self._warn(autoscaler, "FailedUpdateStatus", str(error))

    async def _sync(self, key: Key, autoscaler: Obj, status: Status) -> None:
        """Raises _Failed."""
        spec = autoscaler["spec"]
        try:
            gvr, scale = await self._scales.get(key.namespace, spec["scaleTargetRef"])
        except NoScale as error:
            self._warn(autoscaler, "FailedGetScale", str(error))
            text = f"the HPA controller was unable to get the target's current scale: {error}"
            status.condition(ABLE_TO_SCALE, False, "FailedGetScale", text)
            raise _Failed(f"failed to query scale subresource: {error}") from None
        able = "the HPA controller was able to get the target's current scale"
        status.condition(ABLE_TO_SCALE, True, "SucceededGetScale", able)
        current, least = scale["spec"].get("replicas", 0), spec.get("minReplicas", 1)
        self._histories.setdefault(key, History()).begin(current, self._clock.monotonic())
        metrics: list[Obj] | None = None
        if current == 0 and least != 0:
            text = "scaling is disabled since the replica count of the target is zero"
            status.condition(SCALING_ACTIVE, False, "ScalingDisabled", text)
            desired, why = 0, ""
        elif current > spec["maxReplicas"]:
            desired, why = spec["maxReplicas"], _ABOVE
        elif current < least:
            desired, why = least, _BELOW
        else:
            desired, why, metrics = await self._measured(key, autoscaler, scale, status)
        if desired != current:
            await self._rescale(key, autoscaler, gvr, scale, desired, why, status, metrics)
        status.count(current, desired, metrics, scaled=desired != current)

    async def _rescale(
        self, key: Key, autoscaler: Obj, gvr: GVR, scale: Obj, desired: int, why: str, status: Status,
        metrics: list[Obj] | None,
    ) -> None:  # fmt: skip
        """Raises _Failed."""
        current = scale["spec"].get("replicas", 0)
        try:
            await self._scales.set(gvr, scale, desired)
        except ApiError as error:
            self._warn(autoscaler, "FailedRescale", f"New size: {desired}; reason: {why}; error: {error}")
            text = f"the HPA controller was unable to update the target scale: {error}"
            status.condition(ABLE_TO_SCALE, False, "FailedUpdateScale", text)
            status.count(current, status.desired, metrics)
            raise _Failed(f"failed to rescale: {error}") from None
        text = f"the HPA controller was able to update the target scale to {desired}"
        status.condition(ABLE_TO_SCALE, True, "SucceededRescale", text)
        self.recorder.event(autoscaler, "Normal", "SuccessfulRescale", f"New size: {desired}; reason: {why}")
        behavior = autoscaler["spec"].get("behavior")
        self._histories[key].scaled(behavior, current, desired, self._clock.monotonic())

    async def _measured(
        self, key: Key, autoscaler: Obj, scale: Obj, status: Status
    ) -> tuple[int, str, list[Obj] | None]:
        """(replicas, why they differ, the metrics' statuses). Raises _Failed where metrics tell nothing."""
        spec, current = autoscaler["spec"], scale["spec"].get("replicas", 0)
        metrics: list[Obj] | None = None
        try:
            subject, pods = self._subject(key, autoscaler, scale, status)
            situation = Situation(current, pods, self._tolerances(spec), self._settings, self._clock.now())
            metrics = []
            wanted, name = await self._proposed(autoscaler, subject, situation, status, metrics)
        except _Failed as failure:
            status.count(current, status.desired, metrics)
            self._warn(autoscaler, "FailedComputeMetricsReplicas", str(failure))
            raise
        why = f"{name} above target" if wanted > current else "All metrics below target"
        limits = Limits(current, spec.get("minReplicas", 1), spec["maxReplicas"])
        history, window, now = (
            self._histories[key], self._settings.downscale_stabilization, self._clock.monotonic(),
        )  # fmt: skip
        behavior = spec.get("behavior")
        if behavior is None:
            decision = history.decide(wanted, limits, window, now)
        else:
            decision = history.decide_by(behavior, wanted, limits, window, now)
        status.condition(ABLE_TO_SCALE, True, *decision.stable)
        status.condition(SCALING_LIMITED, decision.limited, *decision.limit)
        return decision.replicas, why, metrics

    def _subject(self, key: Key, autoscaler: Obj, scale: Obj, status: Status) -> tuple[Subject, list[Obj]]:
        """Whose metrics count, and their pods. Raises _Failed for a selector that nobody can use."""
        text = scale["status"].get("selector") or ""
        if not text:
            self._warn(autoscaler, "SelectorRequired", "selector is required")
            missing = "the HPA target's scale is missing a selector"
            status.condition(SCALING_ACTIVE, False, "InvalidSelector", missing)
            raise _Failed("selector is required")
        try:
            selector = self._selectors[key] = parse_label_selector(text)
        except ApiError as error:
            why = f"couldn't convert selector into a corresponding internal selector object: {error}"
            raise self._bad_selector(autoscaler, status, "InvalidSelector", why) from None
        pods = [
            pod for pod in self._pods.list(key.namespace) if selector.matches(pod["metadata"].get("labels") or {})
        ]
        others = self._scaling(key.namespace, pods)
        if len(others) > 1:
            shown = " ".join(f"{{{other.name} {other.namespace}}}" for other in others)
            why = f"pods by selector {text} are controlled by multiple HPAs: [{shown}]"
            raise self._bad_selector(autoscaler, status, "AmbiguousSelector", why)
        return Subject(key.namespace, text), pods

    def _bad_selector(self, autoscaler: Obj, status: Status, reason: str, why: str) -> _Failed:
        self._warn(autoscaler, reason, why)
        status.condition(SCALING_ACTIVE, False, reason, why)
        return _Failed(why)

    def _scaling(self, namespace: str, pods: list[Obj]) -> list[Key]:
        """The autoscalers that have one of the pods."""
        return sorted(
            key
            for key, selector in self._selectors.items()
            if key.namespace == namespace
            and any(selector.matches(pod["metadata"].get("labels") or {}) for pod in pods)
        )

    async def _proposed(
        self, autoscaler: Obj, subject: Subject, situation: Situation, status: Status, shown: list[Obj]
    ) -> tuple[int, str]:
        """(the most that a metric asks for, the metric's name); `shown` gets a status for each. Raises _Failed.

        As long as one is unknown, the others may only make it larger.
        """
        specs = autoscaler["spec"].get("metrics") or ()
        best: Outcome | None = None
        failures: list[NoProposal] = []
        for metric in specs:
            try:
                outcome = await propose(self._client, metric, subject, situation)
            except NoProposal as failure:
                self._warn(autoscaler, failure.reason, failure.why)
                failures.append(failure)
                shown.append({"type": ""})
                continue
            shown.append(outcome.status)
            if best is None or outcome.replicas > best.replicas:
                best = outcome
        if best is None or (failures and best.replicas < situation.current):
            first = failures[0]
            text = f"the HPA was unable to compute the replica count: {first.why}"
            status.condition(SCALING_ACTIVE, False, first.reason, text)
            count = f"{len(failures)} invalid out of {len(specs)}"
            raise _Failed(f"invalid metrics ({count}), first error is: {first}")
        found = f"the HPA was able to successfully calculate a replica count from {best.name}"
        status.condition(SCALING_ACTIVE, True, "ValidMetricFound", found)
        return best.replicas, best.name

    def _tolerances(self, spec: Obj) -> Tolerances:
        behavior = spec.get("behavior") or {}

        def of(direction: str) -> float:
            given = (behavior.get(direction) or {}).get("tolerance")
            return self._settings.tolerance if given is None else float(quantity.parse(str(given)))

        return Tolerances(of("scaleDown"), of("scaleUp"))

    def _warn(self, autoscaler: Obj, reason: str, message: str) -> None:
        self.recorder.event(autoscaler, "Warning", reason, message)
