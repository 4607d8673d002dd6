"""What a run ran on, in words: without it no figure can be held against another."""

import importlib.metadata
import os
import platform
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

BUSY = "Other work was on this machine: wall times, and ratios of speed, say little; those of CPU are steadier."

_A_LITTLE = 0.3  # cores that a machine uses for itself


def processor() -> str:
    """The processor's name, and how many of it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = (line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return f"{os.cpu_count()} × {next(names, platform.processor() or 'unknown processor')}"


def versions(packages: Sequence[str]) -> str:
    """The versions of those packages that are installed."""
    installed = []
    for name in packages:
        try:
            installed.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join(installed)


def in_use(seconds: float = 1.0) -> float:
    """How many cores others kept at work while this process slept for *seconds*.

    A load of the last minute would count what a benchmark itself did before. Where nobody tells, the load it is.
    """
    times = Path("/proc/stat")
    if not times.exists():
        return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    before = _clock(times)
    time.sleep(seconds)
    working, idle = (now - then for now, then in zip(_clock(times), before, strict=True))
    return working / max(working + idle, 1) * (os.cpu_count() or 1)


def _clock(times: Path) -> tuple[int, int]:
    """What all cores have worked and waited since the machine's start (proc_stat(5)), in ticks."""
    ticks = [int(cell) for cell in times.read_text().split("\n", 1)[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, idle


def busy() -> bool:
    """Whether others are at work here. Ask before a run: after it, it is the run itself."""
    return in_use() > _A_LITTLE


def conditions(packages: Sequence[str] = (), rclone: str = "") -> list[str]:
    """Paragraphs: the machine, its load, versions (*rclone* is the program to ask for its own), and a warning."""
    told = [versions(packages)]
    if rclone:
        said = subprocess.run([rclone, "version"], capture_output=True, text=True, check=True).stdout
        told.append(said.split("\n", maxsplit=1)[0])
    more = ", ".join(filter(None, told))
    others = in_use()
    machine = f"{processor()}, {platform.system()}, Python {platform.python_version()}"
    where = f"{machine}, {others:.1f} cores at work for others at the start"
    return [f"{where}; {more}" if more else where, *([f"**{BUSY}**"] if others > _A_LITTLE else [])]
