"""What `copier` and `dataset-sync` have in common: a worker, and what goes on beside it until it ends."""

import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from bucketrelay import wiring, wiring_jobs
from bucketrelay.commands.terminal import FAILED, OK, complain, usage
from bucketrelay.commands.worker import listen, teller
from bucketrelay.drivers.messages.letters import in_background
from bucketrelay.errors import ConfigError, RelayError
from bucketrelay.jobs.queue import JobQueue

if TYPE_CHECKING:
    from bucketrelay.config import Config
    from bucketrelay.drivers.messages.delivery import Stop
    from bucketrelay.system import System

Say = Callable[[str], None]
Steps = Callable[["Config", JobQueue, Say], Mapping[str, Callable[["Stop"], None]]]


def medusa(path: Path) -> "Config":
    """The configuration in medusa-copier's own file; a wrong one ends the program with every mistake on a line."""
    from bucketrelay.config.medusa import load  # PyYAML is an extra

    try:
        return load(path)
    except ConfigError as error:
        usage(*error.mistakes)


def by_message(config: "Config", steps: Steps, *, no_worker: bool, as_json: bool, quiet: bool) -> int:
    """Run until a signal ends it; the exit status."""
    system = wiring.system(config, emit=lambda _: None)
    with closing(system), closing(wiring_jobs.queue(config.queue)) as jobs:
        beside = BrokerThreads(steps(config, jobs, complain))
        if no_worker:
            listen(beside.stop.set, beside.toggle_halt)
            beside.start()
            beside.wait()
        else:
            _with_worker(config, system, jobs, beside, as_json=as_json, quiet=quiet)
        return beside.status()


def _with_worker(
    config: "Config", system: "System", jobs: JobQueue, beside: "BrokerThreads", *, as_json: bool, quiet: bool
) -> None:
    worker = wiring_jobs.worker(config, system, jobs, say=complain, tell=teller(as_json=as_json, quiet=quiet))
    beside.ended = worker.stop

    def halt() -> None:
        worker.toggle_halt()
        beside.toggle_halt()

    listen(worker.stop, halt)
    beside.start()
    try:
        worker.run()
    finally:
        beside.finish()


class BrokerThreads:
    """Readers and senders, each in a thread: the readers end first, and the senders when all is sent."""

    def __init__(self, steps: Mapping[str, Callable[["Stop"], None]]) -> None:
        self.stop = threading.Event()
        self.ended: Callable[[], None] = lambda: None  # told when one of them has ended by itself
        self._halted = False
        self._failed: list[BaseException] = []
        self._steps = steps
        self._threads: list[threading.Thread] = []

    def toggle_halt(self) -> None:
        """End, unless it is called once more before that."""
        self._halted = not self._halted
        if self._halted:
            self.stop.set()
        else:
            self.stop.clear()

    def start(self) -> None:
        """Begin them all."""
        for name, step in self._steps.items():
            self._threads.append(in_background(name, self._watch(step), self.stop, self._failed))

    def _watch(self, step: Callable[["Stop"], None]) -> Callable[["Stop"], None]:
        def run(stop: "Stop") -> None:
            try:
                step(stop)
            except BaseException:
                self.stop.set()
                self.ended()
                raise

        return run

    def wait(self) -> None:
        """Until all have ended; signals are heard meanwhile."""
        for thread in self._threads:
            while thread.is_alive():
                thread.join(0.5)

    def finish(self) -> None:
        """Tell them to end, and wait."""
        self.stop.set()
        self.wait()

    def status(self) -> int:
        """The exit status; what ended one of them is said."""
        for error in self._failed:
            if not isinstance(error, RelayError):
                raise error
            complain(str(error))
        return FAILED if self._failed else OK
