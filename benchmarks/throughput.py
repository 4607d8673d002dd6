"""How much work a copy is: objects a second, megabytes a second, CPU, memory and requests, beside other roads.

    python benchmarks/throughput.py
    python benchmarks/throughput.py --quick

Small objects, then one large one, are copied between two `rclone serve s3` that check signatures. The roads take turns,
each time in a fresh process, and `rclone check` compares every copy. All share this machine's cores, so the CPU of the
client is the portable figure, and of that the ratio: absolute figures hold on this machine only.
"""

import argparse
import importlib.metadata
import json
import operator
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "shared")]

from roads import BATCH, Figures, Job  # noqa: E402  # beside this file
from s3_servers import ACCESS, LOGS, RCLONE, SECRET, SOURCE, TARGET, Servers, servers  # noqa: E402  # the same

MiB = 1024 * 1024
SMALL, THREADS = 4096, 16
PACKAGES = ("boto3", "botocore", "urllib3")
RESULTS = HERE / "results.md"
BUSY = "Other work was on this machine: wall times, and ratios of speed, say little; those of CPU are steadier."
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


@dataclass(frozen=True)
class Road:
    """One row. `most`: of small objects, for what is slow; rclone's roads have the words of a command for each key."""

    name: str
    label: str
    most: int = 1_000_000
    warm: int = 1  # objects to warm up with: one for each thread that opens a connection
    rclone: Callable[[Sequence[str]], Iterator[list[str]]] | None = None
    needs: str = ""  # a package that may be missing; the road is left out then


def _each(keys: Sequence[str]) -> Iterator[list[str]]:
    for key in keys:
        yield ["copyto", f"source:{SOURCE}/{key}", f"target:{TARGET}/{key}"]


def _many(keys: Sequence[str]) -> Iterator[list[str]]:
    at = f"--transfers={THREADS}", f"--checkers={THREADS}"
    yield ["copy", *at, f"source:{SOURCE}/{keys[0].rpartition('/')[0]}", f"target:{TARGET}"]


YARDSTICK = "get_put"  # the road whose figures are 1
ON_SMALL = (
    Road("relay-sqs", f"**bucketrelay**, SQS batches of {BATCH}, {THREADS} threads", warm=THREADS),
    Road("relay", "**bucketrelay**, one event an invocation"),
    Road(YARDSTICK, "boto3 `get_object`, `put_object`"),
    Road("get_put-threads", f"the same, {THREADS} threads", warm=THREADS),
    Road("new_clients", "the same, clients made for each event", most=50),
    Road("upload_fileobj", "boto3 `upload_fileobj(Body)`", most=200),
    Road("through_a_file", "boto3 `download_file`, `upload_file`", most=200),
    Road("obstore", "obstore `get`, `put`", needs="obstore"),
    Road("obstore-threads", f"the same, {THREADS} threads", warm=THREADS, needs="obstore"),
    Road("copyto", "`rclone copyto`, a process for each object", most=10, rclone=_each),
    Road("copy", f"`rclone copy`, one process, {THREADS} transfers", rclone=_many),
)
ON_LARGE = (
    Road("relay", "**bucketrelay**, parts of 8 MiB"),
    Road(YARDSTICK, "boto3 `get_object().read()`, `put_object`"),
    Road("upload_fileobj", "boto3 `upload_fileobj(Body)`"),
    Road("through_a_file", "boto3 `download_file`, `upload_file`"),
    Road("obstore", "obstore `get`, `put`", needs="obstore"),
    Road("copyto", "`rclone copyto`", rclone=_each),
)


@dataclass
class Measured:
    """A road, how many objects it copied each time, and what they took, turn by turn."""

    road: Road
    objects: int
    figures: list[Figures] = field(default_factory=list)
    requests: int | None = None


@dataclass(frozen=True)
class Load:
    """What all roads copy: objects of *size* bytes under `folder`."""

    folder: str
    size: int
    roads: tuple[Road, ...]
    n: int
    large: bool = False

    @property
    def title(self) -> str:
        """In words."""
        return f"one object of {self.size // MiB} MiB" if self.large else f"{self.n:,} objects of {SMALL // 1024} KiB"

    def keys(self, road: Road) -> tuple[str, ...]:
        """The keys that the road copies; `rclone copy` is given their folder."""
        return tuple(f"{self.folder}/{number:06}.bin" for number in range(min(self.n, road.most)))


