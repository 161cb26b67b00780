"""NamespaceLifecycle: nothing is made in a namespace that is not there or is going away, and some namespaces stay.

Source: k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle.
"""

from __future__ import annotations

from backend.apiserver.admission.attributes import Attributes, Operation
from backend.meta import errors
from backend.resources.resource import Resource

IMMORTAL = frozenset({"default", "kube-system", "kube-public"})
_ACCESS_REVIEWS = "localsubjectaccessreviews.authorization.k8s.io"


def _is_namespace(resource: Resource) -> bool:
    return resource.plural == "namespaces" and not resource.group


class NamespaceLifecycle:
    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        if operation == "DELETE":
            return _is_namespace(resource)
        return operation == "CREATE" and resource.namespaced and resource.qualified != _ACCESS_REVIEWS

    async def admit(self, attributes: Attributes) -> None:
        if attributes.operation == "DELETE":
            if attributes.name in IMMORTAL:
                raise errors.forbidden("namespaces", attributes.name, "this namespace may not be deleted")
            return
        namespace = attributes.namespace
        entry = attributes.call.server.store.get(f"core/namespaces/{namespace}")
        if entry is None:
            raise errors.not_found("namespaces", namespace)
        if (entry.obj.get("status") or {}).get("phase") != "Terminating":
            return
        why = f"unable to create new content in namespace {namespace} because it is being terminated"
        error = attributes.forbidden(why)
        cause = {
            "reason": "NamespaceTerminating",
            "message": f"namespace {namespace} is being terminated",
            "field": "metadata.namespace",
        }
        error.details = {**(error.details or {}), "causes": [cause]}
        raise error
