"""What a comparison of two buckets takes, beside `rclone check` on the same servers; and of generated listings.

    python benchmarks/reconcile.py
    python benchmarks/reconcile.py --objects 50000 --repeats 3
    python benchmarks/reconcile.py --objects 0 --generated 0 --listed 1000000 --repeats 1 --two
    python benchmarks/reconcile.py --generated 100000000 --streams 100

Two `rclone serve s3` show directories in memory; the second lacks every hundredth object and holds one in a hundred of
another size. The roads take turns, each a fresh process. All share this machine's cores, servers included, so ratios of
one run are what to quote. Generated listings are merged without a server: what the comparison itself costs.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent / "shared")]

from machine import conditions
from report import Section, Table, ratios, spread
from roads import cpu_seconds, highest_rss
from s3_servers import ACCESS, LOGS, RCLONE, SECRET, SOURCE, TARGET, Servers, servers

from bucketrelay.drivers.reconcile.compare import ALL, Right, Rows, Side, Span, merge
from bucketrelay.drivers.reconcile.judge import Depth, Judge
from bucketrelay.model import Address, Listed
from bucketrelay.routes import Route
from bucketrelay.testing.memory import MemoryStore


def served(server: int) -> float:
    """Seconds of CPU that a process has used so far."""
    user, system = Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Took:
    """One process: seconds of wall time and of CPU, and its peak memory in MiB."""

    wall: float
    cpu: float
    rss: float


def fill(place: Servers, count: int) -> None:
    """Write the objects straight into the servers' directories, all in one folder."""
    for number in range(count):
        name = f"2026/invoice-{number:08}.pdf"
        for side, bucket in (("source", SOURCE), ("target", TARGET)):
            if side == "target" and number % 100 == 1:
                continue
            path = Path(place.data, side, bucket, name)
            if number == 0:
                path.parent.mkdir(parents=True)
            path.write_bytes(b"longer" if side == "target" and number % 100 == 2 else b"%d" % number)


def configured(place: Servers) -> Path:
    """A route between the two buckets."""
    keys = f'access_key = "{ACCESS}"\nsecret_key = "{SECRET}"\nregion = "us-east-1"\n'
    stores = (("source", place.source, SOURCE), ("target", place.target, TARGET), ("logs", place.target, LOGS))
    text = "".join(f'[stores.{n}]\nurl = "s3://{bucket}"\nendpoint = "{url}"\n{keys}' for n, url, bucket in stores)
    path = Path(place.home, "relay.toml")
    path.write_text(f'log = "logs"\n{text}[[routes]]\nname = "r"\nsource = "source"\ntargets = ["target"]\n')
    return path


def took(command: list[str], environ: dict[str, str], count: int) -> Took:
    """Run a process to its end. Both roads exit with 1 where the sides differ, as they do, and say by how much."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as log, subprocess.Popen(command, env=environ, stdout=log, stderr=log) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        text = log.read().decode()
    wall = time.perf_counter() - began
    expected = len(range(1, count, 100)), len(range(2, count, 100))
    if process.returncode != 1 or differences(text) != expected:
        sys.exit(f"{' '.join(command)}: {process.returncode}, not {expected} missing and different\n{text[-2000:]}")
    return Took(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def differences(text: str) -> tuple[int, int]:
    """How many keys a road says are missing and how many different: rclone counts both, and those that are missing."""
    if ours := re.search(r"^missing\t(\d+)\ndifferent\t(\d+)$", text, re.MULTILINE):
        return int(ours[1]), int(ours[2])
    missing, both = re.search(r"(\d+) files missing", text), re.search(r"(\d+) differences found", text)
    lacking = int(missing[1]) if missing else 0
    return lacking, int(both[1]) - lacking if both else 0


def on_listings(count: int, repeats: int, told: Section, *, two: bool) -> None:
    """The same of listings that a server has made before, so that what is measured is the clients' own."""
    command = [sys.executable, str(FOLDER / "listing_server.py"), str(count)]
    with tempfile.TemporaryDirectory() as home, subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            url = f"http://127.0.0.1:{int(server.stdout.readline())}"
            Path(home, "logs").mkdir()
            place = Servers(home=home, data=home, source=url, target=url, ca_file="")
            before = served(server.pid)
            processes = report(count, "listed keys", place, listed(home, url), repeats, told, two=two)
            told.notes.append(
                f"The listings' server took {(served(server.pid) - before) / processes:.2f} s of CPU a road."
            )
            print(f"\n{told.notes[-1]}")
        finally:
            server.kill()


