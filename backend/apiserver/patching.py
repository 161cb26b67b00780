"""patch, with all patch types; see applying for apply. Source: k8s.io/apiserver/pkg/endpoints/handlers/patch.go."""

from __future__ import annotations

from typing import Any

import orjson

from backend.apiserver import decoding
from backend.apiserver.applying import apply_at
from backend.apiserver.call import Call, One
from backend.apiserver.updating import MAIN, STATUS, Endpoint, change
from backend.machinery.client import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH
from backend.meta import causes, errors
from backend.meta.errors import ApiError
from backend.meta.patch import json_patch, merge_patch, strategic_merge_patch
from backend.meta.schema import Schemas
from backend.meta.types import Obj
from backend.resources.resource import Resource


async def patch(call: Call) -> One:
    return await patch_at(call, MAIN)


async def patch_status(call: Call) -> One:
    return await patch_at(call, STATUS)


async def patch_at(call: Call, endpoint: Endpoint) -> One:
    """Raises 415 for another media type, 400 and 422 as kube-apiserver does for a patch that does not fit."""
    check_type(call)
    if call.request.content_type == APPLY_PATCH:
        return await apply_at(call, endpoint)
    return await change(call, endpoint, lambda old: patched(call, old.obj))


def check_type(call: Call) -> None:
    """Raises 415 for what the kind does not take as a patch."""
    accepts = patch_types(call.resource, call.server.schemas)
    if call.request.content_type not in accepts:
        accepted = ", ".join(accepts)
        text = "the body of the request was in an unknown format - accepted media types include"
        raise errors.unsupported_media_type(f"{text}: {accepted}")


def patched(call: Call, old: Obj) -> Obj:
    """What the request's patch, any but an apply patch, makes of `old`: a new object. Warnings are those of this
    attempt, and of the kind itself."""
    call.warnings[:] = [call.resource.deprecated] if call.resource.deprecated else []
    return _decode(call, _apply(call, call.request.body, old), call.request.body)


def patch_types(resource: Resource, schemas: Schemas) -> tuple[str, ...]:
    """The media types of patches of a kind: a strategic one needs to know the Go type."""
    if resource.schema in schemas:
        return JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, APPLY_PATCH
    return JSON_PATCH, MERGE_PATCH, APPLY_PATCH


def _apply(call: Call, document: Any, old: Obj) -> Any:
    resource, media = call.resource, call.request.content_type
    if media == JSON_PATCH:
        return json_patch(old, document)
    if media == MERGE_PATCH:
        return merge_patch(old, document)
    return strategic_merge_patch(old, document, resource.schema, call.server.schemas)


def _decode(call: Call, patched: Any, document: Any) -> Obj:
    """The patched document as a new object of the kind.

    Faults are of the patch: their text shows the patched document, or the patch itself where it is strategic.
    """
    resource = call.resource
    shown = document if call.request.content_type == STRATEGIC_MERGE_PATCH else patched
    show = _go_map if call.request.content_type == STRATEGIC_MERGE_PATCH else _json
    try:
        decoding.identify(call, patched, resource.kind, resource.api_version)
        decoded = call.server.schemas.decode(patched, resource.schema, resource.kind, resource.version)
    except ApiError as error:
        why = error.message.partition(f" cannot be handled as a {resource.kind}: ")[2] or error.message
        raise _unfit(show(shown), why) from None
    level = call.request.query.get("fieldValidation") or "Warn"
    if decoded.strict and level == "Strict":
        raise _unfit(show(shown), decoding.strict_text(decoded.strict))
    if level == "Warn":
        call.warnings.extend(decoded.strict)
    return decoding.complete(call, decoding.keep_reset(patched, decoded.obj))


def _unfit(shown: str, why: str) -> ApiError:
    return errors.invalid("", "", [causes.invalid_value("patch", shown, why)])


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _go_map(value: Any) -> str:
    """As Go's %+v prints decoded JSON."""
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{_go_map(value[key])}' for key in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(map(_go_map, value))}]"
    if value is None:
        return "<nil>"
    return str(value).lower() if isinstance(value, bool) else str(value)
