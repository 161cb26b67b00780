"""v1 ConfigMap. Source: pkg/registry/core/configmap/strategy.go, ValidateConfigMap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.core.payload import MAX_BYTES, decoded_size, immutable_causes
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource

_SCHEMA = "io.k8s.api.core.v1.ConfigMap"


def _validate(config_map: Obj) -> Sequence[Cause]:
    data: dict[str, str] = config_map.get("data") or {}
    binary: dict[str, str] = config_map.get("binaryData") or {}
    found: list[Cause] = []
    size = 0
    for key, text in sorted(data.items()):
        if texts := names.config_map_key(key):
            found += causes.each_invalid(f"data[{key}]", key, texts)
        if key in binary:
            found.append(causes.invalid_value(f"data[{key}]", key, "duplicate of key present in binaryData"))
        size += len(text.encode())
    for key, encoded in sorted(binary.items()):
        if texts := names.config_map_key(key):
            found += causes.each_invalid(f"binaryData[{key}]", key, texts)
        size += decoded_size(encoded)
    if size > MAX_BYTES:
        # The limit is on both maps together, so that no field can be named: kube-apiserver prints `[]`.
        found.append(causes.too_long("[]", MAX_BYTES))
    return found


def _validate_update(config_map: Obj, old: Obj) -> Sequence[Cause]:
    return [*immutable_causes(config_map, old, ("data", "binaryData")), *_validate(config_map)]


def _row(config_map: Obj, now: float) -> list[Any]:
    count = len(config_map.get("data") or ()) + len(config_map.get("binaryData") or ())
    return [config_map["metadata"]["name"], count, cells.age(config_map, now)]


CONFIG_MAP = Resource(
    group="",
    version="v1",
    kind="ConfigMap",
    plural="configmaps",
    singular="configmap",
    namespaced=True,
    schema=_SCHEMA,
    short_names=("cm",),
    columns=(NAME_COLUMN, Column("Data", described_by=f"{_SCHEMA}.data"), AGE_COLUMN),
    row=_row,
    validate_name=names.dns1123_subdomain,
    validate=_validate,
    validate_update=_validate_update,
)
