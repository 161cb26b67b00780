"""The times of a CronJob's schedule.

Source: pkg/controller/cronjob/utils.go, over github.com/robfig/cron/v3. An hour that the change to summer time skips
has no times, and one that comes twice has them twice, as there. Without a time zone it is UTC, as where kube's
controller runs in a container.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from backend.meta import timefmt
from backend.meta.cron import Field, parse_schedule
from backend.meta.types import Obj

MANY_MISSED = 100


class Missed(NamedTuple):
    """Times up to now, since the last that was met, or since the CronJob was made."""

    since: float
    latest: float | None
    number: int
    """An estimate, by the distance of the first two."""


class Timetable:
    """All times are seconds since the epoch."""

    def __init__(self, cron_job: Obj) -> None:
        """Raises ValueError for a schedule or a time zone that is none."""
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # Where no CronJob is, a start does not pay for it.

        spec = cron_job["spec"]
        self._schedule = parse_schedule(spec["schedule"])
        name = spec.get("timeZone") or self._schedule.zone or "UTC"
        try:
            self.zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, OSError) as error:
            raise ValueError(f"unknown time zone {name}") from error
        self._expression = " ".join(["0", *map(_as_text, self._schedule.fields)])

    def after(self, moment: float) -> Iterator[float]:
        """The times after a moment; none for one that never comes, such as the 31st of February."""
        from cronsim import CronSim, CronSimError

        if self._schedule.every:
            while True:
                moment = moment // 1 + self._schedule.every
                yield moment
        try:
            # Six fields: for five, cronsim would make up for skipped hours.
            for time in CronSim(self._expression, datetime.fromtimestamp(moment // 1, self.zone)):
                if time.astimezone(UTC).astimezone(self.zone) == time:  # It is none of a skipped hour.
                    yield time.timestamp()
        except CronSimError:
            return

    def next(self, moment: float) -> float | None:
        return next(self.after(moment), None)

    def missed(self, cron_job: Obj, now: float, *, deadline: float | None = None) -> Missed:
        """No times are missed that are longer ago than `deadline` seconds. Raises ValueError if two times are not a
        second apart, as those of a schedule that never comes. Source: mostRecentScheduleTime."""
        last = (cron_job.get("status") or {}).get("lastScheduleTime")
        since = timefmt.parse(last or cron_job["metadata"]["creationTimestamp"])
        if deadline is not None:
            since = max(since, now - deadline)
        times = self.after(since)
        first, second = next(times, None), next(times, None)
        if first is not None and now < first:
            return Missed(since, None, 0)
        if second is not None and now < second:
            return Missed(since, first, 0)
        if first is None or second is None:
            raise ValueError("time difference between two schedules is less than 1 second")
        distance = round(second - first)
        number = int(now - first) // distance + 1
        latest = None
        for time in self.after(first + (number - 2) * distance):
            if time > now:
                break
            latest = time
        return Missed(since, latest, number)

    def next_due(self, cron_job: Obj, now: float) -> float | None:
        """The first time after now, counted on from the last. Source: nextScheduleTimeDuration."""
        try:
            missed = self.missed(cron_job, now)
        except ValueError:
            return self.next(now)
        if missed.latest is not None:
            return self.next(missed.latest)
        return self.next(now if missed.number else missed.since)


def _as_text(field: Field) -> str:
    return "*" if field.any else ",".join(map(str, sorted(field.values)))
