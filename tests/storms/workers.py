"""Our functions in their real runtimes, several environments of each; they are killed, and start anew."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NamedTuple

from functions.runtimes import FnRuntime, FunctionError, FunctionGraphRuntime, LambdaRuntime
from storms.post import Post
from storms.shapes import Message, failed, payload

ROOT = Path(__file__).parents[2]
RUNTIMES: Mapping[str, tuple[Any, str]] = {
    "s3": (LambdaRuntime, "s3_notifications"),
    "obs": (FunctionGraphRuntime, "obs_trigger"),
    "oci": (FnRuntime, "oci_events"),
}
SECONDS = 60.0  # of an invocation
LISTED = "see failed_object/"  # the error says so when the lists are written


class Place(NamedTuple):
    """The folder with the package, and the configurations, of which the environments take one after the other."""

    product: Path
    toml: tuple[str, ...]


Ended = Callable[[Message, str, str], None]  # a message, "" or why it has to come again, and who gave it


class Workers:
    """Environments of one cloud's function, each in a thread that gives it what is due; a context manager.

    Args:
        ended: is called for each message after each invocation.
    """

    def __init__(self, cloud: str, place: Place, number: int, post: Post, ended: Ended) -> None:
        self._cloud, self._place, self._number, self._post, self._ended = cloud, place, number, post, ended
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self.counts: Counter[str] = Counter()
        self._runtimes: list[Any] = []

    def __enter__(self) -> "Workers":  # noqa: PYI034  # typing has Self from Python 3.11 only
        make, folder = RUNTIMES[self._cloud]
        for number in range(self._number):
            env = {"BUCKETRELAY_TOML": self._place.toml[number % len(self._place.toml)]}
            runtime = make(ROOT / "functions" / folder, paths=[self._place.product], env=env)
            self._runtimes.append(self._stack.enter_context(runtime))
            thread = threading.Thread(target=self._serve, args=(runtime, f"{self._cloud}{number}"), daemon=True)
            thread.start()
            self._stack.callback(thread.join)  # before the runtime is left
        return self

    def __exit__(self, *_: object) -> None:
        self._post.close()
        self._stack.close()

    def shorten_logs(self) -> None:
        """Forget what the functions have printed."""
        for runtime in self._runtimes:
            if runtime._log.exists():
                os.truncate(runtime._log, 0)

    def log(self) -> str:
        """All that they have printed since."""
        return "".join(runtime.log() for runtime in self._runtimes)

    def _serve(self, runtime: Any, name: str) -> None:
        while (batch := self._post.take()) is not None:
            killer = self._killer(runtime, batch)
            again, why = self._invoked(runtime, batch)
            if killer:
                killer.cancel()
                killer.join()
            with self._lock:
                self.counts["invocations"] += 1
                self.counts["deliveries"] += len(batch)
                self.counts["deliveries again"] += sum(message.attempts > 0 for message in batch)
            for message in batch:
                message.attempts += 1
                self._ended(message, why if message in again else "", name)

    def _invoked(self, runtime: Any, batch: Sequence[Message]) -> tuple[Sequence[Message], str]:
        """What has to come again, and why."""
        try:
            answer = runtime.invoke(payload(batch), self._seconds(batch))
        except FunctionError as error:
            return batch, str(error)
        except Exception as error:  # noqa: BLE001  # a thread that ended would be a storm that never does
            return batch, f"the harness: {error!r}"
        if self._cloud == "oci" and answer.status != 200:
            return batch, f"{answer.status} {answer.body.decode()}"
        return failed(batch, answer), f"batchItemFailures, {LISTED}"

    def _seconds(self, batch: Sequence[Message]) -> float:
        """Of the invocation: few, once for a message."""
        short = [message.time for message in batch if message.time is not None and message.attempts == 0]
        with self._lock:
            self.counts["short of time"] += bool(short)
        return min(short, default=SECONDS)

    def _killer(self, runtime: Any, batch: Sequence[Message]) -> threading.Timer | None:
        """Kills the process at its moment, once for a message."""
        moments = [message.kill for message in batch if message.kill is not None and message.attempts == 0]
        if not moments:
            return None
        timer = threading.Timer(min(moments), self._kill, [runtime])
        timer.start()
        return timer

    def _kill(self, runtime: Any) -> None:
        child = runtime._child
        if child is not None and child.running:
            with suppress(ProcessLookupError):
                os.kill(child._process.pid, signal.SIGKILL)
            with self._lock:
                self.counts["kills"] += 1
