"""SQS as a broker: read and sent to as RabbitMQ is."""

from collections.abc import Callable

from bucketrelay.clouds.aws.queues import Queues
from bucketrelay.drivers.messages.delivery import Delivery, Handle, Letter, Stop
from bucketrelay.errors import RelayError
from bucketrelay.values import dataclass

_LONGEST_PAUSE = 5.0  # seconds between two attempts


@dataclass(frozen=True, slots=True)
class Inbox:
    """A queue of SQS that is read from."""

    url: str
    queue: str
    say: Callable[[str], None] = lambda _line: None

    def run(self, handle: Handle, stop: Stop) -> None:
        """See `delivery.Reader`. A message that was not deleted comes again after its visibility timeout."""
        queues, pause, reached = Queues(self.url), 0.2, False
        try:
            while not stop.is_set():
                try:
                    for received in queues.receive(self.queue):
                        handle(Delivery(received.body.encode("utf-8", "surrogatepass"), received.id))
                        queues.delete(self.queue, received)
                    pause, reached = 0.2, True
                except RelayError as error:
                    if not error.retryable and not reached:
                        raise
                    self.say(str(error))
                    stop.wait(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)
        finally:
            queues.close()


class Outbox:
    """Sends to queues of SQS."""

    def __init__(self, url: str) -> None:
        self._queues = Queues(url)

    def send(self, letter: Letter) -> None:
        """See `delivery.Sender`."""
        self._queues.send(letter.key, letter.body.decode())

    def close(self) -> None:
        """Close the connections."""
        self._queues.close()
