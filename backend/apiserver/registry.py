"""The generic registry: one implementation of every verb for every kind, and the endpoints below objects."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from backend.apiserver import (
    certificates,
    componentstatus,
    creating,
    deleting,
    options,
    patching,
    reading,
    resizing,
    scaling,
    subresources,
    updating,
)
from backend.apiserver.authentication import reviews, token_request
from backend.apiserver.authorization import reviews as access
from backend.apiserver.call import Call, Result, Server
from backend.apiserver.custom.conversion import NeedsConversion
from backend.apiserver.resource_metrics import serving as resource_metrics
from backend.meta import errors
from backend.meta.types import ApiRequest
from backend.resources.resource import Resource

Verb = Callable[[Call], Awaitable[Result]]

_VERBS: dict[str, Verb] = {
    "get": reading.get,
    "list": reading.list_objects,
    "create": creating.create,
    "update": updating.update,
    "patch": patching.patch,
    "delete": deleting.delete,
    "deletecollection": deleting.delete_collection,
}

_STATUS: dict[str, Verb] = {
    "get": reading.get,
    "update": updating.update_status,
    "patch": patching.patch_status,
}

_SCALE: dict[str, Verb] = {
    "get": scaling.get_scale,
    "update": scaling.update_scale,
    "patch": scaling.patch_scale,
}

_COMMON = {"status": _STATUS, "scale": _SCALE}
"""Subresources that kinds share, but for those that have one of their own."""

_SUBRESOURCES: dict[tuple[str, str], dict[str, Verb]] = {
    ("pods", "binding"): {"create": subresources.bind},
    ("pods", "eviction"): {"create": subresources.evict},
    ("pods", "ephemeralcontainers"): {
        "get": reading.get,
        "update": subresources.update_ephemeral,
        "patch": subresources.patch_ephemeral,
    },
    ("pods", "resize"): {
        "get": reading.get,
        "update": resizing.update_resources,
        "patch": resizing.patch_resources,
    },
    ("namespaces", "finalize"): {"update": subresources.finalize},
    ("serviceaccounts", "token"): {"create": token_request.create_token},
    ("certificatesigningrequests.certificates.k8s.io", "approval"): {
        "get": reading.get,
        "update": certificates.update_approval,
        "patch": certificates.patch_approval,
    },
    ("certificatesigningrequests.certificates.k8s.io", "status"): {
        "get": reading.get,
        "update": certificates.update_status,
        "patch": certificates.patch_status,
    },
}

_ANSWERED: dict[str, Verb] = {
    "localsubjectaccessreviews.authorization.k8s.io": access.review_local_subject,
    "selfsubjectaccessreviews.authorization.k8s.io": access.review_self,
    "selfsubjectrulesreviews.authorization.k8s.io": access.review_rules,
    "subjectaccessreviews.authorization.k8s.io": access.review_subject,
    "bindings": subresources.bind_posted,
    "componentstatuses": componentstatus.look,
    "nodes.metrics.k8s.io": resource_metrics.look_at_nodes,
    "pods.metrics.k8s.io": resource_metrics.look_at_pods,
    "selfsubjectreviews.authentication.k8s.io": reviews.review_self,
    "tokenreviews.authentication.k8s.io": reviews.review_token,
}
"""Kinds of which nothing is stored, questions and measurements: whatever verb they have is answered."""

_WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


def find_resource(server: Server, request: ApiRequest) -> Resource:
    """The kind that the request is about. Raises 404 if it is not served, 405 if it has no such verb."""
    resource = server.catalog.find(request.group, request.version, request.resource)
    if resource is None:
        raise errors.page_not_found()
    if not request.subresource and request.verb not in resource.verbs:
        raise errors.method_not_allowed()
    return resource


async def serve(server: Server, request: ApiRequest, warnings: list[str]) -> Result:
    """Do what the request asks, all verbs but watch. Warnings are added even when an error is raised."""
    resource = find_resource(server, request)
    verb = _verb(resource, request)
    dry_run = request.verb in _WRITES and options.write_options(request)
    if resource.deprecated:
        warnings.append(resource.deprecated)
    call = Call(server.serving(resource), resource, request, dry_run, warnings)
    while True:
        try:
            return await verb(call)
        except NeedsConversion as needed:
            await needed.convert()


def _verb(resource: Resource, request: ApiRequest) -> Verb:
    verb: Verb | None
    if not request.subresource:
        verb = _ANSWERED.get(resource.qualified) or _VERBS.get(request.verb)
    elif request.subresource not in resource.subresources:
        raise errors.page_not_found()
    else:
        own = _SUBRESOURCES.get((resource.qualified, request.subresource))
        verbs = own if own is not None else _COMMON.get(request.subresource, {})
        verb = verbs.get(request.verb)
    if verb is None:
        raise errors.method_not_allowed()
    return verb
