"""The service account tokens of this node's pods, asked for when they are needed and again before they end.

Source: pkg/kubelet/token/token_manager.go, for when a token is old, and pkg/volume/projected, for what is asked for.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from backend.kubelet.lookup import MissingReference
from backend.machinery.client import SERVICE_ACCOUNTS, Client
from backend.machinery.clock import Clock
from backend.meta.errors import ApiError
from backend.meta.timefmt import parse
from backend.meta.types import Obj

log = logging.getLogger(__name__)

TokenLookup = Callable[[Obj], str]
"""A serviceAccountToken source of a projected volume -> its token. Raises MissingReference; answers in any thread."""

MAX_AGE_SECONDS = 24 * 3600.0
FRESH_PART = 0.8
"""Of a token's life, after which another is asked for."""
JITTER_SECONDS = 10.0
RETRY_SECONDS = 60.0
_DEFAULT_SECONDS = 3600


class _Wanted(NamedTuple):
    """What a source asks for; tokens that differ in this are different tokens."""

    audience: str
    seconds: int


@dataclass(slots=True)
class _Token:
    """`until` and `renew` are seconds since the epoch: when it ends, and when it is time for another."""

    text: str
    until: float
    renew: float


class PodTokens:
    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._by_pod: dict[str, dict[_Wanted, _Token]] = {}

    async def lookup(self, pod: Obj) -> TokenLookup:
        """The tokens that the pod's volumes show, fresh where it was time. A token that cannot be had is missed by
        the volume that wants it; one that cannot be renewed stays until it ends."""
        tokens = self._by_pod.get(pod["metadata"]["uid"], {})
        faults: dict[_Wanted, str] = {}
        for wanted in _wanted(pod):
            try:
                await self._ensure(pod, wanted, tokens)
            except ApiError as error:
                faults[wanted] = f"failed to fetch token: {error}"
        if tokens:
            self._by_pod[pod["metadata"]["uid"]] = tokens
        return lambda source: _find(_wanted_by(source), tokens, faults)

    def due(self, pod: Obj) -> float | None:
        """In how many seconds a token of the pod should be renewed, 0 or less for now; None if it has no tokens."""
        tokens = self._by_pod.get(pod["metadata"]["uid"], {})
        times = [token.renew if (token := tokens.get(wanted)) is not None else 0.0 for wanted in _wanted(pod)]
        return min(times) - self._clock.now() if times else None

    def forget(self, uid: str) -> None:
        self._by_pod.pop(uid, None)

    async def _ensure(self, pod: Obj, wanted: _Wanted, tokens: dict[_Wanted, _Token]) -> None:
        held, now = tokens.get(wanted), self._clock.now()
        if held is not None and now < held.renew:
            return
        try:
            tokens[wanted] = await self._request(pod, wanted)
        except ApiError as error:
            if held is None or now >= held.until:
                tokens.pop(wanted, None)
                raise
            held.renew = now + RETRY_SECONDS
            log.warning("a token of pod %s could not be renewed: %s", pod["metadata"]["name"], error)

    async def _request(self, pod: Obj, wanted: _Wanted) -> _Token:
        meta = pod["metadata"]
        spec: Obj = {
            "expirationSeconds": wanted.seconds,
            "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]},
        }
        if wanted.audience:
            spec["audiences"] = [wanted.audience]
        account = pod["spec"].get("serviceAccountName") or "default"
        answer = await self._client.create(SERVICE_ACCOUNTS, {"spec": spec}, meta["namespace"], account, "token")
        status, seconds = answer["status"], answer["spec"]["expirationSeconds"]
        until = parse(status["expirationTimestamp"])
        life = min(FRESH_PART * seconds, MAX_AGE_SECONDS)
        return _Token(status["token"], until, until - seconds + life - random.uniform(0, JITTER_SECONDS))


def _wanted(pod: Obj) -> Iterator[_Wanted]:
    for volume in pod["spec"].get("volumes") or ():
        for source in (volume.get("projected") or {}).get("sources") or ():
            if source.get("serviceAccountToken") is not None:
                yield _wanted_by(source["serviceAccountToken"])


def _wanted_by(source: Obj) -> _Wanted:
    return _Wanted(source.get("audience") or "", source.get("expirationSeconds") or _DEFAULT_SECONDS)


def _find(wanted: _Wanted, tokens: dict[_Wanted, _Token], faults: dict[_Wanted, str]) -> str:
    if wanted not in tokens:
        raise MissingReference(faults.get(wanted, "failed to fetch token"))
    return tokens[wanted].text
