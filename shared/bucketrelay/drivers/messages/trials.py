"""What `bucketrelay doctor` asks a broker. Nothing is taken out of a queue, and nothing stays in one."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import amqp
from amqp.exceptions import AccessRefused, NotAllowed, NotFound, PreconditionFailed, ResourceLocked

from bucketrelay.drivers.messages.broker import BROKEN, Place, hang_up, words
from bucketrelay.errors import StoreRefused, StoreUnavailable

_NO_ROUTE = 312


def connect(place: Place) -> None:
    """Connect and hang up. Raises as all of these: StoreRefused where somebody must change something, or grant it."""
    with _channel(place):
        pass


def kind_of(place: Place, queue: str) -> str:
    """`queue` or `stream`, "" where there is none; which takes the permission to read it.

    A stream is asked for what comes next, which takes nothing; the other kinds refuse that argument, after they have
    looked at the permission.
    """
    with _channel(place, f"queue {queue}") as channel:
        try:
            channel.queue_declare(queue, passive=True)
        except NotFound:
            return ""
        channel.basic_qos(0, 1, False)
        try:
            channel.basic_consume(queue, callback=_ignore, arguments={"x-stream-offset": "next"})
        except PreconditionFailed as error:
            if "x-stream-offset" not in str(error):
                raise
            return "queue"
        return "stream"


def post(place: Place) -> None:
    """Send to a queue that does not exist, by the way that replies go: the broker brings it back, if it may be sent."""
    with _channel(place, "sending") as channel:
        nobody = f"bucketrelay-doctor-{uuid.uuid4().hex}"
        try:
            channel.basic_publish_confirm(
                amqp.Message(b""), exchange="", routing_key=nobody, mandatory=True, confirm_timeout=10
            )
        except amqp.AMQPError as error:
            if error.reply_code != _NO_ROUTE:
                raise


def has_exchange(place: Place, exchange: str) -> bool:
    """Whether it is there."""
    with _channel(place, f"exchange {exchange}") as channel:
        try:
            channel.exchange_declare(exchange, "topic", passive=True)
        except NotFound:
            return False
        return True


def _ignore(_message: object) -> None:
    """Not acknowledged, so it is as if it had never come."""


@contextmanager
def _channel(place: Place, what: str = "") -> Iterator[Any]:
    shown = f"{place.shown}: {what}" if what else place.shown
    connection = None
    try:
        connection = place.connect()
        yield connection.channel()
    except (AccessRefused, NotAllowed, ResourceLocked) as error:
        raise StoreRefused(f"{shown}: {words(error)}") from error
    except BROKEN as error:
        raise StoreUnavailable(f"{shown}: {words(error)}") from error
    finally:
        hang_up(connection)
