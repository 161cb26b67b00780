"""The log in SQL: opening a file, reading it into memory, and the statements, each named for the logs.

The name is a comment in the statement's text, so that it shows wherever the statement does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, and_, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from backend.store import schema
from backend.store.api import Compacted, Entry, Event, StoreError, StoreUnavailable
from backend.store.compaction import Backlog, Chunk
from backend.store.dialect import SqliteDialect, dialect_for
from backend.store.encryption import Encryption
from backend.store.lockfile import LockFile
from backend.store.schema import LOG, META

Row = tuple[int, str, int, int, int | None, bytes]
"""The columns of LOG, in their order."""

_LOAD_ROWS = 1000
_APPEND_ROWS = 64
"""Rows of the longest append statement. One statement for many rows lets go of the interpreter lock once, not
once a row: executemany would wait for a busy event loop at every row."""

_DELETE_IDS = 64
_HISTORY_ROWS = 256
_HISTORY_BYTES = 4 << 20


@dataclass(slots=True)
class Loaded:
    """The memory's state as the file has it."""

    revision: int
    live: dict[str, Entry] = field(default_factory=dict)


class Database:
    """One open file, locked for this process. The writer thread writes; history may be read by any thread."""

    def __init__(self, dialect: SqliteDialect, lock: LockFile, encryption: Encryption) -> None:
        self.dialect = dialect
        self.encryption = encryption
        self._lock = lock
        self.engine: Engine = dialect.engine()

    @classmethod
    def open(cls, url: str, encryption: Encryption) -> Database:
        """Raises StoreError: in use, from a newer version, damaged, or not a store. Then nothing is changed."""
        dialect = dialect_for(url)
        try:
            lock = dialect.lock()
        except OSError as error:
            raise StoreError(f"{dialect.location} cannot be opened: {error}") from error
        try:
            meta = dialect.meta()
            _check_version(dialect.location, meta)
            database = cls(dialect, lock, encryption)
            if meta is None:
                database._create()
        except BaseException as error:
            lock.release()
            if isinstance(error, SQLAlchemyError | OSError):
                raise StoreError(f"{dialect.location} cannot be opened: {reason(error)}") from error
            raise
        return database

    def close(self) -> None:
        self.engine.dispose()
        self._lock.release()

    def _create(self) -> None:
        with self.engine.begin() as connection:
            schema.TABLES.create_all(connection)
            rows = [
                {"name": schema.SCHEMA_VERSION, "value": schema.VERSION},
                {"name": schema.COMPACT_REVISION, "value": schema.FIRST_REVISION},
            ]
            connection.execute(insert(META).prefix_with("/* meta.create */"), rows)

    def load(self, backlog: Backlog) -> Loaded:
        """One pass over the log; `backlog` gets what compaction has to do later."""
        try:
            with self.engine.connect() as connection:
                backlog.compacted = _compact_revision(connection)
                loaded = Loaded(backlog.compacted)
                for revision, key, _, deleted, sealed_by, value in _scan(connection):
                    raw = self.encryption.unseal(key, revision, sealed_by, value)
                    loaded.revision = max(loaded.revision, revision)
                    old = loaded.live.pop(key, None)
                    if not deleted:
                        loaded.live[key] = Entry(key, revision, raw)
                    backlog.add(
                        revision, old.revision if old else 0, bool(deleted),
                        size=len(raw), replaced=len(old.raw) if old else 0,
                    )  # fmt: skip
        except SQLAlchemyError as error:
            raise StoreError(f"{self.dialect.location} cannot be read: {reason(error)}") from error
        return loaded

    def commit(self, connection: Connection, rows: list[Row], chunk: Chunk | None) -> None:
        """Append rows and delete a chunk of garbage, in one transaction; durable when it returns.

        Compiled once and given to the driver as text: SQLAlchemy's own execution would double what a small
        commit costs.
        """
        dialect = self.engine.dialect
        statements: list[tuple[str, tuple[Any, ...]]] = []
        for start in range(0, len(rows), _APPEND_ROWS):
            part = rows[start : start + _APPEND_ROWS]
            values = tuple(value for row in part for value in row)
            statements.append((_append_text(dialect, len(part)), values))
        if chunk is not None:
            for start in range(0, len(chunk.ids), _DELETE_IDS):
                ids = chunk.ids[start : start + _DELETE_IDS]
                # Padded with ids that never are: one length is one prepared statement.
                statements.append((_delete_text(dialect), (*ids, *[0] * (_DELETE_IDS - len(ids)))))
            statements.append((_compacted_text(dialect), (chunk.revision, schema.COMPACT_REVISION)))
        self.dialect.transact(connection.connection.dbapi_connection, statements)

    def shrink(self, connection: Connection) -> bool:
        """A short step of giving space back; True if there is more to do."""
        return self.dialect.shrink(connection.connection.dbapi_connection)

    def sealed_rows(self, connection: Connection, after: int, limit: int) -> list[tuple[int, int | None, int]]:
        """(id, key id, size) of the next rows of any kind."""
        found = connection.execute(_SEALED, {"after": after, "limit": limit})
        return [(row[0], row[1], row[2]) for row in found]

    def reseal(self, connection: Connection, revisions: list[int]) -> None:
        """Encrypt rows with the active key; nothing else about them changes."""
        changes = []
        for revision, key, sealed_by, value in connection.execute(_ROWS, {"revisions": revisions}):
            raw = self.encryption.unseal(key, revision, sealed_by, value)
            key_id, sealed = self.encryption.reseal(key, revision, raw)
            changes.append({"revision": revision, "key_id": key_id, "sealed": sealed})
        connection.execute(_RESEAL, changes)

    def history(self, prefix: str, after: int, up_to: int) -> tuple[list[Event], int]:
        """Some events of `prefix` in (after, up_to], and the revision up to which they are complete.

        Raises Compacted, StoreUnavailable.
        """
        try:
            return self._history(prefix, after, up_to)
        except SQLAlchemyError as error:
            raise StoreUnavailable(f"the store cannot read {self.dialect.location}: {reason(error)}") from error

    def _history(self, prefix: str, after: int, up_to: int) -> tuple[list[Event], int]:
        low, high = _key_range(prefix)
        with self.engine.connect() as connection:
            oldest = _compact_revision(connection)  # in the same snapshot as the rows
            if after < oldest:
                raise Compacted(oldest)
            bounds = {"after": after, "up_to": up_to, "low": low, "high": high, "limit": _HISTORY_ROWS}
            events: list[Event] = []
            size = 0
            for row in connection.execute(_HISTORY, bounds):
                event = self._event(*row)
                events.append(event)
                size += len(event.entry.raw)
                if size >= _HISTORY_BYTES:
                    break
        whole = len(events) < _HISTORY_ROWS and size < _HISTORY_BYTES
        return events, up_to if whole else events[-1].entry.revision

    def _event(
        self, revision: int, key: str, previous: int, deleted: int, sealed_by: int | None, value: bytes,
        previous_sealed_by: int | None, previous_value: bytes | None,
    ) -> Event:  # fmt: skip
        entry = Entry(key, revision, self.encryption.unseal(key, revision, sealed_by, value))
        if previous_value is None:
            return Event("ADDED", entry, None)
        raw = self.encryption.unseal(key, previous, previous_sealed_by, previous_value)
        return Event("DELETED" if deleted else "MODIFIED", entry, Entry(key, previous, raw))


