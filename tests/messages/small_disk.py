"""A disk with room for next to nothing, which can be given more: a file system in memory, mounted over a directory."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Callable[[str], None]]:
    """*folder*, which is empty, has *size* bytes in all; what is yielded gives it another size."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a full disk needs a mount, which needs root: {done.stderr.strip()}")

    def grow(more: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={more}", folder], check=True)

    try:
        yield grow
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
