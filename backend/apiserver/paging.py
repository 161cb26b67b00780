"""Lists of the past: the pages of one consistent snapshot, and lists at an exact revision.

Continue tokens have kube-apiserver's form. Source: k8s.io/apiserver/pkg/storage/continue.go.
"""

from __future__ import annotations

import asyncio
import base64
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from backend.meta import causes, errors
from backend.store.api import Compacted, Entry, SlowWatcher, Snapshot, Store

_TOKEN_VERSION = "meta.k8s.io/v1"
_KEPT_SNAPSHOTS = 16
_KEPT_SECONDS = 300.0
_REWIND_SECONDS = 10.0
_PACE = 512


@dataclass(frozen=True, slots=True)
class Continue:
    """Where the next page starts: at the first key that is not below `start`, which is relative to the prefix.

    A `revision` below 0 is whatever the present one is: pages before and after it are not of one snapshot.
    """

    revision: int
    start: str

    def encode(self) -> str:
        token = orjson.dumps({"v": _TOKEN_VERSION, "rv": self.revision, "start": self.start})
        return base64.urlsafe_b64encode(token).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: str) -> Continue:
        """Raises 400 for what is no token."""
        try:
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            token = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        except ValueError as error:
            raise _invalid(str(error)) from None
        version = token.get("v") if isinstance(token, dict) else ""
        if version != _TOKEN_VERSION:
            shown = causes.go_quote(version if isinstance(version, str) else "")
            raise _invalid(f"server does not recognize this encoded version {shown}")
        revision, start = token.get("rv"), token.get("start")
        if type(revision) is not int or not revision:
            raise _invalid(f"incorrect encoded start resourceVersion (version {_TOKEN_VERSION})")
        if not isinstance(start, str) or not start:
            raise _invalid(f"encoded start key empty (version {_TOKEN_VERSION})")
        parts = start.removesuffix("\0").removeprefix("/").split("/")
        if not {"", ".", ".."}.isdisjoint(parts):
            raise _invalid(start)  # nothing outside of the collection
        return cls(revision, start)


def _invalid(why: str) -> errors.ApiError:
    return errors.bad_request(f"invalid continue token: continue key is not valid: {why}")


class Snapshots:
    """What collections were at a revision.

    A snapshot whose next page somebody may ask for is kept for five minutes, so that paging costs nothing under
    load; any other is made from the present by undoing the events since, as far back as the store keeps them.
    """

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._kept: OrderedDict[tuple[str, int], tuple[Snapshot, float]] = OrderedDict()

    def keep(self, prefix: str, snapshot: Snapshot) -> None:
        key = (prefix, snapshot.revision)
        self._kept[key] = (snapshot, self._clock() + _KEPT_SECONDS)
        self._kept.move_to_end(key)
        self._forget()

    async def at(self, prefix: str, revision: int) -> Snapshot:
        """Raises store Compacted when the revision is too old."""
        self._forget()
        kept = self._kept.get((prefix, revision))
        if kept is not None:
            return kept[0]
        if revision == self._store.revision:
            return self._store.list(prefix)
        return await self._rewind(prefix, revision)

    def _forget(self) -> None:
        now = self._clock()
        while self._kept:
            key, (_, until) = next(iter(self._kept.items()))
            if until > now and len(self._kept) <= _KEPT_SNAPSHOTS:
                return
            del self._kept[key]

    async def _rewind(self, prefix: str, revision: int) -> Snapshot:
        present = self._store.list(prefix)
        before: dict[str, Entry | None] = {}
        # Of all keys, because then an event of the present revision ends the wait.
        watch = self._store.watch("", revision)
        try:
            async with asyncio.timeout(_REWIND_SECONDS):
                seen = 0
                while watch.progress < present.revision:
                    event = await anext(watch)
                    if event.entry.revision > present.revision:
                        break
                    if event.entry.key.startswith(prefix):
                        before.setdefault(event.entry.key, event.previous)
                    seen += 1
                    if seen % _PACE == 0:
                        await asyncio.sleep(0)
        except (SlowWatcher, StopAsyncIteration, TimeoutError):
            raise Compacted(present.revision) from None
        finally:
            watch.close()
        entries = [entry for entry in present.entries if entry.key not in before]
        entries += [entry for entry in before.values() if entry is not None]
        entries.sort(key=_key)
        return Snapshot(entries, revision)


def position(entries: list[Entry], start: str) -> int:
    """The index of the first entry whose key is not below `start`."""
    return bisect_left(entries, start, key=_key)


def _key(entry: Entry) -> str:
    return entry.key
