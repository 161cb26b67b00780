"""What a version of a CustomResourceDefinition says beside its schema: conversion, subresources, columns, fields.

Source: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation.
"""

from __future__ import annotations

import re
from typing import Any

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj

_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_REVIEW_VERSIONS = frozenset({"v1", "v1beta1"})
_MAX_SELECTABLE = 8
_SIMPLE_PATH = re.compile(r"(\.[A-Za-z_][A-Za-z0-9_-]*|\['([^'\\]|\\.)*'\])+")


def validate_conversion(conversion: Obj, path: str) -> list[Cause]:
    strategy, webhook = conversion.get("strategy") or "", conversion.get("webhook")
    if not strategy:
        return [causes.required(f"{path}.strategy")]
    if strategy not in ("None", "Webhook"):
        return [causes.not_supported(f"{path}.strategy", strategy, ("None", "Webhook"))]
    if strategy == "None":
        if webhook is None:
            return []
        text = "should not be set when strategy is not set to Webhook"
        return [causes.forbidden(f"{path}.webhookClientConfig", text)]
    webhook = webhook or {}
    found: list[Cause] = []
    client = webhook.get("clientConfig")
    if client is None:
        found.append(causes.required(f"{path}.webhookClientConfig", "required when strategy is set to Webhook"))
    else:
        found += validate_client(client, f"{path}.webhookClientConfig")
    return [*found, *_validate_review_versions(webhook.get("conversionReviewVersions") or [], path)]


def _validate_review_versions(versions: list[str], path: str) -> list[Cause]:
    path = f"{path}.conversionReviewVersions"
    if not versions:
        return [causes.required(path)]
    found: list[Cause] = []
    for index, version in enumerate(versions):
        if version in versions[:index]:
            found.append(causes.invalid_value(f"{path}[{index}]", version, "duplicate version"))
            continue
        found += causes.each_invalid(f"{path}[{index}]", version, names.dns1035_label(version))
    if not _REVIEW_VERSIONS & {*versions}:
        found.append(causes.invalid_value(path, versions, "must include at least one of v1, v1beta1"))
    return found


def validate_client(client: Obj, path: str) -> list[Cause]:
    """A webhook's client configuration. Source: k8s.io/apiserver/pkg/util/webhook/validation.go."""
    url, service = client.get("url"), client.get("service")
    if url is not None and service is None:
        return _validate_url(url, f"{path}.url")
    if url is not None or service is None:
        return [causes.required(path, "exactly one of url or service is required")]
    found: list[Cause] = []
    for name in ("name", "namespace"):
        if not service.get(name):
            found.append(causes.required(f"{path}.service.{name}"))
    port = service.get("port", 443)
    if not 1 <= port <= 65535:
        text = "port is not valid: must be between 1 and 65535, inclusive"
        found.append(causes.invalid_value(f"{path}.service.port", port, text))
    return found


def _validate_url(url: str, path: str) -> list[Cause]:
    from urllib.parse import urlsplit

    form = "desired format: https://host[/path]"
    try:
        parts = urlsplit(url)
    except ValueError as error:
        return [causes.required(path, f"url must be a valid URL: {error}; {form}")]
    found: list[Cause] = []
    if parts.scheme != "https":
        text = f"'https' is the only allowed URL scheme; {form}"
        found.append(causes.invalid_value(path, parts.scheme, text))
    if not parts.netloc:
        found.append(causes.invalid_value(path, parts.netloc, f"host must be specified; {form}"))
    if "@" in parts.netloc:
        user = parts.netloc.rpartition("@")[0]
        found.append(causes.invalid_value(path, user, "user information is not permitted in the URL"))
    for what, text in (("fragment", parts.fragment), ("query parameters", parts.query)):
        if text:
            verb = "are" if what.endswith("s") else "is"
            found.append(causes.invalid_value(path, text, f"{what} {verb} not permitted in the URL"))
    return found


