"""The one thread that writes: group commit, and the housekeeping between commits.

The event loop hands over lists of writes, one list for each of its turns. The thread commits all that wait as one
transaction, so the more writers wait, the fewer commits each of them costs. Garbage is deleted within these
transactions, a few rows each, so that compaction neither waits for an idle moment nor ever takes a long one.

About the interpreter lock: every SQL statement lets go of it and takes it back, so a batch uses as few as it can.
A busy event loop gives the lock back rarely, and a loop that lets go of it for a moment in each of its turns starts
the waiting thread's switch interval anew each time: with Python's 5 ms, commits beside a loop that is never idle were
seen to wait for 1 to 4 s. The process that wires the store should call sys.setswitchinterval(0.0005): then 0.1 s was
seldom passed (0.7 s at worst), at the same throughput; 0.05 ms halves that. It should also call gc.freeze() once all
is loaded, as a full collection otherwise stops the loop for 30 ms and more. tests/bench/bench_store.py measures it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue

from sqlalchemy import Connection

from backend.store.api import Entry, StoreUnavailable
from backend.store.compaction import Backlog
from backend.store.database import Database, encode_rows, reason

_log = logging.getLogger(__name__)

_BATCH_ROWS = 512
_BATCH_BYTES = 4 << 20
_COMPACT_ROWS = 128
"""Garbage rows that go with one transaction at most, or twice the rows written if that is more."""
_COMPACT_BYTES = 4 << 20
_WORTH_COMPACTING = 64
_IDLE_SECONDS = 0.02
"""Without a write for this long, the thread tidies up."""


class Write:
    """One write on its way: what is appended, what it replaces, and who waits for it."""

    __slots__ = ("deleted", "entry", "future", "previous", "waiters")

    def __init__(self, entry: Entry, previous: Entry | None, deleted: bool, future: asyncio.Future[Entry]) -> None:
        self.entry = entry
        self.previous = previous
        self.deleted = deleted
        self.future = future
        self.waiters: list[asyncio.Future[None]] = []
        """Later writes of the same key."""


Chore = Callable[[Connection], bool]
"""A few milliseconds of background work; True if there is more. It is called until it is False."""


class Writer:
    """Outcomes come back on the event loop, in the order of revisions: `committed` or `failed`, for each write."""

    def __init__(
        self,
        database: Database,
        backlog: Backlog,
        revision: int,
        *,
        committed: Callable[[list[Write]], None],
        failed: Callable[[list[Write], StoreUnavailable], None],
    ) -> None:
        self._database = database
        self._backlog = backlog
        self._revision = revision
        self._committed = committed
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._inbox: SimpleQueue[list[Write] | Chore | None] = SimpleQueue()
        self._writes: deque[Write] = deque()
        self._chores: deque[Chore] = deque()
        self._untidy = True
        self._stopping = False
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def write(self, writes: list[Write]) -> None:
        self._inbox.put(writes)

    def add_chore(self, chore: Chore) -> None:
        self._inbox.put(chore)

    def stop(self) -> None:
        """Commit what was handed over, drop the chores, end. Blocks; not for the event loop."""
        self._inbox.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._receive()
            if self._writes:
                self._commit_batch()
                self._do_chore()
            elif self._stopping:
                break
            elif self._chores:
                self._do_chore()
            elif self._untidy:
                self._tidy()
        if self._connection is not None:
            self._connection.close()

    def _receive(self) -> None:
        """Take in what has arrived; wait only when there is nothing to do."""
        busy = bool(self._writes or self._chores or self._stopping)
        timeout = _IDLE_SECONDS if self._untidy else None
        try:
            while True:
                item = self._inbox.get(not busy, timeout)
                busy = True
                if item is None:
                    self._stopping = True
                elif isinstance(item, list):
                    self._writes.extend(item)
                else:
                    self._chores.append(item)
        except Empty:
            return

    def _commit_batch(self) -> None:
        batch = self._next_batch()
        try:
            self._commit(batch)
        except Exception as error:
            batch.extend(self._writes)
            self._writes.clear()
            _log.error("%d writes failed: %s", len(batch), reason(error))
            text = f"the store cannot write to {self._database.dialect.location}: {reason(error)}"
            self._reconnect()
            self._tell(self._failed, batch, StoreUnavailable(text))
        else:
            self._tell(self._committed, batch)
        self._untidy = True

    def _next_batch(self) -> list[Write]:
        batch: list[Write] = []
        size = 0
        while self._writes and len(batch) < _BATCH_ROWS and size < _BATCH_BYTES:
            write = self._writes.popleft()
            size += len(write.entry.raw)
            batch.append(write)
        return batch

    def _commit(self, batch: list[Write]) -> None:
        rows = [(w.entry, w.previous.revision if w.previous else 0, w.deleted) for w in batch]
        encoded = encode_rows(self._database.encryption, rows)
        newest = batch[-1].entry.revision
        chunk = self._backlog.due(
            newest,
            at_least=_WORTH_COMPACTING,
            at_most=max(_COMPACT_ROWS, 2 * len(batch)),
            max_bytes=_COMPACT_BYTES,
        )
        self._database.commit(self._connected(), encoded, chunk)
        self._revision = newest
        if chunk is not None:
            self._backlog.removed(chunk)
        for write in batch:
            entry, old = write.entry, write.previous
            previous, replaced = (old.revision, len(old.raw)) if old else (0, 0)
            self._backlog.add(entry.revision, previous, write.deleted, size=len(entry.raw), replaced=replaced)

    def _do_chore(self) -> None:
        if not self._chores:
            return
        try:
            if not self._chores[0](self._connected()):
                self._chores.popleft()
        except Exception as error:
            _log.error("store: %s", reason(error))
            self._chores.popleft()
            self._reconnect()
        self._untidy = True

    def _tidy(self) -> None:
        """One short step of compaction, or of shrinking the file."""
        chunk = self._backlog.due(self._revision, at_least=1, at_most=_COMPACT_ROWS, max_bytes=_COMPACT_BYTES)
        try:
            connection = self._connected()
            if chunk is not None:
                self._database.commit(connection, [], chunk)
                self._backlog.removed(chunk)
            else:
                self._untidy = self._database.shrink(connection)
        except Exception as error:
            _log.warning("store: compaction is put off: %s", reason(error))
            self._untidy = False  # until the next write
            self._reconnect()

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._database.engine.connect()
        return self._connection

    def _reconnect(self) -> None:
        """After an error: whatever state the connection is in, the next use begins with a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.invalidate()
                connection.close()
            except Exception as error:
                _log.warning("store: closing a connection: %s", reason(error))

    def _tell(self, callback: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:  # the loop was closed without closing the store: nobody waits
            self._stopping = True
