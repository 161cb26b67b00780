"""Typed values: what is in them, how two differ, how an applied configuration goes into an object and out of it.

Source: sigs.k8s.io/structured-merge-diff/typed (validate, toset, compare, merge, remove). No function changes its
arguments; results share parts with them.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

import orjson

from backend.meta.jsonvalue import go_value
from backend.meta.structured.sets import MEMBER, Tree, element_text, is_member, node
from backend.meta.structured.types import Type


class Unkeyed(ValueError):
    """An item of a list that cannot be told from others. The message is Kubernetes'."""


def item_key(item: Any, kind: Type) -> str:
    """The path element of an item of a list that is not atomic. Raises Unkeyed."""
    if not kind.keys:
        if isinstance(item, dict):
            raise Unkeyed("associative list without keys has an element that's a map type")
        if isinstance(item, list):
            raise Unkeyed("not supported: associative list with lists as elements")
        if item is None:
            raise Unkeyed("associative list without keys has an element that's an explicit null")
        return f"v:{orjson.dumps(item).decode()}"
    if item is None:
        raise Unkeyed("associative list with keys may not have a null element")
    if not isinstance(item, dict):
        raise Unkeyed("associative list with keys may not have non-map elements")
    found = {
        key: item[key] if key in item else kind.defaults[key]
        for key in kind.keys
        if key in item or key in kind.defaults
    }
    if not found:
        keys = orjson.dumps(kind.keys).decode().replace(",", " ")
        why = f"omits all key fields {keys} (and doesn't have default values for any key fields)"
        raise Unkeyed(f"associative list with keys has an element that {why}")
    return f"k:{orjson.dumps(found).decode()}"


def items_by_key(value: list[Any], kind: Type) -> dict[str, list[Any]]:
    """The items of a list by their path elements; several where a list has duplicates, as objects that were not
    applied may have. What cannot be told from others is left out."""
    found: dict[str, list[Any]] = {}
    for item in value:
        try:
            found.setdefault(item_key(item, kind), []).append(item)
        except Unkeyed:
            continue
    return found


def field_set(value: Any, kind: Type) -> Tree:
    """All fields that a configuration has: leaves, items of lists and maps, and empty structs."""
    kind = kind.resolved(value)
    if kind.form == "scalar" or kind.atomic:
        return MEMBER
    tree: Tree = {}
    if kind.form == "list":
        for key, items in items_by_key(value, kind).items() if isinstance(value, list) else ():
            assert kind.element is not None
            below = field_set(items[0], kind.element) if len(items) == 1 else {}
            tree[key] = node({".": {}, **below})
    elif isinstance(value, dict):
        for name, item in value.items():
            inner = kind.at(name)
            if inner is None:
                continue
            below = field_set(item, inner)
            if item is None or item == {} or name not in kind.fields:
                below = {".": {}, **below}
            if below:
                tree[f"f:{name}"] = node(below)
    return tree


def compare(old: Any, new: Any, kind: Type) -> tuple[Tree, Tree]:
    """(what was added or changed, what was removed) between two states of an object, {} for nothing."""
    changed, removed = _compare_map(old or {}, new or {}, kind)
    return changed or {}, removed or {}


_Changes = tuple[Tree | None, Tree | None]
"""(changed, removed) as values in trees; None for nothing."""


def _compare(old: Any, new: Any, kind: Type) -> _Changes:
    if _same(new, old):
        return None, None
    if old is None:
        return everything(new, kind), None
    if new is None:
        return None, everything(old, kind)
    before, after = kind.resolved(old), kind.resolved(new)
    if before is not after:
        return everything(new, after), everything(old, before)
    if after.form == "scalar" or after.atomic:
        return {}, None
    if after.form == "map" and isinstance(old, dict) and isinstance(new, dict):
        return _compare_map(old, new, after)
    if after.form == "list" and isinstance(old, list) and isinstance(new, list):
        return _compare_list(old, new, after)
    return everything(new, after), everything(old, before)  # of other types, which validation will refuse


