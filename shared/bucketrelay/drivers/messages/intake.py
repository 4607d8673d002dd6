"""Messages to rows of the job queue; once they are there, the message is done with.

A queue's message is acknowledged after its row is durable: killed in between, it comes again and makes the same row, or
one more job that does what is done already. Of a stream, the position goes into the database in the same transaction as
the row, so that each message becomes a job exactly once, however many read the stream, and wherever they are killed.
"""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timezone

from bucketrelay.drivers.messages import datasets, requests
from bucketrelay.drivers.messages.delivery import Delivery, First, Letter
from bucketrelay.jobs.queue import Enqueuer, JobQueue, NewJob, Priority
from bucketrelay.values import dataclass, field

# Kinds of jobs.
COPY, REPLY, DATASET, ERROR, GAP = "copier", "copier-reply", "dataset", "dataset-error", "dataset-gap"


@dataclass(frozen=True, slots=True)
class CopyIntake:
    """Requests for copies.

    Args:
        roots: a root's name in the messages: a store's name.
        replies: the queue of the replies; "" where nobody is answered.
        fresh: names a message that has no name.
    """

    queue: Enqueuer
    roots: Mapping[str, str]
    replies: str
    fresh: Callable[[], str] = lambda: uuid.uuid4().hex

    def __call__(self, delivery: Delivery) -> None:
        """Returns when the job is durable."""
        self.queue.enqueue(self.jobs(delivery))

    def jobs(self, delivery: Delivery) -> list[NewJob]:
        """The job that a message asks for, or the one that refuses it."""
        name = delivery.id or self.fresh()
        try:
            request = requests.parse(delivery.body, self.roots.get)
        except requests.Refused as refusal:
            return [letter_job(REPLY, name, reply(self.replies, refusal.reply, name, delivery.correlation))]
        payload = {"request": requests.to_payload(request), "name": name, "correlation": delivery.correlation}
        return [NewJob("copier", name, COPY, payload, Priority.ORDER)]


def reply(queue: str, fields: Mapping[str, object], name: str, correlation: str) -> Letter:
    """The letter that a reply goes by."""
    return Letter(requests.text(fields), queue, correlation=correlation or name)


def letter_job(kind: str, key: str, letter: Letter, *, place: str = "replies") -> NewJob:
    """The job that sends *letter*."""
    payload = {
        "body": letter.body.decode(),
        "key": letter.key,
        "exchange": letter.exchange,
        "correlation": letter.correlation,
    }
    return NewJob(f"{kind.partition('-')[0]} {place}", key, kind, payload, Priority.EVENT)


def letter_of(payload: Mapping[str, object]) -> Letter:
    """The letter in a job's payload."""
    body, key, exchange = str(payload["body"]), str(payload["key"]), str(payload["exchange"])
    return Letter(body.encode(), key, exchange, str(payload["correlation"]))


class _Seen(Exception):
    """Raised within a transaction that is to change nothing, to bring a stream's position out of it."""

    def __init__(self, last: float | None) -> None:
        self.last = last
        super().__init__()


@dataclass(frozen=True, slots=True)
class DatasetIntake:
    """Mappings of datasets.

    Args:
        stream: the queue's name, under which its position is kept.
        prefix: what the ids of this centre's own datasets begin with.
        exchange: where messages go that are none, by the routing key `error`.
        say: takes a line where something is odd.
    """

    queue: JobQueue
    stream: str
    prefix: str
    exchange: str
    say: Callable[[str], None] = lambda _line: None
    fresh: Callable[[], str] = lambda: uuid.uuid4().hex
    _seen: list[int] = field(default_factory=list)  # the last offset that came, of whatever message

    def __call__(self, delivery: Delivery) -> None:
        """Returns when the job, if there is one, is durable."""
        job = self.job(delivery)
        if delivery.offset is not None:
            self._gap(delivery.offset)
            if job is not None:
                self._at(delivery.offset, job)
        elif job is not None:
            self.queue.enqueue([job])

    def job(self, delivery: Delivery) -> NewJob | None:
        """The job that a message asks for; None where it asks for nothing."""
        at = f"{self.stream}/{delivery.offset}" if delivery.offset is not None else delivery.id or self.fresh()
        try:
            dataset = datasets.mapping(delivery.body)
        except datasets.BadMessage as error:
            body = datasets.rejection(str(error), delivery.body)
            return letter_job(ERROR, at, Letter(body, "error", self.exchange, delivery.correlation), place="errors")
        if dataset is None or not dataset.dataset.startswith(self.prefix):
            return None
        payload = {"dataset": dataset.dataset, "ids": list(dataset.ids), "message": at}
        return NewJob("dataset", at, DATASET, payload, Priority.ORDER, keep=True)

    def position(self) -> int | None:
        """The offset of the last message of the stream that became a job; None where none has."""

        def look(last: float | None, _now: float) -> float | None:
            raise _Seen(last)

        try:
            self.queue.fire(self._mark, look, NewJob("dataset", "", DATASET))
        except _Seen as seen:
            return None if seen.last is None else int(seen.last)
        return None

    def beginning(self, first: First) -> First:
        """Where the stream is read from as long as it has no position: of "next", the moment of the first start.

        What comes between that start and the first job is then read after a restart or a lost connection, too.
        """
        if first != "next":
            return first
        moments: list[float] = []

        def due(last: float | None, now: float) -> float | None:
            moments.append(now if last is None else last)
            return None  # which is remembered, the first time, as the beginning

        self.queue.fire(f"{self._mark} begun", due, NewJob("dataset", "", DATASET))
        return datetime.fromtimestamp(moments[-1], timezone.utc)

    def _at(self, offset: int, job: NewJob) -> None:
        """The job, if no other reader of the stream has made it already; and the position."""
        self.queue.fire(self._mark, lambda last, _now: None if last is not None and last >= offset else offset, job)

    def _gap(self, offset: int) -> None:
        """The stream keeps messages for a time. Where some are gone that nobody read, the archive's tables are asked.

        A gap of messages that asked for nothing, or of RabbitMQ's own, looks the same, and costs a look at the tables.
        """
        last = self._seen[-1] if self._seen else self.position()
        self._seen[:] = [offset]
        if last is not None and offset > last + 1:
            self.say(f"{self.stream}: after {last} came {offset}: looking for datasets that were never synced")
            payload = {"prefix": self.prefix, "message": f"{self.stream}/before-{offset}"}
            self.queue.enqueue([NewJob("dataset", f"{self.stream}/gap", GAP, payload, Priority.BACKLOG)])

    @property
    def _mark(self) -> str:
        return f"stream {self.stream}"
