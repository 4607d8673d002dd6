"""How long a fresh process takes to its first copied object, in the clouds' runtimes, beside a plain handler.

    python benchmarks/cold_start.py --runs 11
    python benchmarks/cold_start.py --clouds obs oci

For each cloud three functions take turns, each time in a fresh process: `nothing` returns at once and shows what the
runtime itself costs; `plain` is the usual handler, a get and a put with the cloud's SDK; `relay` is ours, which also
looks at both sides, verifies the copy and writes the lists. Each run copies a new object and proves it.

Absolute figures hold on this machine only: quote the ratios. Files are in the page cache and byte-compiled.
"""

import argparse
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent
SHARED = ROOT / "shared"
sys.path[:0] = [str(SHARED), str(ROOT / "tests")]

from clouds import Cloud, obs, oci, s3
from machine import conditions
from report import Section, Table, ratios

from functions.child import SITE_PACKAGES
from functions.runtimes import FnRuntime, FunctionError, FunctionGraphRuntime, LambdaRuntime

BODY = os.urandom(4096)
NOTHING = "def handler(*_, **__): return None\n"
CLOUDS: dict[str, Callable[[], AbstractContextManager[Cloud]]] = {"s3": s3, "obs": obs, "oci": oci}
RUNTIMES: dict[str, Any] = {"s3": LambdaRuntime, "obs": FunctionGraphRuntime, "oci": FnRuntime}
MODULES = {"s3": "app", "obs": "index", "oci": "func"}
OURS = {"s3": "s3_notifications", "obs": "obs_trigger", "oci": "oci_events"}
PACKAGES = {
    "s3": ("awslambdaric", "boto3", "moto"),
    "obs": ("esdk-obs-python",),
    "oci": ("fdk", "oci"),
}
IMPORT = """
import sys, time
sys.path[:0] = {path!r}
began = time.perf_counter()
import {module}
print(time.perf_counter() - began)
"""


@dataclass
class Subject:
    """One function and its measurements, in seconds."""

    name: str
    folder: Path
    env: dict[str, str]
    copies: bool = True
    imports: list[float] = field(default_factory=list)
    firsts: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def measure(self, cloud: Cloud, key: str) -> None:
        """Import it in one fresh process, and let another copy *key*."""
        self.imports.append(import_seconds(self.folder, MODULES[cloud.name], self.env))
        event = cloud.create(key, BODY)
        used, began = cpu_of_children(), time.perf_counter()
        module = MODULES[cloud.name]
        with RUNTIMES[cloud.name](self.folder, f"{module}.handler", paths=[SHARED], env=self.env) as function:
            try:
                answer = function.invoke(event)
            except FunctionError as error:
                sys.exit(f"{cloud.name}/{self.name} failed: {error}\n{function.log()}")
            self.firsts.append(time.perf_counter() - began)
            if self.copies and cloud.copied(key) != BODY:
                sys.exit(f"{cloud.name}/{self.name} copied nothing: {answer}\n{function.log()}")
        self.cpu.append(cpu_of_children() - used)


def cpu_of_children() -> float:
    """Seconds of user and system time of all processes that we have started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def import_seconds(folder: Path, module: str, env: dict[str, str]) -> float:
    """Seconds that `import module` takes in a process that has imported nothing but sys and time."""
    code = IMPORT.format(path=[str(folder), str(SHARED), str(SITE_PACKAGES)], module=module)
    command = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{folder} cannot be imported:\n{done.stderr}")
    return float(done.stdout.splitlines()[-1])


def subjects(cloud: Cloud, scratch: Path) -> Iterator[Subject]:
    """The three functions of *cloud*: the plain one copied into *scratch*, ours as its archive holds it."""
    nothing = scratch / cloud.name / "nothing"
    nothing.mkdir(parents=True)
    (nothing / f"{MODULES[cloud.name]}.py").write_text(NOTHING)
    yield Subject("nothing", nothing, {}, copies=False)
    plain = scratch / cloud.name / "plain"
    shutil.copytree(FOLDER / "plain" / cloud.name, plain, ignore=shutil.ignore_patterns("__pycache__"))
    yield Subject("plain", plain, dict(cloud.plain))
    yield Subject("relay", unpack_archive(cloud, scratch), {})


def unpack_archive(cloud: Cloud, scratch: Path) -> Path:
    """The folder of the handler in what `deploy/build.py` makes of our function and the cloud's configuration."""
    place, name = scratch / cloud.name / "relay", OURS[cloud.name]
    config = scratch / cloud.name / "relay.toml"
    config.write_text(cloud.toml, encoding="utf-8")
    python = ".".join(platform.python_version_tuple()[:2])
    options = ("--config", str(config), "--python", python, "--out", str(place))
    command = [sys.executable, str(ROOT / "deploy/build.py"), name, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    with zipfile.ZipFile(place / f"{name}.zip") as made:
        made.extractall(place / "code")
    return place / "code" / ("function" if cloud.name == "oci" else "")


def run(cloud: Cloud, scratch: Path, runs: int) -> list[Subject]:
    """The three functions, measured *runs* times each, in turns."""
    taking_turns = list(subjects(cloud, scratch))
    for turn in range(runs + 1):
        first = turn % len(taking_turns)
        for subject in [*taking_turns[first:], *taking_turns[:first]]:
            subject.measure(cloud, f"in/{subject.name}-{turn}.bin")
    for subject in taking_turns:  # the first turn fills the page cache and writes the byte code
        del subject.imports[0], subject.firsts[0], subject.cpu[0]
    return taking_turns


def row(cloud: str, subject: Subject, plain: Subject) -> list[str]:
    """Medians in milliseconds; a ratio is of the two functions' figures of the same turn, with its quartiles."""

    def ratio(mine: list[float], its: list[float]) -> str:
        low, middle, high = statistics.quantiles(ratios(mine, its), n=4, method="inclusive")
        return f"{middle:.2f} ({low:.2f}–{high:.2f})" if subject is not plain else "1"

    return [
        f"{cloud}: {subject.name}",
        ratio(subject.cpu, plain.cpu),
        ratio(subject.firsts, plain.firsts),
        *(f"{statistics.median(each) * 1000:.0f}" for each in (subject.cpu, subject.firsts, subject.imports)),
    ]


HEAD = ["function", "CPU, of plain", "first answer, of plain", "CPU, ms", "first answer, ms", "import, ms"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--runs",
        type=int,
        default=11,
        metavar="N",
        help="2 or more fresh processes for each figure, after one to warm up",
    )
    parser.add_argument("--clouds", nargs="+", choices=CLOUDS, default=list(CLOUDS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="what was found, for bench.py")
    chosen = parser.parse_args()
    command = f"python benchmarks/cold_start.py --runs {chosen.runs} --clouds {' '.join(chosen.clouds)}"
    told = Section("A fresh process to its first copied object", command)
    told.notes += conditions([package for cloud in chosen.clouds for package in PACKAGES[cloud]])
    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in chosen.clouds:
            with CLOUDS[name]() as cloud:
                measured = run(cloud, Path(scratch), chosen.runs)
            _, plain, ours = measured
            rows += [row(name, subject, plain) for subject in measured]
            told.figures[f"cold {name}"] = ratios(ours.cpu, plain.cpu)
    title = f"4 KiB, medians of {chosen.runs} fresh processes; in brackets the quartiles"
    told.tables.append(Table(title, HEAD, rows))
    print(told.markdown())
    if chosen.json:
        told.write(chosen.json)


if __name__ == "__main__":
    main()