def fill(place: Servers, loads: Sequence[Load]) -> None:
    """Put the objects into the source's bucket, and those to warm up with."""
    with tempfile.TemporaryDirectory() as scratch:
        for folder, size, n in [("warm", SMALL, THREADS), *((load.folder, load.size, load.n) for load in loads)]:
            Path(scratch, folder).mkdir()
            for number in range(n):
                with Path(scratch, folder, f"{number:06}.bin").open("wb") as file:
                    file.writelines(os.urandom(min(MiB, size - start)) for start in range(0, size, MiB))
        place.rclone("copy", "--transfers=8", scratch, f"source:{SOURCE}")


def measure(place: Servers, load: Load, repeats: int, *, quick: bool) -> list[Measured]:
    """All roads in turns. The first turn warms page cache and servers up, and counts rclone's requests."""
    found = [Measured(road, len(load.keys(road))) for road in load.roads if not road.needs or find_spec(road.needs)]
    for turn in range(repeats + 1):
        for one in found:
            if turn == 0 and quick and not one.road.rclone:
                continue
            figures = _run(place, load, one.road, counting=turn == 0)
            one.requests = figures.requests if one.requests is None else one.requests
            if turn:
                one.figures.append(figures)
    return found


def _run(place: Servers, load: Load, road: Road, *, counting: bool) -> Figures:
    keys = load.keys(road)
    figures = _by_rclone(place, road, keys, counting) if road.rclone else _by_python(place, load, road, keys)
    # `rclone copy` keeps the names in their folder, not the folder's own name.
    below = TARGET if road.name == "copy" else f"{TARGET}/{load.folder}"
    said = place.rclone("check", "--one-way", f"target:{below}", f"source:{SOURCE}/{load.folder}")
    if f": {len(keys)} matching files" not in said:
        sys.exit(f"{road.name} was to copy {len(keys)} objects:\n{said}")
    place.rclone("delete", f"target:{TARGET}")
    return figures


