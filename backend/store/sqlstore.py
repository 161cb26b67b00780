"""The store: memory that is read, a log that is written, and a watch on what changes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson
from sortedcontainers import SortedList

from backend.meta.types import Obj
from backend.store.api import (
    MAX_OBJECT_BYTES,
    Compacted,
    Entry,
    Event,
    KeyExists,
    RevisionMismatch,
    Snapshot,
    StoreError,
    StoreFigures,
    StoreUnavailable,
    TooLarge,
    Watch,
)
from backend.store.compaction import Backlog
from backend.store.database import Database, Loaded
from backend.store.encryption import Encryption
from backend.store.keyring import Keyring
from backend.store.rotation import Rotation
from backend.store.watch import Broadcaster
from backend.store.writer import Write, Writer

_GATHERED = 64
_GATHER_SECONDS = 0.002
"""Writes that go over at once, and how long they wait for others after the turn of the loop that made the first."""

# Within SqlStore the name `list` is the method.
Writes = list[Write]
Events = list[Event]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the past is kept.

    On disk: the newest `keep_revisions` revisions can be watched from, unless what they replaced is more than
    `keep_bytes`, or than half of what is live (backend.store.compaction). In memory: `memory_events` and
    `memory_bytes` of events, which is also how far a watcher may lag.
    """

    keep_revisions: int = 10_000
    keep_bytes: int = 256 << 20
    memory_events: int = 8192
    memory_bytes: int = 16 << 20


