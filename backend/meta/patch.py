"""JSON patch (RFC 6902) and JSON merge patch (RFC 7386) as kube-apiserver applies them, and strategic merge patch.

The two RFCs are followed where the library that kube-apiserver uses (evanphx/json-patch v4) follows them: there, a
replace may add a key, a test for null passes for a key that is absent, and an index may count from the end.
No function changes its arguments; a result may share what it did not change with them.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

from backend.meta.errors import ApiError, bad_request, request_too_large
from backend.meta.jsonvalue import clone, equal, json_type
from backend.meta.strategic import strategic_merge_patch
from backend.meta.strategic_diff import three_way_strategic, two_way_strategic
from backend.meta.types import Obj

__all__ = [
    "PatchError", "json_patch", "merge_diff", "merge_patch", "strategic_merge_patch", "three_way_merge",
    "three_way_strategic", "two_way_strategic",
]  # fmt: skip

MAX_OPERATIONS = 10_000
MAX_COPIED_BYTES = 3 * 1024 * 1024
"""JSON that the copies of one patch may add up to: each may double the document. Source: JSONPatchMaxCopyBytes."""
_INDEX = re.compile(r"[+-]?[0-9]{1,18}").fullmatch


class PatchError(ApiError):
    """A JSON patch that does not apply: 422, with kube-apiserver's text. `why` is the library's own text."""

    def __init__(self, why: str) -> None:
        message = "the server rejected our request due to an error in our request"
        super().__init__(422, "Invalid", message, {})
        self.why = why


def json_patch(doc: Any, ops: Any) -> Any:
    """`doc` after the operations. Raises ApiError 400 for what is no patch, PatchError where it does not apply."""
    fault = _not_a_patch(ops)
    if fault:
        raise bad_request(fault)
    if ops and len(ops) > MAX_OPERATIONS:
        allowed = f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(ops)}"
        raise request_too_large(f"Request entity too large: {allowed}")
    document = _Document(clone(doc))
    for op in ops or ():
        document.apply(op)
    return document.root


def _not_a_patch(ops: Any) -> str:
    """The text for a document that is no list of operations; "" for one that is, or null."""
    if ops is not None and not isinstance(ops, list):
        return f"json: cannot unmarshal {json_type(ops)} into Go value of type jsonpatch.Patch"
    for op in ops or ():
        if op is not None and not isinstance(op, dict):
            return f"json: cannot unmarshal {json_type(op)} into Go value of type jsonpatch.Operation"
    return ""


class _Document:
    """A document that operations change in place."""

    def __init__(self, root: Any) -> None:
        self.root = root
        self._copied = 0

    def apply(self, operation: Obj | None) -> None:
        op = operation or {}
        kind = op.get("op")
        run = {
            "add": self._add, "remove": self._remove, "replace": self._replace, "test": self._test,
            "move": self._move, "copy": self._copy,
        }.get(kind if isinstance(kind, str) else "")  # fmt: skip
        if run is None:
            _fail(f"Unexpected kind: {kind if isinstance(kind, str) and kind else 'unknown'}")
        path = op.get("path")
        if not isinstance(path, str):
            _fail(f"{kind} operation failed to decode path: missing value")
        run(op, path)

    def _parent(self, path: str) -> tuple[Any, str]:
        """The object or array that `path` points into (None where there is none), and the last key."""
        parts = path.split("/")
        if len(parts) < 2:
            return None, ""
        found = self.root
        for part in parts[1:-1]:
            found = _get(found, _unescape(part), absent_is_error=False)
            if not isinstance(found, (dict, list)):
                return None, ""
        return found, _unescape(parts[-1])

    def _add(self, op: Obj, path: str) -> None:
        parent, key = self._parent(path)
        if parent is None:
            _fail(f'add operation does not apply: doc is missing path: "{path}": missing value')
        _insert(parent, key, clone(op.get("value")), f"error in add for path: '{path}'")

    def _remove(self, _op: Obj, path: str) -> None:
        parent, key = self._parent(path)
        if parent is None:
            _fail(f'remove operation does not apply: doc is missing path: "{path}": missing value')
        _delete(parent, key, f"error in remove for path: '{path}'")

    def _replace(self, op: Obj, path: str) -> None:
        value = clone(op.get("value"))
        if path == "":
            self.root = value
            return
        parent, key = self._parent(path)
        if parent is None:
            _fail(f"replace operation does not apply: doc is missing path: {path}: missing value")
        if isinstance(parent, list):
            index = _index(key, len(parent))
            if index is None:
                _fail(f"replace operation does not apply: doc is missing key: {path}: missing value")
            parent[index] = value
        else:
            parent[key] = value

    def _test(self, op: Obj, path: str) -> None:
        if path == "":
            found = self.root
        else:
            parent, key = self._parent(path)
            if parent is None:
                _fail(f"test operation does not apply: is missing path: {path}: missing value")
            found = _get(parent, key, where=f"error in test for path: '{path}'")
        if not equal(found, op.get("value")):
            _fail(f"testing value {path} failed: test failed")

    def _source(self, op: Obj) -> tuple[Any, str, str]:
        source = op.get("from")
        if not isinstance(source, str):
            _fail(f"{op['op']} operation failed to decode from: operation, missing from field: missing value")
        parent, key = self._parent(source)
        if parent is None:
            _fail(f"{op['op']} operation does not apply: doc is missing from path: {source}: missing value")
        return parent, key, source

    def _move(self, op: Obj, path: str) -> None:
        parent, key, source = self._source(op)
        value = _get(parent, key, where=f"error in move for path: '{source}'")
        _delete(parent, key, f"error in move for path: '{key}'")
        self._put("move", path, value)

    def _copy(self, op: Obj, path: str) -> None:
        parent, key, source = self._source(op)
        value = _get(parent, key, where=f"error in copy for from: '{source}'")
        self._copied += _size(value)
        if self._copied > MAX_COPIED_BYTES:
            increase = f"the accumulated size increase of copy is {self._copied}"
            _fail(f"Unable to complete the copy, {increase}, exceeding the limit {MAX_COPIED_BYTES}")
        self._put("copy", path, clone(value))

    def _put(self, kind: str, path: str, value: Any) -> None:
        parent, key = self._parent(path)
        if parent is None:
            _fail(f"{kind} operation does not apply: doc is missing destination path: {path}: missing value")
        _insert(parent, key, value, f"error in {kind} for path: '{path}'")


def _size(value: Any) -> int:
    """Bytes of a value as JSON."""
    import orjson  # not at the top: the command line applies patches, too, and starts faster without it

    try:
        return len(orjson.dumps(value))
    except orjson.JSONEncodeError as error:
        _fail(str(error))  # nested too deep to be written


def _fail(why: str) -> NoReturn:
    raise PatchError(why)


def _unescape(key: str) -> str:
    if "~" not in key:
        return key
    return re.sub("~[01]", lambda match: "/" if match.group() == "~1" else "~", key)


def _index(key: str, size: int) -> int | None:
    """A position among `size` elements; a negative one counts from the end. None for what is not in range."""
    if not _INDEX(key):
        return None
    index = int(key)
    if index < 0:
        index += size
    return index if 0 <= index < size else None


def _bad_index(key: str, where: str) -> NoReturn:
    if _INDEX(key):
        _fail(f"{where}: Unable to access invalid index: {key}: invalid index referenced")
    _fail(f'{where}: strconv.Atoi: parsing "{key}": invalid syntax')


def _get(parent: Any, key: str, *, where: str = "", absent_is_error: bool = True) -> Any:
    if isinstance(parent, dict):
        return parent.get(key)
    if not isinstance(parent, list):
        return None
    index = _index(key, len(parent))
    if index is None:
        if absent_is_error:
            _bad_index(key, where)
        return None
    return parent[index]


def _insert(parent: Any, key: str, value: Any, where: str) -> None:
    if isinstance(parent, dict):
        parent[key] = value
    elif key == "-":
        parent.append(value)
    else:
        index = _index(key, len(parent) + 1)
        if index is None and not _INDEX(key):
            atoi = f'strconv.Atoi: parsing "{key}": invalid syntax'
            _fail(f"{where}: value was not a proper array index: '{key}': {atoi}")
        if index is None:
            _bad_index(key, where)
        parent.insert(index, value)


def _delete(parent: Any, key: str, where: str) -> None:
    if isinstance(parent, dict):
        if key not in parent:
            _fail(f"{where}: Unable to remove nonexistent key: {key}: missing value")
        del parent[key]
        return
    index = _index(key, len(parent))
    if index is None:
        _bad_index(key, where)
    del parent[index]


def merge_patch(doc: Any, patch: Any) -> Any:
    """`doc` after the merge patch. Raises ApiError 400 when the patch is not an object."""
    if patch is None:
        raise bad_request("Invalid JSON Patch")
    if not isinstance(patch, dict):
        what = f"json: cannot unmarshal {json_type(patch)} into Go value of type map[string]interface {{}}"
        raise bad_request(f"error decoding patch: {what}")
    return _merge(doc, patch)


def _merge(doc: Any, patch: Any) -> Any:
    if isinstance(patch, list):
        # Nulls in objects within lists are dropped too, unlike nulls that are elements.
        return [item if item is None else _merge(None, item) for item in patch]
    if not isinstance(patch, dict):
        return patch
    result = dict(doc) if isinstance(doc, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merge(result.get(key), value)
    return result


def merge_diff(original: Obj, modified: Obj) -> Obj:
    """The merge patch that turns `original` into `modified`. Neither may contain nulls."""
    patch: Obj = {key: None for key in original if key not in modified}
    for key, value in modified.items():
        old = original.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            changes = merge_diff(old, value)
            if changes:
                patch[key] = changes
        elif key not in original or not equal(old, value):
            patch[key] = value
    return patch


def three_way_merge(original: Obj, modified: Obj, current: Obj) -> Obj:
    """The merge patch of `apply` for `current`: sets what `modified` has, deletes what `original` alone had.

    Source: k8s.io/apimachinery/pkg/util/jsonmergepatch.
    """
    changes = _without_nulls(merge_diff(current, modified))
    deletions = _only_nulls(merge_diff(original, modified))
    return _overlay(changes, deletions)


def _without_nulls(patch: Obj) -> Obj:
    kept = {key: _without_nulls(value) if isinstance(value, dict) else value for key, value in patch.items()}
    return {key: value for key, value in kept.items() if value is not None and (value != {} or patch[key] == {})}


def _only_nulls(patch: Obj) -> Obj:
    kept = {key: _only_nulls(value) if isinstance(value, dict) else value for key, value in patch.items()}
    return {key: value for key, value in kept.items() if value is None or (isinstance(value, dict) and value)}


def _overlay(base: Obj, over: Obj) -> Obj:
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        result[key] = _overlay(old, value) if isinstance(value, dict) and isinstance(old, dict) else value
    return result
