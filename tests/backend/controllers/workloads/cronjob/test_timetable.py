"""When CronJobs are due."""

from __future__ import annotations

from itertools import islice

import pytest

from backend.controllers.workloads.cronjob.timetable import Timetable
from backend.meta import timefmt


def cron_job(schedule, zone=None, *, created="2024-01-01T00:00:00Z", last=None):
    spec = {"schedule": schedule, **({"timeZone": zone} if zone else {})}
    status = {"lastScheduleTime": last} if last else {}
    return {"metadata": {"name": "c", "creationTimestamp": created}, "spec": spec, "status": status}


def times(schedule, after, count=3, zone=None):
    found = Timetable(cron_job(schedule, zone)).after(timefmt.parse(after))
    return [timefmt.format_time(moment) for moment in islice(found, count)]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("*/20 * * * *", ["2024-03-01T10:20:00Z", "2024-03-01T10:40:00Z", "2024-03-01T11:00:00Z"]),
        ("5/25 3 * * ?", ["2024-03-02T03:05:00Z", "2024-03-02T03:30:00Z", "2024-03-02T03:55:00Z"]),
        ("0 0 1 * *", ["2024-04-01T00:00:00Z", "2024-05-01T00:00:00Z", "2024-06-01T00:00:00Z"]),
        ("0 0 29 feb *", ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z", "2036-02-29T00:00:00Z"]),
        ("@weekly", ["2024-03-03T00:00:00Z", "2024-03-10T00:00:00Z", "2024-03-17T00:00:00Z"]),
        ("@every 1m30s", ["2024-03-01T10:01:47Z", "2024-03-01T10:03:17Z", "2024-03-01T10:04:47Z"]),
        ("0 9 * * mon-fri", ["2024-03-04T09:00:00Z", "2024-03-05T09:00:00Z", "2024-03-06T09:00:00Z"]),
        # Two fields of days: one is enough, but where one of them is any.
        ("0 0 13 * 5", ["2024-03-08T00:00:00Z", "2024-03-13T00:00:00Z", "2024-03-15T00:00:00Z"]),
        ("0 0 */15 * 5", ["2024-03-08T00:00:00Z", "2024-03-15T00:00:00Z", "2024-03-16T00:00:00Z"]),
        ("0 0 * * 5", ["2024-03-08T00:00:00Z", "2024-03-15T00:00:00Z", "2024-03-22T00:00:00Z"]),
        ("0 0 31 2 *", []),
    ],
)
def test_the_times_of_a_schedule(schedule, expected):
    assert times(schedule, "2024-03-01T10:00:17Z") == expected


def test_times_are_of_the_time_zone():
    assert times("30 9 * * *", "2024-03-30T00:00:00Z", zone="Europe/Berlin") == [
        "2024-03-30T08:30:00Z",
        "2024-03-31T07:30:00Z",
        "2024-04-01T07:30:00Z",
    ]


def test_a_skipped_hour_has_no_times():
    assert times("30 2 * * *", "2024-03-30T12:00:00Z", 1, "Europe/Berlin") == ["2024-04-01T00:30:00Z"]


def test_an_hour_that_comes_twice_has_its_times_twice():
    assert times("30 2 * * *", "2024-10-26T12:00:00Z", 2, "Europe/Berlin") == [
        "2024-10-27T00:30:00Z",
        "2024-10-27T01:30:00Z",
    ]


def missed(job, now, deadline=None):
    found = Timetable(job).missed(job, timefmt.parse(now), deadline=deadline)
    return found.latest and timefmt.format_time(found.latest), found.number


@pytest.mark.parametrize(
    ("job", "now", "deadline", "expected"),
    [
        (cron_job("0 * * * *"), "2024-01-01T00:59:59Z", None, (None, 0)),
        (cron_job("0 * * * *"), "2024-01-01T01:00:00Z", None, ("2024-01-01T01:00:00Z", 0)),
        (cron_job("0 * * * *", last="2024-01-01T01:00:00Z"), "2024-01-01T01:30:00Z", None, (None, 0)),
        (cron_job("0 * * * *"), "2024-01-01T05:30:00Z", None, ("2024-01-01T05:00:00Z", 5)),
        (cron_job("0 * * * *"), "2024-01-01T05:30:00Z", 600, (None, 0)),
        (cron_job("* * * * *"), "2024-01-01T02:00:10Z", None, ("2024-01-01T02:00:00Z", 120)),
        # Where the distances differ much, kube's estimate goes too far to find a time.
        (cron_job("30 6-16/4 * * 1-5"), "2024-01-08T05:00:00Z", None, (None, 42)),
    ],
)
def test_what_was_missed(job, now, deadline, expected):
    assert missed(job, now, deadline) == expected


def test_a_schedule_that_never_comes_is_refused():
    with pytest.raises(ValueError, match="less than 1 second"):
        missed(cron_job("0 0 31 2 *"), "2024-05-01T00:00:00Z")


def test_an_unknown_time_zone_is_refused():
    with pytest.raises(ValueError, match="unknown time zone Nowhere/At"):
        Timetable(cron_job("* * * * *", "Nowhere/At"))


def test_the_next_time_counts_on_from_the_last():
    job = cron_job("@every 10m", last="2024-01-01T01:03:00Z")
    due = Timetable(job).next_due(job, timefmt.parse("2024-01-01T01:30:00Z"))
    assert timefmt.format_time(due) == "2024-01-01T01:33:00Z"
