"""How much of a server's rate is used where it refuses what exceeds it, and how many requests are in vain.

    python benchmarks/throttling.py
    python benchmarks/throttling.py --clouds obs --rates 20,100 -n 200

One invocation copies new objects through a proxy that answers 503 to all but *rate* requests in any second. Beside it,
in the same run, the same without a common limit: each request that is refused is made again after a pause of its own,
as often. *used* is what was accepted, against the rate, after the first second's: 1.00 is all of it.

Then the same through a proxy that has no limit and refuses one request in so many, whatever it is asked (`--sporadic`).
*used* is then the speed, against that of the same run without refusals.
"""

import argparse
import json
import math
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent / "shared")]

from clouds import Cloud, obs, oci, s3
from machine import conditions
from report import Section, Table

from bucketrelay import config, wiring
from bucketrelay.drivers import function as entry
from bucketrelay.http import pace
from bucketrelay.model import Cloud as Named
from bucketrelay_emulators.engine.faults import ALWAYS, Fault
from bucketrelay_emulators.proxy import FaultProxy

CLOUDS = {"s3": s3, "obs": obs, "oci": oci}
NAMES: dict[str, Named] = {"s3": "s3", "obs": "obs", "oci": "oci"}


@dataclass(frozen=True)
class Figures:
    """Of one invocation."""

    used: float
    refused: float
    failed: int
    seconds: float


@contextmanager
def no_pace() -> Iterator[None]:
    """Within: nobody waits for a turn; what is refused is made again all the same."""
    with patch.object(pace.Pace, "turn", lambda self, *_: self._now()):
        yield


def run(cloud: Cloud, rate: int, count: int, prefix: str) -> Figures:
    """Copy *count* new objects in one invocation, of which the server takes *rate* requests a second."""
    found = copy_objects(cloud, Fault(kind="throttle", rate=rate, status=503, times=ALWAYS), count, prefix)
    # The first *rate* requests are free: the server has had a second's rest.
    return replace(found, used=(found.used * found.seconds - rate) / found.seconds / rate)


def sporadic(cloud: Cloud, chance: float, count: int, prefix: str) -> Figures:
    """Copy *count* new objects in one invocation, and of the requests one in so many is refused."""
    dice = random.Random(prefix)
    refuse = Fault(match=lambda _: dice.random() < chance, status=503, times=ALWAYS)
    return copy_objects(cloud, refuse, count, prefix)


def copy_objects(cloud: Cloud, fault: Fault, count: int, prefix: str) -> Figures:
    """Copy *count* new objects in one invocation; *used* is what was accepted a second."""
    notices = [cloud.create(f"{prefix}/{n:05}", b"x" * 4096) for n in range(count)]
    endpoint = json.loads(
        next(line for line in cloud.toml.splitlines() if line.startswith("endpoint")).split("=", 1)[1]
    )
    with FaultProxy(endpoint) as proxy:
        system = wiring.system(config.load(cloud.toml.replace(endpoint, proxy.endpoint), {}), emit=lambda _: None)
        proxy.faults.order(fault)
        began = time.monotonic()
        report = entry.handle(_one(notices), system, cloud=NAMES[cloud.name], seconds=math.inf, invocation=prefix)
        seconds = time.monotonic() - began
        system.close()
        refused = sum(request.status == 503 for request in proxy.requests)
        accepted = len(proxy.requests) - refused
    failed = sum(not result.ok for result in report.results)
    return Figures(accepted / seconds, refused / (accepted + refused), failed, seconds)


def _one(notices: list[object]) -> object:
    """One payload of many events: records go together, OCI's are an array."""
    if isinstance(notices[0], dict) and "Records" in notices[0]:
        return {"Records": [record for notice in notices if isinstance(notice, dict) for record in notice["Records"]]}
    return notices


HEAD = ["cloud, limit, road", "used", "refused", "failed", "seconds"]


def main() -> None:
    """Measure and tell."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("-n", type=int, default=300, help="objects of an invocation")
    words.add_argument("--rates", default="30,100", help="requests a second")
    words.add_argument("--sporadic", default="0.01,0.04", help="shares of requests that are refused at any rate")
    words.add_argument("--clouds", default="s3,obs,oci")
    words.add_argument("--json", type=Path, metavar="FILE", help="what was found, for bench.py")
    given = words.parse_args()
    command = f"python benchmarks/throttling.py -n {given.n} --clouds {given.clouds}"
    command += f" --rates '{given.rates}' --sporadic '{given.sporadic}'"
    told = Section("A server that refuses what exceeds its rate", command, notes=conditions())
    rows: list[list[str]] = []
    for name in given.clouds.split(","):
        for rate in map(int, filter(None, given.rates.split(","))):
            count = min(given.n, rate * 5)
            with CLOUDS[name]() as cloud:
                limited = run(cloud, rate, count, "with")
                rows.append(_row(f"{name}, {rate}/s, one limit", limited))
                told.figures.setdefault("true limit", []).append(limited.used)
                with no_pace():
                    rows.append(_row(f"{name}, {rate}/s, none", run(cloud, rate, count, "without")))
        with CLOUDS[name]() as cloud:
            whole = sporadic(cloud, 0.0, given.n, "undisturbed")
            for chance in map(float, filter(None, given.sporadic.split(","))):
                found = sporadic(cloud, chance, given.n, f"chance-{chance}")
                found = replace(found, used=found.used / whole.used)
                rows.append(_row(f"{name}, {chance:.0%} refused, one limit", found))
                if chance == 0.01:
                    told.figures.setdefault("sporadic refusals", []).append(found.used)
    told.tables.append(Table("4 KiB, 16 at once; used: of the limit, or of the speed without refusals", HEAD, rows))
    print(told.markdown())
    if given.json:
        told.write(given.json)


def _row(name: str, found: Figures) -> list[str]:
    return [name, f"{found.used:.2f}", f"{found.refused:.0%}", str(found.failed), f"{found.seconds:.1f}"]


if __name__ == "__main__":
    main()
