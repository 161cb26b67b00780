"""What two controllers share: an object that every active namespace has, and gets back when it is lost."""

from __future__ import annotations

from collections.abc import Callable

from backend.machinery.client import GVR, Client
from backend.machinery.clock import Clock
from backend.machinery.controller import Controller, Key
from backend.machinery.informer import Informer
from backend.meta.errors import ApiError
from backend.meta.types import Obj


class PerNamespace:
    """Keeps the object `name` in each namespace; keys are ("", namespace)."""

    def __init__(
        self,
        client: Client,
        gvr: GVR,
        name: str,
        *,
        namespaces: Informer,
        objects: Informer,
        desired: Callable[[Obj | None], Obj | None],
    ) -> None:
        """`desired(current)` is what the object should be, None for "as it is"; `current` is None if there is
        none. `objects` must hold the objects called `name` and may hold no other."""
        self._client = client
        self._gvr = gvr
        self._name = name
        self._namespaces = namespaces
        self._objects = objects
        self._desired = desired

    def controller(self, name: str, clock: Clock | None) -> Controller:
        made = Controller(name, self.reconcile, clock=clock, informers=(self._namespaces, self._objects))

        def object_changed(new: Obj | None, old: Obj | None) -> None:
            obj = new if new is not None else old
            if obj is not None and obj["metadata"]["name"] == self._name:
                made.enqueue("", obj["metadata"]["namespace"])

        self._namespaces.on_change(made.enqueue_changed)
        self._objects.on_change(object_changed)
        return made

    async def reconcile(self, key: Key) -> None:
        namespace = self._namespaces.get("", key.name)
        if namespace is None or namespace["metadata"].get("deletionTimestamp"):
            return
        current = self._objects.get(key.name, self._name)
        desired = self._desired(current)
        if desired is None:
            return
        try:
            if current is None:
                await self._client.create(self._gvr, desired, key.name)
            else:
                await self._client.update(self._gvr, desired)
        except ApiError as error:
            # Somebody was faster, or the namespace is going away: the caches will tell.
            if error.code not in (404, 409) and not _is_terminating(error):
                raise


def _is_terminating(error: ApiError) -> bool:
    causes = (error.details or {}).get("causes") or ()
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
