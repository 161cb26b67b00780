"""How much of the server one request, one connection, or all of them may take. See docs/limits.md."""

from __future__ import annotations

from dataclasses import dataclass

from backend.apiserver.authorization.attributes import MASTERS
from backend.meta.types import User

RETRY_SECONDS = 1
"""What the answer tells a client to wait. Source: retryAfter of pkg/server/filters/maxinflight.go."""
TOO_MANY = "Too many requests, please try again later.\n"
READING = ("get", "list")


@dataclass(frozen=True, slots=True)
class Limits:
    """kube-apiserver's defaults, of the flags of the same names."""

    max_requests_inflight: int = 400
    max_mutating_requests_inflight: int = 200
    request_timeout: float = 60.0
    """Seconds in which a request's body must have come, and after which a client that reads nothing is dropped."""
    head_timeout: float = 32.0
    """Seconds in which a request's head must have come. Source: ReadHeaderTimeout of pkg/server/secure_serving.go."""


class TooManyRequests(Exception):
    """429: as many requests as there may be are being worked on."""


class InFlight:
    """Counts the requests that are being worked on. Watches and other streams do not count, nor does the time in which
    a body comes. Masters are counted, but never refused. Source: pkg/server/filters/maxinflight.go."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._reading = 0
        self._mutating = 0

    def begin(self, verb: str, user: User) -> bool:
        """Count one more, until `end` is called with the result. Raises TooManyRequests."""
        reading = verb in READING
        self._require_room(reading, user)
        self._reading += reading
        self._mutating += not reading
        return reading

    def end(self, reading: bool) -> None:
        self._reading -= reading
        self._mutating -= not reading

    def _require_room(self, reading: bool, user: User) -> None:
        limits = self._limits
        if reading:
            full = self._reading >= limits.max_requests_inflight
        else:
            full = self._mutating >= limits.max_mutating_requests_inflight
        if full and MASTERS not in user.groups:
            raise TooManyRequests