def reason(error: BaseException) -> str:
    """The database's own words, without the statement."""
    original = getattr(error, "orig", None)
    return str(original or error)


def _check_version(location: str, meta: dict[str, int] | None) -> None:
    if meta is None:
        return
    version = meta.get(schema.SCHEMA_VERSION)
    if version is None:
        raise StoreError(f"{location} is not a minikctl store; nothing was changed")
    if version > schema.VERSION:
        raise StoreError(
            f"{location} was written by a newer version of this program: it has schema version {version}, "
            f"this program knows up to {schema.VERSION}; nothing was changed"
        )


def _compact_revision(connection: Connection) -> int:
    return int(connection.execute(_COMPACTED).scalar_one())


def _scan(connection: Connection) -> Iterator[Any]:
    result = connection.execute(_LOAD)
    for part in result.partitions(_LOAD_ROWS):
        yield from part


@cache
def _append_text(dialect: Dialect, rows: int) -> str:
    """Compiled for one row: compiling one for 64 takes 10 ms, and each number of rows is a statement of its own."""
    one = insert(LOG).prefix_with("/* log.append */").compile(dialect=dialect)
    head, values, row = str(one).partition(" VALUES ")
    return f"{head}{values}{', '.join([row] * rows)}"


@cache
def _delete_text(dialect: Dialect) -> str:
    ids: list[Any] = [bindparam(f"id_{n}") for n in range(_DELETE_IDS)]
    return str(delete(LOG).prefix_with("/* log.compact */").where(LOG.c.id.in_(ids)).compile(dialect=dialect))


