"""Who a request is from, in the end: whoever is authenticated, or whom they act as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backend.apiserver.authentication.authenticator import Authenticator
from backend.apiserver.authentication.impersonation import PREFIX, impersonated
from backend.apiserver.authorization.attributes import Authorizer
from backend.meta.types import User


class Identity:
    def __init__(self, authenticator: Authenticator, authorizer: Authorizer) -> None:
        self._authenticator = authenticator
        self._authorizer = authorizer

    def user(
        self, state: Mapping[str, Any], headers: Mapping[bytes, bytes], pairs: Sequence[tuple[bytes, bytes]]
    ) -> User:
        """`state` is the connection's, `pairs` the headers with the repeated ones. Raises 401, 403 for whom one may
        not act as, and NobodyImpersonated."""
        user = self._authenticator.user(state, headers)
        for name in headers:
            if name.startswith(PREFIX):
                return impersonated(user, pairs, self._authorizer)
        return user
