"""What admission knows of a request. Source: Attributes of k8s.io/apiserver/pkg/admission."""

from __future__ import annotations

from typing import Any, Literal

from backend.apiserver.call import Call
from backend.meta import errors
from backend.meta.errors import ApiError
from backend.meta.types import Obj, User
from backend.resources.resource import Resource

Operation = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]


class Attributes:
    """One object on its way into the store, out of it, or through a connection.

    `obj` is the new object: mutating plugins change it in place or replace it; None for DELETE. For a subresource it
    may be of another kind than the resource (an Eviction, a Binding, PodExecOptions). `old` is the stored object, which
    nobody changes; None for CREATE and CONNECT. `name` is "" where the server is yet to choose one, and for the members
    of a deleted collection. `options` is the request's own (CreateOptions, DeleteOptions...), as sent. `again` asks
    for a second round of the mutating plugins, in which `is_again` is true; `marks` is what plugins remember between
    calls, by their own names.
    """

    __slots__ = ("again", "call", "is_again", "marks", "name", "namespace", "obj", "old", "operation", "options")

    def __init__(
        self,
        call: Call,
        operation: Operation,
        obj: Obj | None,
        old: Obj | None = None,
        *,
        name: str | None = None,
        options: Obj | None = None,
    ) -> None:
        self.call = call
        self.operation = operation
        self.obj = obj
        self.old = old
        self.options = options
        self.again = self.is_again = False
        self.marks: dict[str, Any] | None = None
        request = call.request
        if name is None:
            name = request.name
            if not name and obj is not None:
                name = (obj.get("metadata") or {}).get("name") or ""
        self.name = name
        self.namespace = request.namespace
        if not request.namespace and request.resource == "namespaces" and not request.group:
            self.namespace = name  # a namespace is taken to be in itself

    @property
    def resource(self) -> Resource:
        return self.call.resource

    @property
    def subresource(self) -> str:
        return self.call.request.subresource

    @property
    def user(self) -> User:
        return self.call.request.user

    @property
    def dry_run(self) -> bool:
        return self.call.dry_run

    @property
    def new(self) -> Obj:
        """`obj`, for plugins that handle no operation without one."""
        assert self.obj is not None
        return self.obj

    def forbidden(self, why: str) -> ApiError:
        """403 about the object. Source: NewForbidden of pkg/admission/errors.go."""
        name = self.name
        if self.obj is not None:
            meta = self.obj.get("metadata") or {}
            name = meta.get("name") or meta.get("generateName") or name
        return errors.forbidden(self.resource.qualified, name or "Unknown", why)