class SqlStore:
    """backend.store.api.Store over SQL. A failed write leaves a gap in the revisions: none is ever reused."""

    def __init__(self, database: Database, loaded: Loaded, backlog: Backlog, limits: Limits) -> None:
        """Use `open`."""
        self._database = database
        self._loop = asyncio.get_running_loop()
        self._live = loaded.live
        self._keys = SortedList(loaded.live)
        self._assigned = loaded.revision
        self._broadcaster = Broadcaster(
            loaded.revision, max_events=limits.memory_events, max_bytes=limits.memory_bytes
        )
        self._backlog = backlog
        self._in_flight: dict[str, Write] = {}
        self._outbox: Writes = []
        self._gathered = 0
        """How many were in the outbox a turn of the event loop ago."""
        self._flush_by = 0.0
        self._closed: asyncio.Future[None] | None = None
        self._rotations: set[asyncio.Future[int]] = set()
        self._batches: Counter[int] = Counter()
        self._failures = 0
        self._failing = False
        self._writer = Writer(
            database, backlog, loaded.revision, committed=self._on_committed, failed=self._on_failed
        )

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        keyring: Keyring | None = None,
        encrypted_prefixes: Sequence[str] = (),
        limits: Limits | None = None,
    ) -> SqlStore:
        """Open `sqlite:////path/to/file`, making it if need be, and read it into memory.

        Entries under `encrypted_prefixes` are encrypted before they reach SQL. Raises StoreError, with nothing
        changed: the file is in use (names the process), from a newer version, damaged, or its keys are missing.
        """
        limits = limits or Limits()
        backlog = Backlog(limits.keep_revisions, limits.keep_bytes)
        encryption = Encryption(keyring, encrypted_prefixes)

        def load() -> tuple[Database, Loaded]:
            database = Database.open(url, encryption)
            try:
                return database, database.load(backlog)
            except BaseException:
                database.close()
                raise

        database, loaded = await asyncio.to_thread(load)
        store = cls(database, loaded, backlog, limits)
        if keyring is not None and keyring.retired:
            # It was cut off. Nobody waits for the outcome, and the writer logs what goes wrong.
            store._rotate(keyring, new_key=False).add_done_callback(
                lambda done: done.cancelled() or done.exception()
            )
        return store

    @property
    def revision(self) -> int:
        return self._broadcaster.revision

    def get(self, key: str) -> Entry | None:
        return self._live.get(key)

    def list(self, prefix: str) -> Snapshot:
        keys: Iterable[str]
        if prefix == "":
            keys = self._keys
        elif prefix.endswith("/"):
            keys = self._keys.irange(prefix, prefix[:-1] + "0", (True, False))  # "0" follows "/"
        else:
            keys = [prefix] if prefix in self._live else []
        return Snapshot([*map(self._live.__getitem__, keys)], self.revision)

    async def create(self, key: str, obj: Obj) -> Entry:
        while key in self._in_flight:
            await self._settled(key)
        if key in self._live:
            raise KeyExists(key)
        return await self._append(key, obj, None)

    async def update(self, key: str, obj: Obj, *, revision: int) -> Entry:
        return await self._append(key, obj, await self._expect(key, revision))

    async def delete(self, key: str, *, revision: int) -> Entry:
        previous = await self._expect(key, revision)
        return await self._append(key, orjson.loads(previous.raw), previous, deleted=True)

    def watch(self, prefix: str, revision: int | None = None) -> Watch:
        if self._closed is not None:
            raise StoreUnavailable("the store is closed")
        oldest = min(self._backlog.compacted, self._broadcaster.oldest)
        if revision is not None and revision < oldest:
            raise Compacted(oldest)
        return self._broadcaster.watch(prefix, revision, self._replay)

    async def rotate_key(self) -> int:
        """Encrypt everything with a new key, then forget the old one; the answer is how many rows that were.

        Reads, writes and watches go on meanwhile. Cut off at any point, it goes on when the store is opened next.
        Raises StoreUnavailable, and StoreError without a keyring.
        """
        keyring = self._database.encryption.keyring
        if keyring is None:
            raise StoreError("the store has no keyring")
        if self._closed is not None:
            raise StoreUnavailable("the store is closed")
        return await self._rotate(keyring, new_key=True)

    async def close(self) -> None:
        """Wait for the writes on their way, end all watches, give the file free. Idempotent."""
        if self._closed is None:
            self._closed = asyncio.ensure_future(asyncio.to_thread(self._shut_down, self._take_outbox()))
        await asyncio.shield(self._closed)
        for rotation in self._rotations:
            if not rotation.done():
                rotation.set_exception(
                    StoreUnavailable("the store was closed; rotation goes on when it is opened")
                )
        self._broadcaster.close()

    def _shut_down(self, writes: Writes) -> None:
        self._writer.write(writes)
        self._writer.stop()
        self._database.close()

    async def _expect(self, key: str, revision: int) -> Entry:
        while key in self._in_flight:
            await self._settled(key)
        current = self._live.get(key)
        if current is None or current.revision != revision:
            raise RevisionMismatch(current)
        return current

    async def _settled(self, key: str) -> None:
        waiter = self._loop.create_future()
        self._in_flight[key].waiters.append(waiter)
        await waiter

    def _append(
        self, key: str, obj: Obj, previous: Entry | None, *, deleted: bool = False
    ) -> asyncio.Future[Entry]:
        """Send a write on its way. Its order is that of the calls. Raises TooLarge."""
        if self._closed is not None:
            raise StoreUnavailable("the store is closed")
        revision = self._assigned + 1
        obj["metadata"]["resourceVersion"] = str(revision)
        # Copied, because what orjson returns keeps the spare room of its buffer: 8 KiB for a 1 KiB object.
        entry = Entry(key, revision, bytes(memoryview(orjson.dumps(obj))), obj)
        if len(entry.raw) > MAX_OBJECT_BYTES and not deleted:
            _require_room(entry.raw)
        self._assigned = revision
        write = Write(entry, previous, deleted, self._loop.create_future())
        self._in_flight[key] = write
        if not self._outbox:
            self._loop.call_soon(self._flush)
        self._outbox.append(write)
        return write.future

    def _take_outbox(self) -> Writes:
        writes, self._outbox = self._outbox, []
        self._gathered = 0
        return writes

    def _flush(self) -> None:
        """Hand over the outbox, once a turn of the event loop added nothing to it.

        For each commit the loop and the writer take turns at the interpreter lock a few times, which costs both of
        them more than the commit of one write: those that come in the same moment pay for it together.
        """
        if not self._gathered:
            self._flush_by = self._loop.time() + _GATHER_SECONDS
        if self._gathered < len(self._outbox) < _GATHERED and self._loop.time() < self._flush_by:
            self._gathered = len(self._outbox)
            self._loop.call_soon(self._flush)
        elif self._outbox:
            self._writer.write(self._take_outbox())

    def count(self, prefix: str) -> int:
        """How many entries are under `prefix`, which ends in a slash."""
        start: int = self._keys.bisect_left(prefix)
        end: int = self._keys.bisect_left(prefix[:-1] + "0")  # "0" follows "/"
        return end - start

    @property
    def failing(self) -> bool:
        """Whether the newest write could not be made durable."""
        return self._failing

    def figures(self) -> StoreFigures:
        """For /metrics."""
        return StoreFigures(self._failures, dict(self._batches), self._database.dialect.size())

    def _on_committed(self, writes: Writes) -> None:
        self._batches[len(writes)] += 1
        self._failing = False
        events: Events = []
        for write in writes:
            entry, previous = write.entry, write.previous
            if write.deleted:
                del self._live[entry.key]
                self._keys.remove(entry.key)
                events.append(Event("DELETED", entry, previous))
            else:
                self._live[entry.key] = entry
                if previous is None:
                    self._keys.add(entry.key)
                    events.append(Event("ADDED", entry, None))
                else:
                    events.append(Event("MODIFIED", entry, previous))
        self._broadcaster.publish(events)
        for write in writes:
            if not write.future.done():  # or its caller gave up waiting
                write.future.set_result(write.entry)
            self._settle(write)

    def _on_failed(self, writes: Writes, error: StoreUnavailable) -> None:
        self._failures += len(writes)
        self._failing = True
        for write in writes:
            if not write.future.done():
                write.future.set_exception(StoreUnavailable(str(error)))
            self._settle(write)

    def _settle(self, write: Write) -> None:
        del self._in_flight[write.entry.key]
        for waiter in write.waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def _replay(self, prefix: str, after: int, up_to: int) -> tuple[Events, int]:
        if self._closed is not None:
            return [], up_to  # the watch ends
        return await asyncio.to_thread(self._database.history, prefix, after, up_to)

    def _rotate(self, keyring: Keyring, *, new_key: bool) -> asyncio.Future[int]:
        future: asyncio.Future[int] = self._loop.create_future()
        self._rotations.add(future)
        future.add_done_callback(self._rotations.discard)

        def finish(outcome: int | StoreError) -> None:
            if future.done():
                return
            if isinstance(outcome, StoreError):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

        def done(outcome: int | StoreError) -> None:
            self._loop.call_soon_threadsafe(finish, outcome)

        self._writer.add_chore(Rotation(self._database, keyring, new_key=new_key, done=done))
        return future


def _require_room(raw: bytes) -> None:
    size = len(raw) - raw.count(b"\\")
    if size > MAX_OBJECT_BYTES:
        raise TooLarge(f"{size} bytes, where {MAX_OBJECT_BYTES} are the most")
