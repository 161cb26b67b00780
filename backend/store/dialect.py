"""What differs between databases: one small class for each. SQLite is the only one so far."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from backend.store.api import StoreError
from backend.store.lockfile import LockFile

_MIB = 1 << 20

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # a commit is on the disk when it returns
    "PRAGMA secure_delete=FAST",
    f"PRAGMA journal_size_limit={8 * _MIB}",
    "PRAGMA wal_autocheckpoint=1000",
    "PRAGMA cache_size=-8192",
    "PRAGMA busy_timeout=5000",
)

_VACUUM_PAGES = 128
_SPARE_PAGES = 128
"""Free pages that a file may keep: churn takes them again at once."""


class SqliteDialect:
    """A local file, for one process at a time."""

    def __init__(self, url: URL) -> None:
        if not url.database or url.database == ":memory:":
            raise StoreError("the store needs a database file: sqlite:////path/to/file")
        self.path = Path(url.database)
        self._url = url

    @property
    def location(self) -> str:
        """What error texts call the database."""
        return str(self.path)

    def size(self) -> int:
        """Bytes of the database's files."""
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def lock(self) -> LockFile:
        """Take the store for this process. Raises StoreError that names the holder."""
        return LockFile.take(self.path.with_name(self.path.name + ".lock"), self.location)

    def meta(self) -> dict[str, int] | None:
        """The meta table, or None for a file that is empty or not there. Changes nothing in any case."""
        if not self.path.exists() or self.path.stat().st_size == 0:
            return None
        try:
            # Without a WAL that still has to be read, even the helper files of a plain reader are spared.
            mode = "mode=ro" if self.path.with_name(self.path.name + "-wal").exists() else "immutable=1"
            connection = sqlite3.connect(f"file:{quote(str(self.path))}?{mode}", uri=True)
            try:
                tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
                if not tables:
                    return None
                if not {"log", "meta"} <= tables:
                    raise StoreError(f"{self.location} is not a minikctl store; nothing was changed")
                return dict(connection.execute("SELECT name, value FROM meta"))
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise StoreError(f"{self.location} cannot be read: {error}; nothing was changed") from error

    def engine(self) -> Engine:
        """Parameters never reach a log or an exception text: they may be secrets."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))  # the WAL takes this file's mode
        engine = create_engine(
            self._url, hide_parameters=True, connect_args={"cached_statements": 256, "check_same_thread": False}
        )
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
        return engine

    def transact(self, driver: Any, statements: Sequence[tuple[str, tuple[Any, ...]]]) -> None:
        """One transaction on the driver's own connection: all of it or nothing. Raises sqlite3.Error."""
        if len(statements) == 1:
            driver.execute(*statements[0])  # a transaction of its own, in a single call
            return
        driver.execute("BEGIN")
        try:
            for text, values in statements:
                driver.execute(text, values)
            driver.execute("COMMIT")
        except BaseException:
            driver.rollback()  # nothing, where SQLite did so itself
            raise

    def shrink(self, driver: Any) -> bool:
        """Give a few free pages back to the file system; True if there are more. Takes a few milliseconds."""
        ((free,),) = driver.execute("PRAGMA freelist_count").fetchall()
        ((pages,),) = driver.execute("PRAGMA page_count").fetchall()
        surplus = free - max(_SPARE_PAGES, (pages - free) // 4)
        if surplus <= 0:
            return False
        # As a script: execute would take one step, which is one page.
        driver.executescript(f"PRAGMA incremental_vacuum({min(surplus, _VACUUM_PAGES)})")
        if surplus > _VACUUM_PAGES:
            return True
        # The file gets its new length with the checkpoint. PASSIVE waits for nobody.
        driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        return False


def _configure(connection: Any, _record: object) -> None:
    # The driver's own transaction control commits behind our back: with None it leaves BEGIN to us.
    connection.isolation_level = None
    if connection.execute("PRAGMA page_count").fetchone() == (0,):
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # has an effect before the first table only
    for pragma in _PRAGMAS:
        connection.execute(pragma).fetchall()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def dialect_for(url: str) -> SqliteDialect:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(f"not a database URL: {url!r}") from error
    if parsed.get_backend_name() != "sqlite":
        raise StoreError(f"no support for {parsed.get_backend_name()} databases: use sqlite:////path/to/file")
    return SqliteDialect(parsed)
