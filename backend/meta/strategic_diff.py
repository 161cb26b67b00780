"""Making strategic merge patches: from two states, and for `apply` from three.

Source: k8s.io/apimachinery/pkg/util/strategicpatch (CreateTwoWayMergePatch, CreateThreeWayMergePatch). There the
three-way patch is two diffs merged; here one walk finds both what to set and what to delete.
"""

from __future__ import annotations

from typing import Any

from backend.meta.fields import Field
from backend.meta.jsonvalue import equal
from backend.meta.strategic import DELETE_PRIMITIVES, DIRECTIVE, ELEMENT_ORDER, RETAIN_KEYS, FieldSource, by_key
from backend.meta.types import Obj


def two_way_strategic(original: Obj, modified: Obj, definition: str, schemas: FieldSource) -> Obj:
    """The strategic merge patch that turns `original` into `modified`; {} when they are equal,
    but for maps that are replaced as a whole."""
    return three_way_strategic(original, modified, original, definition, schemas)


def three_way_strategic(original: Obj, modified: Obj, current: Obj, definition: str, schemas: FieldSource) -> Obj:
    """The strategic merge patch of `apply` for `current`.

    It sets what `modified` has and `current` has otherwise, and deletes what `original` (what was applied the last
    time) has and `modified` has no more. What others have added to `current` stays.
    """
    return _Differ(schemas).diff(original, modified, current, definition)


class _Differ:
    def __init__(self, schemas: FieldSource) -> None:
        self._schemas = schemas

    def diff(
        self, original: Obj, modified: Obj, current: Obj, definition: str, *, retain_keys: bool = False
    ) -> Obj:
        patch: Obj = {}
        fields = self._schemas.fields(definition) if definition else {}
        for key, value in modified.items():
            present = current.get(key)
            if isinstance(value, dict) and isinstance(present, dict):
                self._diff_map(patch, key, original.get(key), value, present, fields.get(key))
            elif isinstance(value, list) and isinstance(present, list):
                self._diff_list(patch, key, original.get(key), value, present, fields.get(key))
            elif key not in current or not equal(value, present):
                patch[key] = value
        patch.update((key, None) for key in original if key not in modified)
        kept = sorted(key for key, value in modified.items() if value is not None)
        if retain_keys and kept and (patch or any(key not in modified for key in current)):
            patch[RETAIN_KEYS] = kept
        return patch

    def _diff_map(
        self, patch: Obj, key: str, original: Any, modified: Obj, current: Obj, field: Field | None
    ) -> None:
        strategy = field.patch_strategy if field is not None else ()
        if "replace" in strategy:
            # Kubernetes does not look whether it is equal: it is part of every patch.
            changes = modified
        else:
            changes = self.diff(
                original if isinstance(original, dict) else {}, modified, current,
                field.definition if field is not None and field.kind == "struct" else "",
                retain_keys="retainKeys" in strategy,
            )  # fmt: skip
        if changes:
            patch[key] = changes

    def _diff_list(
        self, patch: Obj, key: str, original: Any, modified: list[Any], current: list[Any], field: Field | None
    ) -> None:
        before = original if isinstance(original, list) else []
        if field is None or "merge" not in field.patch_strategy:
            if not equal(modified, current):
                patch[key] = modified
        elif field.merge_key:
            self._diff_items(patch, key, before, modified, current, field)
        else:
            _diff_scalars(patch, key, before, modified, current)

    def _diff_items(
        self, patch: Obj, key: str, original: list[Any], modified: list[Any], current: list[Any], field: Field
    ) -> None:
        identity = by_key(field.merge_key)
        before = {identity(item): item for item in original}
        now = {identity(item): item for item in current}
        wanted = [identity(item) for item in modified]
        changes: list[Any] = []
        for item, name in zip(modified, wanted, strict=True):
            if name not in now:
                changes.append(item)
                continue
            retain_keys = "retainKeys" in field.patch_strategy
            old = before.get(name, {})
            change = self.diff(old, item, now[name], field.definition, retain_keys=retain_keys)
            if change:
                changes.append(change | {field.merge_key: item[field.merge_key]})
        gone = [item for name, item in before.items() if name not in set(wanted)]
        changes += ({DIRECTIVE: "delete", field.merge_key: item[field.merge_key]} for item in gone)
        if changes:
            patch[key] = changes
        if (current and (changes or list(map(identity, current)) != wanted)) or gone:
            order = [{field.merge_key: item[field.merge_key]} for item in modified]
            if order:
                patch[f"{ELEMENT_ORDER}/{key}"] = order


def _diff_scalars(patch: Obj, key: str, original: list[Any], modified: list[Any], current: list[Any]) -> None:
    added = [item for item in dict.fromkeys(modified) if item not in current]
    gone = [item for item in dict.fromkeys(original) if item not in modified]
    if added:
        patch[key] = added
    if gone:
        patch[f"{DELETE_PRIMITIVES}/{key}"] = gone
    if modified and ((current and current != modified) or gone):
        patch[f"{ELEMENT_ORDER}/{key}"] = list(modified)
