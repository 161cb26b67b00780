"""Sets of fields, in the form that managedFields has them: trees of path elements.

A key of a tree is a path element: `f:NAME` a field, `k:{"KEY":...}` an item of a list by its keys, `v:JSON` an item of
a set, `i:N` one by its position. A member of the set is a key with an empty tree, or with "." among the tree's keys.
No function changes its arguments; results share parts with them. Source: sigs.k8s.io/structured-merge-diff/fieldpath.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from backend.meta.structured.types import Type

Tree = dict[str, Any]
Path = tuple[str, ...]

MEMBER: Tree = {".": {}}
"""A tree that is in the set itself and has nothing below; as a value in a tree it is written as {}."""


def node(tree: Tree) -> Tree:
    """A tree as it is written as a value."""
    return {} if len(tree) == 1 and "." in tree else tree


def is_member(tree: Tree) -> bool:
    """Whether the element that has this tree as its value is itself in the set."""
    return not tree or "." in tree


def union(one: Tree, other: Tree) -> Tree:
    merged = dict(one)
    for key, tree in other.items():
        mine = one.get(key)
        if mine is None:
            merged[key] = tree
        elif key != "." and (mine or tree):
            merged[key] = union(mine or MEMBER, tree or MEMBER)
    return merged


def difference(one: Tree, taken: Tree) -> Tree:
    """The members of `one` that are not in `taken`; {} when none is left."""
    left: Tree = {}
    for key, tree in one.items():
        other = taken.get(key)
        if other is None:
            left[key] = tree
        elif key != "." and (tree or other):
            rest = difference(tree or MEMBER, other or MEMBER)
            if rest:
                left[key] = node(rest)
    return left


def intersection(one: Tree, other: Tree) -> Tree:
    """The members of both; {} when there is none."""
    both: Tree = {}
    for key, tree in one.items():
        theirs = other.get(key)
        if theirs is None:
            continue
        if key == ".":
            both[key] = {}
            continue
        shared = intersection(tree or MEMBER, theirs or MEMBER)
        if shared:
            both[key] = node(shared)
    return both


def with_structs(tree: Tree, kind: Type | None) -> Tree:
    """`tree`, and every struct's field that has a member below. Source: Set.EnsureNamedFieldsAreMembers."""
    result: Tree = {}
    for key, below in tree.items():
        name = key[2:] if key.startswith("f:") else ""
        named = kind is not None and name in kind.fields
        inner = None
        if kind is not None and key != ".":
            inner = kind.at(name) if name else kind.element
            inner = inner if inner is None or inner.form != "any" else None
        full = with_structs(below, inner) if below else below
        result[key] = {".": {}, **full} if named and full else full
    return result


def members(tree: Tree, above: Path = ()) -> Iterator[Path]:
    """The paths of all members, in Kubernetes' order: those of one level before what is below them."""
    keys = sorted((key for key in tree if key != "."), key=_order)
    for key in keys:
        if is_member(tree[key]):
            yield (*above, key)
    for key in keys:
        yield from members(tree[key], (*above, key))


def has(tree: Tree, path: Path) -> bool:
    for key in path[:-1]:
        tree = tree.get(key) or {}
    return path[-1] in tree and is_member(tree[path[-1]])


_RANKS = {"f": 0, "k": 1, "v": 2, "i": 3}


def _order(key: str) -> tuple[Any, ...]:
    rank, text = _RANKS.get(key[0], 4), key[2:]
    if rank == 0 or rank == 4:
        return (rank, text)
    value = orjson.loads(text)
    if rank == 1:
        return (rank, *((name, *_value_order(item)) for name, item in sorted(value.items())))
    return (rank, *_value_order(value))


def _value_order(value: Any) -> tuple[int, Any]:
    if isinstance(value, bool):
        return 2, value
    if isinstance(value, (int, float)):
        return 0, value
    return (1, value) if isinstance(value, str) else (3, str(value))


def path_text(path: Path) -> str:
    """A path as Kubernetes prints it: `.spec.containers[name="web"].image`."""
    return "".join(map(element_text, path))


def element_text(key: str) -> str:
    kind, text = key[0], key[2:]
    if kind == "f":
        return f".{text}"
    if kind == "i":
        return f"[{text}]"
    value = orjson.loads(text)
    if kind == "k":
        return f"[{','.join(f'{name}={_text(item)}' for name, item in sorted(value.items()))}]"
    return f"[={_text(value)}]"


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()
