"""The CEL of match conditions and policies: what it can name, and its faults.

Source: k8s.io/apiserver/pkg/admission/plugin/cel/compile.go. `authorizer` is not declared here: an expression that uses
it is not compiled when it is written, and fails when it is evaluated.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from backend.meta import causes
from backend.meta.cel import CompileError
from backend.meta.cel import compile as compile_cel
from backend.meta.cel.types import BOOL, DYN, STRING, Type, list_of, map_of, object_of
from backend.meta.errors import Cause

if TYPE_CHECKING:
    from backend.meta.cel.program import Program

_AUTHORIZER = "authorizer"


def _object(name: str, fields: Mapping[str, Type]) -> Type:
    return object_of(f"kubernetes.{name}", {field: (field, type_) for field, type_ in fields.items()})


_KIND = _object("GroupVersionKind", {"group": STRING, "version": STRING, "kind": STRING})
_RESOURCE = _object("GroupVersionResource", {"group": STRING, "version": STRING, "resource": STRING})
_USER = _object(
    "UserInfo",
    {"username": STRING, "uid": STRING, "groups": list_of(STRING), "extra": map_of(STRING, list_of(STRING))},
)
_REQUEST = _object(
    "AdmissionRequest",
    {
        "kind": _KIND, "resource": _RESOURCE, "subResource": STRING, "requestKind": _KIND,
        "requestResource": _RESOURCE, "requestSubResource": STRING, "name": STRING, "namespace": STRING,
        "operation": STRING, "userInfo": _USER, "dryRun": BOOL, "options": DYN,
    },
)  # fmt: skip
_VARIABLES: Mapping[str, Type] = {
    "object": DYN, "oldObject": DYN, "namespaceObject": DYN, "request": _REQUEST,
}  # fmt: skip


@lru_cache(maxsize=256)
def compile_condition(expression: str) -> Program:
    """Of a webhook's match condition, over object, oldObject and request. Raises CompileError."""
    return compile_cel(expression, _VARIABLES)


def validate_condition(expression: str, path: str, more: Mapping[str, Type] | None = None) -> list[Cause]:
    """The faults of an expression that must be true or false; `more` are variables beside those of all."""
    found, type_ = check(expression, path, more)
    if type_ is not None and type_.name != BOOL.name:
        found.append(causes.invalid_value(path, expression, "must evaluate to bool"))
    return found


def check(expression: str, path: str, more: Mapping[str, Type] | None = None) -> tuple[list[Cause], Type | None]:
    """The faults of any expression, and its type; None if that cannot be told."""
    if _AUTHORIZER in expression:
        return [], None
    try:
        return [], compile_cel(expression, {**_VARIABLES, **(more or {})}).type
    except CompileError as error:
        return [causes.invalid_value(path, expression, f"compilation failed: {error}")], None


def variables_type(types: Mapping[str, Type]) -> Type:
    """Of `variables`, by which expressions name a policy's own variables."""
    return _object("variables", types)
