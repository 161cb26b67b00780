"""Which Ingresses are ours, and the IngressClass that new ones get."""

from __future__ import annotations

from backend.machinery.client import GVR, Client
from backend.machinery.controller import Controller, Key
from backend.machinery.informer import Informer
from backend.meta.errors import ApiError
from backend.meta.types import Obj

INGRESS_CLASSES = GVR("networking.k8s.io", "v1", "ingressclasses")
CONTROLLER = "minikctl/ingress"
NAME = "minikctl"
DEFAULT = "ingressclass.kubernetes.io/is-default-class"
OLD_ANNOTATION = "kubernetes.io/ingress.class"


def class_of(ingress: Obj) -> str | None:
    """The class that an Ingress names, in its spec or in the annotation from before there was a field."""
    named = (ingress.get("spec") or {}).get("ingressClassName")
    annotated: str | None = (ingress["metadata"].get("annotations") or {}).get(OLD_ANNOTATION)
    return named if named is not None else annotated


class Classes:
    """Keeps the class `minikctl`: one that is deleted is made again, what somebody changed in it stays."""

    def __init__(self, client: Client, classes: Informer) -> None:
        self._client = client
        self._classes = classes
        self.controller = Controller("ingress-class", self.reconcile, informers=(classes,))
        self.controller.enqueue("", NAME)
        classes.on_change(self._changed)

    def is_ours(self, ingress: Obj) -> bool:
        """Whether this controller serves it."""
        named = class_of(ingress)
        found = self._classes.get("", named) if named else None
        return found is not None and (found.get("spec") or {}).get("controller") == CONTROLLER

    def is_missing(self, ingress: Obj) -> bool:
        """Whether it names a class that there is not, so that nobody serves it."""
        named = class_of(ingress)
        return bool(named) and self._classes.get("", named or "") is None

    async def reconcile(self, key: Key) -> None:
        if self._classes.get("", key.name) is not None:
            return
        wanted = {
            "metadata": {"name": key.name, "annotations": {DEFAULT: "true"}}, "spec": {"controller": CONTROLLER},
        }  # fmt: skip
        try:
            await self._client.create(INGRESS_CLASSES, wanted)
        except ApiError as error:
            if error.code != 409:
                raise

    def _changed(self, new: Obj | None, old: Obj | None) -> None:
        if new is None and old is not None and old["metadata"]["name"] == NAME:
            self.controller.enqueue("", NAME)
