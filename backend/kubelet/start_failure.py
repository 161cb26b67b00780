"""Why a container could not be started just now."""

from __future__ import annotations

RETRY_SECONDS = 10.0
"""The kubelet's pause before it tries again (backOffPeriod)."""


class StartFailure(Exception):
    """`reason` and the text become the container's waiting state; `retry_after` seconds it is tried again."""

    def __init__(self, reason: str, message: str, *, retry_after: float = RETRY_SECONDS) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
