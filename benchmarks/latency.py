"""How much of what latency allows is used, where each answer's first byte takes its time: 20 ms, as a cloud's own.

    python benchmarks/latency.py
    python benchmarks/latency.py --delay 0.005 --at-once 64

The roads of `throughput.py` that do many things at once copy objects of 4 KiB between two `rclone serve s3`, each
behind a proxy (`delay.py`) whose answers begin so long after the end of their request.

*of the bound*: who copies so many objects at once, and waits for so many answers in a row for each, needs for a batch
as many rounds as its objects take turns, times those waits, and what it waits for once a batch; each takes the delay.
That is the bound, against the clock. Requests that are asked for side by side are one wait. *of get and put*: the
objects a second against those of two waits an object without a pause in between, the most that anybody comes to who
copies so many at once: whoever needs more answers in a row is not let off by it. obstore's and s5cmd's requests are not
counted, and taken to be two an object.
"""

import argparse
import math
import statistics
import sys
from dataclasses import replace
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent / "shared")]

from delay import Delay, delay
from machine import conditions
from report import Section, Table, spread
from roads import BATCH
from s3_servers import RCLONE, servers
from throughput import PACKAGES, SMALL, Load, Measured, Road, absent, fill, measure, program

LEAST = 2  # requests that a copy takes at least


def roads(at_once: int) -> tuple[Road, ...]:
    """Those that do so many things at once; one connection each is warm before."""
    many = f"{at_once} at once"
    return (
        Road("relay-all", f"**bucketrelay**, one batch, {many}", warm=at_once),
        Road("relay-sqs", f"**bucketrelay**, batches of 100, {many}", warm=at_once, batch=BATCH),
        Road("get_put-threads", f"boto3 `get_object`, `put_object`, {many}", warm=at_once),
        Road("get_put-batches", f"the same, batches of 100, {many}", warm=at_once, batch=BATCH),
        Road("obstore-threads", f"obstore `get`, `put`, {many}", warm=at_once, needs="obstore"),
        Road("obstore-batches", f"the same, batches of 100, {many}", warm=at_once, batch=BATCH, needs="obstore"),
        Road("aiohttp", f"aiohttp and a signature, {many}", warm=at_once, needs="aiohttp"),
        Road("fast-s3", f"fast-s3 `get_object`, `put_object`, {many}", warm=at_once, needs="fast_s3"),
        Road("s5cmd", f"`s5cmd cp` to a directory, `cp` from it, {many}", program=program("s5cmd"), needs="s5cmd"),
        Road("copy", f"`rclone copy`, {many}", program=program("copy")),
    )


def rounds(one: Measured, at_once: int) -> int:
    """How many answers it waits for in a row, if it always copies so many objects at once as it may."""
    waits = max(one.waits or one.requests or 0, LEAST * one.objects)
    each, more = divmod(waits, one.objects)  # of an object, and of batches: their lists
    batch = one.road.batch or one.objects
    whole, rest = divmod(one.objects, batch)
    return each * (whole * math.ceil(batch / at_once) + math.ceil(rest / at_once)) + more


def shares(one: Measured, seconds: float, at_once: int) -> list[float]:
    """Of the bound, turn by turn."""
    return [rounds(one, at_once) * seconds / figures.seconds for figures in one.figures]


def table(found: list[Measured], load: Load, seconds: float, proxy: Delay) -> Table:
    """Of the bound first; below, what the proxies did."""
    rows = []
    for one in found:
        speeds = [one.objects / figures.seconds for figures in one.figures]
        cpu = statistics.median(figures.cpu / one.objects for figures in one.figures)
        most = load.at_once / LEAST / seconds
        cells = [
            spread(shares(one, seconds, load.at_once)),
            spread([speed / most for speed in speeds]),
            f"{statistics.median(speeds):,.0f}",
            f"{cpu * 1000:#.3g}",
            *(f"{count / one.objects:.4g}" if count else "" for count in (one.requests, one.waits)),
        ]
        rows.append([one.road.label, *cells])
    head = ["road", "of the bound", "of get and put", "objects/s", "CPU ms/object", "requests/object", "waits/object"]
    title = f"{load.title}, {seconds * 1000:.0f} ms to the first byte, {load.at_once} at once, over TLS"
    bound = f"Get and put, {load.at_once} at once: {load.at_once / LEAST / seconds:,.0f} objects/s."
    return Table(title, head, rows, f"{bound} Of the run, {proxy.words}.")


def main() -> None:
    """Measure and tell."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--delay", type=float, default=0.02, metavar="SECONDS", help="to the first byte (0.02)")
    words.add_argument("--at-once", type=int, default=32, metavar="N", help="(32)")
    words.add_argument("-n", type=int, metavar="N", help="objects (1500; quick: 400)")
    words.add_argument("--repeats", type=int, metavar="N", help="turns after the one that warms up (3; quick: 1)")
    words.add_argument("--quick", action="store_true", help="fewer objects, one turn")
    words.add_argument("--json", type=Path, metavar="FILE", help="what was found, for bench.py")
    typed = words.parse_args()
    n, repeats = typed.n or (400 if typed.quick else 1500), typed.repeats or (1 if typed.quick else 3)
    said = f"--delay {typed.delay} --at-once {typed.at_once} -n {n} --repeats {repeats}"
    told = Section("Latency", f"python benchmarks/latency.py {said}", notes=conditions(PACKAGES, RCLONE))
    load = Load("small", SMALL, roads(typed.at_once), n, at_once=typed.at_once)
    told.absent += absent(load.roads)
    with servers("https") as place:
        fill(place, [load])
        with delay([place.source, place.target], typed.delay) as proxy:
            behind = replace(place, source=proxy.urls[0], target=proxy.urls[1])
            found, failed = measure(behind, load, repeats, quick=typed.quick)
        told.absent += failed
    told.tables.append(table(found, load, typed.delay, proxy))
    for name, one in zip(("20 ms of the bound", "20 ms of the bound, batches"), found, strict=False):
        told.figures[name] = shares(one, typed.delay, typed.at_once)
    print(told.markdown(), *told.absent, sep="\n")
    if typed.json:
        told.write(typed.json)


if __name__ == "__main__":
    main()
