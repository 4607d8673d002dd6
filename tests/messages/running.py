"""Commands of ours as child processes, each ended by its own id."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 300.0  # seconds: for what hangs, not for what is slow


class Child:
    def __init__(self, *arguments: str, cwd: Path, environ: dict[str, str] | None = None) -> None:
        self.arguments, self.cwd, self.environ = arguments, cwd, environ or {}
        self.program = ("bucketrelay",)
        self.out = cwd / "child.out"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.out.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *self.program, *self.arguments],
                cwd=self.cwd,
                env={**os.environ, **self.environ},
                stdout=out,
                stderr=out,
            )

    def killed_at(self, step: str, number: int = 1) -> None:
        """Start it and wait until it has killed itself at the step of `messages.killed`, when it comes there for the
        *number*th time."""
        self.program, before = ("messages.killed", step, str(number)), self.environ
        self.environ = {**before, "PYTHONPATH": str(Path(__file__).parents[1])}
        self.start()
        self.program, self.environ = ("bucketrelay",), before
        assert self.ends() == -signal.SIGKILL, f"{step}: {self.text}"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it, if it runs, however it is."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def end(self, how: int = signal.SIGTERM, seconds: float = PATIENCE) -> int:
        if self.process is None:
            return 0
        until = time.monotonic() + seconds
        while self.process.poll() is None and not self._catches(how) and time.monotonic() < until:
            time.sleep(0.05)  # it is still starting, and would end as any process does
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"it did not end: {self.text}") from None

    def _catches(self, number: int) -> bool:
        """Whether the process has a handler for a signal yet; True where the system does not tell."""
        status = Path(f"/proc/{self.process.pid}/status")
        try:
            caught = next(line for line in status.read_text().splitlines() if line.startswith("SigCgt:"))
        except (OSError, StopIteration):
            return True
        return bool(int(caught.split()[1], 16) >> (number - 1) & 1)

    def ends(self) -> int:
        """Its exit status, by itself."""
        return self.process.wait(PATIENCE)

    @property
    def text(self) -> str:
        return self.out.read_text(errors="replace")

    def says(self, word: str, seconds: float = PATIENCE) -> None:
        end = time.monotonic() + seconds
        while word not in self.text:
            assert time.monotonic() < end, f"{word!r} is not in: {self.text}"
            time.sleep(0.05)


@contextmanager
def running(*arguments: str, cwd: Path, environ: dict[str, str] | None = None) -> Iterator[Child]:
    child = Child(*arguments, cwd=cwd, environ=environ)
    child.start()
    try:
        yield child
    finally:
        child.stop()
