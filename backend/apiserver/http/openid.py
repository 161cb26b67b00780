"""The discovery document of the tokens' issuer, and its public keys: what others verify our tokens by.

Source: pkg/serviceaccount/openidmetadata.go and pkg/routes/openidmetadata.go.
"""

from __future__ import annotations

import orjson

from backend.apiserver.authentication.claims import ISSUER
from backend.apiserver.authentication.signing_key import ALGORITHM, SigningKey
from backend.apiserver.http.exchange import JSON, Exchange

CONFIGURATION = "/.well-known/openid-configuration"
KEYS = "/openid/v1/jwks"
PATHS = (CONFIGURATION, KEYS)
_KEYS_TYPE = b"application/jwk-set+json"
_CACHED = (b"cache-control", b"public, max-age=3600")


class OpenId:
    def __init__(self, key: SigningKey, address: str) -> None:
        """`address` is host:port at which this server answers."""
        self._key = key
        self._address = address

    async def serve(self, exchange: Exchange) -> None:
        """Answer one of PATHS."""
        if exchange.path == KEYS:
            body = orjson.dumps({"keys": [self._key.jwk()]})
            await exchange.respond(200, body, _KEYS_TYPE, cache=_CACHED)
            return
        body = orjson.dumps({
            "issuer": ISSUER, "jwks_uri": f"https://{self._address}{KEYS}", "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": [ALGORITHM],
        })  # fmt: skip
        await exchange.respond(200, body, JSON, cache=_CACHED)
