"""All benchmarks that have something beside them, one after the other: `make bench`, or `make bench QUICK=1`.

    python benchmarks/bench.py                       # half an hour; writes results.md beside this file
    python benchmarks/bench.py --quick               # some five minutes; writes results-quick.md
    python benchmarks/bench.py --only throughput reconcile

Each is a script of this folder in a process of its own, and says what it found as JSON (`report.py`). The file is
written at once, at the end: first what was asked for and what this run found, then what could not be measured and why,
then all tables. Ends with 1 if a script failed; what is not met is told, and is no failure.
"""

import argparse
import contextlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from machine import busy, conditions
from report import Must, Section, musts, unmet, write_at_once

FOLDER = Path(__file__).resolve().parent
MUSTS = (
    Must("cold s3", "S3: fresh process to first answer, of the plain SDK handler's", 0.40),
    Must("cold obs", "OBS: the same", 0.50),
    Must("cold oci", "OCI: the same", 0.40),
    Must("batches of boto3", "4 KiB, batches of 100, of boto3's bare get + put", 0.35),
    Must("batches of rclone", "4 KiB, batches of 100, of `rclone copy`", 1.0),
    Must("batches of warm rclone", "the same, rclone's start not counted", 1.0),
    Must("event of boto3", "4 KiB, one event an invocation, of boto3's bare get + put", 0.50),
    Must("event of boto3, apart", "the same, the client on a core that no server uses", 0.50),
    Must("8 MiB of read and put", "8 MiB, batches, of boto3's `get_object().read()` + `put_object` (an aim)", 1.0),
    Must("8 MiB of hashed read and put", "the same, of boto3 that hashes bodies, as it does by default (an aim)", 1.0),
    Must("large of read and put", "large object, of boto3's `get_object().read()` + `put_object`", 0.75),
    Must("large of hashed read and put", "the same, of boto3 that hashes bodies over TLS, as it does by default", 0.75),
    Must("large of rclone", "large object, of `rclone copyto`, its start not counted", 0.85),
    Must("large of obstore", "large object, of obstore's stream (an aim)", 0.85),
    Must(
        "large speed of rclone",
        "large object, speed, of `rclone copyto`, its start not counted",
        1.0,
        by="wall",
        at_least=True,
    ),
    Must("memory, MiB", 'peak of the process, large object, `memory = "32MiB"`', 64, by="MiB", worst=True),
    Must("20 ms of the bound", "20 ms to the first byte, 32 at once, of the bound", 0.85, by="wall", at_least=True),
    Must("20 ms of the bound, batches", "the same, batches of 100", 0.85, by="wall", at_least=True),
    Must("sporadic refusals", "1 % of requests refused, of the speed without", 0.80, "wall", at_least=True, worst=True),
    Must("true limit", "behind a true limit, of the limit", 0.85, "wall", at_least=True, worst=True),
    Must("wall of rclone check", "two listings compared, wall, of `rclone check`", 0.50, by="wall"),
)


@dataclass(frozen=True)
class Script:
    """One file of this folder, what it is given in a whole run and in a quick one, and the most minutes it may take."""

    name: str
    whole: str = ""
    quick: str = "--quick"
    minutes: int = 15


SCRIPTS = (
    Script("cold_start", "--runs 11", "--runs 3"),
    Script("throughput"),
    Script("latency"),
    Script("share"),
    Script("throttling", "--clouds s3,obs -n 500", "--clouds obs --rates 30 --sporadic 0.01 -n 300"),
    Script(
        "reconcile", "--objects 0 --listed 200000 --repeats 5", "--objects 0 --generated 0 --listed 50000 --repeats 1"
    ),
)
OTHERS = """## Figures of others, to hold these against

* A Lambda function has the equivalent of one vCPU at 1,769 MB of memory, and in proportion below: so 1,000 divided by
  a road's CPU ms/object is the most objects a second that such a function can do by it. Source: AWS Lambda developer
  guide, "Configure Lambda function memory".
* A partitioned prefix of an S3 bucket takes at least 3,500 PUT/COPY/POST/DELETE and 5,500 GET/HEAD requests a second:
  divide by a road's requests. Source: Amazon S3 user guide, "Best practices design patterns: optimizing Amazon S3
  performance".
* A single EC2 instance has read up to 8,003 MB/s from S3 (c5n.18xlarge, 2019). Source: README of
  dvassallo/s3-benchmark.
* A cluster has moved 1.2 TB from us-east-1 to cn-northwest-1 in an hour, 333 MB/s. Source: README of
  amazon-s3-resumable-upload, since merged into AWS's Data Transfer Hub.

None of these was measured here, and no cloud was: what is above is CPU on loopback."""


