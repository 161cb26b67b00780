"""certificatesigningrequests/status and /approval. Source: pkg/registry/certificates/certificates/strategy.go.

Who approves does not sign, and who signs does not approve: each endpoint keeps the other's part of the status.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.apiserver.call import Call, One
from backend.apiserver.patching import patch_at
from backend.apiserver.updating import STATUS, Endpoint, replace
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.certificates import request_rules

_APPROVAL = ("Approved", "Denied")


def _keep_for_signing(call: Call, new: Obj, old: Obj) -> None:
    STATUS.keep(call, new, old)
    status, before = dict(new.get("status") or {}), (old.get("status") or {}).get("conditions") or []
    kept = [condition for condition in before if condition.get("type") in _APPROVAL]
    others = [condition for condition in status.get("conditions") or [] if condition.get("type") not in _APPROVAL]
    new["status"] = _with_conditions(status, [*kept, *_timed(others, before, call.server.now())])


def _keep_for_approval(call: Call, new: Obj, old: Obj) -> None:
    STATUS.keep(call, new, old)
    status = old.get("status") or {}
    sent = (new.get("status") or {}).get("conditions") or []
    new["status"] = _with_conditions(dict(status), _timed(sent, status.get("conditions") or [], call.server.now()))


def _with_conditions(status: Obj, conditions: list[Obj]) -> Obj:
    status.pop("conditions", None)
    return {**status, "conditions": conditions} if conditions else status


def _timed(conditions: Sequence[Obj], before: Sequence[Obj], now: str) -> list[Obj]:
    """With the times that the sender left out: a condition that is as it was keeps its lastTransitionTime."""
    since = {
        (condition.get("type"), condition.get("status")): condition["lastTransitionTime"]
        for condition in before
        if condition.get("lastTransitionTime")
    }
    return [
        {
            **condition,
            "lastUpdateTime": condition.get("lastUpdateTime") or now,
            "lastTransitionTime": condition.get("lastTransitionTime")
            or since.get((condition.get("type"), condition.get("status")), now),
        }
        for condition in conditions
    ]


def _approval_causes(_call: Call, new: Obj, old: Obj) -> Sequence[Cause]:
    return request_rules.validate_approval_update(new, old)


_SIGNING = Endpoint(_keep_for_signing, STATUS.causes, STATUS.owned)
_APPROVING = Endpoint(_keep_for_approval, _approval_causes, STATUS.owned)


async def update_status(call: Call) -> One:
    return await replace(call, _SIGNING)


async def patch_status(call: Call) -> One:
    return await patch_at(call, _SIGNING)


async def update_approval(call: Call) -> One:
    return await replace(call, _APPROVING)


async def patch_approval(call: Call) -> One:
    return await patch_at(call, _APPROVING)