@cache
def _compacted_text(dialect: Dialect) -> str:
    named = META.c.name == bindparam("named")
    statement = update(META).prefix_with("/* meta.compact */").where(named).values(value=bindparam("revision"))
    return str(statement.compile(dialect=dialect))


def _key_range(prefix: str) -> tuple[str, str]:
    """[low, high) of the keys that a prefix names (backend.store.watch.matches)."""
    if prefix == "":
        return "", "\U0010ffff"
    if prefix.endswith("/"):
        return prefix, prefix[:-1] + chr(ord("/") + 1)
    return prefix, prefix + "\0"


_previous = LOG.alias("previous")
_LOAD = select(LOG).prefix_with("/* log.load */").order_by(LOG.c.id)
_COMPACTED = select(META.c.value).prefix_with("/* meta.compacted */").where(META.c.name == schema.COMPACT_REVISION)
_SEALED = (
    select(LOG.c.id, LOG.c.sealed_by, func.length(LOG.c.value))
    .prefix_with("/* log.sealed */")
    .where(LOG.c.id > bindparam("after"))
    .order_by(LOG.c.id)
    .limit(bindparam("limit"))
)
_ROWS = (
    select(LOG.c.id, LOG.c.key, LOG.c.sealed_by, LOG.c.value)
    .prefix_with("/* log.rows */")
    .where(LOG.c.id.in_(bindparam("revisions", expanding=True)))
)
_RESEAL = (
    update(LOG)
    .prefix_with("/* log.reseal */")
    .where(LOG.c.id == bindparam("revision"))
    .values(sealed_by=bindparam("key_id"), value=bindparam("sealed"))
)
_HISTORY = (
    select(LOG, _previous.c.sealed_by, _previous.c.value)
    .prefix_with("/* log.history */")
    .select_from(LOG.outerjoin(_previous, _previous.c.id == LOG.c.previous))
    .where(
        and_(
            LOG.c.id > bindparam("after"),
            LOG.c.id <= bindparam("up_to"),
            LOG.c.key >= bindparam("low"),
            LOG.c.key < bindparam("high"),
        )
    )
    .order_by(LOG.c.id)
    .limit(bindparam("limit"))
)


def encode_rows(encryption: Encryption, rows: Iterable[tuple[Entry, int, bool]]) -> list[Row]:
    """(entry, previous revision, deleted) as they are stored."""
    encoded: list[Row] = []
    for entry, previous, deleted in rows:
        key_id, value = encryption.seal(entry.key, entry.revision, entry.raw)
        encoded.append((entry.revision, entry.key, previous, int(deleted), key_id, value))
    return encoded
