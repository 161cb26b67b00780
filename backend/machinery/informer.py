"""A local, always current copy of a collection, and a call for each change of it.

Guarantees, as client-go's SharedInformer gives them: handlers see every object's changes in order; states in
between may be skipped after a lost watch; once `synced` is set the cache has been as new as one list of the
server. Handlers run on the event loop and must not wait: they enqueue keys. Objects in the cache are
shared: nobody changes them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from backend.machinery.client import GVR, Client, WatchEvent
from backend.machinery.clock import Clock, RealClock
from backend.meta.errors import ApiError
from backend.meta.types import Obj

log = logging.getLogger(__name__)

Key = tuple[str, str]
"""(namespace, name); the namespace is "" for cluster-scoped objects."""
Handler = Callable[[Obj | None, Obj | None], None]
"""Called with (new, old): new is None when the object is gone, old is None when it came."""
Indexer = Callable[[Obj], Iterable[str]]

PAGE = 500
"""Objects that are asked for at once. Source: WatchListPageSize of client-go's pager."""
RETRY_SECONDS = (0.05, 0.1, 0.5, 1.0, 5.0)


def object_key(obj: Obj) -> Key:
    meta = obj["metadata"]
    return meta.get("namespace", ""), meta["name"]


class Informer:
    def __init__(
        self,
        client: Client,
        gvr: GVR,
        *,
        namespace: str = "",
        indexers: Mapping[str, Indexer] | None = None,
        clock: Clock | None = None,
        transform: Callable[[Obj], Obj | None] | None = None,
        **query: str,
    ) -> None:
        """`transform` makes what is kept of each object, for a reader that needs little of many; the metadata's
        name, namespace, uid and resourceVersion must stay. None: nothing is kept. Then the handlers hear of the
        object only when its deletion is watched; see `on_list` for what was deleted while nobody watched.
        """
        self._transform = transform
        self._client = client
        self._gvr = gvr
        self._namespace = namespace
        self._query = query
        self._clock = clock or RealClock()
        self._objects: dict[Key, Obj] = {}
        self._indexers = dict(indexers or {})
        self._indexes: dict[str, dict[str, dict[Key, Obj]]] = {name: {} for name in self._indexers}
        self._handlers: list[Handler] = []
        self._list_handlers: list[Callable[[], None]] = []
        self.synced = asyncio.Event()
        self.version = 0
        """The resourceVersion up to which the cache has seen every change: handlers are told before it moves."""

    @property
    def resource(self) -> str:
        """The plural name of its kind."""
        return self._gvr.resource

    def on_change(self, handler: Handler) -> None:
        """Register before `run`, or miss what came before."""
        self._handlers.append(handler)

    def on_list(self, handler: Callable[[], None]) -> None:
        """To be called after every list: changes before it may never have been told."""
        self._list_handlers.append(handler)

    def add_index(self, name: str, indexer: Indexer) -> None:
        """Register before `run`; who shares an informer may ask for an index that is there already."""
        self._indexers[name] = indexer
        self._indexes.setdefault(name, {})

    def get(self, namespace: str, name: str) -> Obj | None:
        return self._objects.get((namespace, name))

    def list(self, namespace: str = "") -> Sequence[Obj]:
        """All objects, or those of one namespace, in no particular order."""
        if not namespace:
            return [*self._objects.values()]
        return [obj for (where, _), obj in self._objects.items() if where == namespace]

    def by_index(self, index: str, value: str) -> Sequence[Obj]:
        return [*self._indexes[index].get(value, {}).values()]

    async def run(self) -> None:
        """List, watch, and list again when the watch is lost; for ever."""
        failures = 0
        while True:
            try:
                await self._list_and_watch()
                failures = 0
            except ApiError as error:
                if error.code == 410:
                    failures = 0
                    continue
                delay = RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
                failures += 1
                log.warning("list and watch of %s failed: %s; again in %gs", self._gvr.resource, error, delay)
                await self._clock.sleep(delay)

    async def _list_and_watch(self) -> None:
        self.version = int(await self._list())
        self.synced.set()
        while True:
            watch = self._client.watch(
                self._gvr, str(self.version), self._namespace, take=self._take, **self._query
            )
            async with watch as events:
                async for event in events:
                    self._take(event)

    def _take(self, event: WatchEvent) -> bool:
        version = event.object["metadata"]["resourceVersion"]
        if event.type == "DELETED":
            self._remove(event.object)
        elif event.type != "BOOKMARK":
            self._put(event.object)
        self.version = int(version)
        return True

    async def _list(self) -> str:
        """Make the cache what the server has, page by page; the resourceVersion of that."""
        query = {**self._query, "limit": str(PAGE)}
        listed: set[Key] = set()
        while True:
            page = await self._client.list(self._gvr, self._namespace, **query)
            for item in page["items"]:
                listed.add(object_key(item))
                self._put(item)
            query["continue"] = page["metadata"].get("continue", "")
            if not query["continue"]:
                break
        for key in [key for key in self._objects if key not in listed]:
            self._remove(self._objects[key])
        for handler in self._list_handlers:
            handler()
        version: str = page["metadata"]["resourceVersion"]
        return version

    def _put(self, obj: Obj) -> None:
        if self._transform is not None:
            kept = self._transform(obj)
            if kept is None:
                if self._objects:
                    self._drop(object_key(obj))
                return
            obj = kept
        key = object_key(obj)
        old = self._objects.get(key)
        if old is not None:
            if old["metadata"].get("resourceVersion") == obj["metadata"].get("resourceVersion"):
                return
            if old["metadata"].get("uid") != obj["metadata"].get("uid"):
                # Deleted and made again while nobody watched: two objects, two changes.
                self._remove(old)
                old = None
        self._objects[key] = obj
        self._index(key, obj, old)
        self._tell(obj, old)

    def _remove(self, obj: Obj) -> None:
        known = self._drop(object_key(obj))
        kept = self._transform(obj) if self._transform is not None else obj
        if known or kept is None:
            self._tell(None, kept if kept is not None else obj)

    def _drop(self, key: Key) -> bool:
        """Forget an object; whether there was one."""
        old = self._objects.pop(key, None)
        if old is not None:
            self._index(key, None, old)
        return old is not None

    def _index(self, key: Key, new: Obj | None, old: Obj | None) -> None:
        for name, indexer in self._indexers.items():
            index = self._indexes[name]
            for value in indexer(old) if old is not None else ():
                found = index.get(value)
                if found is not None:
                    found.pop(key, None)
                    if not found:
                        del index[value]
            if new is None:
                continue
            for value in indexer(new):
                index.setdefault(value, {})[key] = new

    def _tell(self, new: Obj | None, old: Obj | None) -> None:
        for handler in self._handlers:
            try:
                handler(new, old)
            except Exception:
                log.exception("a handler of %s failed", self._gvr.resource)
