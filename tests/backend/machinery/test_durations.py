"""Durations as /metrics gets them."""

from __future__ import annotations

from backend.machinery.durations import Durations


def test_each_duration_is_counted_at_its_bound() -> None:
    durations = Durations("d", "help", [0.1, 1.0])
    for seconds in (0.05, 0.1, 0.5, 7.0):
        durations.observe(seconds)
    name, help_, bounds, counts, total = durations.figures()
    assert (name, help_, bounds) == ("d", "help", [0.1, 1.0])
    assert counts == (2, 1, 1)
    assert total == 7.65


def test_what_nobody_holds_is_not_shown() -> None:
    durations = Durations("held", "", [1.0])
    assert "held" in [figures.name for figures in Durations.all_figures()]
    del durations
    assert "held" not in [figures.name for figures in Durations.all_figures()]
