"""What is sent again without being worked out again, and when no more."""

from __future__ import annotations

from typing import Any

import pytest

from backend.network.dns import hot_answers
from backend.network.dns.hot_answers import HotAnswers
from backend.network.dns.response import Response

WEB, OTHER = ("default", "web"), ("default", "other")


class Hot(HotAnswers):
    def __init__(self) -> None:
        self.now = 100.0
        super().__init__(lambda: self.now)

    def given(self, question: bytes) -> bytes | None:
        answer = self.get(question)
        return None if answer is None else answer.next()


def response(text: bytes, **options: Any) -> Response:
    return Response(b"id" + text, **{"ttl": None, **options})


def test_an_answer_is_kept_until_its_service_changes() -> None:
    hot = Hot()
    hot.put(b"q", response(b"a", services=frozenset({WEB})))
    hot.put(b"p", response(b"ptr", of_all=True))
    hot.put(b"s", response(b"soa"))
    hot.service_changed(OTHER)
    assert (hot.given(b"q"), hot.given(b"p"), hot.given(b"s")) == (b"a", None, b"soa")
    hot.service_changed(WEB)
    assert (hot.given(b"q"), hot.given(b"s")) == (None, b"soa")
    hot.clear()
    assert hot.given(b"s") is None


def test_an_answer_ends_with_its_time() -> None:
    hot = Hot()
    hot.put(b"q", response(b"a", ttl=1.0))
    hot.put(b"never", response(b"a", ttl=0.0))
    assert hot.given(b"q") == b"a"
    assert hot.given(b"never") is None
    hot.now += 1.0
    assert hot.given(b"q") is None
    assert len(hot) == 0


def test_different_orders_are_collected_and_given_in_turn() -> None:
    hot = Hot()
    for text in (b"1", b"2", b"3"):
        assert hot.given(b"q") is None
        hot.put(b"q", response(text, orders=3))
    assert {hot.given(b"q") for _ in range(3)} == {b"1", b"2", b"3"}


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hot_answers, "MAX_BYTES", 6000)
    hot = Hot()
    for number in range(100):
        hot.put(b"%d" % number, response(bytes(90)))
    assert 0 < len(hot) <= 10
    hot.put(bytes(400), response(b"a"))
    assert hot.given(bytes(400)) is None, "a question with options hardly comes again"


def test_a_set_of_orders_that_was_begun_ends_with_its_service() -> None:
    hot = Hot()
    hot.put(b"q", response(b"old", orders=2, services=frozenset({WEB})))
    hot.service_changed(WEB)
    hot.put(b"q", response(b"new", orders=2, services=frozenset({WEB})))
    hot.put(b"q", response(b"new", orders=2, services=frozenset({WEB})))
    assert {hot.given(b"q"), hot.given(b"q")} == {b"new"}
