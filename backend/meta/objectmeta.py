"""The rules of metadata, the same for all kinds.

Source: k8s.io/apimachinery/pkg/api/validation (ValidateObjectMeta, ValidateObjectMetaUpdate), and for finalizers
pkg/apis/core/validation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from backend.meta import causes, names
from backend.meta.errors import Cause
from backend.meta.types import Obj

ANNOTATIONS_LIMIT = 256 * 1024
"""Bytes of all annotations of an object, keys and values."""

_STANDARD_FINALIZERS = frozenset({"kubernetes", "orphan", "foregroundDeletion"})
_PATH = "metadata"
_CONTROLLERS_TOLD = 10
"""Controllers too many that are told of: each such text shows all references."""


def validate_object_meta(
    meta: Obj, *, namespaced: bool, validate_name: Callable[[str], list[str]] | None
) -> list[Cause]:
    """The faults of a new object's metadata. `validate_name` gives its name's texts (None: any path segment).

    A generateName is checked as a prefix; the name that was generated from it is expected to be set already.
    """
    check = validate_name or names.path_segment
    found: list[Cause] = []
    generate = meta.get("generateName")
    if generate:
        texts = check(names.mask_trailing_dash(generate))
        found += causes.each_invalid(f"{_PATH}.generateName", generate, texts)
    name = meta.get("name")
    if not name:
        found.append(causes.required(f"{_PATH}.name", "name or generateName is required"))
    elif texts := check(name):
        found += causes.each_invalid(f"{_PATH}.name", name, texts)
    found += _namespace(meta.get("namespace", ""), namespaced)
    if meta.get("generation", 0) < 0:
        text = "must be greater than or equal to 0"
        found.append(causes.invalid_value(f"{_PATH}.generation", meta["generation"], text))
    found += _common(meta)
    if "finalizers" in meta:
        found += validate_finalizers(meta["finalizers"])
    return found


def validate_object_meta_update(new_meta: Obj, old_meta: Obj) -> list[Cause]:
    """The faults of changed metadata. The registry has filled in what a client may leave out."""
    found: list[Cause] = []
    if old_meta.get("deletionTimestamp"):
        found += _no_new_finalizers(new_meta.get("finalizers", ()), old_meta.get("finalizers", ()))
    if not new_meta.get("resourceVersion"):
        field = f"{_PATH}.resourceVersion"
        found.append(causes.invalid_value(field, "", "must be specified for an update"))
    if new_meta.get("generation", 0) < old_meta.get("generation", 0):
        field = f"{_PATH}.generation"
        found.append(causes.invalid_value(field, new_meta.get("generation", 0), "must not be decremented"))
    for key in ("name", "namespace", "uid"):
        value = new_meta.get(key, "")
        if value != old_meta.get(key, ""):
            found.append(causes.immutable(f"{_PATH}.{key}", value))
    for key in ("creationTimestamp", "deletionTimestamp"):
        value = new_meta.get(key)
        if value != old_meta.get(key):
            shown = _go_time(value) if value else "null"
            found.append(
                Cause("FieldValueInvalid", f"{_PATH}.{key}", f"Invalid value: {shown}: field is immutable")
            )
    value = new_meta.get("deletionGracePeriodSeconds")
    if value != old_meta.get("deletionGracePeriodSeconds"):
        found.append(causes.immutable(f"{_PATH}.deletionGracePeriodSeconds", value))
    # Finalizers are checked anew only where they changed: names that older servers took must not block an update.
    if new_meta.get("finalizers") != old_meta.get("finalizers"):
        found += validate_finalizers(new_meta.get("finalizers", ()))
    return found + _common(new_meta)


def _go_time(text: str) -> str:
    """A canonical time as Go's Time.String prints it."""
    return f"{text[:10]} {text[11:19]} +0000 UTC"


