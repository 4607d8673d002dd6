"""Random schedules of the larger worlds for as long as asked.

PYTHONPATH=tests python -m faults.soak 600                         ten minutes, new seeds
PYTHONPATH=tests python -m faults.soak --world ring --seed 17      one of them again
"""

import argparse
import random
import time

from faults.large import LAYOUTS, Large


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", type=float, nargs="?", default=60)
    parser.add_argument("--world", choices=LAYOUTS)
    parser.add_argument("--seed", type=int)
    asked = parser.parse_args()
    worlds = [asked.world] if asked.world else list(LAYOUTS)
    if asked.seed is not None:
        for name in worlds:
            _run(name, asked.seed)
        return
    first = random.randrange(1 << 32)
    print(f"seeds from {first}", flush=True)
    end, runs, steps = time.monotonic() + asked.seconds, 0, 0
    while time.monotonic() < end:
        for name in worlds:
            steps += _run(name, first + runs)
        runs += 1
    print(f"{runs * len(worlds)} worlds, {steps:,} steps, none wrong")


def _run(name: str, seed: int) -> int:
    world = Large(LAYOUTS[name], seed)
    world.run()
    return world.steps


if __name__ == "__main__":
    main()
