"""What a path that is not served asks for: an authorizer is asked about it first. Source: RequestInfoFactory of
k8s.io/apiserver/pkg/endpoints/request."""

from __future__ import annotations

from backend.apiserver.authorization.attributes import Attributes
from backend.meta.types import User

_VERBS = {
    "POST": "create", "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete",
}  # fmt: skip
_OF_COLLECTIONS = {"get": "list", "delete": "deletecollection"}
_BELOW_NAMESPACES = ("status", "finalize")


def requested(user: User, method: str, path: str) -> Attributes:
    """A resource of an API that may not exist or, for paths of no such form, the path itself."""
    prefix, *parts = path.strip("/").split("/")
    group = ""
    if prefix == "apis" and parts:
        group, *parts = parts
    if prefix not in ("api", "apis") or len(parts) < 2 or not all(parts):
        return Attributes(user, method.lower(), path=path)
    parts = parts[1:]  # without the version
    verb = _VERBS.get(method, "")
    if parts[0] == "watch" and len(parts) > 1:
        verb, parts = "watch", parts[1:]
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 1:
        namespace = parts[1]
        if len(parts) > 2 and parts[2] not in _BELOW_NAMESPACES:
            parts = parts[2:]
    resource, name, subresource = (*parts, "", "", "")[:3]
    if not name:
        verb = _OF_COLLECTIONS.get(verb, verb)
    return Attributes(user, verb, group, resource, subresource, namespace, name)
