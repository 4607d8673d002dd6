"""What the page shows, as its address says it: and what a button then acts upon, exactly."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

from bucketrelay.model import Result
from bucketrelay.reports.printable import printable
from bucketrelay.reports.status import Tally
from bucketrelay.values import dataclass

_LONGEST = 1024


@dataclass(frozen=True, slots=True)
class Filter:
    """A route, a cause, or all of them ("")."""

    route: str = ""
    cause: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Filter":
        """From a query or a form; what it does not know is no part of it."""
        texts = (given.get(name, "")[:_LONGEST] for name in ("route", "cause"))
        return cls(*(text.encode("utf-8", "replace").decode() for text in texts))

    @property
    def words(self) -> dict[str, str]:
        """The same for people: what does not print is seen."""
        return {name: printable(value) for name, value in self.members.items()}

    @property
    def members(self) -> dict[str, str]:
        """What it says, by name."""
        both = {"route": self.route, "cause": self.cause}
        return {name: value for name, value in both.items() if value}

    @property
    def query(self) -> str:
        """For an address: `?route=photos`, or nothing."""
        return f"?{urlencode(self.members)}" if self.members else ""

    def failures(self, tally: Tally) -> Iterator[Result]:
        """The open failures that it lets through."""
        return tally.open(self.route, cause=self.cause)
