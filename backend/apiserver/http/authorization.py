"""Who may do what. Members of system:masters may do everything; others may look at discovery and nothing else.

The texts are those of k8s.io/apiserver endpoints/handlers/responsewriters.
"""

from __future__ import annotations

from backend.apiserver.http.routes import Target
from backend.meta.errors import ApiError, forbidden
from backend.meta.types import User

MASTERS = "system:masters"
DISCOVERY = ("/api", "/apis", "/openapi", "/version", "/livez", "/readyz", "/healthz")


def authorize(user: User, verb: str, target: Target) -> None:
    """Raises 403 unless the user may do `verb` on the target."""
    if MASTERS in user.groups:
        return
    resource = target.resource
    plural = f"{resource.plural}/{target.subresource}" if target.subresource else resource.plural
    scope = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
    why = f'User "{user.name}" cannot {verb} resource "{plural}" in API group "{resource.group}" {scope}'
    raise forbidden(resource.qualified, target.name, why)


def authorize_path(user: User, verb: str, path: str, discovery: bool) -> None:
    """The same for what is not a resource. `discovery`: the path is one that every user may read."""
    if MASTERS in user.groups or (discovery and verb == "get"):
        return
    raise ApiError(403, "Forbidden", f'forbidden: User "{user.name}" cannot {verb} path "{path}"', {})
