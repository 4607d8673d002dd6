"""Whether targets hold what their sources hold: by rclone, byte for byte, and by ourselves, with the metadata."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from storms.clouds import NAMESPACE, SOURCE, TARGET
from storms.plan import Lane
from storms.world import World

RCLONE = shutil.which("rclone", path=str(Path(sys.executable).parent)) or "rclone"
STAMP = "bucketrelay"  # user metadata that every copy has and no source
Dump = Mapping[str, Any]


def differences(world: World) -> list[str]:
    """What our own look at the servers finds, a line for each object."""
    sources = {cloud: world.remotes[cloud].call("dump", SOURCE) for cloud in world.clouds}
    targets = {cloud: world.remotes[cloud].call("dump", TARGET) for cloud in world.clouds}
    found = [line for lane in world.lanes for line in _of_lane(lane, sources[lane.source], targets)]
    known = {(cloud, f"from-{lane.source}/{lane.name}/") for lane in world.lanes for cloud in lane.targets}
    for cloud, held in targets.items():
        mine = tuple(prefix for where, prefix in known if where == cloud)
        found += [f"{cloud}: {key!r} should not be there at all" for key in held if not key.startswith(mine)]
    return found


def _of_lane(lane: Lane, source: Dump, targets: Mapping[str, Dump]) -> Iterator[str]:
    wanted = {key: held for key, held in source.items() if key.startswith(f"{lane.name}/")}
    for target in lane.targets:
        prefix = f"from-{lane.source}/"
        mine = f"{prefix}{lane.name}/"
        held = {key.removeprefix(prefix): of for key, of in targets[target].items() if key.startswith(mine)}
        for key in sorted(wanted.keys() | held.keys()):
            if words := _difference(wanted.get(key), held.get(key), keeps=lane.deletes == "keep"):
                yield f"{target}: {key!r} {words}"


def _difference(wanted: Any, held: Any, *, keeps: bool) -> str:
    if wanted is None:
        return "" if keeps else "is there still, and its source is gone"
    if held is None:
        return "is missing"
    digest, headers, user = held
    if STAMP not in user:
        return "was not written by bucketrelay"
    user = {name: value for name, value in user.items() if name != STAMP}
    return "" if [digest, headers, user] == wanted else f"holds {[digest, headers, user]} instead of {wanted}"


def check_by_rclone(world: World) -> tuple[int, list[str]]:
    """How many objects `rclone check --download` found equal, and what it said where not all of them are."""
    config = world.folder / "rclone.conf"
    config.write_text("".join(_remote(world, cloud) for cloud in world.clouds), encoding="utf-8")
    sources = {cloud: world.remotes[cloud].call("dump", SOURCE) for cloud in world.clouds}
    jobs = [
        Job(source, target, deletes, those)
        for source, target, deletes in product(world.clouds, world.clouds, ("follow", "keep"))
        if (those := _names(world.lanes, source, target, deletes))
    ]
    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda job: _check(world, config, job, sources[job.source]), jobs))
    return sum(number for number, _ in said), [line for _, lines in said for line in lines]


class Job(NamedTuple):
    """What one call of rclone compares: the lanes of these names."""

    source: str
    target: str
    deletes: str
    lanes: list[str]


def _names(lanes: Sequence[Lane], source: str, target: str, deletes: str) -> list[str]:
    of = [lane for lane in lanes if lane.source == source and lane.deletes == deletes]
    return [lane.name for lane in of if target in lane.targets]


def _check(world: World, config: Path, job: Job, held: Dump) -> tuple[int, list[str]]:
    command = [RCLONE, "check", "--download", f"{job.source}:{SOURCE}", f"{job.target}:{TARGET}/from-{job.source}"]
    command += ["--config", str(config), "--no-unicode-normalization", "--retries", "1", "--checkers", "8"]
    command += ["--fast-list", *(["--one-way"] if job.deletes == "keep" else [])]
    for name in job.lanes:
        command += ["--include", f"/{name}/**"]
    env = {"PATH": os.defpath, "HOME": str(world.folder)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    matching = sum(int(number) for number in re.findall(r"(\d+) matching files", done.stderr))
    wanted = sum(key.partition("/")[0] in job.lanes for key in held)
    if done.returncode == 0 and "0 differences found" in done.stderr and matching == wanted:
        return matching, []
    words = [f"{matching} of {wanted} objects are equal", *done.stderr.splitlines()]
    return matching, [f"rclone, {job.source} to {job.target}: {line}" for line in words]


def _remote(world: World, cloud: str) -> str:
    """OBS by its S3 dialect, signed the way of V2, which it takes; the others as rclone knows them."""
    access = world.remotes[cloud].access
    options: dict[str, str] = {"endpoint": access["endpoint"]}
    if cloud == "oci":
        options |= {"type": "oracleobjectstorage", "provider": "user_principal_auth", "namespace": NAMESPACE}
        options |= {"compartment": "ocid1.compartment.oc1..aaaaexample", "region": access["region"]}
        options |= {"config_file": access["config_file"], "config_profile": "DEFAULT"}
    else:
        options |= {"type": "s3", "access_key_id": access["access_key"], "secret_access_key": access["secret_key"]}
        options |= {"provider": "HuaweiOBS", "v2_auth": "true"} if cloud == "obs" else {"provider": "Other"}
    lines = "".join(f"{name} = {value}\n" for name, value in options.items())
    return f"[{cloud}]\n{lines}"
