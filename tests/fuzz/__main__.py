"""Every parser fed with what nobody would send, for as long as asked.

PYTHONPATH=tests python -m fuzz --seconds 600             all targets, ten minutes together, a new seed
PYTHONPATH=tests python -m fuzz --seed 17 "list line"     one of them, the same inputs again
PYTHONPATH=tests python -m fuzz --list

Exit status 1: something was found. It is printed as a line for `FOUND` in tests/fuzz/test_found.py.
"""

import argparse
import random
import sys

from fuzz.coverage import page
from fuzz.long import Report, run
from fuzz.registry import TARGETS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all of them, if none is named")
    parser.add_argument("--seconds", type=float, default=60.0, help="for all targets together")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--lines", action="store_true", help="which files were reached, and how much of them")
    parser.add_argument("--list", action="store_true", help="the names of the targets")
    asked = parser.parse_args()
    if asked.list:
        print("\n".join(TARGETS))
        return 0
    names = asked.targets or list(TARGETS)
    if unknown := [name for name in names if name not in TARGETS]:
        parser.error(f"no such target: {', '.join(unknown)}; --list names them")
    number = random.randrange(1 << 32) if asked.seed is None else asked.seed
    print(f"seed {number}", flush=True)
    reports = []
    for name in names:
        reports.append(run(name, number, asked.seconds / len(names)))
        print(_told(reports[-1]), flush=True)
    if asked.lines:
        print("\n".join(page(_all_lines(reports))))
    found = sum(len(report.found) for report in reports)
    print(f"{sum(report.inputs for report in reports):,} inputs, {found} findings; seed {number}")
    return 1 if found else 0


def _told(report: Report) -> str:
    pace = report.inputs / max(report.seconds, 0.001)
    lines = sum(map(len, report.lines.values()))
    head = f"{report.target:20} {report.inputs:9,} inputs {pace:8,.0f}/s of CPU {report.kept:5} kept {lines:5} lines"
    crashes = [f"    ({report.target!r}, {value!r}),  # {where}" for where, value in report.found.items()]
    return "\n".join([head, *crashes])


def _all_lines(reports: list[Report]) -> dict[str, set[int]]:
    together: dict[str, set[int]] = {}
    for report in reports:
        for name, lines in report.lines.items():
            together.setdefault(name, set()).update(lines)
    return together


if __name__ == "__main__":
    sys.exit(main())
