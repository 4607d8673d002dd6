"""How much of what latency allows is used, where each answer's first byte takes its time: 20 ms, as a cloud's own.

    python benchmarks/latency.py
    python benchmarks/latency.py --delay 0.005 --at-once 64

The roads of `throughput.py` that do many things at once copy objects of 4 KiB between two `rclone serve s3`, each
behind a proxy (`delay.py`) whose answers begin so long after the end of their request. So many requests under way can
send so many divided by the delay a second, and no more: that is the bound. *of the bound* is the requests that a road
really sends, by the clock, against it; obstore's and s5cmd's are not counted, and taken to be two an object, the least.
"""

import argparse
import statistics
import sys
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "shared")]

from delay import Delay, delay
from machine import conditions
from report import Section, Table, spread
from s3_servers import RCLONE, servers
from throughput import PACKAGES, SMALL, Load, Measured, Road, absent, fill, measure, program

LEAST = 2  # requests that a copy takes at least


def roads(at_once: int) -> tuple[Road, ...]:
    """Those that do so many things at once; one connection each is warm before."""
    many = f"{at_once} at once"
    return (
        Road("relay-all", f"**bucketrelay**, one batch, {many}", warm=at_once),
        Road("relay-sqs", f"**bucketrelay**, batches of 100, {many}", warm=at_once),
        Road("get_put-threads", f"boto3 `get_object`, `put_object`, {many}", warm=at_once),
        Road("obstore-threads", f"obstore `get`, `put`, {many}", warm=at_once, needs="obstore"),
        Road("aiohttp", f"aiohttp and a signature, {many}", warm=at_once, needs="aiohttp"),
        Road("fast-s3", f"fast-s3 `get_object`, `put_object`, {many}", warm=at_once, needs="fast_s3"),
        Road("s5cmd", f"`s5cmd cp` to a directory, `cp` from it, {many}", program=program("s5cmd"), needs="s5cmd"),
        Road("copy", f"`rclone copy`, {many}", program=program("copy")),
    )


def shares(one: Measured, seconds: float, at_once: int) -> list[float]:
    """Of the bound, turn by turn."""
    sent = max(one.requests or 0, LEAST * one.objects)
    return [sent * seconds / at_once / figures.seconds for figures in one.figures]


def table(found: list[Measured], load: Load, seconds: float, proxy: Delay) -> Table:
    """Of the bound first; below, what the proxies did."""
    rows = []
    for one in found:
        speeds = [one.objects / figures.seconds for figures in one.figures]
        cpu = statistics.median(figures.cpu / one.objects for figures in one.figures)
        sent = f"{one.requests / one.objects:.4g}" if one.requests else ""
        cells = [
            spread(shares(one, seconds, load.at_once)),
            f"{statistics.median(speeds):,.0f}",
            f"{cpu * 1000:#.3g}",
            sent,
        ]
        rows.append([one.road.label, *cells])
    head = ["road", "of the bound", "objects/s", "CPU ms/object", "requests/object"]
    title = f"{load.title}, {seconds * 1000:.0f} ms to the first byte, {load.at_once} at once, over TLS"
    bound = f"The bound: {load.at_once / seconds:,.0f} requests/s."
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
    told.figures["20 ms of the bound"] = shares(found[0], typed.delay, typed.at_once)
    print(told.markdown(), *told.absent, sep="\n")
    if typed.json:
        told.write(typed.json)


if __name__ == "__main__":
    main()
