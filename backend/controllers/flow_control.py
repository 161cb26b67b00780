"""The flow schemas and priority levels that every cluster has, and whether each schema's level exists.

kube-apiserver does this itself, so it is done in the API server's own name. Nothing limits requests by it.
Sources: pkg/registry/flowcontrol/{ensurer,rest}, syncFlowSchemaStatuses of k8s.io/apiserver/pkg/util/flowcontrol.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from backend.machinery.client import GVR, Client
from backend.machinery.clock import Clock, RealClock
from backend.machinery.controller import Controller, Key
from backend.machinery.informer import Informer
from backend.meta import timefmt
from backend.meta.causes import go_quote
from backend.meta.errors import ApiError
from backend.meta.types import Obj
from backend.resources.flowcontrol import bootstrap

FLOW_SCHEMAS = GVR("flowcontrol.apiserver.k8s.io", "v1", "flowschemas")
PRIORITY_LEVELS = GVR("flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations")
_AUTO_UPDATE = "apf.kubernetes.io/autoupdate-spec"


class FlowControl:
    """`run` works until it is cancelled."""

    def __init__(self, client: Client, *, clock: Clock | None = None) -> None:
        self._client = client
        self._clock = clock or RealClock()
        self._schemas = Informer(client, FLOW_SCHEMAS, clock=clock)
        self._levels = Informer(client, PRIORITY_LEVELS, clock=clock)
        informers = (self._schemas, self._levels)
        self._schema_controller = Controller(
            "flow-schema", self._reconcile_schema, clock=clock, informers=informers
        )
        self._level_controller = Controller(
            "priority-level", self._reconcile_level, clock=clock, informers=informers
        )
        self._schemas.on_change(self._schema_controller.enqueue_changed)
        self._levels.on_change(self._level_changed)

    async def run(self) -> None:
        for name in _WANTED_LEVELS:
            self._level_controller.enqueue("", name)
        for name in _WANTED_SCHEMAS:
            self._schema_controller.enqueue("", name)
        async with asyncio.TaskGroup() as group:
            for part in (self._schemas, self._levels, self._schema_controller, self._level_controller):
                group.create_task(part.run())

    def _level_changed(self, new: Obj | None, old: Obj | None) -> None:
        self._level_controller.enqueue_changed(new, old)
        if new is not None and old is not None:
            return
        for schema in self._schemas.list():
            self._schema_controller.enqueue_changed(schema, None)

    async def _reconcile_level(self, key: Key) -> None:
        await self._ensure(PRIORITY_LEVELS, key.name, self._levels.get("", key.name), _WANTED_LEVELS)

    async def _reconcile_schema(self, key: Key) -> None:
        schema = self._schemas.get("", key.name)
        if not await self._ensure(FLOW_SCHEMAS, key.name, schema, _WANTED_SCHEMAS) and schema is not None:
            await self._tell_whether_dangling(schema)

    async def _ensure(self, gvr: GVR, name: str, current: Obj | None, wanted: Mapping[str, Obj]) -> bool:
        """Make the object as every cluster has it; True if it had to be written, of which the caches will tell."""
        spec = wanted.get(name)
        if spec is None:
            return False
        if current is None:
            meta = {"name": name, "annotations": {_AUTO_UPDATE: "true"}}
            try:
                await self._client.create(gvr, {"metadata": meta, "spec": spec})
            except ApiError as error:
                if error.code != 409:
                    raise
            return True
        automatic = (current["metadata"].get("annotations") or {}).get(_AUTO_UPDATE) == "true"
        # The shares of exempt are the administrator's.
        if not automatic or current["spec"] == spec or name == "exempt":
            return False
        await self._client.update(gvr, {**current, "spec": spec})
        return True

    async def _tell_whether_dangling(self, schema: Obj) -> None:
        level = schema["spec"]["priorityLevelConfiguration"]["name"]
        condition = _dangling(level, exists=self._levels.get("", level) is not None)
        status = schema.get("status") or {}
        conditions = status.get("conditions") or []
        before: Obj = next((one for one in conditions if one.get("type") == "Dangling"), {})
        if all(before.get(field) == value for field, value in condition.items()):
            return
        changed = before.get("lastTransitionTime")
        if before.get("status") != condition["status"] or not changed:
            changed = timefmt.format_time(self._clock.now())
        others = [one for one in conditions if one.get("type") != "Dangling"]
        new = {**status, "conditions": [*others, {**condition, "lastTransitionTime": changed}]}
        try:
            await self._client.update(FLOW_SCHEMAS, {**schema, "status": new}, "status")
        except ApiError as error:
            if error.code != 404:
                raise


_WANTED_LEVELS = {**bootstrap.SUGGESTED_PRIORITY_LEVELS, **bootstrap.MANDATORY_PRIORITY_LEVELS}
_WANTED_SCHEMAS = {**bootstrap.SUGGESTED_FLOW_SCHEMAS, **bootstrap.MANDATORY_FLOW_SCHEMAS}


def _dangling(level: str, *, exists: bool) -> Obj:
    text = f"This FlowSchema references the PriorityLevelConfiguration object named {go_quote(level)}"
    if exists:
        return {"type": "Dangling", "status": "False", "reason": "Found", "message": f"{text} and it exists"}
    why = f"{text} but there is no such object"
    return {"type": "Dangling", "status": "True", "reason": "NotFound", "message": why}
