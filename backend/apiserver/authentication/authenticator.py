"""Who is asking: a client certificate of our CA, a bearer token, or the owner of the unix socket.

Sources: k8s.io/apiserver/pkg/authentication/request/{bearertoken,websocket}.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from backend.apiserver.authentication.bearer_tokens import BearerTokens
from backend.apiserver.authentication.bound_objects import TokenRefused
from backend.meta.errors import unauthorized
from backend.meta.types import User

ANONYMOUS_PATHS = frozenset(("/livez", "/readyz", "/healthz", "/version"))
_PROTOCOL = "base64url.bearer.authorization.k8s.io."
"""Of the protocols that a WebSocket client offers, the one that is a token: browsers can send no other header."""


class Authenticator:
    def __init__(self, tokens: BearerTokens) -> None:
        self._tokens = tokens

    def user(self, state: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> User:
        """`state` is the connection's: "user" is who the transport vouches for. Raises 401.

        Who owns the unix socket ("local") may be another by a token; a certificate comes before any token.
        """
        known: User | None = state.get("user")
        if known is not None and not (state.get("local") and b"authorization" in headers):
            return known
        token = _token(headers)
        if not token:
            raise unauthorized()
        try:
            identity = self._tokens.authenticate(token)
        except TokenRefused:
            raise unauthorized() from None
        if identity is None:
            raise unauthorized()
        return identity.user


def _token(headers: Mapping[bytes, bytes]) -> str:
    scheme, _, rest = headers.get(b"authorization", b"").decode("latin-1").strip().partition(" ")
    if scheme.lower() == "bearer":
        return rest.partition(" ")[0]
    for offered in headers.get(b"sec-websocket-protocol", b"").decode("latin-1").split(","):
        encoded = offered.strip()
        if encoded.startswith(_PROTOCOL):
            return _decoded(encoded.removeprefix(_PROTOCOL))
    return ""


def _decoded(encoded: str) -> str:
    try:
        return base64.urlsafe_b64decode(encoded + "==").decode()
    except ValueError:
        return ""
