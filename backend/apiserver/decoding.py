"""From a request's body to an object of the kind that the endpoint serves.

Sources: k8s.io/apiserver/pkg/endpoints/handlers/create.go and rest.go (transformDecodeError, checkName),
k8s.io/apimachinery/pkg/runtime/serializer/versioning and pkg/runtime/error.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import orjson

from backend.apiserver.call import Call
from backend.meta import errors
from backend.meta.duplicates import duplicate_fields
from backend.meta.errors import ApiError
from backend.meta.types import Obj

_SCHEME = "pkg/api/legacyscheme/scheme.go:30"
_META_FIELDS = (
    r'struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }'
)
_JSON_NAMES = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}


def decode(call: Call) -> Obj:
    """The body as an object of the endpoint's kind: checked against the schema, unknown fields pruned.

    Duplicate and unknown fields are refused, warned about or ignored, as the request's fieldValidation says.
    """
    body, resource = call.request.body, call.resource
    identify(call, body, resource.kind, resource.api_version)
    decoded = call.server.schemas.decode(body, resource.schema, resource.kind, resource.version)
    level = call.request.query.get("fieldValidation") or "Warn"
    if level != "Ignore":
        strict = [*_duplicates(call), *decoded.strict]
        if strict and level == "Strict":
            raise _unhandled(resource.kind, resource.version, resource.kind, strict_text(strict))
        call.warnings.extend(strict)
    return complete(call, keep_reset(body, decoded.obj))


def keep_reset(body: Obj, obj: Obj) -> Obj:
    """`obj`, decoded of `body`, with its empty list of managed fields, which resets them and decoding drops."""
    meta = body.get("metadata")
    if isinstance(meta, dict) and meta.get("managedFields") == []:
        obj["metadata"]["managedFields"] = [{}]
    return obj


def decode_as(call: Call, definition: str, kind: str, api_version: str) -> Obj:
    """The body as an object that is not of the endpoint's kind, such as a Binding or DeleteOptions."""
    identify(call, call.request.body, kind, api_version)
    version = api_version.rpartition("/")[2]
    return call.server.schemas.decode(call.request.body, definition, kind, version).obj


def complete(call: Call, obj: Obj) -> Obj:
    """Give a decoded object its identity and its defaults, in place."""
    resource = call.resource
    obj["apiVersion"], obj["kind"] = resource.api_version, resource.kind
    if obj.get("metadata") is None:
        obj["metadata"] = {}
    resource.default(obj)
    return obj


def strict_text(strict: Sequence[str]) -> str:
    return f"strict decoding error: {', '.join(strict)}"


def identify(call: Call, body: Any, kind: str, api_version: str) -> None:
    """Refuse a body that is no object of `kind` in `api_version`. What it leaves out is the endpoint's."""
    if not isinstance(body, dict):
        found = _JSON_NAMES.get(type(body), "value")
        text = f"couldn't get version/kind; json parse error: json: cannot unmarshal {found} into Go value of type"
        raise _unrecognized(call, kind, f"{text} {_META_FIELDS}")
    sent_version, sent_kind = body.get("apiVersion") or api_version, body.get("kind") or kind
    if sent_version == api_version and sent_kind == kind:
        return
    for name, value in (("apiVersion", sent_version), ("kind", sent_kind)):
        if not isinstance(value, str):
            found = _JSON_NAMES.get(type(value), "value")
            text = f"json: cannot unmarshal {found} into Go struct field .{name} of type string"
            raise _unrecognized(call, kind, f"couldn't get version/kind; json parse error: {text}")
    _refuse(call, sent_version, sent_kind, api_version, kind)


def _refuse(call: Call, sent_version: str, sent_kind: str, api_version: str, kind: str) -> NoReturn:
    group, _, version = sent_version.rpartition("/")
    if (group, version, sent_kind) not in call.server.schemas.kinds():
        why = f'no kind "{sent_kind}" is registered for version "{sent_version}" in scheme "{_SCHEME}"'
        raise _unhandled(sent_kind, version, kind, why)
    if sent_kind != kind:
        here = api_version.rpartition("/")[0].partition(".")[0] or "core"
        why = f"converting ({version}.{sent_kind}) to ({here}.{kind}): unknown conversion"
        raise _unhandled(sent_kind, version, kind, why)
    text = f"the API version in the data ({sent_version}) does not match the expected API version ({api_version})"
    raise errors.bad_request(text)


def _unhandled(sent_kind: str, version: str, kind: str, why: str) -> ApiError:
    return errors.bad_request(f'{sent_kind} in version "{version}" cannot be handled as a {kind}: {why}')


def _unrecognized(call: Call, kind: str, why: str) -> ApiError:
    sent = call.request.raw_body
    summary = _summary(orjson.dumps(call.request.body) if sent is None else sent)
    return errors.bad_request(f"the object provided is unrecognized (must be of type {kind}): {why} ({summary})")


def _summary(data: bytes, limit: int = 30) -> str:
    """Source: summarizeData."""
    more = " ..." if len(data) > limit else ""
    if not data:
        return "<empty>"
    if data.startswith(b"{"):
        return data[:limit].decode(errors="replace") + more
    return data[:limit].hex() + more


def _duplicates(call: Call) -> list[str]:
    raw = call.request.raw_body
    # Cheap and nearly always true: what was sent compactly, with each key once, is as long when it is encoded again.
    if raw is None or len(raw.rstrip()) == len(orjson.dumps(call.request.body)):
        return []
    return duplicate_fields(raw)