def listed(home: str, url: str) -> Path:
    """A route between the two listings; the log store is a directory."""
    keys = f'access_key = "{ACCESS}"\nsecret_key = "{SECRET}"\nregion = "us-east-1"\n'
    buckets = (("source", SOURCE), ("target", TARGET))
    text = "".join(f'[stores.{name}]\nurl = "s3://{bucket}"\nendpoint = "{url}"\n{keys}' for name, bucket in buckets)
    text += f'[stores.logs]\nurl = "file://{home}/logs"\n'
    path = Path(home, "relay.toml")
    path.write_text(f'log = "logs"\n{text}[[routes]]\nname = "r"\nsource = "source"\ntargets = ["target"]\n')
    return path


TWO = ("**bucketrelay** `reconcile --check`", "`rclone check` (sizes and MD5s)")  # that are compared above all


def roads(place: Servers, config: Path) -> dict[str, tuple[list[str], dict[str, str]]]:
    """Every road's command and environment."""
    ours = {"PATH": os.environ.get("PATH", ""), "HOME": place.home, "PYTHONPATH": str(FOLDER.parent / "shared")}
    relay = [sys.executable, "-m", "bucketrelay", "reconcile", "r", "--config", str(config), "--check", "-q"]
    # From a million keys in a folder on rclone sorts on disk, and asks for each object: in memory it is faster.
    flags = ["--checkers=16", "--list-cutoff=100000000"]
    check = [RCLONE, "check", *flags, f"source:{SOURCE}", f"target:{TARGET}"]
    return {
        TWO[0]: (relay, ours),
        "the same, `--depth listing --streams 1`": ([*relay, "--depth", "listing", "--streams", "1"], ours),
        TWO[1]: (check, place.environ),
        "`rclone check --fast-list`": ([*check, "--fast-list"], place.environ),
        "`rclone check --size-only`": ([*check, "--size-only"], place.environ),
    }


def on_servers(count: int, repeats: int, told: Section) -> None:
    """A table of medians; ratios to `rclone check` of the same turn."""
    with servers("http") as place:
        fill(place, count)
        report(count, "objects", place, configured(place), repeats, told)


def report(
    count: int, what: str, place: Servers, config: Path, repeats: int, told: Section, *, two: bool = False
) -> int:
    """Run all roads, or *two*, in turns, print their table and add it to what is told. Returns how many were run."""
    found: dict[str, list[Took]] = {}
    for turn in range(repeats + 1):
        for name, (command, environ) in roads(place, config).items():
            if two and name not in TWO:
                continue
            figures = took(command, environ, count)
            if turn:  # the first warms the servers up
                found.setdefault(name, []).append(figures)
    yardstick = found[TWO[1]]
    walls = {name: ratios([one.wall for one in each], [one.wall for one in yardstick]) for name, each in found.items()}
    costs = {name: ratios([one.cpu for one in each], [one.cpu for one in yardstick]) for name, each in found.items()}
    rows = []
    for name, figures in found.items():
        wall, cpu = (statistics.median(each) for each in zip(*((one.wall, one.cpu) for one in figures), strict=True))
        rss = max(one.rss for one in figures)
        rows.append([name, spread(costs[name]), spread(walls[name]), f"{cpu:.2f}", f"{wall:.2f}", f"{rss:.0f}"])
    title = f"{count:,} {what} against {count - len(range(1, count, 100)):,}, {repeats} turns"
    told.tables.append(Table(title, HEAD, rows))
    print(f"\n{told.tables[-1].markdown()}", flush=True)
    ours = next(iter(found))
    told.figures["wall of rclone check"], told.figures["CPU of rclone check"] = walls[ours], costs[ours]
    return len(found) * (repeats + 1)


