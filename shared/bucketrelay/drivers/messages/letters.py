"""Letters out of the job queue, sent: replies and reports of errors. They wait for as long as the broker is away."""

import threading
from collections.abc import Callable, Sequence

from bucketrelay.drivers.messages.delivery import Sender, Stop
from bucketrelay.drivers.messages.intake import letter_of
from bucketrelay.errors import RelayError, StoreUnavailable
from bucketrelay.jobs.queue import Dead, Done, Ending, Job, JobQueue, Release
from bucketrelay.values import dataclass

_LONGEST_PAUSE = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class LetterSender:
    """Sends the letters of one kind.

    Args:
        kind: of the jobs.
        poll: seconds between two looks at a queue that has none.
        most: letters that are taken at once.
    """

    queue: JobQueue
    kind: str
    sender: Sender
    say: Callable[[str], None]
    poll: float = 0.2
    most: int = 50

    def run(self, stop: Stop) -> None:
        """Send until *stop*, and then what is there already."""
        pause, trouble_before = self.poll, ""
        try:
            while True:
                ending = stop.is_set()
                sent, trouble = self.once()
                if trouble and trouble != trouble_before:
                    self.say(trouble)
                trouble_before, pause = (trouble, min(2 * pause, _LONGEST_PAUSE)) if trouble else ("", self.poll)
                if ending and (trouble or not sent):
                    return
                if not sent:
                    stop.wait(pause)
        finally:
            self.sender.close()

    def once(self) -> tuple[int, str]:
        """Send what waits, some of it. Returns how much was sent, and what went wrong."""
        try:
            jobs = self.queue.claim(self.most, kinds={self.kind})
            endings, trouble = self._send_all(jobs)
            self.queue.settle(endings)
        except StoreUnavailable as error:
            return 0, str(error)
        return sum(isinstance(ending, Done) for _, ending in endings), trouble

    def _send_all(self, jobs: Sequence[Job]) -> tuple[list[tuple[Job, Ending]], str]:
        endings: list[tuple[Job, Ending]] = []
        trouble = ""
        for job in jobs:
            if trouble:
                endings.append((job, Release()))
                continue
            try:
                self.sender.send(letter_of(job.payload))
                endings.append((job, Done()))
            except RelayError as error:
                trouble = str(error)  # also a refusal: it waits until somebody has granted what is missing
                endings.append((job, Release()))
            except KeyError:
                endings.append((job, Dead("the job holds no letter: was it put into the table by hand?")))
        return endings, trouble


def in_background(name: str, run: Callable[[Stop], None], stop: Stop, failed: list[BaseException]) -> threading.Thread:
    """Run until *stop* in a thread of its own; what ends it before is kept in *failed*, and ends nobody else."""

    def work() -> None:
        try:
            run(stop)
        except BaseException as error:  # noqa: BLE001 — whoever waits for the thread raises it
            failed.append(error)

    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread
