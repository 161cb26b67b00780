"""The key that signs service account tokens: ECDSA on P-256, so that tokens are ES256.

Source: pkg/serviceaccount/jwt.go, for the key's id and the header. `jwt` and `cryptography` are imported at the first
token: their import takes longer than the API's start may.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from backend.meta.types import Obj

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

ALGORITHM = "ES256"
_COORDINATE_BYTES = 32


class BadSignature(Exception):
    """No token of this key."""


class SigningKey:
    """Read from its PEM file when it is first used. Every method may be called in any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def sign(self, claims: Obj) -> str:
        """The claims as a JWT in compact form."""
        from jwt import api_jws

        header = {"kid": self.key_id, "typ": None}  # as Kubernetes' tokens, which have no typ
        return api_jws.encode(orjson.dumps(claims), self._private, ALGORITHM, header)

    def verify(self, token: str) -> Obj:
        """The claims of a token that this key signed, whatever they say. Raises BadSignature."""
        from jwt import api_jws
        from jwt.exceptions import InvalidTokenError

        try:
            claims = orjson.loads(api_jws.decode(token, self._public, [ALGORITHM]))
        except (InvalidTokenError, ValueError) as error:
            raise BadSignature(str(error)) from None
        if not isinstance(claims, dict):
            raise BadSignature("the payload is no object")
        return claims

    @cached_property
    def key_id(self) -> str:
        """From which nobody can tell the key: the hash of its public half."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        der = self._public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return _base64url(hashlib.sha256(der).digest())

    def jwk(self) -> Obj:
        """The public half, as RFC 7517 has it."""
        numbers = self._public.public_numbers()
        x, y = (_base64url(n.to_bytes(_COORDINATE_BYTES, "big")) for n in (numbers.x, numbers.y))
        return {"use": "sig", "kty": "EC", "kid": self.key_id, "crv": "P-256", "alg": ALGORITHM, "x": x, "y": y}

    @cached_property
    def _private(self) -> ec.EllipticCurvePrivateKey:
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        key = load_pem_private_key(self._path.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key

    @cached_property
    def _public(self) -> ec.EllipticCurvePublicKey:
        return self._private.public_key()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
