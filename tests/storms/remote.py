"""Our end of a cloud's process."""

import itertools
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]


class Remote:
    """A cloud that runs elsewhere; a context manager.

    Args:
        event: is called with each change of a watched bucket, in one thread, in their order.
        words: `moto`, `tls`, `versioned`: how its server is.
    """

    def __init__(self, name: str, event: Callable[[str, dict[str, Any]], None], words: Sequence[str] = ()) -> None:
        self.name, self._event = name, event
        self._process = subprocess.Popen(
            [sys.executable, "-m", "storms.clouds", name, *words],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent / "shared")])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._numbers, self._lock = itertools.count(1), threading.Lock()
        self._waiting: dict[int, queue.SimpleQueue[Any]] = {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "Remote":  # noqa: PYI034  # typing has Self from Python 3.11 only
        facts = self.call("facts")
        self.url, self.access, self.options = facts["url"], facts["access"], facts["options"]
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    def call(self, do: str, *arguments: Any) -> Any:
        """Have it done. What was told before has been handled when this returns."""
        assert self._process.stdin is not None
        answer: queue.SimpleQueue[Any] = queue.SimpleQueue()
        with self._lock:
            number = next(self._numbers)
            self._waiting[number] = answer
            self._process.stdin.write(json.dumps({"id": number, "do": do, "with": arguments}) + "\n")
            self._process.stdin.flush()
        try:
            return answer.get(timeout=120)
        except queue.Empty:
            raise RuntimeError(f"the process of {self.name} does not answer to {do}") from None

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            if "event" in said:
                self._event(self.name, said["event"])
            else:
                self._waiting.pop(said["id"]).put(said["answer"])