def run(script: Script, *, quick: bool) -> Section:
    """Let it measure, and give what it found; a `Section` that has only its absence to tell where it failed."""
    words = (script.quick if quick else script.whole).split()
    print(f"\n=== {script.name} {' '.join(words)}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        found = Path(scratch, "found.json")
        command = [sys.executable, str(FOLDER / f"{script.name}.py"), *words, "--json", str(found)]
        code = wait_for(command, script.minutes * 60)
        if code is None:
            why = f"it took more than {script.minutes} minutes"
            return Section(script.name, absent=[f"{script.name}.py: failed, as {why}"], failed=True)
        if code or not found.exists():
            why = f"it ended with {code}; its own words are in the output of the run"
            return Section(script.name, absent=[f"{script.name}.py: failed, as {why}"], failed=True)
        return Section.read(found)


def wait_for(command: Sequence[str], seconds: float) -> int | None:
    """The exit code of a process; None where it took longer, and was ended with all the servers that it had started."""
    with subprocess.Popen(command, start_new_session=True) as process:
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """As Control-C does: it takes its directories in memory away. Then what is left of its group, without asking."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
    with contextlib.suppress(ProcessLookupError):  # nothing is left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def report(sections: Sequence[Section], told: Sequence[str], *, was_busy: bool) -> str:
    """The whole file."""
    figures = {name: values for section in sections for name, values in section.figures.items()}
    lacking = [line for section in sections for line in section.absent]
    parts = ["# Results", *told, "## What was asked for", musts(MUSTS, figures, busy=was_busy).markdown(), MEANING]
    if lacking:
        parts += ["## What was not measured", "\n".join(f"* {line}" for line in lacking)]
    parts += [section.markdown() for section in sections if section.tables]
    return "\n\n".join([*parts, OTHERS]) + "\n"


MEANING = """All are ratios of one run, ours by theirs, turn by turn. Found is the median of the turns, with the least
and the greatest, and for memory and refusals the worst. CPU is the client's. Why a thing was not measured is said
below."""


def main() -> int:
    """Run all, write the file, say how many of the musts are not met."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--quick", action="store_true", help="some five minutes: fewer, smaller, once or thrice")
    words.add_argument("--only", nargs="+", choices=[script.name for script in SCRIPTS], help="these scripts alone")
    words.add_argument(
        "--out", type=Path, metavar="FILE", help="(results.md beside this file; quick: results-quick.md)"
    )
    typed = words.parse_args()
    out = typed.out or FOLDER / ("results-quick.md" if typed.quick or typed.only else "results.md")
    was_busy, began = busy(), time.monotonic()
    called = shlex.join(["python", "benchmarks/bench.py", *sys.argv[1:]])
    told = [f"{datetime.now(timezone.utc):%Y-%m-%d}, `{called}`", *conditions()]
    sections = [
        run(script, quick=typed.quick)
        if not typed.only or script.name in typed.only
        else Section(script.name, absent=[f"{script.name}.py: left out by --only"])
        for script in SCRIPTS
    ]
    told[0] += f", {(time.monotonic() - began) / 60:.0f} minutes"
    write_at_once(out, report(sections, told, was_busy=was_busy))
    figures = {name: values for section in sections for name, values in section.figures.items()}
    print(f"\n{musts(MUSTS, figures, busy=was_busy).markdown()}\n\n{unmet(MUSTS, figures)} not met; all of it: {out}")
    return int(any(section.failed for section in sections))


if __name__ == "__main__":
    sys.exit(main())
