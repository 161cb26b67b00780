"""The scale subresource: how many replicas an object has and should have, in one form for all kinds that have some.

Sources: ScaleREST of pkg/registry/apps/deployment/storage and of the custom resources' etcd.go, ValidateScale.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import orjson

from backend.apiserver import decoding, patching
from backend.apiserver.applying import apply_at
from backend.apiserver.call import Call, One, unstored
from backend.apiserver.updating import MAIN, Endpoint, change, check_address
from backend.machinery.client import APPLY_PATCH
from backend.meta import causes, errors, names
from backend.meta.errors import ApiError
from backend.meta.label_selector import as_selector
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource, Scale
from backend.store.api import Entry

_SCHEMA = "io.k8s.api.autoscaling.v1.Scale"
_META = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
_ABSENT = {
    "deployments.apps": "deployments/scale.apps",
    "replicasets.apps": "replicasets/scale.apps",
    "replicationcontrollers": "replicationcontrollers/scale.autoscaling",
}
"""How a 404 of a scale names it, where not as the object. Source: ScaleREST.Get of these kinds."""


def _row(scale: Obj, now: float) -> list[Any]:
    return [
        scale["metadata"]["name"], scale["spec"].get("replicas", 0), scale["status"]["replicas"],
        cells.age(scale, now),
    ]  # fmt: skip


_SCALE = Resource(
    group="autoscaling",
    version="v1",
    kind="Scale",
    plural="scales",
    singular="scale",
    namespaced=True,
    schema=_SCHEMA,
    columns=(
        NAME_COLUMN,
        Column("Desired", "integer", description="desired number of instances for the scaled object."),
        Column("Available", "integer", description="actual number of observed instances of the scaled object."),
        AGE_COLUMN,
    ),
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=lambda scale: scale.setdefault("spec", {}),
)
"""What the subresource serves. It is a kind only for patching and tables: nothing is stored of it."""


def _only_replicas(call: Call, obj: Obj) -> Obj:
    """What writes here can own. Source: the ResetFields of scales, by which replicas are tracked."""
    path = _declared(call).replicas.split(".")
    value = _find(obj, path)
    kept: Obj = {name: obj[name] for name in ("apiVersion", "kind", "metadata")}
    return kept if value is None else _with(kept, path, value)


_ENDPOINT = Endpoint(MAIN.keep, MAIN.causes, _only_replicas)


async def get_scale(call: Call) -> One:
    """Raises 404, which for some kinds names the scale."""
    entry = call.server.store.get(call.key)
    if entry is None:
        qualified = call.resource.qualified
        raise errors.not_found(_ABSENT.get(qualified, qualified), call.request.name)
    return _answer(call, entry)


async def update_scale(call: Call) -> One:
    """PUT. Without a resourceVersion the newest state is scaled, whatever it is."""
    sent = decoding.decode_as(call, _SCHEMA, "Scale", "autoscaling/v1")
    sent.setdefault("metadata", {})
    check_address(call, sent["metadata"])
    return await _change(call, lambda _old: sent)


async def patch_scale(call: Call) -> One:
    """Raises what patch raises."""
    if call.request.content_type == APPLY_PATCH:
        return await _apply(call)
    as_scale = Call(call.server, _SCALE, call.request, call.dry_run, call.warnings)
    patching.check_type(as_scale)
    return await _change(call, lambda old: patching.patched(as_scale, _scale_of(call, old)))


async def _change(call: Call, scale_of: Callable[[Entry], Obj]) -> One:
    def transform(old: Entry) -> Obj:
        scale = scale_of(old)
        _validate(call, scale, old)
        return _scaled(call, old, scale)

    return _answer(call, (await change(call, _ENDPOINT, transform)).entry)


async def _apply(call: Call) -> One:
    """A Scale that is applied is an object of which nothing but the replicas is applied."""
    scale = call.request.body if isinstance(call.request.body, dict) else {}
    decoding.identify(call, scale, "Scale", "autoscaling/v1")
    meta = scale.get("metadata")
    config: Obj = {"apiVersion": call.resource.api_version, "kind": call.resource.kind, "metadata": meta or {}}
    replicas = _find(scale, ["spec", "replicas"])
    if replicas is not None:
        config = _with(config, _declared(call).replicas.split("."), replicas)
    request = replace(call.request, body=config)
    applied = await apply_at(Call(call.server, call.resource, request, call.dry_run, call.warnings), _ENDPOINT)
    return _answer(call, applied.entry)


def _declared(call: Call) -> Scale:
    scale = call.resource.scale
    assert scale is not None, f"{call.resource.qualified} has the subresource, and does not say what it scales"
    return scale


def _answer(call: Call, entry: Entry) -> One:
    return One(_SCALE, unstored(entry.key, _scale_of(call, entry)))


def _scale_of(call: Call, entry: Entry) -> Obj:
    """Raises 500 where an object does not say how many it should have, which only a custom one can leave out."""
    declared, obj = _declared(call), entry.obj
    replicas = _find(obj, declared.replicas.split("."))
    if replicas is None:
        raise errors.internal(f'the spec replicas field ".{declared.replicas}" does not exist')
    status: Obj = {"replicas": _find(obj, declared.status_replicas.split(".")) or 0}
    selector = _selector(obj, declared)
    if selector:
        status["selector"] = selector
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: obj["metadata"][name] for name in _META if name in obj["metadata"]},
        "spec": {"replicas": replicas} if replicas else {},
        "status": status,
    }


def _selector(obj: Obj, declared: Scale) -> str:
    found = _find(obj, declared.selector.split(".")) if declared.selector else None
    if isinstance(found, str):
        return found
    if not isinstance(found, dict):
        return ""
    plain = all(isinstance(value, str) for value in found.values())
    return str(as_selector({"matchLabels": found} if plain else found))


def _validate(call: Call, scale: Obj, old: Entry) -> None:
    meta, replicas = scale.get("metadata") or {}, (scale.get("spec") or {}).get("replicas", 0)
    found = causes.nonnegative("spec.replicas", replicas)
    if found:
        raise errors.invalid("Scale.autoscaling", call.request.name, found)
    uid, own = meta.get("uid") or "", old.obj["metadata"]["uid"]
    if uid not in ("", own):
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {own}"
        raise _conflict(call, why)


def _conflict(call: Call, why: str) -> ApiError:
    plural, _, group = call.resource.qualified.partition(".")
    return errors.conflict(f"{plural}.{group}/scale" if group else f"{plural}/scale", call.request.name, why)


def _scaled(call: Call, old: Entry, scale: Obj) -> Obj:
    """A new object with the replicas and the resourceVersion that the scale has."""
    obj: Obj = orjson.loads(old.raw)
    obj["metadata"]["resourceVersion"] = (scale.get("metadata") or {}).get("resourceVersion", "")
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    return _with(obj, _declared(call).replicas.split("."), replicas)


def _find(obj: Obj, path: Sequence[str]) -> Any:
    value: Any = obj
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _with(obj: Obj, path: Sequence[str], value: Any) -> Obj:
    """A copy of `obj`, which shares what is not on the path."""
    first, *rest = path
    return {**obj, first: _with(obj.get(first) or {}, rest, value) if rest else value}
