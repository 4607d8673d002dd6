"""Configuration to readers, senders and the kinds of jobs that messages make."""

from collections.abc import Callable
from datetime import datetime

from bucketrelay.config import Config
from bucketrelay.config.values import BrokerConfig
from bucketrelay.drivers.messages.delivery import First, Handle, Reader, Sender, Stop
from bucketrelay.drivers.messages.intake import COPY, REPLY, CopyIntake
from bucketrelay.drivers.messages.letters import Postman
from bucketrelay.errors import ConfigError
from bucketrelay.jobs.kinds import Kind
from bucketrelay.jobs.queue import JobQueue
from bucketrelay.system import System

Say = Callable[[str], None]
Step = Callable[[Stop], None]  # runs until it is told to stop


def kinds(found: Config, system: System, jobs: JobQueue) -> dict[str, Kind]:
    """Who does what messages ask for."""
    made: dict[str, Kind] = {}
    if found.copier:
        from bucketrelay.drivers.messages.copying import Copying  # noqa: PLC0415 — only who copies by message needs it

        copier = found.copier
        made[COPY] = Copying(jobs, system.runner, system.store, copier.roots, copier.replies, found.queue.attempts).kind
    return made


def copier(found: Config, jobs: JobQueue, say: Say) -> dict[str, Step]:
    """What `bucketrelay copier` runs beside its worker, by name. Raises ConfigError where there is no `[copier]`."""
    if found.copier is None:
        raise ConfigError(["copier: is missing: write a [copier] with its broker, requests and roots"])
    section = found.copier
    reader = _reader(section.broker, section.requests, say)
    intake = CopyIntake(jobs, section.roots, section.replies)
    steps: dict[str, Step] = {"requests": _reading(reader, intake)}
    if section.replies:
        steps["replies"] = Postman(jobs, REPLY, _sender(section.broker), say).run
    return steps


def _reading(reader: Reader, handle: Handle) -> Step:
    return lambda stop: reader.run(handle, stop)


def _reader(
    broker: BrokerConfig,
    queue: str,
    say: Say,
    position: Callable[[], int | None] = lambda: None,
    first: str = "first",
) -> Reader:
    url = broker.url.reveal()
    if url.startswith("sqs"):
        from bucketrelay.drivers.messages.sqs import Inbox  # noqa: PLC0415 — an SDK that RabbitMQ does not need

        return Inbox(url, queue, say=say)
    from bucketrelay.drivers.messages.broker import Place, Spool  # noqa: PLC0415 — amqp is an extra

    place = Place(url, str(broker.ca_file or ""))
    return Spool(place, queue, broker.prefetch, position, begin(first), say)


def _sender(broker: BrokerConfig) -> Sender:
    url = broker.url.reveal()
    if url.startswith("sqs"):
        from bucketrelay.drivers.messages.sqs import Outbox  # noqa: PLC0415 — as above

        return Outbox(url)
    from bucketrelay.drivers.messages.broker import Outgoing, Place  # noqa: PLC0415 — as above

    return Outgoing(Place(url, str(broker.ca_file or "")))


def begin(first: str) -> First:
    """Where a stream is begun: `first`, `next`, or a time."""
    return (
        "first"
        if first == "first"
        else "next"
        if first == "next"
        else datetime.fromisoformat(first.replace("Z", "+00:00"))
    )
