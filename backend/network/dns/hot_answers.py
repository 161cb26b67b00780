"""Ready-made answers by the bytes of their questions: what is asked again costs a look-up and no decoding.

The id is no part of either. Everything else of the question is, the letters' case too, so that what is sent is always
what decoding the question would give.
"""

from __future__ import annotations

from collections.abc import Callable

from backend.network.dns.cluster_records import ServiceKey
from backend.network.dns.response import Response

MAX_BYTES = 4 << 20
"""Of what was put since all was last forgotten: when it is more, all is forgotten again."""
_OVERHEAD = 500
"""Bytes beside question and answer."""
MAX_QUESTION = 300
"""A longest name with EDNS. What is longer has options, which hardly come again (a cookie is another each time)."""


class HotAnswer:
    """`wires` lack the id, and are sent in turn."""

    __slots__ = ("expires", "kind", "orders", "sent", "wires")

    def __init__(self, response: Response, expires: float | None) -> None:
        self.kind = response.kind
        self.orders = response.orders
        self.wires = [response.wire[2:]]
        self.expires = expires
        self.sent = 0

    @property
    def complete(self) -> bool:
        return len(self.wires) >= self.orders

    def next(self) -> bytes:
        self.sent += 1
        return self.wires[self.sent % len(self.wires)]


class HotAnswers:
    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives monotonic seconds."""
        self._clock = clock
        self._answers: dict[bytes, HotAnswer] = {}
        self._of_service: dict[ServiceKey, set[bytes]] = {}
        self._of_all: set[bytes] = set()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, question: bytes) -> HotAnswer | None:
        """None also while more orders of the same addresses are to be made."""
        answer = self._answers.get(question)
        if answer is None or not answer.complete:
            return None
        if answer.expires is not None and answer.expires <= self._clock():
            del self._answers[question]
            return None
        return answer

    def put(self, question: bytes, response: Response) -> None:
        if response.ttl == 0 or len(question) > MAX_QUESTION:
            return
        size = len(question) + len(response.wire) + _OVERHEAD
        if self._bytes + size > MAX_BYTES:
            self.clear()
        self._bytes += size
        known = self._answers.get(question)
        if known is not None and not known.complete:
            known.wires.append(response.wire[2:])
            return
        expires = None if response.ttl is None else self._clock() + response.ttl
        self._answers[question] = HotAnswer(response, expires)
        for service in response.services:
            self._of_service.setdefault(service, set()).add(question)
        if response.of_all:
            self._of_all.add(question)

    def service_changed(self, service: ServiceKey) -> None:
        for questions in (self._of_service.pop(service, ()), self._of_all):
            for question in questions:
                self._answers.pop(question, None)
        self._of_all.clear()

    def clear(self) -> None:
        self._answers.clear()
        self._of_service.clear()
        self._of_all.clear()
        self._bytes = 0