def validate_subresources(subresources: Obj, path: str) -> list[Cause]:
    scale = subresources.get("scale")
    if scale is None:
        return []
    found: list[Cause] = []
    for name, root, required in (
        ("specReplicasPath", ".spec", True),
        ("statusReplicasPath", ".status", True),
        ("labelSelectorPath", ".spec or .status", False),
    ):
        value, where = scale.get(name) or "", f"{path}.scale.{name}"
        if not value:
            if required:
                found.append(causes.required(where))
            continue
        fault = _path_fault(value)
        if fault:
            found.append(causes.invalid_value(where, value, fault))
        elif not value.startswith(tuple(f"{place}." for place in root.split(" or "))):
            found.append(causes.invalid_value(where, value, f"should be a json path under {_either(root)}"))
    return found


def _either(root: str) -> str:
    return f"either {root}" if " or " in root else root


def _path_fault(path: str) -> str:
    """Source: validateSimpleJSONPath."""
    if len(path) == 0:
        return "must not be empty"
    if not path.startswith("."):
        return "must be a simple json path starting with ."
    if path == ".":
        return 'must not be "."'
    if "[" in path:
        return "must be a simple json path in dot notation, not in array notation"
    return ""


def validate_columns(columns: list[Obj], path: str) -> list[Cause]:
    found: list[Cause] = []
    for index, column in enumerate(columns):
        where = f"{path}[{index}]"
        if not column.get("name"):
            found.append(causes.required(f"{where}.name"))
        kind, form = column.get("type") or "", column.get("format") or ""
        if not kind:
            found.append(causes.required(f"{where}.type", f"must be one of {','.join(_COLUMN_TYPES)}"))
        elif kind not in _COLUMN_TYPES:
            text = f"must be one of {','.join(_COLUMN_TYPES)}"
            found.append(causes.invalid_value(f"{where}.type", kind, text))
        if form and form not in _COLUMN_FORMATS:
            text = f"must be one of {','.join(_COLUMN_FORMATS)}"
            found.append(causes.invalid_value(f"{where}.format", form, text))
        found += _validate_column_path(column.get("jsonPath") or "", f"{where}.jsonPath")
    return found


def _validate_column_path(text: str, path: str) -> list[Cause]:
    from backend.resources.apiextensions.column_path import PathError, parse

    if not text:
        return [causes.required(path)]
    try:
        parse(text)
    except PathError as error:
        return [causes.invalid_value(path, text, str(error))]
    return []


def validate_selectable_fields(version: Obj, path: str) -> list[Cause]:
    fields = version.get("selectableFields") or []
    schema = (version.get("schema") or {}).get("openAPIV3Schema") or {}
    found: list[Cause] = []
    seen: set[str] = set()
    for index, selectable in enumerate(fields):
        text, where = selectable.get("jsonPath") or "", f"{path}[{index}].jsonPath"
        if not text:
            found.append(causes.required(where))
            continue
        if not _SIMPLE_PATH.fullmatch(text) or "[" in text:
            found.append(causes.invalid_value(where, text, "is an invalid path: does not refer to a valid field"))
            continue
        found += _validate_selectable(text, where, _schema_at(schema, text))
        if text in seen:
            found.append(causes.duplicate(where, text))
        seen.add(text)
    if len(fields) > _MAX_SELECTABLE:
        text = f"Too many: {len(fields)}: must have at most {_MAX_SELECTABLE} items"
        found.append(Cause("FieldValueTooMany", path, text))
    return found


def _validate_selectable(text: str, where: str, schema: Any) -> list[Cause]:
    if schema is None:
        return [causes.invalid_value(where, text, "is an invalid path: does not refer to a valid field")]
    if text.startswith(".metadata"):
        return [causes.invalid_value(where, text, "must not point to fields in metadata")]
    if schema.get("type") not in ("string", "boolean", "integer"):
        kinds = (
            "must point to a field of type string, boolean or integer. Enum string fields and strings with formats"
        )
        return [causes.invalid_value(where, text, f"{kinds} are allowed.")]
    return []


def _schema_at(schema: Obj, path: str) -> Any:
    found: Any = schema
    for name in path.removeprefix(".").split("."):
        found = (found.get("properties") or {}).get(name) if isinstance(found, dict) else None
    return found
