"""Which Ingresses are ours, and the IngressClass that new ones get."""

from __future__ import annotations

from backend.machinery.client import GVR, Client
from backend.machinery.controller import Controller, Key
from backend.machinery.informer import Informer
from backend.meta.errors import ApiError
from backend.meta.types import Obj
from backend.resources.networking.ingress_class import OWN_CLASS, OWN_CONTROLLER, own_class

INGRESS_CLASSES = GVR("networking.k8s.io", "v1", "ingressclasses")
OLD_ANNOTATION = "kubernetes.io/ingress.class"


def class_of(ingress: Obj) -> str | None:
    """The class that an Ingress names, in its spec or in the annotation from before there was a field."""
    named = (ingress.get("spec") or {}).get("ingressClassName")
    annotated: str | None = (ingress["metadata"].get("annotations") or {}).get(OLD_ANNOTATION)
    return named if named is not None else annotated


class Classes:
    """Keeps the class of this cluster, which it has from the start: one that is deleted is made again, what somebody
    changed in it stays."""

    def __init__(self, client: Client, classes: Informer) -> None:
        self._client = client
        self._classes = classes
        self.controller = Controller("ingress-class", self.reconcile, informers=(classes,))
        self.controller.enqueue("", OWN_CLASS)
        classes.on_change(self._changed)

    def is_ours(self, ingress: Obj) -> bool:
        """Whether this controller serves it."""
        named = class_of(ingress)
        found = self._classes.get("", named) if named else None
        return found is not None and (found.get("spec") or {}).get("controller") == OWN_CONTROLLER

    def is_missing(self, ingress: Obj) -> bool:
        """Whether it names a class that there is not, so that nobody serves it."""
        named = class_of(ingress)
        return bool(named) and self._classes.get("", named or "") is None

    async def reconcile(self, key: Key) -> None:
        if self._classes.get("", key.name) is not None:
            return
        try:
            await self._client.create(INGRESS_CLASSES, own_class())
        except ApiError as error:
            if error.code != 409:
                raise

    def _changed(self, new: Obj | None, old: Obj | None) -> None:
        if new is None and old is not None and old["metadata"]["name"] == OWN_CLASS:
            self.controller.enqueue("", OWN_CLASS)
