"""What admission is shown of a connection: its options, which are in the query, as an object.

Sources: ConnectResource of k8s.io/apiserver/pkg/endpoints/handlers/rest.go, PodExecOptions and its like of core/v1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from backend.apiserver.http.routes import Target
from backend.apiserver.http.subresources import SUBRESOURCES
from backend.meta.types import ApiRequest, Obj, User

if TYPE_CHECKING:
    from backend.apiserver.handler import Handler

_FLAGS = frozenset({"stdin", "stdout", "stderr", "tty"})
_TRUE = ("", "1", "t", "T", "true", "TRUE", "True")
_LISTS = frozenset({"command"})


async def admit(handler: Handler, target: Target, user: User, parameters: Sequence[tuple[str, str]]) -> None:
    """Raises ApiError where admission refuses a connection (exec, attach, portforward, proxy)."""
    resource = target.resource
    request = ApiRequest(
        "create", resource.group, resource.version, resource.plural, target.namespace, target.name,
        target.subresource, user=user,
    )  # fmt: skip
    await handler.admit_connect(request, _options(target, parameters))


def _options(target: Target, parameters: Sequence[tuple[str, str]]) -> Obj:
    kind = SUBRESOURCES[target.subresource].kind.format(target.resource.kind)
    options: Obj = {"kind": kind, "apiVersion": "v1"}
    for name, value in parameters:
        if name in _FLAGS:
            options[name] = value in _TRUE
        elif name in _LISTS:
            options.setdefault(name, []).append(value)
        elif name == "ports":
            options.setdefault(name, []).extend(int(port) for port in value.split(",") if port.isdigit())
        elif name == "container":
            options[name] = value
    if target.subresource == "proxy" and target.rest:
        options["path"] = f"/{target.rest}"
    return options
