"""What an authorizer is asked, and what it answers. Source: k8s.io/apiserver/pkg/authorization/authorizer."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from backend.meta.types import User

MASTERS = "system:masters"
"""The group that may do everything, whatever the roles say."""


class Attributes(NamedTuple):
    """One request, as far as whether it is allowed depends on it.

    For a resource: Kubernetes' request verb and the resource's address, with `namespace` "" at the cluster scope and
    `name` "" for collections and creations. For anything else `path` is the URL's, and `verb` the lower-case method.
    """

    user: User
    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


class Decision(NamedTuple):
    """`reason` says by what a request is allowed, or what was missing to tell; it may be empty."""

    allowed: bool
    reason: str = ""


ALLOWED = Decision(True)
REFUSED = Decision(False)


class Authorizer(Protocol):
    """Never waits, and never fails: what it cannot tell is refused, with the reason."""

    def authorize(self, attributes: Attributes) -> Decision: ...
