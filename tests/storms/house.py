"""What a user's schedule does: the schedule event, an hour after the storms, to each cloud's function.

`python -m storms.house relay.toml cloud` is one such run. It is later by the product's clock, of which the due time of
the markers is told; all else is the real thing.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from storms.world import World

LATER = timedelta(hours=1)
TESTS = Path(__file__).parents[1]


def keep_house(world: World) -> Counter[str]:
    """Have it done by each cloud's function; how much there was."""
    children = []
    for cloud in world.clouds:
        command = [sys.executable, "-m", "storms.house", str(world.folder / f"{cloud}.toml"), cloud]
        paths = os.pathsep.join([str(world.product), str(TESTS)])
        env = {"PATH": os.defpath, "HOME": str(world.folder), "PYTHONPATH": paths}
        children.append(subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    found: Counter[str] = Counter()
    for child in children:
        said, wrong = child.communicate(timeout=300)
        if child.returncode:
            raise RuntimeError(f"the housekeeping failed: {wrong[-3000:]}")
        found.update(json.loads(said))
    return found


def main(toml: str, cloud: str) -> None:
    """One run; says what was done."""
    from bucketrelay import config, wiring
    from bucketrelay.deadline import Deadline
    from bucketrelay.drivers.housekeeping import keep_house as keep

    system = wiring.system(config.load(Path(toml).read_text(encoding="utf-8"), {}), emit=lambda line: None)
    now = datetime.now(timezone.utc) + LATER
    house = keep(replace(system, now=lambda: now), Deadline(300), f"schedule-{cloud}")
    system.close()
    problems = [*house.problems, *(result.error for result in house.results if not result.ok)]
    if problems:
        sys.stderr.write("\n".join(problems))
        sys.exit(1)
    sys.stdout.write(json.dumps({"verified late": house.verified, "failed, done again late": house.again}))


if __name__ == "__main__":
    main(*sys.argv[1:])
