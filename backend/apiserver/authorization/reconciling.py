"""The bootstrap roles and bindings are made, and mended, at every start.

What an administrator adds stays; what is missing comes back, unless the object's annotation
rbac.authorization.kubernetes.io/autoupdate is "false". A binding of another role is made anew. Sources:
pkg/registry/rbac/rest/storage_rbac.go (PostStartHook), pkg/registry/rbac/reconciliation.
"""

from __future__ import annotations

import asyncio
import copy

from backend.apiserver.authorization.bootstrap_policy import AUTOUPDATE, objects
from backend.machinery.client import GVR, Client
from backend.meta.errors import ApiError
from backend.meta.policy_rules import lacking
from backend.meta.types import Obj
from backend.resources.rbac.group import KINDS

_AT_ONCE = 16
"""Objects under way together, which the store commits as one."""

_BY_KIND = {kind.kind: GVR(kind.group, kind.version, kind.plural) for kind in KINDS}


async def reconcile_policy(client: Client) -> None:
    """`client` is a master's. Raises ApiError if the store cannot be written."""
    wanted = await asyncio.to_thread(objects)
    for start in range(0, len(wanted), _AT_ONCE):
        await asyncio.gather(*(_reconcile(client, obj) for obj in wanted[start : start + _AT_ONCE]))


async def _reconcile(client: Client, wanted: Obj) -> None:
    gvr, meta = _BY_KIND[wanted["kind"]], wanted["metadata"]
    name, namespace = meta["name"], meta.get("namespace", "")
    try:
        present = await client.get(gvr, name, namespace)
    except ApiError as error:
        if error.code != 404:
            raise
        await client.create(gvr, copy.deepcopy(wanted), namespace)
        return
    if (present["metadata"].get("annotations") or {}).get(AUTOUPDATE) == "false":
        return
    if present.get("roleRef") != wanted.get("roleRef"):
        await client.delete(gvr, name, namespace, {"preconditions": {"uid": present["metadata"]["uid"]}})
        await client.create(gvr, copy.deepcopy(wanted), namespace)
        return
    mended = mend(present, wanted)
    if mended != present:
        await client.update(gvr, mended)


def mend(present: Obj, wanted: Obj) -> Obj:
    """`present` with what it lacks of `wanted`: labels, annotations, rules, subjects."""
    mended = {**present, "metadata": dict(present["metadata"])}
    for field in ("labels", "annotations"):
        mended["metadata"][field] = {**wanted["metadata"][field], **(present["metadata"].get(field) or {})}
    if "roleRef" in wanted:
        subjects = present.get("subjects") or []
        missing = [subject for subject in wanted.get("subjects") or () if subject not in subjects]
        if missing:
            mended["subjects"] = [*subjects, *missing]
    elif "aggregationRule" in wanted:
        mended["aggregationRule"] = _mended_aggregation(present.get("aggregationRule"), wanted["aggregationRule"])
    else:
        rules = present.get("rules") or []
        missing = lacking(rules, wanted["rules"])
        if missing:
            mended["rules"] = [*rules, *missing]
    return mended


def _mended_aggregation(present: Obj | None, wanted: Obj) -> Obj:
    selectors = (present or {}).get("clusterRoleSelectors") or []
    missing = [selector for selector in wanted["clusterRoleSelectors"] if selector not in selectors]
    return {"clusterRoleSelectors": [*selectors, *missing]}
