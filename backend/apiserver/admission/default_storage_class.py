"""DefaultStorageClass: a claim that names no class gets the default one.

Source: plugin/pkg/admission/storage/storageclass.
"""

from __future__ import annotations

from backend.apiserver.admission.attributes import Attributes, Operation
from backend.apiserver.admission.stored import Stored
from backend.meta.types import Obj
from backend.resources.resource import Resource

_OF_CLAIM = "volume.beta.kubernetes.io/storage-class"
_DEFAULT = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")


def is_default(storage_class: Obj) -> bool:
    annotations = storage_class["metadata"].get("annotations") or {}
    return any(annotations.get(name) == "true" for name in _DEFAULT)


class DefaultStorageClass:
    def __init__(self) -> None:
        self._classes = Stored("storage.k8s.io/storageclasses/")

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return operation == "CREATE" and resource.qualified == "persistentvolumeclaims" and not subresource

    async def admit(self, attributes: Attributes) -> None:
        """Of several default classes, the newest."""
        claim = attributes.new
        annotated = _OF_CLAIM in (claim["metadata"].get("annotations") or {})
        if annotated or claim["spec"].get("storageClassName") is not None:
            return
        entries = self._classes.entries(attributes.call.server.store)
        metas = [entry.obj["metadata"] for entry in entries if is_default(entry.obj)]
        if metas:
            newest = max(meta["creationTimestamp"] for meta in metas)
            names = [meta["name"] for meta in metas if meta["creationTimestamp"] == newest]
            claim["spec"]["storageClassName"] = min(names)
