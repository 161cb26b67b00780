"""get and list of componentstatuses, which are asked of the parts and not stored.

Source: pkg/registry/core/componentstatus/rest.go. The parts are of this process: what answers this request is up.
"""

from __future__ import annotations

from backend.apiserver.call import Call, Many, One, unstored
from backend.apiserver.selection import select
from backend.meta.errors import unfit
from backend.meta.types import Obj
from backend.store.api import Entry

_PARTS = ("controller-manager", "etcd-0", "scheduler")
_DEPRECATED = "v1 ComponentStatus is deprecated in v1.19+"


async def look(call: Call) -> One | Many:
    """Raises 400 for an unknown part."""
    call.warnings.append(_DEPRECATED)
    name = call.request.name
    if call.request.verb == "list":
        selection = select(call)
        entries = [entry for entry in map(_status, _PARTS) if selection.matches(entry.obj)]
        return Many(call.resource, entries, {})
    if name not in _PARTS:
        raise unfit(f"Component not found: {name}")
    return One(call.resource, _status(name))


def _status(name: str) -> Entry:
    status: Obj = {
        "kind": "ComponentStatus",
        "apiVersion": "v1",
        "metadata": {"name": name},
        "conditions": [{"type": "Healthy", "status": "True", "message": "ok"}],
    }
    return unstored(f"core/componentstatuses/{name}", status)
