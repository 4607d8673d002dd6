"""The other side of a conversation by messages: what puts them into queues, and takes them out again."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import amqp

from bucketrelay.drivers.messages.broker import Place
from messages.running import PATIENCE

KINDS = {"classic": {}, "quorum": {"x-queue-type": "quorum"}, "stream": {"x-queue-type": "stream"}}


@contextmanager
def channel(url: str) -> Iterator[Any]:
    with Place(url).connect() as connection:
        yield connection.channel()


def declare(url: str, queue: str, kind: str = "classic", **arguments: object) -> None:
    with channel(url) as ch:
        ch.queue_declare(queue, durable=True, auto_delete=False, arguments={**KINDS[kind], **arguments})


def put(url: str, queue: str, *bodies: bytes, exchange: str = "", **properties: object) -> None:
    with channel(url) as ch:
        for body in bodies:
            message = amqp.Message(body, delivery_mode=2, **properties)
            ch.basic_publish_confirm(message, exchange=exchange, routing_key=queue, mandatory=True)


def taken(url: str, queue: str, count: int, seconds: float = PATIENCE) -> list[Any]:
    """*count* messages out of a classic or quorum queue, acknowledged."""
    found: list[Any] = []
    end = time.monotonic() + seconds
    with channel(url) as ch:
        while len(found) < count and time.monotonic() < end:
            message = ch.basic_get(queue, no_ack=True)
            if message is None:
                time.sleep(0.02)
            else:
                found.append(message)
    return found


def depth(url: str, queue: str) -> int:
    with channel(url) as ch:
        return int(ch.queue_declare(queue, passive=True).message_count)
