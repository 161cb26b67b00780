"""Rotation of the encryption key: in small steps between commits, and safe to be cut off at any of them.

The new key is on the disk before a row uses it, and an old one leaves the keyring only once no row uses it.
Whatever happens between, the keyring has the keys of all rows; the next opening of the store goes on.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from backend.store.api import StoreError, StoreUnavailable
from backend.store.database import Database, reason
from backend.store.keyring import Keyring

_ROWS = 256
_RESEALED = 128
_BYTES = 2 << 20


class Rotation:
    """A chore for the writer thread. `done` is called there once, with the number of rows or the error."""

    def __init__(
        self, database: Database, keyring: Keyring, *, new_key: bool, done: Callable[[int | StoreError], None]
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._new_key = new_key
        self._done = done
        self._position = 0
        self._resealed = 0
        self._retired: list[int] = []

    def __call__(self, connection: Connection) -> bool:
        try:
            more = self._step(connection)
        except (SQLAlchemyError, OSError) as error:
            self._done(
                StoreUnavailable(
                    f"the encryption key was not rotated to the end: {reason(error)}; no key was removed"
                )
            )
            raise
        except StoreError as error:
            self._done(error)
            raise
        if not more:
            self._done(self._resealed)
        return more

    def _step(self, connection: Connection) -> bool:
        if not self._retired:
            if self._new_key:
                self._keyring.add()
            # From here on this thread, the only one that writes, uses the new key for all that it appends.
            self._retired = self._keyring.retired
            return True
        if self._reseal_some(connection):
            return True
        self._keyring.drop_retired(self._retired)
        return False

    def _reseal_some(self, connection: Connection) -> bool:
        """One transaction over the next rows; False at the end of the log."""
        with connection.begin():
            rows = self._database.sealed_rows(connection, self._position, _ROWS)
            stale: list[int] = []
            position, budget = self._position, _BYTES
            for revision, key_id, size in rows:
                if key_id is not None and key_id != self._keyring.active:
                    if budget <= 0 or len(stale) == _RESEALED:
                        break
                    stale.append(revision)
                    budget -= size
                position = revision
            if stale:
                self._database.reseal(connection, stale)
        self._position = position
        self._resealed += len(stale)
        return bool(rows)
