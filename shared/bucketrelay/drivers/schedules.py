"""Schedules: what is done again and again, by one of all the processes that share a queue."""

from collections.abc import Sequence
from datetime import datetime, timezone

from bucketrelay.jobs.queue import NewJob, Timetable
from bucketrelay.values import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job, and when it comes.

    Args:
        name: its row in the database: when and what, so that a schedule that is changed begins anew.
        every: seconds; 0 where there is a cron line.
        cron: five fields, in UTC.
    """

    name: str
    job: NewJob
    every: float = 0.0
    cron: str = ""

    def due(self, last: float | None, now: float) -> float | None:
        """*now*, if the schedule is to run after its *last* run; else None. However many were missed, it runs once.

        One with `every` runs for the first time when it is seen for the first time; one with a cron line when its time
        comes.
        """
        if self.every:
            return now if last is None or now >= last + self.every else None
        return now if last is not None and self._next(last) <= now else None

    def _next(self, last: float) -> float:
        from croniter import croniter  # only whoever has such a schedule needs it

        return float(croniter(self.cron, datetime.fromtimestamp(last, timezone.utc)).get_next(float))


def fire(timetable: Timetable, schedules: Sequence[Schedule]) -> None:
    """Enqueue the jobs of those that are due, each once between all who call this."""
    for schedule in schedules:
        timetable.fire(schedule.name, schedule.due, schedule.job)
