"""Encryption at rest: what goes into the value column, and back."""

from __future__ import annotations

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag

from backend.store.api import StoreError
from backend.store.keyring import Keyring

_NONCE = 12
_DRAWN = 64
"""Nonces that are drawn at once: a system call for each would let go of the interpreter lock each time."""


class Encryption:
    """AES-256-GCM for the keys under some prefixes. Key and revision are authenticated, so that nobody can
    pass one row's value off as another's."""

    def __init__(self, keyring: Keyring | None, prefixes: Sequence[str]) -> None:
        if prefixes and keyring is None:
            raise StoreError("a store with encrypted prefixes needs a keyring")
        self.keyring = keyring
        self._prefixes = tuple(prefixes)
        self._nonces: list[bytes] = []

    def seal(self, key: str, revision: int, raw: bytes) -> tuple[int | None, bytes]:
        """(id of the encryption key or None, what to store)."""
        if self.keyring is None or not key.startswith(self._prefixes):
            return None, raw
        return self.reseal(key, revision, raw)

    def reseal(self, key: str, revision: int, raw: bytes) -> tuple[int, bytes]:
        """Like seal, for what was encrypted already, whatever the prefixes are now."""
        assert self.keyring is not None
        key_id = self.keyring.active
        cipher = self.keyring.cipher(key_id)
        assert cipher is not None
        if not self._nonces:
            random = os.urandom(_NONCE * _DRAWN)
            self._nonces = [random[start : start + _NONCE] for start in range(0, len(random), _NONCE)]
        nonce = self._nonces.pop()  # only the writer thread encrypts
        return key_id, nonce + cipher.encrypt(nonce, raw, _bound_to(key, revision))

    def unseal(self, key: str, revision: int, key_id: int | None, value: bytes) -> bytes:
        """The JSON bytes. Raises StoreError for a key that is missing or wrong."""
        if key_id is None:
            return value
        if self.keyring is None:
            raise StoreError(f"{key} is encrypted and there is no keyring")
        cipher = self.keyring.cipher(key_id)
        if cipher is None:
            raise StoreError(
                f"{key} is encrypted with key {key_id}, which keyring {self.keyring.path} does not have"
            )
        try:
            return cipher.decrypt(value[:_NONCE], value[_NONCE:], _bound_to(key, revision))
        except InvalidTag:
            raise StoreError(
                f"{key} cannot be decrypted with key {key_id} of keyring {self.keyring.path}: "
                "the key is wrong or the row is damaged"
            ) from None


def _bound_to(key: str, revision: int) -> bytes:
    return f"{key}\0{revision}".encode()
