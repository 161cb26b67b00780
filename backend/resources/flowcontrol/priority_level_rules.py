"""Rules of PriorityLevelConfiguration. Source: pkg/apis/flowcontrol/validation/validation.go."""

from __future__ import annotations

import math
from collections.abc import Sequence

from backend.meta import causes
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.flowcontrol.bootstrap import MANDATORY_PRIORITY_LEVELS
from backend.resources.flowcontrol.condition_rules import validate_conditions

_TYPES = ("Exempt", "Limited")
_RESPONSES = ("Queue", "Reject")
_MAX_QUEUES = 10_000_000
_MAX_HASH_BITS = 60
"""Of shuffle sharding: a hand is dealt from one 64 bit hash. Source: k8s.io/apiserver/pkg/util/shufflesharding."""


def validate(level: Obj) -> Sequence[Cause]:
    name, spec = level["metadata"].get("name", ""), level["spec"]
    found = _validate_spec(name, spec) + _validate_mandatory(name, spec)
    return found + validate_conditions(level)


def validate_update(new: Obj, _old: Obj) -> Sequence[Cause]:
    return validate(new)


def validate_status_update(new: Obj, _old: Obj) -> Sequence[Cause]:
    return validate_conditions(new)


def _validate_mandatory(name: str, spec: Obj) -> list[Cause]:
    """catch-all stays as it is; exempt but for its shares."""
    fixed = MANDATORY_PRIORITY_LEVELS.get(name)
    if fixed is None:
        return []
    if name == "exempt":
        return [
            causes.invalid_value("spec.type", spec.get("type", ""), "must be 'Exempt'")
            for _ in range(spec.get("type") != "Exempt")
        ]
    same = spec == fixed
    return [] if same else [causes.invalid_value("spec", spec, f"spec of '{name}' must equal the fixed value")]


def _validate_spec(name: str, spec: Obj) -> list[Cause]:
    kind, exempt, limited = spec.get("type", ""), spec.get("exempt"), spec.get("limited")
    found: list[Cause] = []
    if (name == "exempt") != (kind == "Exempt"):
        detail = "type must be 'Exempt' if and only if name is 'exempt'"
        found.append(causes.invalid_value("spec.type", kind, detail))
    if kind not in _TYPES:
        return [*found, causes.not_supported("spec.type", kind, _TYPES)]
    if kind == "Exempt":
        if limited is not None:
            found.append(causes.forbidden("spec.limited", "must be nil if the type is not Limited"))
        return found + (_validate_shares(exempt, "spec.exempt", least=0) if exempt is not None else [])
    if exempt is not None:
        found.append(causes.forbidden("spec.exempt", "must be nil if the type is Limited"))
    if limited is None:
        return [*found, causes.required("spec.limited", "must not be empty when type is Limited")]
    return found + _validate_limited(limited, "spec.limited")


def _validate_limited(limited: Obj, path: str) -> list[Cause]:
    found = _validate_shares(limited, path, least=0)
    found += _validate_response(limited.get("limitResponse") or {}, f"{path}.limitResponse")
    borrowing = limited.get("borrowingLimitPercent")
    if borrowing is not None and borrowing < 0:
        detail = "if specified, must be a non-negative integer"
        found.append(causes.invalid_value(f"{path}.borrowingLimitPercent", borrowing, detail))
    return found


def _validate_shares(part: Obj, path: str, *, least: int) -> list[Cause]:
    shares, lendable = part.get("nominalConcurrencyShares", least), part.get("lendablePercent", 0)
    found: list[Cause] = []
    if shares < least:
        detail = "must be a non-negative integer"
        found.append(causes.invalid_value(f"{path}.nominalConcurrencyShares", shares, detail))
    if not 0 <= lendable <= 100:
        detail = "must be between 0 and 100, inclusive"
        found.append(causes.invalid_value(f"{path}.lendablePercent", lendable, detail))
    return found


def _validate_response(response: Obj, path: str) -> list[Cause]:
    kind, queuing = response.get("type", ""), response.get("queuing")
    if kind == "Reject":
        detail = "must be nil if limited.limitResponse.type is not Limited"
        return [causes.forbidden(f"{path}.queuing", detail)] if queuing is not None else []
    if kind != "Queue":
        return [causes.not_supported(f"{path}.type", kind, _RESPONSES)]
    if queuing is None:
        detail = "must not be empty if limited.limitResponse.type is Limited"
        return [causes.required(f"{path}.queuing", detail)]
    return _validate_queuing(queuing, f"{path}.queuing")


def _validate_queuing(queuing: Obj, path: str) -> list[Cause]:
    limit, queues, hand = (queuing.get(name, 0) for name in ("queueLengthLimit", "queues", "handSize"))
    found: list[Cause] = []
    if limit <= 0:
        found.append(causes.invalid_value(f"{path}.queueLengthLimit", limit, "must be positive"))
    if queues <= 0:
        found.append(causes.invalid_value(f"{path}.queues", queues, "must be positive"))
    elif queues > _MAX_QUEUES:
        found.append(causes.invalid_value(f"{path}.queues", queues, f"must not be greater than {_MAX_QUEUES}"))
    detail = _hand_fault(queues, hand)
    return [*found, causes.invalid_value(f"{path}.handSize", hand, detail)] if detail else found


def _hand_fault(queues: int, hand: int) -> str:
    """What is wrong with dealing `hand` of `queues`; "" if nothing is."""
    if hand <= 0:
        return "must be positive"
    if hand > queues:
        return f"should not be greater than queues ({queues})"
    bits = math.ceil(sum(math.log2(queues - dealt) for dealt in range(min(hand, _MAX_HASH_BITS + 1))))
    if bits <= _MAX_HASH_BITS:
        return ""
    return (
        f"required entropy bits of deckSize {queues} and handSize {hand}"
        f" should not be greater than {_MAX_HASH_BITS}"
    )
