"""One large object with 29 % of a core, as a Lambda function of 512 MB has: `python benchmarks/share.py`.

The roads of `throughput.py`, each process in a control group of this machine's that gets so much of a core and no more
(Linux; needs the right to make one, as root has). The servers have what they like. What comes in that way by the clock
is what a small function would do.
"""

import argparse
import contextlib
import os
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent / "shared")]

from machine import conditions
from report import Section, Table, ratios, spread
from s3_servers import RCLONE, servers
from throughput import ON_LARGE, PACKAGES, Load, Measured, absent, fill, measure, size

PERIOD = 100_000  # microseconds, the kernel's own default
MiB = 1024 * 1024
ROADS = ("relay", "get_put", "upload_fileobj", "obstore-stream", "aiohttp-stream", "s5cmd-pipe", "copyto")
ENTER = 'echo $$ > "$0" && exec "$@"'  # a process enters the group before it becomes what is measured


@contextmanager
def group(share: float) -> Iterator[tuple[str, ...]]:
    """The first words of a command that is to have so much of a core. OSError where none can be made."""
    first = Path("/sys/fs/cgroup/cpu") if Path("/sys/fs/cgroup/cpu").is_dir() else Path("/sys/fs/cgroup")
    folder = first / f"bucketrelay-{os.getpid()}"
    folder.mkdir()
    try:
        if (folder / "cpu.cfs_quota_us").exists():
            (folder / "cpu.cfs_period_us").write_text(str(PERIOD))
            (folder / "cpu.cfs_quota_us").write_text(str(int(PERIOD * share)))
        else:
            (folder / "cpu.max").write_text(f"{int(PERIOD * share)} {PERIOD}")
        yield "sh", "-c", ENTER, str(folder / "cgroup.procs")
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()


def table(load: Load, found: list[Measured], share: float) -> Table:
    """Speed against rclone's first."""
    speeds = {one.road.name: [load.size / 1e6 / figures.seconds for figures in one.figures] for one in found}
    rows = []
    for one in found:
        mine = speeds[one.road.name]
        cpu = statistics.median(figures.cpu for figures in one.figures) / load.size * 1024**3
        peak = max(figures.rss for figures in one.figures) / MiB
        cells = [
            spread(ratios(mine, speeds["copyto"])),
            f"{statistics.median(mine):,.0f}",
            f"{cpu:#.3g}",
            f"{peak:,.0f}",
        ]
        rows.append([one.road.label, *cells])
    head = ["road", "speed, of rclone", "MB/s", "CPU s/GiB", "peak memory, MiB"]
    return Table(f"{load.title}, over TLS, {share:.0%} of a core", head, rows)


def main() -> None:
    """Measure and tell."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--share", type=float, default=0.29, metavar="SHARE", help="of one core (0.29)")
    words.add_argument("--size", type=size, metavar="SIZE", help="(256MiB; quick: 32MiB)")
    words.add_argument("--repeats", type=int, metavar="N", help="turns after the one that warms up (3; quick: 1)")
    words.add_argument("--quick", action="store_true", help="a smaller object, one turn")
    words.add_argument("--json", type=Path, metavar="FILE", help="what was found, for bench.py")
    typed = words.parse_args()
    large, repeats = typed.size or (32 if typed.quick else 256) * MiB, typed.repeats or (1 if typed.quick else 3)
    command = f"python benchmarks/share.py --share {typed.share} --size {large // MiB}MiB --repeats {repeats}"
    told = Section("A share of a core", command, notes=conditions(PACKAGES, RCLONE))
    roads = tuple(road for road in ON_LARGE if road.name in ROADS)
    told.absent += absent(roads)
    try:
        with group(typed.share) as before, servers("https") as place:
            load = Load("large", large, roads, 1, large=True, before=before)
            fill(place, [load])
            found, failed = measure(place, load, repeats, quick=typed.quick)
            told.absent += failed
            told.tables.append(table(load, found, typed.share))
            by = {one.road.name: [1 / figures.seconds for figures in one.figures] for one in found}
            told.figures["share speed of rclone"] = ratios(by["relay"], by["copyto"])
    except OSError as error:
        told.absent.append(f"{typed.share:.0%} of a core: not measured: no control group can be made here ({error})")
    print(told.markdown(), *told.absent, sep="\n")
    if typed.json:
        told.write(typed.json)


if __name__ == "__main__":
    main()
