"""A server for all the processes of one test run: the first that needs it starts it, the last that lets go ends it.

A lock file keeps them apart, and beside it lies what the others have to know. A run without xdist is one process.
"""

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

Facts = dict[str, Any]
_started: list[object] = []  # what holds a child process must live as long as this one


def folder_of(factory: pytest.TempPathFactory) -> Path:
    """A folder that all the processes of this run share, and no other run."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@contextlib.contextmanager
def shared(
    folder: Path, name: str, start: Callable[[Path], tuple[object, Facts]], stop: Callable[[Facts], None]
) -> Iterator[Facts]:
    """What *start* tells of the server: its own, or that of the process which was first.

    Args:
        start: starts it in a folder; returns what must stay alive in this process, and what others need to know.
        stop: ends it by what *start* told, in whatever process.
    """
    with _state(folder, name) as state:
        if not state:
            place = folder / name
            place.mkdir(exist_ok=True)
            held, state["facts"] = start(place)
            _started.append(held)
        state["users"] = state.get("users", 0) + 1
        facts: Facts = state["facts"]
    try:
        yield facts
    finally:
        with _state(folder, name) as state:
            state["users"] -= 1
            if not state["users"]:
                stop(facts)
                state.clear()


@contextlib.contextmanager
def _state(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """What is known of the server; empty where there is none. Whoever else asks waits."""
    path = folder / f"{name}.json"
    with (folder / f"{name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        yield state
        path.write_text(json.dumps(state))


def end(pids: Sequence[int], how: signal.Signals, *, group: bool = False, seconds: float = 30) -> None:
    """Send *how* to processes (or to their groups) that another process may have started, and wait until they end."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(pid, how)
    until = time.monotonic() + seconds
    while any(_runs(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # where it is a child of ours, nobody else would take note of its end
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
