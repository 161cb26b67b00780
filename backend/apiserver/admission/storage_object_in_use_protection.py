"""StorageObjectInUseProtection: what is deleted while somebody uses it waits, by a finalizer, until nobody does.

The controllers of backend.controllers.storage_protection take the finalizers away.
Source: plugin/pkg/admission/storage/storageobjectinuseprotection.
"""

from __future__ import annotations

from backend.apiserver.admission.attributes import Attributes, Operation
from backend.resources.resource import Resource

FINALIZERS = {
    "persistentvolumes": "kubernetes.io/pv-protection",
    "persistentvolumeclaims": "kubernetes.io/pvc-protection",
    "volumeattributesclasses.storage.k8s.io": "kubernetes.io/vac-protection",
}


class StorageObjectInUseProtection:
    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return operation == "CREATE" and resource.qualified in FINALIZERS and not subresource

    async def admit(self, attributes: Attributes) -> None:
        meta, finalizer = attributes.new["metadata"], FINALIZERS[attributes.resource.qualified]
        present = meta.get("finalizers") or []
        if finalizer not in present:
            meta["finalizers"] = [*present, finalizer]
