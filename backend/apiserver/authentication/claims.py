"""What service account tokens say. Source: pkg/serviceaccount/claims.go and legacy.go."""

from __future__ import annotations

from collections.abc import Sequence

from backend.apiserver.authentication import accounts
from backend.meta.types import Obj
from backend.meta.uids import new_uid

ISSUER = "https://kubernetes.default.svc.cluster.local"
AUDIENCES = (ISSUER,)
"""Whom a token is for that says nothing else: this API server."""
KUBERNETES = "kubernetes.io"

LEGACY_ISSUER = "kubernetes/serviceaccount"
LEGACY_NAMESPACE = "kubernetes.io/serviceaccount/namespace"
LEGACY_SECRET = "kubernetes.io/serviceaccount/secret.name"
LEGACY_ACCOUNT = "kubernetes.io/serviceaccount/service-account.name"
LEGACY_ACCOUNT_UID = "kubernetes.io/serviceaccount/service-account.uid"


def bound_claims(
    account: Obj, bound: Obj, audiences: Sequence[str], now: float, seconds: int, warn_after: int | None
) -> Obj:
    """The claims of a new token that ends `seconds` after `now`.

    `bound` has the object's metadata by claim: pod, node, secret. `warn_after`: the seconds after which use is stale.
    """
    meta, begin = account["metadata"], int(now)
    own: Obj = {"namespace": meta["namespace"], **{name: _reference(found) for name, found in bound.items()}}
    own["serviceaccount"] = _reference(meta)
    if warn_after is not None:
        own["warnafter"] = begin + warn_after
    return {
        "aud": list(audiences), "exp": begin + seconds, "iat": begin, "iss": ISSUER, "jti": new_uid(),
        KUBERNETES: own, "nbf": begin, "sub": accounts.username(meta["namespace"], meta["name"]),
    }  # fmt: skip


def _reference(meta: Obj) -> Obj:
    """Without a uid where the object is not there (any more)."""
    return {key: meta[key] for key in ("name", "uid") if meta.get(key)}


def legacy_claims(account: Obj, secret_name: str) -> Obj:
    """Those of a token that is kept in a Secret: it has no end but that of the Secret or of the account."""
    meta = account["metadata"]
    return {
        "iss": LEGACY_ISSUER, LEGACY_NAMESPACE: meta["namespace"], LEGACY_SECRET: secret_name,
        LEGACY_ACCOUNT: meta["name"], LEGACY_ACCOUNT_UID: meta["uid"],
        "sub": accounts.username(meta["namespace"], meta["name"]),
    }  # fmt: skip
