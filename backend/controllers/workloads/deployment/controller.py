"""Rolls out what Deployments describe. Source: pkg/controller/deployment/{deployment_controller,sync}.go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backend.controllers.workloads.deployment import progress, rollout
from backend.controllers.workloads.deployment import replica_sets as rules
from backend.controllers.workloads.deployment.scaler import Scaler
from backend.controllers.workloads.expected import LOOK_AGAIN_SECONDS, Expected
from backend.controllers.workloads.ownership import (
    BY_CONTROLLER,
    Claims,
    controller_reference,
    enqueue_owners,
    owned_by,
    reference_to,
)
from backend.controllers.workloads.pods import condition, is_terminating_namespace
from backend.controllers.workloads.replicas import REPLICA_SETS
from backend.machinery.client import GVR, Client
from backend.machinery.clock import Clock, RealClock
from backend.machinery.controller import Controller, Key
from backend.machinery.events import EventRecorder
from backend.machinery.informer import Informer
from backend.meta import timefmt
from backend.meta.errors import ApiError
from backend.meta.label_selector import as_selector
from backend.meta.types import Obj

DEPLOYMENTS = GVR("apps", "v1", "deployments")
NAME = "deployment-controller"
WORKERS = 5
_LONGEST_NAME = 253


class DeploymentController:
    """Keys are (namespace, name). The informers are run by the wiring."""

    def __init__(
        self, client: Client, *, deployments: Informer, replica_sets: Informer, pods: Informer,
        clock: Clock | None = None,
    ) -> None:  # fmt: skip
        self._client = client
        self._deployments = deployments
        self._replica_sets = replica_sets
        self._pods = pods
        self._clock = clock or RealClock()
        self.recorder = EventRecorder(client, NAME, clock=clock)
        self._expected = Expected(replica_sets)
        self._scaler = Scaler(client, self.recorder, self._expected)
        self._claims = Claims(client, REPLICA_SETS, DEPLOYMENTS, replica_sets)
        informers = (deployments, replica_sets, pods)
        self.controller = Controller(NAME, self.reconcile, clock=clock, workers=WORKERS, informers=informers)
        replica_sets.add_index(BY_CONTROLLER, owned_by)
        pods.add_index(BY_CONTROLLER, owned_by)
        deployments.on_change(self.controller.enqueue_changed)
        replica_sets.on_change(enqueue_owners(self.controller.enqueue, "Deployment", "apps", self._selecting))
        pods.on_change(self._pod_changed)

    def _selecting(self, replica_set: Obj) -> Iterable[Obj]:
        labels = replica_set["metadata"].get("labels") or {}
        for deployment in self._deployments.list(replica_set["metadata"]["namespace"]) if labels else ():
            if as_selector(deployment["spec"].get("selector")).matches(labels):
                yield deployment

    def _pod_changed(self, new: Obj | None, old: Obj | None) -> None:
        """Recreate waits for the last old pod to go, which no ReplicaSet tells of."""
        if new is not None or old is None:
            return
        namespace, reference = old["metadata"]["namespace"], controller_reference(old)
        owner = self._replica_sets.get(namespace, reference["name"]) if reference is not None else None
        above = controller_reference(owner) if owner is not None else None
        deployment = self._deployments.get(namespace, above["name"]) if above is not None else None
        if deployment is not None and not rules.is_rolling(deployment):
            self.controller.enqueue(namespace, deployment["metadata"]["name"])

    async def reconcile(self, key: Key) -> float | None:
        deployment = self._deployments.get(*key)
        if deployment is None:
            self._expected.forget(key)
            return None
        if not self._expected.met(key):
            return LOOK_AGAIN_SECONDS
        selector = deployment["spec"].get("selector") or {}
        if not (selector.get("matchLabels") or selector.get("matchExpressions")):
            text = "This deployment is selecting all pods. A non-empty selector is required."
            self.recorder.event(deployment, "Warning", "SelectingAll", text)
            return None
        replica_sets = await self._claims.claim(deployment, as_selector(selector))
        if deployment["metadata"].get("deletionTimestamp"):
            new = rules.find_new(deployment, replica_sets)
            return await self._report(deployment, replica_sets, new, rolling_out=False)
        deployment = await self._with_pause_told(deployment)
        if deployment["spec"].get("paused") or _was_scaled(deployment, replica_sets):
            return await self._only_scale(deployment, replica_sets)
        return await self._roll_out(deployment, replica_sets)

    async def _only_scale(self, deployment: Obj, replica_sets: Sequence[Obj]) -> float | None:
        deployment, new = await self._new_replica_set(deployment, replica_sets, create=False)
        old = _others(replica_sets, new)
        await self._scaler.spread(deployment, new, old)
        if deployment["spec"].get("paused"):
            await self._clean_up(deployment, old)
        return await self._report(deployment, replica_sets, new, rolling_out=False)

    async def _roll_out(self, deployment: Obj, replica_sets: Sequence[Obj]) -> float | None:
        rolling = rules.is_rolling(deployment)
        deployment, new = await self._new_replica_set(deployment, replica_sets, create=rolling)
        old = _others(replica_sets, new)
        if rolling:
            assert new is not None
            moved = await rollout.roll(self._scaler, deployment, new, old)
        else:
            moved = await rollout.stop_old(self._scaler, deployment, old)
            if not moved and not rollout.old_pods_run(self._pods, new, old):
                if new is None:
                    deployment, new = await self._new_replica_set(deployment, replica_sets, create=True)
                    assert new is not None
                new = await self._scaler.scale(deployment, new, rules.desired(deployment))
        if not moved and progress.is_complete(deployment, deployment.get("status") or {}):
            await self._clean_up(deployment, old)
        present = [*old, *([new] if new is not None else [])]
        return await self._report(deployment, present, new)

    async def _new_replica_set(
        self, deployment: Obj, replica_sets: Sequence[Obj], *, create: bool
    ) -> tuple[Obj, Obj | None]:
        """(the Deployment as it is then, its new ReplicaSet), made if it is not there and `create`."""
        found = rules.find_new(deployment, replica_sets)
        revision = max((rules.revision(entry) for entry in _others(replica_sets, found)), default=0) + 1
        if found is not None:
            return await self._with_revision(deployment, found, revision)
        if not create:
            return deployment, None
        return await self._create(deployment, replica_sets, revision)

    async def _with_revision(self, deployment: Obj, found: Obj, revision: int) -> tuple[Obj, Obj]:
        annotations = rules.annotated(deployment, found, revision, exists=True)
        spec = {name: value for name, value in found["spec"].items() if name != "minReadySeconds"}
        spec |= _min_ready(deployment)
        if annotations != found["metadata"].get("annotations") or spec != found["spec"]:
            changed = {**found, "metadata": {**found["metadata"], "annotations": annotations}, "spec": spec}
            found = await self._client.update(REPLICA_SETS, changed)
            self._expected.wrote(_key(deployment), found)
        text = f'Found new replica set "{found["metadata"]["name"]}"'
        return await self._told(deployment, found, "FoundNewReplicaSet", text), found

    async def _create(self, deployment: Obj, replica_sets: Sequence[Obj], revision: int) -> tuple[Obj, Obj | None]:
        wanted = self._made_of(deployment, replica_sets, revision)
        namespace, name = deployment["metadata"]["namespace"], wanted["metadata"]["name"]
        try:
            made = await self._client.create(REPLICA_SETS, wanted, namespace)
        except ApiError as error:
            if error.code == 409:
                made = await self._resolve_collision(deployment, wanted, error)
            else:
                if not is_terminating_namespace(error):
                    await self._tell_failure(deployment, name, error)
                raise
        self._expected.wrote(_key(deployment), made)
        if rules.size(made) > 0:
            self._scaler.tell(deployment, name, 0, rules.size(made))
        text = f'Created new replica set "{name}"'
        return await self._told(deployment, made, "NewReplicaSetCreated", text), made

    def _made_of(self, deployment: Obj, replica_sets: Sequence[Obj], revision: int) -> Obj:
        spec, meta = deployment["spec"], deployment["metadata"]
        template = spec["template"]
        mark = rules.template_hash(template, (deployment.get("status") or {}).get("collisionCount", 0))
        template_meta = template.get("metadata") or {}
        labels = {**(template_meta.get("labels") or {}), rules.HASH_LABEL: mark}
        selector = {
            **spec["selector"],
            "matchLabels": {**(spec["selector"].get("matchLabels") or {}), rules.HASH_LABEL: mark},
        }
        replica_set: Obj = {
            "metadata": {
                "name": f"{meta['name'][: _LONGEST_NAME - 1 - len(mark)]}-{mark}",
                "labels": labels, "ownerReferences": [reference_to(deployment)],
            },
            "spec": {
                "replicas": rules.size_of_new(deployment, replica_sets, 0),
                **_min_ready(deployment), "selector": selector,
                "template": {**template, "metadata": {**template_meta, "labels": labels}},
            },
        }  # fmt: skip
        replica_set["metadata"]["annotations"] = rules.annotated(deployment, replica_set, revision, exists=False)
        return replica_set

    async def _resolve_collision(self, deployment: Obj, wanted: Obj, error: ApiError) -> Obj:
        """The ReplicaSet of that name, if it is the one wanted. Otherwise another name is needed: the count of
        collisions is raised, and `error` too."""
        meta = deployment["metadata"]
        present = await self._client.get(REPLICA_SETS, wanted["metadata"]["name"], meta["namespace"])
        reference = controller_reference(present)
        ours = reference is not None and reference["uid"] == meta["uid"]
        templates = [rules.without_hash(entry["spec"]["template"]) for entry in (present, deployment)]
        if ours and templates[0] == templates[1]:
            return present
        status = dict(deployment.get("status") or {})
        status["collisionCount"] = status.get("collisionCount", 0) + 1
        await self._client.update(DEPLOYMENTS, {**deployment, "status": status}, "status")
        raise error

    async def _tell_failure(self, deployment: Obj, name: str, error: ApiError) -> None:
        text = f'Failed to create new replica set "{name}": {error}'
        status = _status(deployment)
        if progress.deadline(deployment) is not None:
            progress.set_condition(status, "Progressing", "False", "ReplicaSetCreateError", text, now=self._now())
            await self._client.update(DEPLOYMENTS, {**deployment, "status": status}, "status")
        self.recorder.event(deployment, "Warning", "ReplicaSetCreateError", text)

    async def _told(self, deployment: Obj, new: Obj, reason: str, text: str) -> Obj:
        """The Deployment with the new ReplicaSet's revision, and with a word about it where none was lost yet."""
        status = _status(deployment)
        meta = dict(deployment["metadata"])
        annotations = dict(meta.get("annotations") or {})
        annotations[rules.REVISION] = str(rules.revision(new))
        meta["annotations"] = annotations
        created = reason == "NewReplicaSetCreated"
        if progress.deadline(deployment) is not None and (created or not condition(deployment, "Progressing")):
            progress.set_condition(status, "Progressing", "True", reason, text, now=self._now())
        changed = {**deployment, "metadata": meta, "status": status}
        if meta == deployment["metadata"] and status["conditions"] == _status(deployment)["conditions"]:
            return deployment
        return await self._client.update(DEPLOYMENTS, changed, "status")

    async def _with_pause_told(self, deployment: Obj) -> Obj:
        """A pause stops the clock of the deadline. Source: checkPausedConditions."""
        if progress.deadline(deployment) is None:
            return deployment
        current = condition(deployment, "Progressing")
        if current is not None and current["reason"] == progress.EXCEEDED:
            return deployment
        told = current is not None and current["reason"] == "DeploymentPaused"
        paused = bool(deployment["spec"].get("paused"))
        if paused == told:
            return deployment
        reason, text = (
            ("DeploymentPaused", "Deployment is paused")
            if paused
            else ("DeploymentResumed", "Deployment is resumed")
        )
        status = _status(deployment)
        progress.set_condition(status, "Progressing", "Unknown", reason, text, now=self._now())
        return await self._client.update(DEPLOYMENTS, {**deployment, "status": status}, "status")

    async def _clean_up(self, deployment: Obj, old: Sequence[Obj]) -> None:
        """Forget the oldest revisions above the limit."""
        limit = deployment["spec"].get("revisionHistoryLimit")
        if limit is None:
            return
        present = [entry for entry in old if not entry["metadata"].get("deletionTimestamp")]
        present.sort(key=rules.revision)
        for entry in present[: max(0, len(present) - limit)]:
            meta = entry["metadata"]
            observed = rules.count(entry, "observedGeneration")
            if rules.count(entry, "replicas") or rules.size(entry) or meta.get("generation", 0) > observed:
                continue
            try:
                await self._client.delete(REPLICA_SETS, meta["name"], meta["namespace"])
            except ApiError as error:
                if error.code != 404:
                    raise

    async def _report(
        self, deployment: Obj, replica_sets: Sequence[Obj], new: Obj | None, *, rolling_out: bool = True
    ) -> float | None:
        """Write the status if it changed; seconds until the deadline matters."""
        now = self._clock.now()
        status = progress.counters(deployment, replica_sets, new, timefmt.format_time(now))
        if rolling_out:
            progress.report(deployment, status, replica_sets, new, now)
        if status != deployment.get("status"):
            try:
                await self._client.update(DEPLOYMENTS, {**deployment, "status": status}, "status")
            except ApiError as error:
                if error.code != 404:
                    raise
        return progress.look_again_in(deployment, status, now) if rolling_out else None

    def _now(self) -> str:
        return timefmt.format_time(self._clock.now())


def _key(deployment: Obj) -> Key:
    return Key(deployment["metadata"]["namespace"], deployment["metadata"]["name"])


def _status(deployment: Obj) -> Obj:
    """A copy of the status whose conditions can be set."""
    status = dict(deployment.get("status") or {})
    status["conditions"] = status.get("conditions") or []
    return status


def _others(replica_sets: Sequence[Obj], new: Obj | None) -> list[Obj]:
    return [entry for entry in replica_sets if new is None or entry["metadata"]["uid"] != new["metadata"]["uid"]]


def _was_scaled(deployment: Obj, replica_sets: Sequence[Obj]) -> bool:
    """Whether the size was changed since the ReplicaSets were told of it."""
    for entry in rules.active(replica_sets):
        told = rules.number_annotation(entry, rules.DESIRED)
        if told is not None and told != rules.desired(deployment):
            return True
    return False


def _min_ready(deployment: Obj) -> Obj:
    """The field minReadySeconds of its ReplicaSets; as in the API, a zero is not there."""
    seconds = deployment["spec"].get("minReadySeconds", 0)
    return {"minReadySeconds": seconds} if seconds else {}