HEAD = ["road", "CPU, ratio", "wall, ratio", "CPU, s", "wall, s", "peak memory, MiB"]


# Generated listings


WHEN = datetime(2026, 11, 29, tzinfo=timezone.utc)
ROUTE = Route("r", Address("s3", "generated"), "source", ("target",))
STORE = MemoryStore(ROUTE.source)  # never asked: what the rows tell is enough
JUDGE = Judge(ROUTE, STORE, STORE, Depth.STAMP, lambda _: True, takes_all=True)


def generated(count: int, lacking: int, span: Span) -> Side:
    """Keys by number, without those that leave *lacking* when divided by 1,000."""

    def listing(after: str) -> Iterator[Rows]:
        start = int(after) + 1 if after else 0
        for first in range(start - start % 1000, count, 1000):  # a page each, as servers answer
            numbers = range(max(first, start), min(first + 1000, count))
            yield [Listed(f"{number:012}", 1, "e", WHEN) for number in numbers if number - first != lacking]

    return Side("s3://generated", "", span, listing, None)


def compared(job: tuple[int, Span]) -> tuple[tuple[int, int, int], float, int]:
    """How many keys both sides, the first and the second alone have in a span; seconds of CPU, and the peak so far."""
    count, span = job
    spent = cpu_seconds()
    both = sources = targets = 0
    for pair in merge(generated(count, 7, span), generated(count, 8, span), JUDGE.right):
        if isinstance(pair, Right):
            both += pair.pairs
        elif pair.source is None:
            targets += 1
        elif pair.target is None:
            sources += 1
        else:
            both += 1
    return (both, sources, targets), cpu_seconds() - spent, highest_rss()


def on_generated(count: int, streams: int) -> str:
    """Merge two listings of *count* keys, whole or in spans that processes share out; what it took, in words."""
    cuts = [f"{count * n // streams:012}" for n in range(1, streams)]
    spans = [Span(*edges) for edges in pairwise(["", *cuts, ""])] if streams > 1 else [ALL]
    began = time.perf_counter()
    with ProcessPoolExecutor(min(streams, os.cpu_count() or 1)) as pool:
        told = list(pool.map(compared, [(count, span) for span in spans]))
    found = [sum(each) for each in zip(*(counts for counts, _, _ in told), strict=True)]
    thousand = len(range(7, count, 1000)), len(range(8, count, 1000))
    assert found == [count - sum(thousand), thousand[1], thousand[0]], found
    wall, spent, peak = time.perf_counter() - began, sum(each for _, each, _ in told), max(rss for _, _, rss in told)
    return (
        f"{count:,} × {count:,} generated keys, {streams} streams in {min(streams, os.cpu_count() or 1)} processes: "
        f"{wall:.1f} s, {spent:.1f} s of CPU ({spent / count * 5e5:.2f} µs a listed key), "
        f"peak {peak / 2**20:.0f} MiB a process; exact"
    )


def main() -> None:
    """All of it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--objects", type=int, default=20_000)
    options.add_argument("--listed", type=int, default=200_000, help="keys of a server that has only listings")
    options.add_argument(
        "--two", action="store_true", help="of the listed keys only reconcile --check and rclone check"
    )
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--generated", type=int, default=1_000_000)
    options.add_argument("--streams", type=int, default=1)
    options.add_argument("--json", type=Path, metavar="FILE", help="what was found, for bench.py")
    typed = options.parse_args()
    command = f"python benchmarks/reconcile.py --objects {typed.objects} --listed {typed.listed}"
    command += f" --repeats {typed.repeats} --generated {typed.generated} --streams {typed.streams}"
    command += " --two" if typed.two else ""
    told = Section("Two buckets compared, beside rclone check", command, notes=conditions(rclone=RCLONE))
    if typed.objects:
        on_servers(typed.objects, typed.repeats, told)
    if typed.listed:
        on_listings(typed.listed, typed.repeats, told, two=typed.two)
    if typed.generated:
        told.notes.append(on_generated(typed.generated, typed.streams))
        print(f"\n{told.notes[-1]}")
    if typed.json:
        told.write(typed.json)


if __name__ == "__main__":
    main()
