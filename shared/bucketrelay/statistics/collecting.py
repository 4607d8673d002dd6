"""From the lists into the tables: what is new since the last time, in the order of the lists' names, each list once."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from bucketrelay.database.text import plain
from bucketrelay.deadline import Deadline
from bucketrelay.errors import ObjectGone, RelayError
from bucketrelay.model import Result
from bucketrelay.reports import lists
from bucketrelay.reports.reader import OVERLAP, ListName, list_names
from bucketrelay.reports.status import Tally
from bucketrelay.reports.sums import slice_start
from bucketrelay.statistics.tables import WIDE, ReadList, State, Statistics
from bucketrelay.store import Store
from bucketrelay.values import dataclass, field

BEFORE = timedelta(days=1)  # counting begins so long before the first look
_ALARMS = timedelta(hours=1)  # failures of so long are looked at, whatever is asked for
_WIDELY = timedelta(minutes=15)  # between two looks for lists that come very late
_AT_ONCE = 50  # lists in one transaction
_PATIENCE = 3  # lists in a row that cannot be read now, before the rest waits for the next time


@dataclass
class Collector:
    """Brings the tables up to date with the lists of a log store.

    Args:
        target: the name of the store (or the forward) that a result's target lies in; "" where none is configured.
        now: the time of day.
    """

    log: Store
    statistics: Statistics
    target: Callable[[Result], str]
    now: Callable[[], datetime]
    unreadable: list[str] = field(default_factory=list)  # of the last tally
    _last: tuple[int, datetime, Tally] | None = None

    def begins(self) -> datetime:
        """Where counting began."""
        return self.statistics.begin(slice_start(self.now() - BEFORE)).since

    def collect(self, deadline: Deadline = Deadline()) -> bool:  # noqa: B008 — endless, and does not change
        """Count the lists that nobody has counted yet; whether none is left.

        Raises:
            RelayError: the log store or the database cannot be asked. What was counted stays counted.
        """
        now = self.now()
        state = self.statistics.begin(slice_start(now - BEFORE))
        widely = now - state.wide >= _WIDELY
        start = max(state.since, state.until - (WIDE if widely else OVERLAP))
        whole = _Pass(self, now, deadline).run(self._new(start))
        if whole is not None:
            self.statistics.advance(whole, now if widely else None)
        return whole is not None

    def tally(self, since: datetime) -> Tally:
        """What the lists tell by now, of what was done since."""
        self.collect()
        since = slice_start(min(since, self.now() - _ALARMS))
        state: State = self.statistics.begin(since)
        if self._last is None or self._last[:2] != (state.version, since):
            self._last = state.version, since, self.statistics.tally(since, self.target)
            self.unreadable = self.statistics.unreadable(since)
        return self._last[2]

    def _new(self, start: datetime) -> Iterator[ListName]:
        known = self.statistics.known_names(start.replace(microsecond=0))
        for name in list_names(self.log, start):
            if (stem := plain(name.stem)) not in known:
                yield name._replace(stem=stem)


@dataclass
class _Pass:
    """One reading of what is new."""

    collector: Collector
    now: datetime
    deadline: Deadline
    skipped: datetime | None = None  # the earliest list that could not be read now: the next time begins there
    _refusals: int = 0

    def run(self, names: Iterable[ListName]) -> datetime | None:
        """All of them, as far as the time goes; up to when all have been read, None where some are left."""
        rest = iter(names)
        while some := list(islice(rest, _AT_ONCE)):
            if self.deadline.remaining() <= 0:
                return None
            read = [each for name in some for each in self._read(name)]
            self.collector.statistics.add(read, self._until(some[-1].written), self.collector.target)
        return self._until(self.now)

    def _until(self, reached: datetime) -> datetime:
        # A list whose name lies in the future, by its writer's clock, must not hide those of now.
        return min(filter(None, (reached, self.now, self.skipped)))

    def _read(self, name: ListName) -> Iterator[ReadList]:
        try:
            yield ReadList(name.stem, name.written, tuple(lists.read(self.collector.log, name.key)))
            self._refusals = 0
        except ObjectGone:
            pass  # replay has moved it meanwhile: it will be listed in its new folder
        except RelayError as error:
            if not error.retryable:  # damaged; who asks is told of it, and the others are read
                yield ReadList(name.stem, name.written, error=str(error))
                return
            self._refusals += 1
            if self._refusals >= _PATIENCE:
                raise
            self.skipped = min(filter(None, (self.skipped, name.written)))
