"""docs/mutants.md."""

from collections.abc import Sequence

from mutants.change import ROOT, Change
from mutants.run import Verdict

PAGE = ROOT / "docs" / "mutants.md"
_INTRODUCTION = """\
# Mistakes that the tests would notice

Written by `make mutants`. Each row is one mistake that somebody could make in the core and around it: it is made in
a copy of the package, one at a time, and the tests that are named for it in `tests/mutants/` run against that copy.
Whichever fails first is shown. A test that does not come to an end counts as one that fails, and is marked *(timeout)*.

"""


def render(verdicts: Sequence[Verdict]) -> str:
    """The page."""
    caught = sum(verdict.caught for verdict in verdicts)
    lines = [
        f"**{caught} of {len(verdicts)}** are noticed.",
        "",
        "| mutant | file | what is changed | why it matters | noticed by |",
        "|---|---|---|---|---|",
        *(_row(verdict) for verdict in verdicts),
    ]
    return _INTRODUCTION + "\n".join(lines) + "\n"


def names(page: str) -> list[str]:
    """The names of the changes on a page, in its order."""
    rows = [line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| `")]
    return [name.strip("`") for name in rows]


def _row(verdict: Verdict) -> str:
    change = verdict.change
    noticed = verdict.words if verdict.caught else "**nothing**"
    cells = [f"`{change.name}`", f"`{change.file}`", difference(change), change.why, noticed]
    return f"| {' | '.join(cells)} |"


def difference(change: Change) -> str:
    """The lines that differ, before and after."""
    old, new = change.old.strip("\n").split("\n"), change.new.strip("\n").split("\n")
    while len(old) > 1 and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    while len(old) > 1 and new and old[0] == new[0]:
        old, new = old[1:], new[1:]
    return f"{_code(old)} → {_code(new)}"


def _code(lines: list[str]) -> str:
    text = " ⏎ ".join(line.strip() for line in lines if line.strip())
    return f"`{text.replace('|', chr(92) + '|')}`" if text else "nothing"
