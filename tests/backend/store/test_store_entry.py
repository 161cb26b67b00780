"""Entries share one decoded object while it is fresh, and do not keep it for ever."""

from __future__ import annotations

import orjson

from backend.store.api import _KEPT_DECODED, Entry


def entry(n: int, size: int = 1000) -> Entry:
    return Entry(f"core/things/a/{n}", n, orjson.dumps({"n": n, "text": "x" * size}))


def test_an_object_is_decoded_once_for_all_who_ask_soon():
    one = entry(1)
    assert one.obj is one.obj
    assert one.obj["n"] == 1


def test_what_was_decoded_long_ago_is_let_go_and_decoded_again_when_asked_for():
    entries = [entry(n) for n in range(2 * _KEPT_DECODED // 1000)]
    first = [one.obj for one in entries]
    kept = [one for one in entries if one._obj is not None]
    assert kept == entries[-len(kept) :]
    assert sum(len(one.raw) for one in kept) <= _KEPT_DECODED
    assert entries[0].obj is not first[0]
    assert entries[0].obj == first[0]


def test_an_object_larger_than_all_that_is_kept_is_still_given():
    assert len(entry(1, 2 * _KEPT_DECODED).obj["text"]) == 2 * _KEPT_DECODED
