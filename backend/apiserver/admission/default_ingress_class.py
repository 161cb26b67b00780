"""DefaultIngressClass: an ingress that names no class gets the default one.

Source: plugin/pkg/admission/network/defaultingressclass.
"""

from __future__ import annotations

from backend.apiserver.admission.attributes import Attributes, Operation
from backend.apiserver.admission.stored import Stored
from backend.resources.resource import Resource

_OF_INGRESS = "kubernetes.io/ingress.class"
_DEFAULT = "ingressclass.kubernetes.io/is-default-class"


class DefaultIngressClass:
    def __init__(self) -> None:
        self._classes = Stored("networking.k8s.io/ingressclasses/")

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return operation == "CREATE" and resource.qualified == "ingresses.networking.k8s.io" and not subresource

    async def admit(self, attributes: Attributes) -> None:
        """Of several default classes, the newest; of those, the first by name."""
        ingress = attributes.new
        annotated = _OF_INGRESS in (ingress["metadata"].get("annotations") or {})
        spec = ingress.setdefault("spec", {})
        if annotated or spec.get("ingressClassName") is not None:
            return
        entries = self._classes.entries(attributes.call.server.store)
        metas = [entry.obj["metadata"] for entry in entries]
        defaults = [meta for meta in metas if (meta.get("annotations") or {}).get(_DEFAULT) == "true"]
        if defaults:
            newest = max(meta["creationTimestamp"] for meta in defaults)
            spec["ingressClassName"] = min(
                meta["name"] for meta in defaults if meta["creationTimestamp"] == newest
            )
