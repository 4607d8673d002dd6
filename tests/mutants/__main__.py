"""`make mutants`: does some test notice each of the mistakes that could be made in the core?

PYTHONPATH=tests python -m mutants                    all of them; writes docs/mutants.md
PYTHONPATH=tests python -m mutants no-second-look     these alone; writes nothing

Exit status 1 if a change goes unnoticed or no longer fits the code.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from mutants.change import Change, Stale
from mutants.changes import CHANGES
from mutants.page import PAGE, render
from mutants.run import CannotTell, Place, Verdict


def main(arguments: Sequence[str]) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="mutants", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a change; all of them if none is named")
    parser.add_argument("--workers", type=int, default=2, help="how many work side by side (default: 2)")
    asked = parser.parse_args(arguments)
    unknown = sorted(set(asked.names) - {change.name for change in CHANGES})
    if unknown:
        parser.error(f"no change is named {', '.join(unknown)}")
    chosen = [change for change in CHANGES if not asked.names or change.name in asked.names]
    verdicts = _judged(chosen, asked.workers)
    if verdicts is None:
        return 1
    if not asked.names:
        PAGE.write_text(render(verdicts), encoding="utf-8")
    missed = sum(not verdict.caught for verdict in verdicts)
    _say(f"{len(verdicts)} changes, {missed} not noticed")
    return 1 if missed else 0


def _judged(chosen: Sequence[Change], workers: int) -> list[Verdict] | None:
    """A verdict for each change in their order; None, and the reasons told, if one of them could not be had."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ThreadPoolExecutor(workers) as pool:
        places: SimpleQueue[Place] = SimpleQueue()
        try:
            for number in range(workers):
                places.put(Place(Path(folder) / str(number)))
            first = places.get()
            first.sane()
            first.baseline(chosen)
            places.put(first)
        except (Stale, CannotTell) as error:
            _say(str(error))
            return None
        verdicts = list(pool.map(lambda change: _one(change, places), chosen))
    known = [verdict for verdict in verdicts if verdict]
    return known if len(known) == len(verdicts) else None


def _one(change: Change, places: "SimpleQueue[Place]") -> Verdict | None:
    place = places.get()
    try:
        verdict = place.judge(change)
    except (Stale, CannotTell) as error:
        _say(f"REFUSED   {error}")
        return None
    finally:
        places.put(place)
    _say(f"caught    {change.name}: {verdict.words}" if verdict.caught else f"SURVIVED  {change.name}")
    return verdict


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
