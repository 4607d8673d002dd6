"""`make storms STORMS=10000`: random storms against real servers; after each wave all ends hold what they must.

`PYTHONPATH=tests python -m storms --storms 10000 --seed 1 --clouds s3,obs,oci`; with `--meeting`, only over routes that
meet: two-way, rings, diamonds, many to one. Each storm is made of a number, the
first of *seed*, so `--seed S --storms 1` is the storm S again, as far as the machine does things in the same order, and
two processes with other seeds go side by side. Blocks of 1,000 numbers have servers of other kinds (`KINDS`).
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from storms import meet
from storms.compare import check_by_rclone, differences
from storms.wave import NeverEnds, Wave
from storms.workers import ROOT
from storms.world import World

BLOCK = 1000  # a kind of servers costs a start of them all
KINDS: Sequence[tuple[str, ...]] = ((), ("tls",), ("versioned",), ("tls", "versioned"), ("moto",))
_SHOWN = ("deliveries", "deliveries again", "requests", "faults", "kills")


def main(arguments: Sequence[str]) -> int:
    """Returns the exit status: 1 if a target differed or a storm did not end."""
    given = _parser().parse_args(arguments)
    started, done, more, found = time.monotonic(), 0, Counter[str](), list[str]()
    while done < given.storms and not found:
        first = given.seed + done
        block = range(first, min(given.seed + given.storms, (first // BLOCK + 1) * BLOCK))
        with World(given.clouds.split(","), given.environments, given.product.resolve(), _kind(first)) as world:
            for at in range(block.start, block.stop, given.wave):
                seeds = range(at, min(block.stop, at + given.wave))
                found += _one_wave(given, world, seeds, more)
                done += len(seeds)
                _progress(done, given.storms, more + world.counts(), started)
                if found:
                    break
            more += world.counts()
    sys.stdout.write(_table(done, len(found), more, time.monotonic() - started))
    return 1 if found else 0


def _kind(seed: int) -> tuple[str, ...]:
    return KINDS[seed // BLOCK % len(KINDS)]


def _one_wave(given: argparse.Namespace, world: World, seeds: range, more: Counter[str]) -> list[str]:
    """Have the storms, and compare: what is wrong."""
    wave = Wave(world, given.at_once, meeting=given.meeting)
    try:
        wave.run(seeds)
        courses, held = list(wave.courses.values()), meet.dumps(world)
        found = differences(world) + meet.differences(world, courses, held, more)
        if not given.no_rclone:
            equal, said = check_by_rclone(world)
            more["equal, says rclone"] += equal
            found += said
    except NeverEnds as error:
        found = [str(error)]
    _keep(given.keep, world, wave, found)
    more["uploads left open"] += sum(remote.call("uploads") for remote in world.remotes.values())
    most = max((course.events // len(course.plan.writes) for course in wave.courses.values()), default=0)
    more["events of one write"] = max(more["events of one write"], most)
    world.empty()
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m storms", description=__doc__)
    parser.add_argument("--storms", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1, help="the number of the first storm")
    parser.add_argument("--clouds", default="s3,obs,oci")
    parser.add_argument("--wave", type=int, default=250, help="storms between two comparisons")
    parser.add_argument(
        "--at-once", type=int, default=32, help="storms that rage at the same time, if the machine keeps up"
    )
    parser.add_argument("--environments", type=int, default=5, help="processes of each cloud's function")
    parser.add_argument("--meeting", action="store_true", help="only storms over routes that meet")
    parser.add_argument("--no-rclone", action="store_true", help="compare by ourselves alone")
    parser.add_argument("--product", type=Path, default=ROOT / "shared", help="the folder with another bucketrelay")
    parser.add_argument(
        "--keep", type=Path, default=ROOT / "build" / "storms", help="for what is known of a difference"
    )
    return parser


def _progress(done: int, storms: int, counts: Counter[str], started: float) -> None:
    rate = done / (time.monotonic() - started)
    said = ", ".join(f"{counts[name]} {name}" for name in _SHOWN)
    sys.stderr.write(f"{done} of {storms} storms, {rate:.1f} a second: {said}\n")
    sys.stderr.flush()


def _table(storms: int, different: int, counts: Counter[str], seconds: float) -> str:
    rows = [("storms", storms), ("seconds", round(seconds)), *sorted(counts.items()), ("differences", different)]
    return "".join(f"{name:20} {number:>10,}\n" for name, number in rows)


def _keep(folder: Path, world: World, wave: Wave, found: Sequence[str]) -> None:
    """Say what is wrong, and write all that is known of the storms that it names into a file for each."""
    for line in found:
        sys.stderr.write(f"{line}\n")
    for name, course in wave.courses.items():
        mine = [line for line in found if f"{name}/" in line]
        if mine:
            lines = [*mine, *course.describe()]
            for cloud, remote in world.remotes.items():
                lines += [f"  {cloud}: {line}" for line in remote.call("lines", name)]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
            sys.stderr.write(
                f"{name}: all that is known is in {folder / name}.txt; again: --seed {course.plan.seed} --storms 1\n"
            )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
