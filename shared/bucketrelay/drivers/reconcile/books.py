"""The books: what a comparison counted, so that every key of both sides is accounted for; and a line for each key."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timezone
from enum import Enum
from typing import Any

from bucketrelay.drivers.reconcile.compare import Pair
from bucketrelay.reports import list_line


class Kind(str, Enum):
    """What a pair is, by what is known of both sides."""

    RIGHT = "right"
    MISSING = "missing"  # the target has no such key
    DIFFERENT = "different"
    SURPLUS = "surplus"  # no source, and our stamp
    KEPT = "kept"  # no source, and not ours, or the route keeps what is deleted
    UNCLEAR = "unclear"  # no source, and the target could not be asked for its stamp
    EXCLUDED = "excluded"  # the filters leave it out
    FAILED = "failed"
    NOTHING = "nothing"  # a target key that the route could not have written, or that is gone by now: not counted


REPAIRABLE = (Kind.MISSING, Kind.DIFFERENT, Kind.SURPLUS)
WITH_LIST = (*REPAIRABLE, Kind.KEPT, Kind.EXCLUDED, Kind.UNCLEAR, Kind.FAILED)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one pair is, and why."""

    rest: str
    kind: Kind
    size: int = 0
    why: str = ""
    at_source: bool = False  # the source has it
    at_target: bool = False  # the target has it
    unstamped: bool = False  # equal, and no route's
    undeleted: bool = False  # surplus, and still there after an attempt to delete it
    modified: float | None = None  # when the source was written, in seconds since 1970

    @classmethod
    def of(cls, pair: Pair, kind: Kind, why: str = "", *, unstamped: bool = False) -> "Verdict":
        """The verdict on *pair*."""
        shown = pair.source or pair.target
        moment = pair.source.modified if pair.source else None
        return cls(
            rest=pair.rest,
            kind=kind,
            size=shown.size if shown else 0,
            why=why,
            at_source=pair.source is not None,
            at_target=pair.target is not None,
            unstamped=unstamped,
            modified=moment.timestamp() if moment else None,
        )


@dataclass(slots=True)
class Counts:
    """The counts of a target's books; they are added up over spans, and over interrupted runs."""

    source_objects: int = 0
    target_objects: int = 0
    right: int = 0
    missing: int = 0
    different: int = 0
    failed: int = 0  # keys of the source, all of them
    failed_there: int = 0  # among `failed`: the target has it
    surplus: int = 0
    undeleted: int = 0  # among `surplus`: its delete failed, or the fuse holds it
    kept: int = 0
    unclear: int = 0
    excluded: int = 0
    unstamped: int = 0  # among `right`
    adopted: int = 0  # among `right`
    repaired: int = 0
    queued: int = 0
    bytes: int = 0
    oldest: float | None = None

    def add(self, verdict: Verdict) -> None:
        """Count a pair once, when it is clear what becomes of it."""
        kind = verdict.kind
        if kind in (Kind.NOTHING, Kind.EXCLUDED):
            self.excluded += kind is Kind.EXCLUDED
            return
        setattr(self, kind.value, getattr(self, kind.value) + 1)
        self.source_objects += verdict.at_source
        self.target_objects += verdict.at_target
        self.unstamped += verdict.unstamped
        self.failed_there += verdict.at_target and kind is Kind.FAILED
        self.undeleted += verdict.undeleted
        if kind is not Kind.RIGHT and verdict.modified is not None:
            # 0.0 is a time, too: that of the files in many an archive.
            self.oldest = verdict.modified if self.oldest is None else min(self.oldest, verdict.modified)

    def add_right(self, count: int) -> None:
        """Count pairs that are right, and ours or not to be asked about."""
        self.right += count
        self.source_objects += count
        self.target_objects += count

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        moments = [moment for moment in (self.oldest, other.oldest) if moment is not None]
        sums = {
            each.name: getattr(self, each.name) + getattr(other, each.name)
            for each in fields(Counts)
            if each.name != "oldest"
        }
        return Counts(**sums, oldest=min(moments, default=None))

    @property
    def close(self) -> bool:
        """Whether every key of both sides is accounted for, as the contract words it."""
        source = self.right + self.missing + self.different + self.failed
        target = self.right + self.different + self.surplus + self.kept + self.unclear + self.failed_there
        return (self.source_objects, self.target_objects) == (source, target)

    @property
    def differ(self) -> bool:
        """Whether anything is to be repaired, looked at or done again."""
        return bool(self.missing or self.different or self.surplus or self.ill)

    @property
    def ill(self) -> int:
        """How many keys could not be compared or repaired."""
        return self.failed + self.undeleted + self.unclear


def counts_of(members: Mapping[str, Any]) -> Counts:
    """The counts in a bookmark."""
    return Counts(**{each.name: members[each.name] for each in fields(Counts)})


@dataclass(frozen=True, slots=True)
class Book:
    """The books of one target."""

    route: str
    target: str
    counts: Counts
    ended: bool  # both sides were compared to their ends, and nothing waits to be repaired
    check: bool
    time: str
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether both sides were compared to their ends, and the books close."""
        return self.ended and self.counts.close

    @property
    def well(self) -> bool:
        """Whether an exit status of 0 is due."""
        return self.complete and not (self.counts.differ if self.check else self.counts.ill)

    def members(self) -> dict[str, object]:
        """As they are written: one JSON object."""
        counts = asdict(self.counts)
        oldest = counts.pop("oldest")
        return {
            "route": self.route,
            "target": self.target,
            "complete": self.complete,
            **counts,
            "oldest": None if oldest is None else _time(oldest),
            "check": self.check,
            "time": self.time,
            "seconds": round(self.seconds, 3),
        }


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def line(verdict: Verdict, key: str, target: str, target_key: str) -> str:
    """A line of `missing.jsonl` and its like, without a line end."""
    return list_line.compact(
        {"key": key, "target": target, "target_key": target_key, "size": verdict.size, "why": verdict.why}
    )