def _same(one: Any, other: Any) -> bool:
    """Equal, where true is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _compare_map(old: dict[str, Any], new: dict[str, Any], kind: Type) -> _Changes:
    changed: Tree = {}
    removed: Tree = {}
    for name in new.keys() | old.keys():
        before, after = old.get(name), new.get(name)
        if _same(before, after):
            continue
        inner = kind.at(name)
        if inner is None:
            continue
        if name in kind.always and not inner.atomic:
            empty: Any = [] if inner.form == "list" else {}
            before, after = empty if before is None else before, empty if after is None else after
            if not before and not after:
                continue
        _put(changed, removed, f"f:{name}", _compare(before, after, inner))
    return changed or None, removed or None


def _compare_list(old: list[Any], new: list[Any], kind: Type) -> _Changes:
    assert kind.element is not None
    before, after = items_by_key(old, kind), items_by_key(new, kind)
    changed: Tree = {}
    removed: Tree = {}
    for key in after.keys() | before.keys():
        ours, theirs = after.get(key), before.get(key)
        if len(ours or ()) > 1 or len(theirs or ()) > 1:
            if ours != theirs:
                _put(changed, removed, key, ({}, None) if ours else (None, {}))
            continue
        pair = _compare(theirs[0] if theirs else None, ours[0] if ours else None, kind.element)
        _put(changed, removed, key, pair)
    return changed or None, removed or None


def _put(changed: Tree, removed: Tree, key: str, both: _Changes) -> None:
    if both[0] is not None:
        changed[key] = both[0]
    if both[1] is not None:
        removed[key] = both[1]


Uncounted = Mapping[str, "Uncounted | None"]
"""Names of fields that do not count, and for a field of which some do, which of its own do not."""
_ALL_COUNT: Uncounted = {}


def initial(obj: dict[str, Any], kind: Type, without: Uncounted = _ALL_COUNT) -> Tree:
    """What `compare` finds added to an object that was not there before, found faster."""
    fields, element, always = kind.fields, kind.element, kind.always
    tree: Tree = {}
    for name, value in obj.items():
        if value is None or (name in without and without[name] is None):
            continue
        inner = fields.get(name) or element
        if inner is None:
            continue
        if name not in always or inner.atomic:
            tree["f:" + name] = everything(value, inner)
        elif value:
            uncounted = without.get(name) or _ALL_COUNT
            below = initial(value, inner, uncounted) if inner.form == "map" else everything(value, inner)
            below.pop(".", None)
            if below:
                tree["f:" + name] = below
    return tree


def everything(value: Any, kind: Type) -> Tree:
    """A value that was not there before and all that is in it, as a value in a tree."""
    if not value or kind.form == "scalar" or kind.atomic:
        return {}
    if kind.form == "any":
        kind = kind.resolved(value)
        if kind.form == "scalar" or kind.atomic:
            return {}
    tree: Tree = {".": {}}
    if kind.form == "map" and isinstance(value, dict):
        fields, element = kind.fields, kind.element
        for name, item in value.items():
            inner = fields.get(name) or element
            if item is not None and inner is not None:
                tree["f:" + name] = everything(item, inner) if inner.form != "scalar" else {}
    elif kind.form == "list" and isinstance(value, list):
        assert kind.element is not None
        for key, items in items_by_key(value, kind).items():
            tree[key] = everything(items[0], kind.element) if len(items) == 1 else {}
    else:
        return {}  # of another type: a custom resource that its validation will refuse
    return tree


def merge(live: Any, config: Any, kind: Type) -> Any:
    """`live` with what `config` has. Items of a list keep the order that they have in `config`."""
    kind = kind.resolved(config)
    if kind.form == "scalar" or kind.atomic:
        return config
    if kind.form == "map":
        if not isinstance(live, dict) or not isinstance(config, dict) or not config:
            return live if config == {} and isinstance(live, dict) else config
        merged = dict(live)
        for name, item in config.items():
            inner = kind.at(name)
            assert inner is not None
            merged[name] = merge(live[name], item, inner) if name in live else item
        return merged
    if not isinstance(live, list) or not isinstance(config, list) or not config:
        return live if config == [] and isinstance(live, list) else config
    return _merge_list(live, config, kind)


def _merge_list(live: list[Any], config: list[Any], kind: Type) -> list[Any]:
    """Items of both are where `config` has them; between two of those, first what only `live` has."""
    assert kind.element is not None
    theirs = [item_key(item, kind) for item in config]
    ours = [_key_or_none(item, kind) for item in live]
    applied = dict(zip(theirs, config, strict=True))
    times = Counter(ours)
    single = {key: item for key, item in zip(ours, live, strict=True) if times[key] == 1}
    shared = deque(key for key in theirs if key in times)
    merged: list[Any] = []
    done: set[str] = set()
    left = right = 0

    def take(key: str) -> None:
        done.add(key)
        if shared and shared[0] == key:
            shared.popleft()
        assert kind.element is not None
        merged.append(merge(single[key], applied[key], kind.element) if key in single else applied[key])

    while left < len(ours) or right < len(theirs):
        mine = ours[left] if left < len(ours) else None
        if left < len(ours) and right < len(theirs):
            if mine == theirs[right]:
                take(theirs[right])
                left, right = left + 1, right + 1
                continue
            if mine in applied and shared and shared[0] != mine:
                left += 1
                continue
        if left < len(ours):
            if mine not in applied:
                merged.append(live[left])
                left += 1
                continue
            if mine in done:
                left += 1
        if right < len(theirs):
            take(theirs[right])
            right += 1
    return merged


def _key_or_none(item: Any, kind: Type) -> str | None:
    try:
        return item_key(item, kind)
    except Unkeyed:
        return None


def remove(value: Any, taken: Tree, kind: Type) -> Any:
    """`value` without the members of `taken` and what is in them; None for a list or map that is then empty."""
    kind = kind.resolved(value)
    if kind.form == "scalar" or kind.atomic:
        return None if kind.atomic else value
    if kind.form == "list":
        return _remove_items(value, taken, kind) if isinstance(value, list) else value
    if not isinstance(value, dict):
        return value
    left: dict[str, Any] = {}
    for name, item in value.items():
        below, inner = taken.get(f"f:{name}"), kind.at(name)
        if below is None or inner is None:
            left[name] = item
        elif not is_member(below):
            rest = remove(item, below, inner)
            if rest is not None:
                left[name] = rest
    return left or None


def _remove_items(value: list[Any], taken: Tree, kind: Type) -> list[Any] | None:
    assert kind.element is not None
    left: list[Any] = []
    for item in value:
        below = taken.get(_key_or_none(item, kind) or "")
        if below is None:
            left.append(item)
        elif not is_member(below):
            left.append(remove(item, below, kind.element))
    return left or None


def faults(value: Any, kind: Type, path: str = "") -> list[str]:
    """What of a configuration does not fit its type, each with its path; nothing for one that can be applied."""
    if value is None:
        return []
    kind = kind.resolved(value)
    if kind.form == "scalar":
        why = _scalar_fault(value, kind)
        return [_fault(path, why)] if why else []
    if kind.form == "map":
        if not isinstance(value, dict):
            return [_fault(path, f"expected map, got &{{{go_value(value)}}}")]
        return _map_faults(value, kind, path)
    if not isinstance(value, list):
        return [_fault(path, f"expected list, got &{{{go_value(value)}}}")]
    return _list_faults(value, kind, path)


def _fault(path: str, why: str) -> str:
    return f"{path}: {why}" if path else why


def _map_faults(value: dict[str, Any], kind: Type, path: str) -> list[str]:
    found: list[str] = []
    for name, item in value.items():
        inner, where = kind.at(name), f"{path}.{name}"
        if inner is None:
            found.append(f"{where}: field not declared in schema")
        else:
            found += faults(item, inner, where)
    return found


def _list_faults(value: list[Any], kind: Type, path: str) -> list[str]:
    assert kind.element is not None
    found: list[str] = []
    seen: set[str] = set()
    for index, item in enumerate(value):
        key = f"i:{index}"
        if not kind.atomic:
            try:
                key = item_key(item, kind)
            except Unkeyed as error:
                found.append(_fault(path, f"element {index}: {error}"))
                continue
            if key in seen:
                found.append(_fault(path, f"duplicate entries for key {element_text(key)}"))
            seen.add(key)
        found += faults(item, kind.element, path + element_text(key))
    return found


_GO_NAMES = {bool: "bool", int: "int64", float: "float64", str: "string"}


def _scalar_fault(value: Any, kind: Type) -> str:
    """Source: validateScalar."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind.scalar == "numeric":
        shown = _GO_NAMES.get(type(value)) or ("[]interface {}" if isinstance(value, list) else _GO_MAP)
        return "" if number else f"expected numeric (int or float), got {shown}"
    if kind.scalar == "string":
        return (
            ""
            if isinstance(value, str)
            else f"expected string, got &value.valueUnstructured{{Value:{_go(value)}}}"
        )
    if kind.scalar == "boolean":
        return (
            ""
            if isinstance(value, bool)
            else f"expected boolean, got &value.valueUnstructured{{Value:{_go(value)}}}"
        )
    return (
        ""
        if number or isinstance(value, (str, bool))
        else f"expected any scalar, got &value.valueUnstructured{{Value:{_go(value)}}}"
    )


_GO_MAP = "map[string]interface {}"


def _go(value: Any) -> str:
    """As Go's %#v prints decoded JSON."""
    if isinstance(value, dict):
        inner = ", ".join(f"{_go(key)}:{_go(value[key])}" for key in sorted(value))
        return f"{_GO_MAP}{{{inner}}}"
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(map(_go, value))}}}"
    if value is None:
        return "interface {}(nil)"
    return orjson.dumps(value).decode()
