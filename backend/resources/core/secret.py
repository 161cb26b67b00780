"""v1 Secret. Source: pkg/registry/core/secret/strategy.go, ValidateSecret, SetDefaults_Secret."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import orjson

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources import cells
from backend.resources.core.payload import MAX_BYTES, decoded_size, immutable_causes
from backend.resources.resource import AGE_COLUMN, NAME_COLUMN, Column, Resource

_SCHEMA = "io.k8s.api.core.v1.Secret"
_SERVICE_ACCOUNT_NAME = "kubernetes.io/service-account.name"
_DOCKER_CONFIG_KEYS = {
    "kubernetes.io/dockercfg": ".dockercfg",
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
}


def _default(secret: Obj) -> None:
    """Type Opaque; stringData, which is only ever written, goes into data and wins over it."""
    if not secret.get("type"):
        secret["type"] = "Opaque"
    texts: dict[str, str] = secret.pop("stringData", None) or {}
    if texts:
        data = dict(secret.get("data") or {})
        data.update((key, base64.b64encode(text.encode()).decode()) for key, text in texts.items())
        secret["data"] = data


def _validate(secret: Obj) -> Sequence[Cause]:
    data: dict[str, str] = secret.get("data") or {}
    found: list[Cause] = []
    size = 0
    for key, encoded in sorted(data.items()):
        if texts := names.config_map_key(key):
            found += causes.each_invalid(f"data[{key}]", key, texts)
        size += decoded_size(encoded)
    if size > MAX_BYTES:
        found.append(causes.too_long("data", MAX_BYTES))
    return found + _validate_type(secret["type"], secret, data)


def _validate_type(secret_type: str, secret: Obj, data: dict[str, str]) -> list[Cause]:
    """The keys that a type prescribes."""
    if secret_type in _DOCKER_CONFIG_KEYS:
        return _validate_docker_config(_DOCKER_CONFIG_KEYS[secret_type], data)
    if secret_type == "kubernetes.io/service-account-token":
        annotations = secret["metadata"].get("annotations") or {}
        path = f"metadata.annotations[{_SERVICE_ACCOUNT_NAME}]"
        return [] if annotations.get(_SERVICE_ACCOUNT_NAME) else [causes.required(path)]
    if secret_type == "kubernetes.io/basic-auth":
        if "username" in data or "password" in data:
            return []
        return [causes.required("data[username]"), causes.required("data[password]")]
    if secret_type == "kubernetes.io/ssh-auth":
        return [] if data.get("ssh-privatekey") else [causes.required("data[ssh-privatekey]")]
    if secret_type == "kubernetes.io/tls":
        return [causes.required(f"data[{key}]") for key in ("tls.crt", "tls.key") if key not in data]
    return []


def _validate_docker_config(key: str, data: dict[str, str]) -> list[Cause]:
    if key not in data:
        return [causes.required(f"data[{key}]")]
    try:
        config = orjson.loads(base64.b64decode(data[key]))
    except ValueError as error:
        return [causes.invalid_value(f"data[{key}]", "<secret contents redacted>", _json_fault(error, data[key]))]
    if config is None or isinstance(config, dict):
        return []
    kind = {str: "string", bool: "bool", list: "array"}.get(type(config), "number")
    fault = f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
    return [causes.invalid_value(f"data[{key}]", "<secret contents redacted>", fault)]


def _json_fault(error: ValueError, encoded: str) -> str:
    """What Go's encoding/json says of the first byte that no JSON document continues with."""
    text = base64.b64decode(encoded).decode(errors="replace")
    position = getattr(error, "pos", len(text))
    if not text[position:].strip():
        return "unexpected end of JSON input"
    start = len(text) - len(text.lstrip())
    where = "looking for beginning of value" if position == start else "after top-level value"
    char = "\\'" if text[position] == "'" else text[position]
    return f"invalid character '{char}' {where}"


def _validate_update(secret: Obj, old: Obj) -> Sequence[Cause]:
    found: list[Cause] = []
    if secret["type"] != old["type"]:
        found.append(causes.immutable("type", secret["type"]))
    return [*found, *immutable_causes(secret, old, ("data",)), *_validate(secret)]


def _row(secret: Obj, now: float) -> list[Any]:
    return [secret["metadata"]["name"], secret["type"], len(secret.get("data") or ()), cells.age(secret, now)]


SECRET = Resource(
    group="",
    version="v1",
    kind="Secret",
    plural="secrets",
    singular="secret",
    namespaced=True,
    schema=_SCHEMA,
    columns=(
        NAME_COLUMN,
        Column("Type", described_by=f"{_SCHEMA}.type"),
        Column("Data", described_by=f"{_SCHEMA}.data"),
        AGE_COLUMN,
    ),
    row=_row,
    validate_name=names.dns1123_subdomain,
    default=_default,
    validate=_validate,
    validate_update=_validate_update,
    selectable=lambda secret: {"type": secret.get("type", "")},
    selectable_names=frozenset({"type"}),
    encrypted=True,
)
