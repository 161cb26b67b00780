"""Volumes, claims and volume attributes classes go only when nobody uses them any more: their finalizers wait for it.

Sources: pkg/controller/volume/{pvprotection,pvcprotection,vacprotection}. Admission adds the finalizers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from backend.machinery.client import GVR, PODS, Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller, Key
from backend.machinery.informer import Informer
from backend.meta.errors import ApiError
from backend.meta.types import Obj

PERSISTENT_VOLUMES = GVR("", "v1", "persistentvolumes")
PERSISTENT_VOLUME_CLAIMS = GVR("", "v1", "persistentvolumeclaims")
VOLUME_ATTRIBUTES_CLASSES = GVR("storage.k8s.io", "v1", "volumeattributesclasses")


class StorageProtection:
    """The three controllers, and the informers that they add to those that are there."""

    def __init__(
        self, client: Client, acting_as: Callable[[str], Client], *, pods: Informer, clock: Clock | None = None
    ) -> None:
        """`client` reads what they share; each writes as its own account, whose client `acting_as(NAME)` gives."""
        volumes = Informer(client, PERSISTENT_VOLUMES, clock=clock)
        claims = Informer(client, PERSISTENT_VOLUME_CLAIMS, clock=clock)
        classes = Informer(client, VOLUME_ATTRIBUTES_CLASSES, clock=clock)
        self.informers = (volumes, claims, classes)
        self.controllers = (
            protect_volumes(acting_as("pv-protection-controller"), volumes=volumes, clock=clock),
            protect_claims(acting_as("pvc-protection-controller"), claims=claims, pods=pods, clock=clock),
            protect_classes(
                acting_as("volumeattributesclass-protection-controller"),
                classes=classes,
                volumes=volumes,
                claims=claims,
                clock=clock,
            ),
        )


class Protection:
    """Takes `finalizer` from objects that are deleted and, by `in_use(object)`, not used."""

    def __init__(
        self,
        name: str,
        client: Client,
        gvr: GVR,
        finalizer: str,
        objects: Informer,
        in_use: Callable[[Obj], Awaitable[bool]],
        *,
        users: tuple[Informer, ...] = (),
        clock: Clock | None = None,
    ) -> None:
        """`users` are informers of what may use the objects: whoever has them enqueues what they let go."""
        self._client = client
        self._gvr = gvr
        self._finalizer = finalizer
        self._objects = objects
        self._in_use = in_use
        self.controller = Controller(name, self.reconcile, clock=clock, informers=(objects, *users))
        objects.on_change(self.controller.enqueue_changed)

    async def reconcile(self, key: Key) -> None:
        obj = self._objects.get(*key)
        if obj is None or not obj["metadata"].get("deletionTimestamp"):
            return
        finalizers = obj["metadata"].get("finalizers") or []
        if self._finalizer not in finalizers or await self._in_use(obj):
            return
        left = [name for name in finalizers if name != self._finalizer]
        try:
            await self._client.update(self._gvr, {**obj, "metadata": {**obj["metadata"], "finalizers": left}})
        except ApiError as error:
            if error.code != 404:
                raise


def protect_volumes(client: Client, *, volumes: Informer, clock: Clock | None = None) -> Controller:
    async def in_use(volume: Obj) -> bool:
        return (volume.get("status") or {}).get("phase") == "Bound"

    finalizer = "kubernetes.io/pv-protection"
    return Protection(
        "pv-protection", client, PERSISTENT_VOLUMES, finalizer, volumes, in_use, clock=clock
    ).controller


def protect_claims(client: Client, *, claims: Informer, pods: Informer, clock: Clock | None = None) -> Controller:
    """A claim is in use while a pod that has a node names it, also one that has ended."""

    async def in_use(claim: Obj) -> bool:
        # The pods are asked for once more: a cache that lags would cost data that a pod still writes.
        meta = claim["metadata"]
        listed = await client.list(PODS, meta["namespace"])
        return any(pod["spec"].get("nodeName") and meta["name"] in claims_of(pod) for pod in listed["items"])

    made = Protection(
        "pvc-protection", client, PERSISTENT_VOLUME_CLAIMS, "kubernetes.io/pvc-protection", claims, in_use,
        users=(pods,), clock=clock,
    ).controller  # fmt: skip

    def pod_changed(new: Obj | None, old: Obj | None) -> None:
        if new is None and old is not None:
            for name in claims_of(old):
                made.enqueue(old["metadata"]["namespace"], name)

    pods.on_change(pod_changed)
    return made


def claims_of(pod: Obj) -> list[str]:
    """The names of the claims that a pod's volumes are, those made for it included."""
    found = []
    for volume in pod["spec"].get("volumes") or ():
        if volume.get("persistentVolumeClaim") is not None:
            found.append(volume["persistentVolumeClaim"].get("claimName", ""))
        elif volume.get("ephemeral") is not None:
            found.append(f"{pod['metadata']['name']}-{volume['name']}")
    return found


def protect_classes(
    client: Client, *, classes: Informer, volumes: Informer, claims: Informer, clock: Clock | None = None
) -> Controller:
    async def in_use(attributes_class: Obj) -> bool:
        name = attributes_class["metadata"]["name"]
        return any(name in _classes_of(user) for informer in (volumes, claims) for user in informer.list())

    made = Protection(
        "vac-protection", client, VOLUME_ATTRIBUTES_CLASSES, "kubernetes.io/vac-protection", classes, in_use,
        users=(volumes, claims), clock=clock,
    ).controller  # fmt: skip

    def user_changed(new: Obj | None, old: Obj | None) -> None:
        left = _classes_of(old) - _classes_of(new)
        for name in left:
            made.enqueue("", name)

    volumes.on_change(user_changed)
    claims.on_change(user_changed)
    return made


def _classes_of(user: Obj | None) -> set[str]:
    """The volume attributes classes that a volume or a claim has, is given, or should have."""
    spec, status = (user or {}).get("spec") or {}, (user or {}).get("status") or {}
    names = (
        spec.get("volumeAttributesClassName"),
        status.get("currentVolumeAttributesClassName"),
        (status.get("modifyVolumeStatus") or {}).get("targetVolumeAttributesClassName"),
    )
    return {name for name in names if name}
