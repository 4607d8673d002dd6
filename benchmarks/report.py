"""What benchmarks found, as values: tables, ratios turn by turn, and what could not be measured. No clock in here.

A script of this folder that is given `--json FILE` writes a `Section` there; `bench.py` reads them all, compares the
figures with what was asked for, and writes results.md.
"""

import json
import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Table:
    """Rows under a head, all of them text; the first column names things, the others are figures."""

    title: str
    head: list[str]
    rows: list[list[str]]
    note: str = ""

    def markdown(self) -> str:
        """With its title as a heading of the third level."""
        rules = ["---", *["--:"] * (len(self.head) - 1)]
        lines = [f"| {' | '.join(cells)} |" for cells in (self.head, rules, *self.rows)]
        heading = [f"### {self.title}", ""] if self.title else []
        return "\n".join([*heading, *lines, *(["", self.note] if self.note else [])])


@dataclass
class Section:
    """What one script found.

    Attributes:
        command: by which it can be had again.
        figures: the values of each turn by the name that `Must.figure` has; ratios, unless the name says otherwise.
        absent: what could not be measured here and why, a line each.
        failed: nothing was found, and should have been.
    """

    title: str
    command: str = ""
    tables: list[Table] = field(default_factory=list)
    figures: dict[str, list[float]] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failed: bool = False

    def markdown(self) -> str:
        """A heading of the second level and all that is below it."""
        told = [f"## {self.title}", *([f"`{self.command}`"] if self.command else []), *self.notes]
        return "\n\n".join([*told, *(table.markdown() for table in self.tables)])

    def write(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Section":
        """What `write` wrote."""
        told = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**told, "tables": [Table(**table) for table in told["tables"]]})


@dataclass(frozen=True)
class Must:
    """One thing that was asked for: *figure* is at most *limit*, or at least.

    Attributes:
        by: `CPU`, `wall` or `MiB`; a wall time says little on a busy machine, and that is told.
        worst: all turns have to meet it, as a peak of memory has; else their median.
    """

    figure: str
    words: str
    limit: float
    by: str = "CPU"
    at_least: bool = False
    worst: bool = False

    def met_by(self, value: float) -> bool:
        """Whether this value meets it."""
        return value >= self.limit if self.at_least else value <= self.limit

    def of(self, values: Sequence[float]) -> float:
        """The one value that counts of all turns'."""
        if self.worst:
            return min(values) if self.at_least else max(values)
        return statistics.median(values)

    @property
    def asked(self) -> str:
        """The limit in words."""
        return f"{'≥' if self.at_least else '≤'} {number(self.limit)}{' MiB' if self.by == 'MiB' else ''}"


def number(value: float) -> str:
    """A ratio with two places, what is large without."""
    return f"{value:.2f}" if abs(value) < 10 else f"{value:,.0f}"


def spread(values: Sequence[float]) -> str:
    """The median, with the least and the greatest where there are several."""
    middle = number(statistics.median(values))
    low, high = number(min(values)), number(max(values))
    return middle if low == high else f"{middle} ({low}–{high})"


def ratios(mine: Sequence[float], its: Sequence[float]) -> list[float]:
    """Of each turn, as many as both have: turns are compared with themselves alone."""
    return [one / other for one, other in zip(mine, its, strict=True)]


def verdict(must: Must, values: Sequence[float], *, busy: bool) -> str:
    """*met*, **not met** or *not measured*; where turns disagree, how many of them met it."""
    if not values:
        return NOT_MEASURED
    good = sum(map(must.met_by, values))
    word = "met" if must.met_by(must.of(values)) else "**not met**"
    if 0 < good < len(values) and not must.worst:
        word += f", by {good} of {len(values)} turns"
    return f"{word} (by the clock of a busy machine)" if must.by == "wall" and busy else word


def musts(asked: Sequence[Must], figures: Mapping[str, Sequence[float]], *, busy: bool) -> Table:
    """All that was asked for, beside what this run found."""
    rows = []
    for must in asked:
        values = figures.get(must.figure, ())
        found = (number(must.of(values)) if must.worst else spread(values)) if values else "–"
        rows.append([must.words, must.by, must.asked, found, verdict(must, values, busy=busy)])
    return Table("", ["what was asked for", "by", "must", "found", "so"], rows)


def unmet(asked: Sequence[Must], figures: Mapping[str, Sequence[float]]) -> int:
    """How many were measured and are not met."""
    return sum(1 for must in asked if (values := figures.get(must.figure)) and not must.met_by(must.of(values)))


def write_at_once(path: Path, text: str) -> None:
    """The whole of a file or nothing of it: whoever ends the run half-way finds the one before."""
    made = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        made.write_text(text, encoding="utf-8")
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)
