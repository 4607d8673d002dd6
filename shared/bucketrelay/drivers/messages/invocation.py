"""Requests for copies that call a function: by SQS, by Amazon MQ for RabbitMQ, by FunctionGraph's RabbitMQ trigger.

There is no job queue here: what is asked for is done within the invocation and answered by a message, and what did not
get done comes again by the platform's own way.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bucketrelay.deadline import Deadline
from bucketrelay.drivers.messages.copying import Copying
from bucketrelay.drivers.messages.delivery import Delivery, Sender
from bucketrelay.drivers.messages.intake import COPY, CopyIntake, letter_of
from bucketrelay.errors import BadEvent, RelayError, StoreUnavailable
from bucketrelay.jobs.kinds import Kind
from bucketrelay.jobs.queue import Done, Intake, Job, NewJob
from bucketrelay.system import System
from bucketrelay.values import dataclass, field

ATTEMPTS = 4  # how often SQS brings a message before its failure is the answer


@dataclass(frozen=True, slots=True)
class Called:
    """A message as the platform hands it over."""

    delivery: Delivery
    item: str = ""  # SQS's own id, by which it is told of failures
    times: int = ATTEMPTS  # how often it has come, this time included; the last time where nobody tells


def messages_in(payload: object, requests: str) -> tuple[Called, ...] | None:
    """The messages in a payload; None where it brings none from the queue *requests*.

    Amazon MQ names the queue with its vhost, `queue::vhost`, and brings bodies in base64
    (docs.aws.amazon.com/lambda/latest/dg/with-mq.html). FunctionGraph names the exchange alone, and brings bodies as
    texts (support.huaweicloud.com/devg-functiongraph/functiongraph_02_0102.html).

    Raises:
        BadEvent: it brings messages of another queue.
    """
    if not isinstance(payload, Mapping):
        return None
    by_queue = payload.get("rmqMessagesByQueue")
    if isinstance(by_queue, Mapping):
        return tuple(_mq(told) for rows in _of(by_queue, requests) for told in _rows(rows))
    records = _rows(payload.get("Records"))
    if records and all(_is_from(record, requests) for record in records):
        return tuple(_sqs(record) for record in records)
    if payload.get("trigger_type") == "RABBITMQ":
        texts = [text for record in _rows(payload.get("records")) for text in record.get("messages") or ()]
        return tuple(Called(Delivery(str(text).encode("utf-8", "surrogatepass"))) for text in texts)
    return None


def _of(by_queue: Mapping[str, Any], requests: str) -> list[object]:
    """The messages of the queue *requests*. Those of any other have no reader here, and are not to be lost."""
    strange = [str(named) for named in by_queue if not str(named).startswith(f"{requests}::")]
    if strange:
        raise BadEvent(f"messages of the queue {strange[0]!r}: name it as requests in [copier], or mend the trigger")
    return list(by_queue.values())


def _rows(fields: object) -> list[Mapping[str, Any]]:
    return [row for row in fields if isinstance(row, Mapping)] if isinstance(fields, list) else []


def _is_from(record: Mapping[str, Any], queue: str) -> bool:
    return record.get("eventSource") == "aws:sqs" and str(record.get("eventSourceARN")).rpartition(":")[2] == queue


def _mq(told: Mapping[str, Any]) -> Called:
    known = told.get("basicProperties")
    properties = known if isinstance(known, Mapping) else {}
    try:
        body = base64.b64decode(str(told.get("data") or ""), validate=True)
    except (binascii.Error, ValueError):
        body = str(told.get("data")).encode("utf-8", "surrogatepass")
    return Called(Delivery(body, str(properties.get("messageId") or ""), str(properties.get("correlationId") or "")))


def _sqs(record: Mapping[str, Any]) -> Called:
    told = record.get("attributes")
    count = str(told.get("ApproximateReceiveCount", "")) if isinstance(told, Mapping) else ""
    item = str(record.get("messageId") or "")
    body = str(record.get("body") or "").encode("utf-8", "surrogatepass")
    return Called(Delivery(body, item), item, int(count) if count.isdecimal() else ATTEMPTS)


@dataclass
class _AtOnce:
    """A queue that sends letters when they are put in, and holds the pages of a `copy` for the same invocation."""

    sender: Sender
    pages: list[NewJob] = field(default_factory=list)

    def enqueue(self, jobs: Iterable[NewJob]) -> Intake:
        """Send, or hold."""
        for job in jobs:
            if job.kind == COPY:
                self.pages.append(job)
            else:
                self.sender.send(letter_of(job.payload))
        return Intake(0, 0)


def answer(
    messages: Sequence[Called], system: System, roots: Mapping[str, str], replies: str, sender: Sender, seconds: float
) -> dict[str, object]:
    """Do what the messages ask for; what to return to the platform.

    Raises:
        StoreUnavailable: something has to come again, and the platform has no better way to be told.
    """
    deadline, failed = Deadline(seconds, margin=system.margin), list[Called]()
    try:
        for each in messages:
            queue = _AtOnce(sender)
            kind = Copying(queue, system.runner, system.store, roots, replies, ATTEMPTS + 1).kind
            jobs = CopyIntake(queue, roots, replies).jobs(each.delivery)
            if not _done(queue, kind, jobs, each, deadline):
                failed.append(each)
    finally:
        sender.close()
    if failed and not all(each.item for each in failed):
        raise StoreUnavailable(f"{len(failed)} of {len(messages)} requests are not done; they come again")
    if any(each.item for each in messages):
        return {"batchItemFailures": [{"itemIdentifier": each.item} for each in failed]}
    return {"requests": len(messages)}


def _done(queue: _AtOnce, kind: Kind, jobs: Sequence[NewJob], each: Called, deadline: Deadline) -> bool:
    """Do a request and answer it. Returns whether both are done."""
    try:
        queue.enqueue(jobs)
        while queue.pages:
            (ended,) = kind.run([_job(queue.pages.pop(), each.times)], deadline)
            if not isinstance(ended.ending, Done):
                return False
    except RelayError:
        return False
    return True


def _job(new: NewJob, times: int) -> Job:
    return Job(0, new.queue, new.key, new.kind, new.payload, new.priority, min(times, ATTEMPTS), 0, "", 0.0)
