"""Status errors, with the reasons, codes and texts of kube-apiserver.

Source: k8s.io/apimachinery/pkg/api/errors. `resource` below is a qualified resource, as kube-apiserver prints
it: "pods" for the core group, "deployments.apps" for others; `kind` likewise is "Pod" or "Deployment.apps".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backend.meta.types import Obj


class ApiError(Exception):
    """An answer that is a Status of kind Failure. `str(error)` is its message; `metadata` is its ListMeta."""

    def __init__(
        self, code: int, reason: str, message: str, details: Obj | None = None, metadata: Obj | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.metadata = metadata or {}

    @property
    def status(self) -> Obj:
        """The v1 Status object, as it goes over the wire."""
        status: Obj = {
            "kind": "Status", "apiVersion": "v1", "metadata": self.metadata, "status": "Failure",
            "message": self.message, "reason": self.reason,
        }  # fmt: skip
        if self.details is not None:
            status["details"] = self.details
        status["code"] = self.code
        return status


@dataclass(frozen=True, slots=True)
class Cause:
    """One field's fault, as k8s.io/apimachinery/pkg/util/validation/field.Error prints it.

    `type` is the wire reason (FieldValueInvalid, FieldValueRequired, FieldValueDuplicate, FieldValueNotSupported,
    FieldValueForbidden, FieldValueTooLong, FieldValueTooMany, FieldValueNotFound, FieldValueTypeInvalid);
    `message` is the text after the field's path, such as `Required value` or `Invalid value: "x": must be ...`.
    """

    type: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def split_qualified(qualified: str) -> tuple[str, str]:
    """`deployments.apps` -> ("deployments", "apps"); `pods` -> ("pods", "")."""
    name, _, group = qualified.partition(".")
    return name, group


def _details(name: str, kind: str, **more: Any) -> Obj:
    kind, group = split_qualified(kind)
    details: Obj = {"name": name} if name else {}
    if group:
        details["group"] = group
    details["kind"] = kind
    details.update(more)
    return details


def not_found(resource: str, name: str) -> ApiError:
    return ApiError(404, "NotFound", f'{resource} "{name}" not found', _details(name, resource))


def already_exists(resource: str, name: str) -> ApiError:
    return ApiError(409, "AlreadyExists", f'{resource} "{name}" already exists', _details(name, resource))


def conflict(resource: str, name: str, why: str) -> ApiError:
    message = f'Operation cannot be fulfilled on {resource} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(name, resource))


def modified(resource: str, name: str) -> ApiError:
    """The conflict of optimistic concurrency (a stale resourceVersion)."""
    return conflict(
        resource,
        name,
        "the object has been modified; please apply your changes to the latest version and try again",
    )


def invalid(kind: str, name: str, causes: Sequence[Cause]) -> ApiError:
    """422 with every cause; the message joins them as utilerrors.Aggregate does ([a, b] when several)."""
    texts = list(dict.fromkeys(str(cause) for cause in causes))
    joined = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    wire = [{"reason": c.type, "message": c.message, "field": c.field} for c in causes]
    message = f'{kind} "{name}" is invalid: {joined}'
    return ApiError(422, "Invalid", message, _details(name, kind, causes=wire))


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def unfit(message: str) -> ApiError:
    """400 without a reason: a fault of the request for which kube-apiserver has no code, so that it answers 500."""
    return ApiError(400, "", message)


def forbidden(resource: str, name: str, why: str) -> ApiError:
    named = f'{resource} "{name}"' if name else resource
    return ApiError(403, "Forbidden", f"{named} is forbidden: {why}", _details(name, resource))


def unauthorized() -> ApiError:
    return ApiError(401, "Unauthorized", "Unauthorized")


def expired(message: str, token: str = "") -> ApiError:
    """410: the revision or the continue token is older than what is kept. `token` continues nevertheless."""
    return ApiError(410, "Expired", message, metadata={"continue": token} if token else None)


def page_not_found() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def method_not_allowed() -> ApiError:
    message = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", message, {})


def not_acceptable(message: str) -> ApiError:
    return ApiError(406, "NotAcceptable", message)


def unsupported_media_type(message: str) -> ApiError:
    return ApiError(415, "UnsupportedMediaType", message)


def request_too_large(message: str) -> ApiError:
    return ApiError(413, "RequestEntityTooLarge", message)


def internal(message: str) -> ApiError:
    text = f"Internal error occurred: {message}"
    return ApiError(500, "InternalError", text, {"causes": [{"message": message}]})


def timeout(message: str) -> ApiError:
    """504: the client, or whoever was asked, took too long. Source: NewTimeoutError."""
    return ApiError(504, "Timeout", f"Timeout: {message}", {})


def unavailable(message: str) -> ApiError:
    return ApiError(503, "ServiceUnavailable", message)