def _by_python(place: Servers, load: Load, road: Road, keys: tuple[str, ...]) -> Figures:
    warm = tuple(f"warm/{number:06}.bin" for number in range(road.warm))
    at = place.source, place.target, ACCESS, SECRET, place.ca_file
    job = Job(road.name, *at, (SOURCE, TARGET, LOGS), warm, keys, load.size, THREADS)
    command = [sys.executable, str(HERE / "roads.py")]
    told = json.dumps(asdict(job))
    done = subprocess.run(command, env=place.environ, input=told, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{road.name} failed:\n{done.stderr}")
    return Figures(**json.loads(done.stdout.splitlines()[-1]))


def _by_rclone(place: Servers, road: Road, keys: tuple[str, ...], counting: bool) -> Figures:
    """The whole life of each process: that is how it is used."""
    assert road.rclone
    began, cpu, rss, requests = time.perf_counter(), 0.0, 0, 0
    for words in road.rclone(keys):
        command = [RCLONE, *words, *(["--dump=headers"] if counting else [])]
        with tempfile.TemporaryFile() as log, subprocess.Popen(command, env=place.environ, stderr=log) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            log.seek(0)
            said = log.read()
            if status:
                sys.exit(f"rclone {' '.join(words)}:\n{said.decode()}")
            cpu += usage.ru_utime + usage.ru_stime
            # Begins with ours, which is smaller: this process imports no SDK.
            rss = max(rss, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
            requests += said.count(b"HTTP REQUEST (")
    return Figures(time.perf_counter() - began, cpu, rss, requests if counting else None)


# Telling


def rows(load: Load, found: Sequence[Measured]) -> list[list[str]]:
    """A table of medians; a ratio is of the two roads' figures of the same turn."""
    scale = load.size / 1024**3 if load.large else 0.001  # of CPU: seconds a GiB, milliseconds an object
    unit = load.size / 1e6 if load.large else 1  # of speed: megabytes, objects
    speed, cpu, sent = ("MB/s", "s/GiB", "") if load.large else ("objects/s", "ms/object", "/object")
    yardstick = next(one for one in found if one.road.name == YARDSTICK)
    table = [["road", "CPU, ratio", "speed, ratio", f"CPU {cpu}", speed, "peak memory, MiB", f"requests{sent}"]]
    for one in found:
        speeds, costs = _speeds(one), _costs(one)
        cells = [
            one.road.label,
            _ratio(costs, _costs(yardstick)),
            _ratio(speeds, _speeds(yardstick)),
            f"{statistics.median(costs) / scale:#.3g}",
            f"{statistics.median(speeds) * unit:,.0f}",
            f"{max(figures.rss for figures in one.figures) / MiB:,.0f}",
            f"{one.requests / one.objects:.4g}" if one.requests else "",
        ]
        table.append(cells)
    return table


def _speeds(one: Measured) -> list[float]:
    return [one.objects / figures.seconds for figures in one.figures]


def _costs(one: Measured) -> list[float]:
    return [figures.cpu / one.objects for figures in one.figures]


def _ratio(mine: Sequence[float], its: Sequence[float]) -> str:
    found = sorted(map(operator.truediv, mine, its))
    spread = f" ({found[0]:.2g}–{found[-1]:.2g})" if len(found) > 1 and found[0] != found[-1] else ""
    return f"{statistics.median(found):.2f}{spread}"


def markdown(table: list[list[str]]) -> str:
    """The table, its figures to the right."""
    rules = ["---", *["--:"] * (len(table[0]) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [table[0], rules, *table[1:]])


def machine() -> str:
    """What it ran on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    rclone = subprocess.run([RCLONE, "version"], capture_output=True, text=True, check=True).stdout.split("\n")[0]
    busy = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    return (
        f"{os.cpu_count()} × {cpu}, {platform.system()}, Python {platform.python_version()}{busy}; {versions}, {rclone}"
    )


def size(text: str) -> int:
    """`8MiB` in bytes, at least 1 MiB."""
    number, _, unit = text.partition("MiB")
    if unit or not number.isdecimal() or int(number) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: write it in whole MiB, as 256MiB")
    return int(number) * MiB


def arguments() -> argparse.Namespace:
    """What the command line says, with the defaults that depend on `--quick`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="half a minute: fewer, smaller, once, only over TLS")
    parser.add_argument("-n", type=int, metavar="N", help="small objects (500; quick: 200)")
    parser.add_argument("--size", type=size, metavar="SIZE", help="of the large object (256MiB; quick: 64MiB)")
    parser.add_argument("--repeats", type=int, metavar="N", help="turns after the one that warms up (3; quick: 1)")
    parser.add_argument("--over", nargs="+", choices=["https", "http"], help="(both; quick: https)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="(results.md beside this file; quick: none)")
    chosen = parser.parse_args()
    quick = {"n": 200, "size": 64 * MiB, "repeats": 1, "over": ["https"], "out": None}
    usual = {"n": 500, "size": 256 * MiB, "repeats": 3, "over": ["https", "http"], "out": RESULTS}
    for name, value in (quick if chosen.quick else usual).items():
        if getattr(chosen, name) is None:
            setattr(chosen, name, value)
    if chosen.n < 1 or chosen.repeats < 1:
        parser.error("-n and --repeats are at least 1")
    return chosen


def main() -> None:
    """Measure and tell."""
    chosen = arguments()
    command = f"python benchmarks/throughput.py {' '.join(sys.argv[1:])}".strip()
    text = [f"{datetime.now(timezone.utc):%Y-%m-%d}, `{command}`", machine()]
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > 1:
        text.append(f"**{BUSY}**")
    print("\n\n".join(text), flush=True)
    loads = [Load("small", SMALL, ON_SMALL, chosen.n), Load("large", chosen.size, ON_LARGE, 1, large=True)]
    for scheme in chosen.over:
        with servers(scheme) as place:
            fill(place, loads)
            for load in loads:
                table = markdown(rows(load, measure(place, load, chosen.repeats, quick=chosen.quick)))
                text.append(f"## {load.title}, over {'TLS' if scheme == 'https' else 'plain HTTP'}\n\n{table}")
                print(f"\n{text[-1]}", flush=True)
    if chosen.out:
        chosen.out.write_text("\n\n".join(["# Throughput", *text, OTHERS]) + "\n")


if __name__ == "__main__":
    main()
