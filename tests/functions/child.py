"""A function's process: its own interpreter with nothing of ours in its environment but what it is given."""

import contextlib
import os
import queue
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SITE_PACKAGES = Path(sysconfig.get_path("purelib"))

# The thread waits for the end of our side of a pipe: a function must not outlive a parent that was killed. os.read and
# not sys.stdin, whose lock, held by a daemon thread, makes the interpreter abort when it ends.
BOOT = """
import os, sys, threading
threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()
sys.path[:0] = {path!r}
"""


class FunctionError(Exception):
    """The invocation failed; `payload` is what the platform would answer, in AWS's words on every platform."""

    def __init__(self, payload: Mapping[str, Any]) -> None:
        self.payload = payload
        self.type: str = payload.get("errorType", "")
        super().__init__(f"{self.type}: {payload.get('errorMessage')}")


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that a child said, or the end of it."""

    kind: str  # ready result error init-error exit
    body: bytes = b""


def choose(folder: Path, *patterns: str, source: Path = SITE_PACKAGES) -> Path:
    """Fill *folder* with links to the packages of *source* that match *patterns*, and give it back.

    So that a package that was left out of a function's zip is missing here as it is in the cloud.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for pattern in patterns:
        found = list(source.glob(pattern))
        assert found, f"no {pattern} in the packages that are installed"
        for package in found:
            (folder / package.name).symlink_to(package)
    return folder


class Child:
    """One interpreter that runs *program* in *folder*; ended by its own handle.

    `-I -S`: no environment variables of Python, no user's and no installed packages but those on the path it is given.

    Args:
        program: `-c CODE` or a script, with its arguments.
        env: the whole environment, but for PATH, HOME (the log's folder), LANG and TZ.
        log: receives what it prints; appended to.
        speaks: whether standard output is a pipe of ours instead of the log.
        said: receives what it says, and its end.
    """

    def __init__(
        self,
        program: Sequence[str],
        *,
        folder: Path,
        env: Mapping[str, str],
        log: Path,
        speaks: bool = False,
        said: "queue.SimpleQueue[Said] | None" = None,
    ) -> None:
        # SDKs look for credentials in the home directory: ours must not be found.
        own = {"PATH": os.defpath, "HOME": str(log.parent), "LANG": "C.UTF-8", "TZ": ":UTC"}
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", *program],
                cwd=folder,
                env={**own, **env},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if speaks else output,
                stderr=output,
            )
        self._said: queue.SimpleQueue[Said] = said or queue.SimpleQueue()
        self._watch = threading.Thread(target=self._listen, daemon=True)
        self._watch.start()

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def tell(self, line: bytes) -> None:
        """Write *line* to its standard input; nobody there is no error here, its end is what it says `next`."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(line + b"\n")
            self._process.stdin.flush()

    def next(self, seconds: float) -> Said:
        """What it says next. Raises TimeoutError after *seconds*."""
        try:
            return self._said.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError(f"nothing within {seconds} s") from None

    def stop(self, *, at_once: bool = False) -> int:
        """End it, if it has not ended; its exit status. *at_once*: as a platform does past the deadline."""
        if at_once:
            self._process.kill()
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._watch.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):  # a line that it did not live to read
                    pipe.close()
        return self._process.returncode

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            kind, _, body = line.rstrip(b"\n").partition(b" ")
            self._said.put(Said(kind.decode(), body))
        self._said.put(Said("exit", b"%d" % self._process.wait()))


def exited(status: str) -> FunctionError:
    """The error of a process that ended in the middle of an invocation."""
    return FunctionError({"errorType": "Runtime.ExitError", "errorMessage": f"the process ended with status {status}"})


def timed_out(seconds: float) -> FunctionError:
    """The error of an invocation that its platform has killed."""
    return FunctionError({"errorType": "Sandbox.Timedout", "errorMessage": f"Task timed out after {seconds:.2f} s"})
