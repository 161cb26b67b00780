"""The shapes that every layer shares: objects are plain JSON dicts from the wire to the disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Obj = dict[str, Any]
"""One API object, in its wire form. What comes out of a cache or a store must never be changed in place."""


@dataclass(frozen=True, slots=True)
class User:
    """Who asks. Source of the field names: authentication.k8s.io/v1 UserInfo."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Further attributes by key, which authorizers may look at; as pairs, so that a user can be a key of a dict."""

    @property
    def info(self) -> Obj:
        """authentication.k8s.io/v1 UserInfo; what is empty is left out."""
        shown: Obj = {"username": self.name}
        if self.uid:
            shown["uid"] = self.uid
        if self.groups:
            shown["groups"] = list(self.groups)
        if self.extra:
            shown["extra"] = {key: list(values) for key, values in self.extra}
        return shown


ADMIN = User("kubernetes-admin", ("system:masters", "system:authenticated"))


@dataclass(slots=True)
class ApiRequest:
    """One request for a resource, after routing and decoding and before authorization. Nobody changes it (frozen,
    it would take ten times as long to make, which is 3 % of a create).

    `verb` is Kubernetes' request verb: get, list, watch, create, update, patch, delete, deletecollection.
    `namespace` is "" for cluster-scoped resources and for requests over all namespaces; `name` is "" for
    collections. `query` has the single-valued query parameters as sent. `body` is the decoded document:
    an object, DeleteOptions for delete, or the patch document (a list for a JSON patch). `raw_body`
    is what was sent, kept where strict decoding must look for duplicate keys; None for in-process callers.
    `content_type` is the patch's media type, without parameters. `user_agent` is the header as sent: its part
    before "/" names the field manager where the query has no fieldManager.
    """

    verb: str
    group: str
    version: str
    resource: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    raw_body: bytes | None = None
    content_type: str = "application/json"
    user: User = ADMIN
    user_agent: str = ""
