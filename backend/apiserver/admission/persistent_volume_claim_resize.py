"""PersistentVolumeClaimResize: a claim grows only if it is bound and its class allows it.

Source: plugin/pkg/admission/storage/persistentvolume/resize.
"""

from __future__ import annotations

from backend.apiserver.admission.attributes import Attributes, Operation
from backend.meta import resource_list
from backend.meta.types import Obj
from backend.resources.core.storage_cells import storage_class_of
from backend.resources.resource import Resource


class PersistentVolumeClaimResize:
    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return operation == "UPDATE" and resource.qualified == "persistentvolumeclaims" and not subresource

    async def validate(self, attributes: Attributes) -> None:
        old, new = attributes.old, attributes.new
        if old is None or not resource_list.exceeding(_requests(new), {"storage": "0"} | _requests(old)):
            return
        if (old.get("status") or {}).get("phase") != "Bound":
            raise attributes.forbidden("only bound persistent volume claims can be expanded")
        name = storage_class_of(new)
        entry = attributes.call.server.store.get(f"storage.k8s.io/storageclasses/{name}") if name else None
        if entry is None or not entry.obj.get("allowVolumeExpansion"):
            text = (
                "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must"
                " support resize"
            )
            raise attributes.forbidden(text)


def _requests(claim: Obj) -> resource_list.Amounts:
    return resource_list.amounts((claim["spec"].get("resources") or {}).get("requests"))
