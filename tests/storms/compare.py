"""Whether targets hold what their sources hold: by rclone, byte for byte, and by ourselves, with the metadata."""

import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from bucketrelay_emulators.local_clouds import NAMESPACE
from storms import meet
from storms.changes import SOURCE, STAMP, TARGET
from storms.lanes import End, Lane
from storms.world import World

RCLONE = shutil.which("rclone", path=str(Path(sys.executable).parent)) or "rclone"
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
    pairs = _pairs(world)
    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda job: _check(world, config, job, sources[job.source]), jobs))
        said += list(pool.map(lambda pair: _check_pair(world, config, pair, pairs[pair]), pairs))
    return sum(number for number, _ in said), [line for _, lines in said for line in lines]


Pair = tuple[End, End]


def _pairs(world: World) -> Mapping[Pair, list[str]]:
    """The keys that two ends both hold and that `meet` says are to be alike there."""
    held, found = meet.dumps(world), defaultdict(list)
    for lane in world.meetings:
        ways = lane.ways[1:2] if lane.kind == "diamond" else lane.ways if lane.kind != "shared" else ()
        for pair in {(min(way), max(way)) for way in ways}:
            both = set(held[pair[0]]).intersection(*(held[end] for end in (lane.ends if lane.kind == "ring" else pair)))
            found[pair] += sorted(key for key in both if key.startswith(f"{lane.name}/"))
    return {pair: keys for pair, keys in found.items() if keys}


def _check_pair(world: World, config: Path, pair: Pair, keys: Sequence[str]) -> tuple[int, list[str]]:
    listed = world.folder / f"{pair[0].store}-{pair[1].store}.txt"
    listed.write_text("".join(f"{key}\n" for key in keys), encoding="utf-8")
    ends = [f"{end.cloud}:{end.bucket}" for end in pair]
    command = [
        RCLONE,
        "check",
        "--download",
        *ends,
        "--files-from-raw",
        str(listed),
        *_QUICKLY,
        "--config",
        str(config),
    ]
    return _checked(world, command, len(keys), f"rclone, {pair[0].store} and {pair[1].store}")


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
    command += ["--config", str(config), *_QUICKLY, *(["--one-way"] if job.deletes == "keep" else [])]
    for name in job.lanes:
        command += ["--include", f"/{name}/**"]
    wanted = sum(key.partition("/")[0] in job.lanes for key in held)
    return _checked(world, command, wanted, f"rclone, {job.source} to {job.target}")


_QUICKLY = ("--no-unicode-normalization", "--retries", "1", "--checkers", "8", "--fast-list")


def _checked(world: World, command: Sequence[str], wanted: int, title: str) -> tuple[int, list[str]]:
    env = {"PATH": os.defpath, "HOME": str(world.folder)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    matching = sum(int(number) for number in re.findall(r"(\d+) matching files", done.stderr))
    if done.returncode == 0 and "0 differences found" in done.stderr and matching == wanted:
        return matching, []
    words = [f"{matching} of {wanted} objects are equal", *done.stderr.splitlines()]
    return matching, [f"{title}: {line}" for line in words]


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
