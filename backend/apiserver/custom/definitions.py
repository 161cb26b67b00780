"""Serves what CustomResourceDefinitions declare, for as long as they are there.

A definition is served from the moment at which it is stored: the events of the store come before the answer to
whoever wrote it. Its conditions follow within one write. Sources: the controllers of
k8s.io/apiextensions-apiserver/pkg/controller (naming, establishing, finalizer).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

from backend.apiserver import registry
from backend.apiserver.call import Server
from backend.apiserver.custom.names import is_established, set_condition, status_of, terminating
from backend.meta.errors import ApiError
from backend.meta.types import ApiRequest, Obj, User
from backend.resources.apiextensions.custom_resource_definition import CLEANUP, CUSTOM_RESOURCE_DEFINITION
from backend.store.api import Entry, SlowWatcher

_log = logging.getLogger(__name__)

_SELF = User("system:apiserver", ("system:masters",))
_AGENT = "kube-apiserver"
_AGAIN_SECONDS = 5.0
"""When instances could not be deleted, and nothing told of a change."""


class CustomDefinitions:
    """`load` serves what is stored; `run` follows, until it is cancelled."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._definitions: dict[str, Obj] = {}
        self._statuses: dict[str, Obj] = {}
        """As they should be, which they are in the store only after another write: who came first has the names."""
        self._served: dict[str, Obj] = {}
        """What is served, by the definition's name: the parts of it that matter for that."""
        self._schemas: dict[str, list[str]] = {}
        self._revision = 0
        self._cleaning: dict[str, asyncio.Task[None]] = {}
        self._settling: set[asyncio.Task[None]] = set()

    def load(self) -> None:
        snapshot = self._server.store.list(CUSTOM_RESOURCE_DEFINITION.prefix)
        self._revision = snapshot.revision
        for entry in snapshot.entries:
            name = entry.obj["metadata"]["name"]
            self._definitions[name] = entry.obj
            self._statuses[name] = entry.obj.get("status") or {}
        for definition in self._definitions.values():
            self._serve(definition)

    async def run(self) -> None:
        """Also finishes what a run before this one did not."""
        try:
            for definition in list(self._definitions.values()):
                self._settle(definition)
            while True:
                await self._follow()
        finally:
            tasks = [*self._cleaning.values(), *self._settling]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self) -> None:
        watch = self._server.store.watch(CUSTOM_RESOURCE_DEFINITION.prefix, self._revision)
        try:
            async for event in watch:
                self._revision = event.entry.revision
                try:
                    self._gone(event.entry) if event.type == "DELETED" else self._changed(event.entry)
                except Exception:  # one definition that nobody foresaw must not take the others along
                    _log.exception("cannot serve %s", event.entry.key)
        except SlowWatcher:
            self.load()
        finally:
            watch.close()

    def _changed(self, entry: Entry) -> None:
        definition = entry.obj
        self._definitions[definition["metadata"]["name"]] = definition
        self._serve(definition)
        self._settle(definition)

    def _gone(self, entry: Entry) -> None:
        name = entry.obj["metadata"]["name"]
        for known in (self._definitions, self._statuses, self._served):
            known.pop(name, None)
        self._server.catalog.replace(name, ())
        self._define(name, [])
        for other in self._group(entry.obj):
            self._serve(other)  # its names may be free now
            self._settle(other)

    def _group(self, definition: Obj) -> Iterator[Obj]:
        """The other definitions of the group."""
        name, group = definition["metadata"]["name"], definition["spec"]["group"]
        for other in list(self._definitions.values()):
            if other["spec"]["group"] == group and other["metadata"]["name"] != name:
                yield other

    def _status(self, definition: Obj) -> Obj:
        others = [self._statuses.get(other["metadata"]["name"], {}) for other in self._group(definition)]
        status = status_of(definition, others, self._server.now())
        self._statuses[definition["metadata"]["name"]] = status
        return status

    def _serve(self, definition: Obj) -> None:
        """Serve a definition as it is now, if its names are its own."""
        from backend.resources.apiextensions.kinds import kinds_of

        name = definition["metadata"]["name"]
        status = self._status(definition)
        matters = {
            "spec": definition["spec"],
            "names": status["acceptedNames"],
            "terminating": "deletionTimestamp" in definition["metadata"],
        }
        if not is_established(status) or self._served.get(name) == matters:
            return
        kinds = kinds_of({**definition, "status": status}, self._server.schemas)
        self._define(name, [kind.resource.schema for kind in kinds])
        for kind in kinds:
            self._server.schemas.define(kind.resource.schema, kind.schema)
        try:
            self._server.catalog.replace(name, [kind.resource for kind in kinds])
        except ValueError as error:
            _log.warning("%s is not served: %s", name, error)
            return
        self._served[name] = matters

    def _define(self, name: str, schemas: list[str]) -> None:
        for schema in self._schemas.pop(name, ()):
            self._server.schemas.forget(schema)
        if schemas:
            self._schemas[name] = schemas

    def _settle(self, definition: Obj) -> None:
        """Bring its status, or its end, on the way."""
        name, meta = definition["metadata"]["name"], definition["metadata"]
        if meta.get("deletionTimestamp"):
            if CLEANUP in (meta.get("finalizers") or ()) and name not in self._cleaning:
                task = asyncio.create_task(self._clean(name), name=f"clean {name}")
                self._cleaning[name] = task
                task.add_done_callback(lambda _task: self._cleaning.pop(name, None))
        elif self._status(definition) != definition.get("status"):
            task = asyncio.create_task(self._write_status(name), name=f"settle {name}")
            self._settling.add(task)
            task.add_done_callback(self._settling.discard)

    async def _write_status(self, name: str) -> None:
        definition = self._definitions.get(name)
        if definition is None or definition["metadata"].get("deletionTimestamp"):
            return
        status = self._status(definition)
        if status != definition.get("status"):
            await self._update(definition, status)

    async def _update(self, definition: Obj, status: Obj) -> None:
        """A conflict is another writer's change, whose event brings this on its way again."""
        request = self._request("update", CUSTOM_RESOURCE_DEFINITION.plural, definition["metadata"]["name"])
        request.subresource, request.body = "status", {**definition, "status": status}
        try:
            await registry.serve(self._server, request, [])
        except ApiError as error:
            if error.code not in (404, 409):
                _log.warning("the status of %s: %s", request.name, error)

    def _request(self, verb: str, plural: str, name: str = "") -> ApiRequest:
        group, version = CUSTOM_RESOURCE_DEFINITION.group, CUSTOM_RESOURCE_DEFINITION.version
        return ApiRequest(verb, group, version, plural, name=name, user=_SELF, user_agent=_AGENT)

    async def _clean(self, name: str) -> None:
        """Delete all instances, wait until they are gone, and let the definition go."""
        definition = self._definitions[name]
        status = dict(definition["status"])
        status["conditions"] = list(status.get("conditions") or ())
        in_progress = terminating("InstanceDeletionInProgress", "CustomResource deletion is in progress")
        set_condition(status["conditions"], in_progress, self._server.now())
        await self._update(definition, status)
        spec = definition["spec"]
        prefix = f"{spec['group']}/{spec['names']['plural']}/"
        while self._server.store.list(prefix).entries:
            await self._delete_instances(definition, prefix)
        await self._release(name)

    async def _delete_instances(self, definition: Obj, prefix: str) -> None:
        """Ask for the deletion of every instance, then wait for something to happen to one."""
        kinds = [kind for kind in self._server.catalog if kind.prefix == prefix]
        watch = self._server.store.watch(prefix)
        try:
            for kind in kinds[:1]:
                request = ApiRequest(
                    "deletecollection", kind.group, kind.version, kind.plural, user=_SELF, user_agent=_AGENT
                )
                await registry.serve(self._server, request, [])
            for entry in self._server.store.list(prefix).entries if not kinds else ():
                await self._server.store.delete(entry.key, revision=entry.revision)
            if self._server.store.list(prefix).entries:
                async with asyncio.timeout(_AGAIN_SECONDS):
                    await anext(aiter(watch))
        except (ApiError, TimeoutError, SlowWatcher, StopAsyncIteration) as error:
            if isinstance(error, ApiError):
                _log.warning("deleting instances of %s: %s", definition["metadata"]["name"], error)
                await asyncio.sleep(_AGAIN_SECONDS)
        finally:
            watch.close()

    async def _release(self, name: str) -> None:
        """Take the finalizer out; the last one lets it go."""
        patch_type = "application/merge-patch+json"
        while (definition := self._definitions.get(name)) is not None:
            meta = definition["metadata"]
            left = [finalizer for finalizer in meta.get("finalizers") or () if finalizer != CLEANUP]
            request = self._request("patch", CUSTOM_RESOURCE_DEFINITION.plural, name)
            request.content_type = patch_type
            request.body = {"metadata": {"finalizers": left, "resourceVersion": meta["resourceVersion"]}}
            try:
                await registry.serve(self._server, request, [])
            except ApiError as error:
                if error.code == 409:
                    await asyncio.sleep(0)
                    continue
                if error.code != 404:
                    _log.warning("%s cannot be released: %s", name, error)
            return
