"""Who is asking: an admin's bearer token, a client certificate of our CA, or the owner of the unix socket."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from backend.meta.errors import unauthorized
from backend.meta.types import ADMIN, User

AUTHENTICATED = "system:authenticated"
ANONYMOUS_PATHS = frozenset(("/livez", "/readyz", "/healthz", "/version"))


def certificate_user(certificate: Mapping[str, Any] | None) -> User | None:
    """The user of a verified peer certificate, as ssl.SSLSocket.getpeercert gives it: CN, and Os as groups."""
    if not certificate:
        return None
    attributes = [pair for rdn in certificate.get("subject", ()) for pair in rdn]
    names = [value for key, value in attributes if key == "commonName"]
    if not names:
        return None
    groups = [value for key, value in attributes if key == "organizationName"]
    return User(names[0], (*groups, AUTHENTICATED))


class Authenticator:
    def __init__(self, admin_token: str) -> None:
        self._admin = b"Bearer " + admin_token.encode()

    def user(self, state: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> User:
        """`state` is the connection's: "user" is who the transport vouches for. Raises 401."""
        known: User | None = state.get("user")
        if known is not None:
            return known
        if hmac.compare_digest(headers.get(b"authorization", b""), self._admin):
            return ADMIN
        raise unauthorized()
