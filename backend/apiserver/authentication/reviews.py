"""tokenreviews and selfsubjectreviews: questions about identities, answered at once and never stored.

Sources: pkg/registry/authentication/{tokenreview,selfsubjectreview}/storage.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.apiserver import decoding
from backend.apiserver.authentication.bound_objects import TokenRefused
from backend.apiserver.authentication.claims import AUDIENCES
from backend.apiserver.call import Call, Plain
from backend.meta import errors, timefmt
from backend.meta.types import Obj


async def review_token(call: Call) -> Plain:
    """Whose token it is, and for which of the audiences asked about."""
    review = decoding.decode(call)
    spec = review.get("spec") or {}
    if not spec.get("token"):
        raise errors.bad_request("token is required for TokenReview in authentication")
    review["status"] = _token_status(call, spec["token"], spec.get("audiences") or AUDIENCES)
    return Plain(review, 201)


def _token_status(call: Call, token: str, audiences: Sequence[str]) -> Obj:
    tokens = call.server.tokens
    try:
        identity = tokens.authenticate(token, audiences) if tokens is not None else None
    except TokenRefused as error:
        return {"user": {}, "error": f"[invalid bearer token, {error}]"}
    if identity is None:
        return {"user": {}, "error": "invalid bearer token"}
    return {"authenticated": True, "user": identity.user.info, "audiences": list(identity.audiences)}


async def review_self(call: Call) -> Plain:
    """Who asks."""
    review = decoding.decode(call)
    review["metadata"]["creationTimestamp"] = timefmt.format_time(call.server.clock())
    review["status"] = {"userInfo": call.request.user.info}
    return Plain(review, 201)
