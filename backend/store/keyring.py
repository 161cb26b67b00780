"""The encryption keys of a store, in one file (0600) beside it.

The file is replaced as a whole and durably: at any moment it is either the old one or the new one, and a key is
on the disk before anything is encrypted with it.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.store.api import StoreError

_VERSION = 1
_KEY_BITS = 256


@dataclass(frozen=True, slots=True)
class _Key:
    id: int
    secret: bytes


class Keyring:
    """AES-256 keys by id. New rows use the active one; the others are there until rotation is done with them."""

    def __init__(self, path: Path, keys: list[_Key]) -> None:
        """The last of `keys` is the active one."""
        self.path = path
        self._keys = keys
        # Kept for the life of the process, also for keys that left the file: a reader of history may
        # still hold a row that it read before the row was encrypted anew.
        self._ciphers = {key.id: AESGCM(key.secret) for key in keys}

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Keyring:
        """Read the file; make it, with one new key, if it is not there. Raises StoreError."""
        path = Path(path)
        try:
            if not path.exists():
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _create(path, [_new_key(set())])
            if path.stat().st_mode & 0o077:
                raise StoreError(f"keyring {path} can be read by others: chmod 600 it, and rotate the key")
            return cls(path, _decode(path.read_bytes(), path))
        except OSError as error:
            raise StoreError(f"keyring {path}: {error.strerror}") from error

    @property
    def active(self) -> int:
        return self._keys[-1].id

    @property
    def retired(self) -> list[int]:
        """Ids of keys that rotation has to replace in the store before they can go."""
        return [key.id for key in self._keys[:-1]]

    def cipher(self, key_id: int) -> AESGCM | None:
        return self._ciphers.get(key_id)

    def add(self) -> int:
        """Make a new key the active one; it is on the disk when this returns. Raises OSError."""
        key = _new_key(set(self._ciphers))
        _replace(self.path, [*self._keys, key])
        self._ciphers[key.id] = AESGCM(key.secret)
        self._keys.append(key)
        return key.id

    def drop_retired(self, retired: list[int]) -> None:
        """Forget keys with which nothing is encrypted any more. Raises OSError."""
        kept = [key for key in self._keys if key.id not in retired or key.id == self.active]
        _replace(self.path, kept)
        self._keys = kept


def _new_key(taken: set[int]) -> _Key:
    # Ids are random, so that a keyring of another store is recognized as such and not as a damaged one.
    while (key_id := 1 + secrets.randbelow(2**31 - 1)) in taken:
        pass
    return _Key(key_id, AESGCM.generate_key(_KEY_BITS))


def _encode(keys: list[_Key]) -> bytes:
    wire = [{"id": key.id, "key": base64.b64encode(key.secret).decode()} for key in keys]
    return json.dumps({"version": _VERSION, "active": keys[-1].id, "keys": wire}, indent=1).encode() + b"\n"


def _decode(data: bytes, path: Path) -> list[_Key]:
    try:
        wire = json.loads(data)
        version = wire["version"]
        keys = {
            key["id"]: _Key(int(key["id"]), base64.b64decode(key["key"], validate=True)) for key in wire["keys"]
        }
        active = keys.pop(wire["active"])
        sizes = {len(key.secret) * 8 for key in (active, *keys.values())}
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"keyring {path} is damaged") from error
    if version != _VERSION:
        raise StoreError(f"keyring {path} has version {version}, this program knows {_VERSION}")
    if sizes != {_KEY_BITS}:
        raise StoreError(f"keyring {path} is damaged: a key has a wrong length")
    return [*keys.values(), active]


def _write_beside(path: Path, keys: list[_Key]) -> Path:
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(beside, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(_encode(keys))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    return beside


def _create(path: Path, keys: list[_Key]) -> None:
    """Of several processes at once one makes the file; the others leave it be."""
    beside = _write_beside(path, keys)
    try:
        os.link(beside, path)
    except FileExistsError:
        pass
    finally:
        beside.unlink()
    _sync_directory(path.parent)


def _replace(path: Path, keys: list[_Key]) -> None:
    os.replace(_write_beside(path, keys), path)
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
