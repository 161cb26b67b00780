"""Removes requests that nobody needs any more. Source: pkg/controller/certificates/cleaner."""

from __future__ import annotations

import base64

from backend.controllers.certificates.conditions import CSRS, certificate, conditions
from backend.machinery.client import Client
from backend.machinery.clock import Clock, RealClock
from backend.machinery.controller import Controller, Key
from backend.machinery.informer import Informer
from backend.meta.errors import ApiError
from backend.meta.timefmt import parse
from backend.meta.types import Obj

_HOUR = 3600.0
_PENDING_SECONDS = 24 * _HOUR
"""How long a request waits for whoever decides; decided, it stays for an hour."""


class CsrCleaner:
    def __init__(self, client: Client, *, csrs: Informer, clock: Clock | None = None) -> None:
        self._client = client
        self._csrs = csrs
        self._clock = clock or RealClock()
        self.controller = Controller("csrcleaner", self.reconcile, clock=clock, informers=(csrs,))
        csrs.on_change(self.controller.enqueue_changed)

    async def reconcile(self, key: Key) -> float | None:
        """Looks again when its time is over."""
        csr = self._csrs.get("", key.name)
        due = _due(csr) if csr is not None else None
        if csr is None or due is None:
            return None
        left = due - self._clock.now()
        if left > 0:
            return left
        try:
            await self._client.delete(CSRS, key.name, options={"preconditions": {"uid": csr["metadata"]["uid"]}})
        except ApiError as error:
            if error.code not in (404, 409):
                raise
        return None


def _due(csr: Obj) -> float | None:
    """When it is to go, in seconds since the epoch; None while it is neither decided nor waits."""
    found = conditions(csr)
    if not found:
        return parse(csr["metadata"]["creationTimestamp"]) + _PENDING_SECONDS
    issued = certificate(csr)
    times = [
        parse(condition["lastUpdateTime"]) + _HOUR
        for condition in found
        if condition.get("lastUpdateTime")
        and (condition.get("type") == "Denied" or (condition.get("type") == "Approved" and issued))
    ]
    if issued and any(condition.get("type") == "Approved" for condition in found):
        times.append(_end(issued))
    return min(times, default=None)


def _end(encoded: str) -> float:
    from cryptography import x509

    return x509.load_pem_x509_certificate(base64.b64decode(encoded)).not_valid_after_utc.timestamp()