def _common(meta: Obj) -> list[Cause]:
    found: list[Cause] = []
    if "labels" in meta:
        found += validate_labels(meta["labels"], f"{_PATH}.labels")
    if "annotations" in meta:
        found += validate_annotations(meta["annotations"], f"{_PATH}.annotations")
    if "ownerReferences" in meta:
        found += _owner_references(meta["ownerReferences"])
    return found


def _namespace(namespace: str, namespaced: bool) -> list[Cause]:
    field = f"{_PATH}.namespace"
    if not namespaced:
        return [causes.forbidden(field, "not allowed on this type")] if namespace else []
    if not namespace:
        return [causes.required(field)]
    return causes.each_invalid(field, namespace, names.dns1123_label(namespace))


def validate_labels(labels: Mapping[str, str], field: str) -> list[Cause]:
    """Keys and values of labels at any path, such as a pod template's."""
    found: list[Cause] = []
    for key, value in labels.items():
        if texts := names.qualified_name(key):
            found += causes.each_invalid(field, key, texts)
        if texts := names.label_value(value):
            found += causes.each_invalid(field, value, texts)
    return found


def validate_annotations(annotations: Mapping[str, str], field: str) -> list[Cause]:
    """Keys in any case, and the size of all together."""
    found: list[Cause] = []
    size = 0
    for key, value in annotations.items():
        if texts := names.qualified_name(key.lower()):
            found += causes.each_invalid(field, key, texts)
        size += _bytes(key) + _bytes(value)
    if size > ANNOTATIONS_LIMIT:
        found.append(causes.too_long(field, ANNOTATIONS_LIMIT))
    return found


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _owner_references(references: Sequence[Obj]) -> list[Cause]:
    field = f"{_PATH}.ownerReferences"
    found: list[Cause] = []
    controller, told = "", 0
    for index, reference in enumerate(references):
        found += _owner_reference(reference, f"{field}[{index}]")
        if reference.get("controller"):
            this = f"{reference.get('kind', '')}/{reference.get('name', '')}"
            if controller:
                told += 1
                if told > _CONTROLLERS_TOLD:
                    continue
                text = (
                    "Only one reference can have Controller set to true."
                    f' Found "true" in references for {controller} and {this}'
                )
                found.append(causes.invalid_value(field, list(references), text))
            else:
                controller = this
    return found


def _owner_reference(reference: Obj, field: str) -> list[Cause]:
    found: list[Cause] = []
    api_version = reference.get("apiVersion", "")
    if not api_version.rpartition("/")[2]:
        found.append(causes.invalid_value(f"{field}.apiVersion", api_version, "version must not be empty"))
    for key in ("kind", "name", "uid"):
        if not reference.get(key):
            found.append(causes.invalid_value(f"{field}.{key}", "", "must not be empty"))
    if api_version == "v1" and reference.get("kind") == "Event":
        found.append(causes.invalid_value(field, reference, "/v1, Kind=Event is disallowed from being an owner"))
    return found


def validate_finalizers(finalizers: Sequence[str]) -> list[Cause]:
    field = f"{_PATH}.finalizers"
    found: list[Cause] = []
    for finalizer in finalizers:
        found += causes.each_invalid(field, finalizer, names.qualified_name(finalizer))
    if {"orphan", "foregroundDeletion"} <= set(finalizers):
        text = "finalizer orphan and foregroundDeletion cannot be both set"
        found.append(causes.invalid_value(field, list(finalizers), text))
    for index, finalizer in enumerate(finalizers):
        if "/" not in finalizer and finalizer not in _STANDARD_FINALIZERS:
            text = "name is neither a standard finalizer name nor is it fully qualified"
            found.append(causes.invalid_value(f"{field}[{index}]", finalizer, text))
    return found


def _no_new_finalizers(new: Sequence[str], old: Sequence[str]) -> list[Cause]:
    extra = sorted(set(new) - set(old))
    if not extra:
        return []
    shown = ", ".join(causes.go_quote(name) for name in extra)
    text = (
        f"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{shown}}}"
    )
    return [causes.forbidden(f"{_PATH}.finalizers", text)]
