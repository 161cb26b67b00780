"""Service account tokens: signed here, and believed while what they are bound to lives.

Source: pkg/serviceaccount/{jwt,claims,legacy}.go. A token's signature is verified once; at each use it is asked again
whether its time has come and its objects are there, which are looked up in memory.
"""

from __future__ import annotations

import base64
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import orjson

from backend.apiserver.authentication import accounts
from backend.apiserver.authentication.bound_objects import Bound, Objects, TokenRefused, bind
from backend.apiserver.authentication.claims import (
    AUDIENCES,
    ISSUER,
    KUBERNETES,
    LEGACY_ACCOUNT,
    LEGACY_ACCOUNT_UID,
    LEGACY_ISSUER,
    LEGACY_NAMESPACE,
    LEGACY_SECRET,
)
from backend.apiserver.authentication.signing_key import BadSignature, SigningKey
from backend.meta.types import Obj, User
from backend.store.api import Store

LEEWAY_SECONDS = 60
"""By which clocks may differ. Source: jwt.DefaultLeeway of go-jose."""
_KNOWN_TOKENS = 1024
_MAX_BYTES = 16 * 1024
"""No token is longer; what is, is not worth decoding."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a token names, and the audiences of those asked about that it is for."""

    user: User
    audiences: tuple[str, ...]


@dataclass(slots=True)
class _Known:
    """A token whose signature was verified. `seen` has the revisions at which what it is bound to was found alive."""

    expires: float
    begins: float
    audiences: Sequence[str]
    user: User
    bound: Bound
    seen: dict[str, int] = field(default_factory=dict)


class ServiceAccountTokens:
    """For the event loop's thread, but for `sign`. `clock` gives seconds since the epoch."""

    def __init__(self, store: Store, key: SigningKey, clock: Callable[[], float]) -> None:
        self.key = key
        self._objects = Objects(store)
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def sign(self, claims: Obj) -> str:
        return self.key.sign(claims)

    def authenticate(self, token: str, audiences: Sequence[str] = AUDIENCES) -> Identity | None:
        """Who has `token`. None if it is none of ours; raises TokenRefused if it is not valid (any more), or for
        none of `audiences`."""
        known = self._known.get(token)
        if known is None:
            known = self._verify(token)
            if known is None:
                return None
        else:
            self._known.move_to_end(token)
        meant = tuple([audience for audience in known.audiences if audience in audiences])
        if not meant:
            text = f"token audiences {_go_list(known.audiences)} is invalid for the target audiences"
            raise TokenRefused(f"{text} {_go_list(audiences)}")
        now = self._clock()
        _check_time(known, now)
        self._objects.check(known.bound, known.seen, now - LEEWAY_SECONDS, token)
        return Identity(known.user, meant)

    def _verify(self, token: str) -> _Known | None:
        issuer = _unverified_issuer(token)
        if issuer not in (ISSUER, LEGACY_ISSUER):
            return None
        try:
            claims = self.key.verify(token)
        except BadSignature as error:
            raise TokenRefused(str(error)) from None
        bound = _bound(claims) if issuer == ISSUER else _legacy_bound(claims)
        expires, begins = claims.get("exp", math.inf), max(claims.get("nbf", 0), claims.get("iat", 0))
        known = _Known(expires, begins, _audiences(claims), _user(claims, bound), bound)
        self._known[token] = known
        if len(self._known) > _KNOWN_TOKENS:
            self._known.popitem(last=False)
        return known


def _unverified_issuer(token: str) -> str | None:
    """The `iss` of what may be a JWT, whoever signed it: tells at little cost whether it is worth verifying."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > _MAX_BYTES:
        return None
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=="))
    except ValueError:
        return None
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    return issuer if isinstance(issuer, str) else None


def _audiences(claims: Obj) -> Sequence[str]:
    """A token from before there were audiences is for this server alone."""
    found: str | list[str] = claims.get("aud") or list(AUDIENCES)
    return [found] if isinstance(found, str) else found


def _check_time(known: _Known, now: float) -> None:
    if now - LEEWAY_SECONDS > known.expires:
        raise TokenRefused("service account token has expired")
    if now + LEEWAY_SECONDS < known.begins:
        raise TokenRefused("service account token is not valid yet")


def _bound(claims: Obj) -> Bound:
    own = claims[KUBERNETES]
    bound = {kind: own.get(kind) for kind in ("pod", "node", "secret")}
    return bind(own["namespace"], own["serviceaccount"], **bound)


def _legacy_bound(claims: Obj) -> Bound:
    account = {"name": claims[LEGACY_ACCOUNT], "uid": claims[LEGACY_ACCOUNT_UID]}
    return bind(claims[LEGACY_NAMESPACE], account, secret={"name": claims[LEGACY_SECRET]}, keeps_token=True)


def _user(claims: Obj, bound: Bound) -> User:
    """Source: ServiceAccountInfo.UserInfo."""
    extra: list[tuple[str, tuple[str, ...]]] = []
    if claims.get("jti"):
        extra.append((accounts.CREDENTIAL_ID, (f"JTI={claims['jti']}",)))
    if bound.node is not None:
        extra.append((accounts.NODE_NAME, (bound.node["name"],)))
        if bound.node.get("uid"):
            extra.append((accounts.NODE_UID, (bound.node["uid"],)))
    if bound.pod is not None:
        extra += [(accounts.POD_NAME, (bound.pod["name"],)), (accounts.POD_UID, (bound.pod["uid"],))]
    groups = (*accounts.groups(bound.namespace), accounts.AUTHENTICATED)
    return User(
        accounts.username(bound.namespace, bound.account["name"]), groups, bound.account["uid"], tuple(extra)
    )


def _go_list(texts: Sequence[str]) -> str:
    """As Go's %q prints a slice."""
    return "[" + " ".join(f'"{text}"' for text in texts) + "]"
