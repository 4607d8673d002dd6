"""What a run ran on, in words: without it no figure can be held against another."""

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

BUSY = "Other work was on this machine: wall times, and ratios of speed, say little; those of CPU are steadier."


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


def load() -> float:
    """How many processes wanted a core in the last minute; 0 where nobody counts."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def busy() -> bool:
    """Whether others are at work here. Ask before a run: after it, it is the run itself."""
    return load() > 1


def conditions(packages: Sequence[str] = (), rclone: str = "") -> list[str]:
    """Paragraphs: the machine, its load, versions (*rclone* is the program to ask for its own), and a warning."""
    told = [versions(packages)]
    if rclone:
        said = subprocess.run([rclone, "version"], capture_output=True, text=True, check=True).stdout
        told.append(said.split("\n", maxsplit=1)[0])
    more = ", ".join(filter(None, told))
    where = f"{processor()}, {platform.system()}, Python {platform.python_version()}, load {load():.1f} at the start"
    return [f"{where}; {more}" if more else where, *([f"**{BUSY}**"] if busy() else [])]
