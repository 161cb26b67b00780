"""Sets of indexes, as text and as intervals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.controllers.workloads.job.indexes import Indexes
from backend.resources.batch.job_indexes import count_indexes

SETS = st.sets(st.integers(0, 40))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("3", "3"),
        ("1,2", "1,2"),
        ("1-3,4,9", "1-4,9"),
        ("1-30", "1-19"),
        ("5,x,7-", "5"),
        ("25,3", "3"),
    ],
)
def test_what_is_read_is_below_the_completions(text, shown):
    assert str(Indexes.parse(text, 20)) == shown


@given(SETS, SETS)
def test_intervals_are_sets(ours, theirs):
    one, other = Indexes.of(ours), Indexes.of(theirs)
    assert len(one) == len(ours)
    assert {number for number in range(42) if number in one} == ours
    assert one.common(other) == len(ours & theirs)
    assert str(one | other) == str(Indexes.of(ours | theirs))
    assert list(one.missing(41)) == sorted(set(range(41)) - ours)


@given(SETS)
def test_the_text_is_what_validation_accepts(numbers):
    text = str(Indexes.of(numbers))
    assert count_indexes(text, 41) == len(numbers)
    assert str(Indexes.parse(text, 41)) == text
