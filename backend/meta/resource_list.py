"""Amounts by name, as a container's requests or a quota's limits have them: `{"cpu": "500m", "memory": "1Gi"}`.

Amounts are canonical quantities as text. Nothing here changes its arguments. Source: k8s.io/apiserver/pkg/quota/v1.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from backend.meta import quantity

if TYPE_CHECKING:
    from fractions import Fraction

Amounts = dict[str, str]


@lru_cache(maxsize=4096)
def value(amount: str) -> Fraction:
    return quantity.parse(amount)


def amounts(texts: Mapping[str, object] | None) -> Amounts:
    """A map of an object, made canonical."""
    return {name: quantity.canonical(str(text)) for name, text in (texts or {}).items()}


def add(left: Mapping[str, str], right: Mapping[str, str]) -> Amounts:
    total = dict(left)
    for name, amount in right.items():
        total[name] = quantity.add(total[name], amount) if name in total else amount
    return total


def subtract(left: Mapping[str, str], right: Mapping[str, str]) -> Amounts:
    """What `left` has more, and nothing where it has less. Source: SubtractWithNonNegativeResult."""
    found = {}
    for name, amount in left.items():
        rest = quantity.subtract(amount, right[name]) if name in right else amount
        found[name] = "0" if rest.startswith("-") else rest
    for name in right:
        found.setdefault(name, "0")
    return found


def highest(left: Mapping[str, str], right: Mapping[str, str]) -> Amounts:
    """The larger of both, name by name."""
    found = dict(left)
    for name, amount in right.items():
        if name not in found or value(amount) > value(found[name]):
            found[name] = amount
    return found


def only(texts: Mapping[str, str], names: Container[str]) -> Amounts:
    return {name: amount for name, amount in texts.items() if name in names}


def nonzero(texts: Mapping[str, str]) -> Amounts:
    return {name: amount for name, amount in texts.items() if amount != "0"}


def exceeding(used: Mapping[str, str], most: Mapping[str, str]) -> list[str]:
    """The names, sorted, of which more is used than `most` has."""
    return sorted(name for name, amount in used.items() if name in most and value(amount) > value(most[name]))


def same(left: Mapping[str, str], right: Mapping[str, str]) -> bool:
    return left.keys() == right.keys() and all(value(left[name]) == value(right[name]) for name in left)


def show(texts: Mapping[str, str]) -> str:
    """`cpu=1,memory=1Gi`, by name. Source: prettyPrint of the quota admission."""
    return ",".join(f"{name}={texts[name]}" for name in sorted(texts))


def show_names(names: Iterable[str]) -> str:
    return ",".join(sorted(names))
