"""Strategic merge patch: a merge patch that knows from the schema how the lists of a kind merge.

Source: k8s.io/apimachinery/pkg/util/strategicpatch. The order of a merged list: items of the patch as the patch (or
its $setElementOrder) orders them, the server's own items in their order, and between two of different kinds the
server's order where it knows both, else the patch's first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cmp_to_key
from typing import Any, NoReturn, Protocol

from backend.meta.errors import ApiError, bad_request, unfit
from backend.meta.fields import Field
from backend.meta.jsonvalue import go_value, json_type
from backend.meta.types import Obj

DIRECTIVE = "$patch"
RETAIN_KEYS = "$retainKeys"
DELETE_PRIMITIVES = "$deleteFromPrimitiveList"
ELEMENT_ORDER = "$setElementOrder"


class FieldSource(Protocol):
    """What of Schemas is needed here."""

    def fields(self, definition: str) -> Mapping[str, Field]: ...


def strategic_merge_patch(doc: Obj, patch: Any, definition: str, schemas: FieldSource) -> Obj:
    """`doc` after the patch; `definition` is the schema of `doc`. Raises ApiError with kube-apiserver's texts.

    Neither is changed, but the result shares with them what it has of them.
    """
    if patch is not None and not isinstance(patch, dict):
        go_type = "map[string]interface {}"
        raise bad_request(f"json: cannot unmarshal {json_type(patch)} into Go value of type {go_type}")
    return Merger(schemas).merge(doc, patch or {}, definition)


def _go_type(value: Any) -> str:
    names = {"string": "string", "bool": "bool", "number": "int64", "array": "[]interface {}"}
    return "<nil>" if value is None else names.get(json_type(value), "map[string]interface {}")


def _of_one_type(one: Any, other: Any) -> bool:
    return type(one) is type(other) or _go_type(one) == _go_type(other)


def _fail(text: str) -> NoReturn:
    raise unfit(text)


def no_merge_key(item: Any, key: str) -> NoReturn:
    _fail(f"map: {go_value(item)} does not contain declared merge key: {key}")


def _list_of(value: Any) -> list[Any]:
    if not isinstance(value, list):
        _fail(f"expected a []interface {{}}, but received a {_go_type(value)}")
    return value


class Merger:
    """Merges a patch into a copy of a document, which is as deep as the patch goes."""

    def __init__(self, schemas: FieldSource) -> None:
        self._schemas = schemas

    def field(self, definition: str, name: str) -> Field | None:
        """None within maps and free-form values, where nothing is known."""
        return self._schemas.fields(definition).get(name) if definition else None

    def merge(self, original: Obj, patch: Obj, definition: str) -> Obj:
        original = dict(original)
        if any(key.startswith("$") for key in patch):
            patch = dict(patch)
            directive = patch.get(DIRECTIVE)
            if DIRECTIVE in patch:
                if directive == "replace":
                    del patch[DIRECTIVE]
                    return patch
                if directive == "delete":
                    return {}
                _fail(f"unknown patch type: {go_value(directive)} in map: {go_value(patch)}")
            _retain_keys(original, patch)
            self._order_lists(original, patch, definition)
        for key, value in patch.items():
            name, deleting = key, False
            if key.startswith(DELETE_PRIMITIVES):
                name, deleting = _target(key, DELETE_PRIMITIVES, "primitive list"), True
            if value is None:
                original.pop(name, None)
            elif name not in original or not _of_one_type(original[name], value):
                if not deleting and not _is_directive(value):
                    original[name] = _new_value(value)
            elif isinstance(value, (dict, list)):
                self._merge_value(original, name, value, self.field(definition, name), deleting)
            else:
                original[name] = value
        return original

    def _merge_value(
        self, original: Obj, name: str, value: Obj | list[Any], field: Field | None, deleting: bool
    ) -> None:
        strategy = field.patch_strategy if field is not None else ()
        if isinstance(value, dict):
            if "replace" in strategy:
                original[name] = value
                return
            definition = field.definition if field is not None and field.kind == "struct" else ""
            original[name] = self.merge(original[name], value, definition)
        elif deleting:
            gone = {_hashable(item) for item in value}
            original[name] = [item for item in original[name] if _hashable(item) not in gone]
        elif field is not None and "merge" in strategy:
            original[name] = self._merge_list(original[name], value, field)
        else:
            original[name] = value

    def _merge_list(self, original: list[Any], patch: list[Any], field: Field) -> list[Any]:
        if not original and not patch:
            return original
        if _element_type(original, patch) != "object":
            merged = list(dict.fromkeys(original + patch))
            return order_items(merged, patch, original, _itself)
        key = field.merge_key
        if not key:
            _fail(f"cannot merge lists without merge key for {field.name}")
        original, patch = _apply_item_directives(original, patch, key)
        merged = list(original)
        places: dict[Any, int] = {}
        for index, old in enumerate(merged):
            if key in old:
                places.setdefault(_hashable(old[key]), index)
        for item in patch:
            if key not in item:
                no_merge_key(item, key)
            place = places.setdefault(_hashable(item[key]), len(merged))
            if place == len(merged):
                merged.append(_new_value(item))
            else:
                merged[place] = self.merge(merged[place], item, field.definition)
        return order_items(merged, patch, original, by_key(key))

    def _order_lists(self, original: Obj, patch: Obj, definition: str) -> None:
        """Apply the $setElementOrder directives, and the lists of the patch that they order, and take them out."""
        for directive in [key for key in patch if key.startswith(ELEMENT_ORDER)]:
            order = _list_of(patch.pop(directive))
            name = _target(directive, ELEMENT_ORDER, "setElementOrder list")
            field = self.field(definition, name)
            key = field.merge_key if field is not None else ""
            old = _list_of(original[name]) if name in original else None
            new = _list_of(patch[name]) if name in patch else None
            if new is not None:
                _check_order(new, order, key)
            if old is None and new is None:
                continue
            if new is None:
                merged = old or []
            elif old is None:
                merged = _without_directives(new)
            elif field is not None and "merge" in field.patch_strategy:
                merged = self._merge_list(old, new, field)
            else:
                merged = new
            original[name] = order_items(merged, order, old or [], by_key(key) if key else _itself)
            patch.pop(name, None)


def _retain_keys(original: Obj, patch: Obj) -> None:
    """$retainKeys lists all keys that are to stay: what else the original has goes."""
    if RETAIN_KEYS not in patch:
        return
    keys = patch.pop(RETAIN_KEYS)
    directives = (DELETE_PRIMITIVES, ELEMENT_ORDER)
    kept = {key for key in keys if isinstance(key, str)} if isinstance(keys, list) else None
    if kept is None or any(
        value is not None and key not in kept and not key.startswith(directives) for key, value in patch.items()
    ):
        raise bad_request("invalid patch format of retainKeys")
    for key in [key for key in original if key not in kept]:
        del original[key]


def _target(key: str, directive: str, what: str) -> str:
    """`$setElementOrder/containers` -> `containers`."""
    prefix, slash, name = key.partition("/")
    if prefix != directive or not slash:
        raise bad_request(f"invalid patch format of {what}")
    return name


def _apply_item_directives(original: list[Any], patch: list[Any], key: str) -> tuple[list[Any], list[Any]]:
    """Act on the items of the patch that have $patch; the rest of the patch is still to be merged."""
    rest: list[Any] = []
    gone: set[Any] = set()
    replace = False
    for item in patch:
        directive = item.get(DIRECTIVE)
        if DIRECTIVE not in item:
            rest.append(item)
        elif directive == "delete":
            if key not in item:
                no_merge_key(item, key)
            gone.add(_hashable(item[key]))
        elif directive == "replace":
            replace = True
        elif directive == "merge":
            _fail("merging lists cannot yet be specified in the patch")
        else:
            _fail(f"unknown patch type: {go_value(directive)} in map: {go_value(item)}")
    if replace:
        return [], rest
    if gone:
        original = [old for old in original if key not in old or _hashable(old[key]) not in gone]
    return original, rest


def _hashable(value: Any) -> Any:
    """What tells a JSON value from others, as a key: lists may be long."""
    return (type(value).__name__, go_value(value)) if isinstance(value, (dict, list)) else value


def _is_directive(value: Any) -> bool:
    return isinstance(value, dict) and DIRECTIVE in value


def _new_value(value: Any) -> Any:
    """What a patch adds where there was nothing: itself, without nulls, directives, and maps that have $patch."""
    return _without_nulls(_without_directives(value))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _without_nulls(item) for key, item in value.items() if item is not None}


def _without_directives(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_directives(item) for item in value if not _is_directive(item)]
    if not isinstance(value, dict):
        return value
    directives = (RETAIN_KEYS, DELETE_PRIMITIVES, ELEMENT_ORDER)
    return {
        key: _without_directives(item)
        for key, item in value.items()
        if not key.startswith(directives) and not _is_directive(item)
    }


def _element_type(*lists: list[Any]) -> str:
    """The JSON type that all elements have."""
    if all(type(item) is dict for items in lists for item in items):
        return "object" if any(lists) else ""
    types = {json_type(item) for items in lists for item in items}
    if len(types) > 1:
        _fail(f"list element types are not identical: {go_value(list(lists))}")
    if "array" in types:
        # "lists of lists are not supported", which kube-apiserver does not pass on.
        raise ApiError(422, "Invalid", "the server rejected our request due to an error in our request", {})
    return types.pop() if types else ""


Identity = Callable[[Any], Any]


def _itself(item: Any) -> Any:
    return item


def by_key(key: str) -> Identity:
    """Identifies an item by its merge key, which it must have."""

    def identity(item: Any) -> Any:
        if not isinstance(item, dict) or key not in item:
            no_merge_key(item, key)
        value = item[key]
        return go_value(value) if isinstance(value, (dict, list)) else value

    return identity


def _positions(items: list[Any], identity: Identity) -> dict[Any, int]:
    positions: dict[Any, int] = {}
    for index, item in enumerate(items):
        positions.setdefault(identity(item), index)
    return positions


def order_items(items: list[Any], order: list[Any], server: list[Any], identity: Identity) -> list[Any]:
    """Order `items`: those in `order` as there, the others as in `server`, then the two as they were in `server`."""
    wanted = _positions(order, identity)
    places = [wanted.get(identity(item)) for item in items]
    in_order = sorted((place, index) for index, place in enumerate(places) if place is not None)
    ordered = [items[index] for _, index in in_order]
    others = [item for item, place in zip(items, places, strict=True) if place is None]
    if not others:
        return ordered
    known = _positions(server, identity)
    others.sort(key=cmp_to_key(lambda a, b: _compare(known.get(identity(a)), known.get(identity(b)))))
    result: list[Any] = []
    while ordered and others:
        left, right = known.get(identity(others[0])), known.get(identity(ordered[0]))
        server_first = left is not None and right is not None and left < right
        result.append((others if server_first else ordered).pop(0))
    return result + ordered + others


def _compare(left: int | None, right: int | None) -> int:
    return left - right if left is not None and right is not None else 0


def _check_order(patch: list[Any], order: list[Any], key: str) -> None:
    """The items of a patch's list must come in the order that $setElementOrder gives, and be in it."""
    if not patch or not order:
        return
    identity = by_key(key) if key else _itself
    rest = iter([identity(item) for item in order])
    ordered = (item for item in patch if not (key and isinstance(item, dict) and item.get(DIRECTIVE) == "delete"))
    if not all(identity(item) in rest for item in ordered):
        _fail(
            f"The order in patch list:\n{go_value(patch)}\n doesn't match {ELEMENT_ORDER} list:\n{go_value(order)}\n"
        )
