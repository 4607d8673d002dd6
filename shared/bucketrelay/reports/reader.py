"""The lists of a log store as they grow: each is read once, whichever folder it lies in by then."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from heapq import merge
from operator import itemgetter
from typing import NamedTuple

from bucketrelay.errors import RelayError
from bucketrelay.model import Result
from bucketrelay.reports import lists
from bucketrelay.store import Store

FOLDERS = (lists.SUCCESS, lists.FAILED, lists.REPLAYED)
# A list is named when its invocation ends and may be written later: lists of so long ago are looked for once more.
OVERLAP = timedelta(minutes=15)


class ListName(NamedTuple):
    """A list in the log store."""

    stem: str  # what it is remembered by: a failed list keeps it when replay moves it
    key: str
    written: datetime


def list_names(log: Store, start: datetime) -> Iterator[ListName]:
    """The lists that are named *start* or later, in the order of their names, whichever folder they lie in now."""
    yield from merge(*(_names(log, folder, start) for folder in FOLDERS), key=itemgetter(0))


def _names(log: Store, folder: str, start: datetime) -> Iterator[ListName]:
    # One invocation writes both lists under one name.
    kind = "ok" if folder == lists.SUCCESS else "not"
    for info in log.list(folder, f"{folder}{start.astimezone(timezone.utc):%Y/%m/%d/%H%M%S}"):
        # The rest of a list is in that list, too, wherever it lies now: each failure is counted once.
        if not lists.is_rest(info.key) and (written := lists.time_of(info.key, folder)):
            yield ListName(f"{info.key.removeprefix(folder)} {kind}", info.key, written)


class Reader:
    """Reads the lists of a log store, each once, in the order of their names.

    Args:
        log: the log store.
        since: lists written before are passed over.
        now: the time of day. A list whose name lies in the future, by the clock of who wrote it, hides none of now.
    """

    def __init__(
        self, log: Store, since: datetime, now: Callable[[], datetime] = lambda: datetime.now(timezone.utc)
    ) -> None:
        self._log, self._since, self._now = log, since, now
        self._read: dict[str, datetime] = {}
        self.lists = 0  # how many have been read
        self.unreadable: list[str] = []  # one line for each list that could not be read

    def fresh(self) -> Iterator[Result]:
        """The results of all lists that were not there at the last call, in the order of the lists' times."""
        start = self._since
        if self._read:
            start = max(start, min(max(self._read.values()), self._now()) - OVERLAP)
        for stem, name, written in list_names(self._log, start):
            if stem not in self._read:
                self._read[stem] = written
                self.lists += 1
                yield from self._results(name)
        self._read = {stem: written for stem, written in self._read.items() if written >= start - OVERLAP}

    def _results(self, name: str) -> Iterator[Result]:
        try:
            yield from lists.read(self._log, name)
        except RelayError as error:  # one damaged list costs the others nothing; who asks is told of it
            self.unreadable.append(str(error))
