"""pods/resize: more or less processor and memory for a pod's containers. Source: pkg/registry/core/pod strategy.go."""

from __future__ import annotations

from collections.abc import Sequence

from backend.apiserver.call import Call, One
from backend.apiserver.patching import patch_at
from backend.apiserver.updating import Endpoint, replace
from backend.meta.errors import Cause
from backend.meta.types import Obj
from backend.resources.core.pod_resize import keep_all_but_resources, validate_resize


def _keep(_call: Call, new: Obj, old: Obj) -> None:
    new["status"] = old.get("status") or {}
    keep_all_but_resources(new, old)


def _causes(_call: Call, new: Obj, old: Obj) -> Sequence[Cause]:
    return validate_resize(new, old)


RESIZE = Endpoint(_keep, _causes)


async def update_resources(call: Call) -> One:
    return await replace(call, RESIZE)


async def patch_resources(call: Call) -> One:
    return await patch_at(call, RESIZE)
