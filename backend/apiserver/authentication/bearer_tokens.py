"""Every bearer token that the API server believes: the administrator's own, and service accounts'."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from backend.apiserver.authentication.claims import AUDIENCES
from backend.apiserver.authentication.service_account_tokens import Identity, ServiceAccountTokens
from backend.meta.types import ADMIN


class BearerTokens:
    def __init__(self, admin_token: str, accounts: ServiceAccountTokens) -> None:
        self._admin = admin_token.encode()
        self._administrator = Identity(ADMIN, AUDIENCES)
        self.accounts = accounts

    def authenticate(self, token: str, audiences: Sequence[str] = AUDIENCES) -> Identity | None:
        """As ServiceAccountTokens.authenticate. The administrator's token is for this server and nobody else."""
        if hmac.compare_digest(token.encode(), self._admin):
            if audiences is AUDIENCES:
                return self._administrator
            meant = tuple(audience for audience in AUDIENCES if audience in audiences)
            return Identity(ADMIN, meant) if meant else None
        return self.accounts.authenticate(token, audiences)
