"""RabbitMQ: classic queues, quorum queues and streams, over AMQP 0.9.1.

A stream tells itself by taking the consumer's argument `x-stream-offset`, which the other kinds refuse. It is read with
a prefetch, acknowledged and never rejected (a nack closes the connection before RabbitMQ 3.13, and loses the message
after it); the broker remembers no position for us: that is the caller's. What is sent goes over a connection of its
own: waiting for a confirm on the reader's would hand over the next message in the middle of this one.
"""

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import amqp
from amqp.exceptions import AccessRefused, AMQPError, NotAllowed, NotFound, PreconditionFailed

from bucketrelay.drivers.messages.delivery import Delivery, First, Handle, Letter, Stop
from bucketrelay.errors import RelayError, StoreRefused, StoreUnavailable
from bucketrelay.values import dataclass

_HEARTBEAT = 30.0  # seconds; a broker that is silent for twice as long is gone
_CONFIRM = 30.0  # seconds within which the broker must say that it keeps a message
_LONGEST_PAUSE = 5.0  # seconds between two attempts to connect
BROKEN = (OSError, AMQPError)


@dataclass(frozen=True, slots=True)
class Place:
    """A broker, and how to trust it. `url` holds the password, and stays out of every text; `shown` is for those."""

    url: str
    ca_file: str = ""

    def __repr__(self) -> str:
        return f"Place({self.shown})"

    @property
    def shown(self) -> str:
        """Host, port and vhost."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}:{parts.port or ('5671' if parts.scheme == 'amqps' else '5672')}"

    def connect(self) -> Any:
        """An open connection. py-amqp itself, and not kombu around it: of a refusal that leaves the socket open."""
        parts = urlsplit(self.url)
        secure = parts.scheme == "amqps"
        trust = {"ca_certs": self.ca_file or None, "cert_reqs": ssl.CERT_REQUIRED, "server_hostname": parts.hostname}
        connection = amqp.Connection(
            f"{parts.hostname}:{parts.port or (5671 if secure else 5672)}",
            userid=unquote(parts.username or "guest"),
            password=unquote(parts.password or "guest"),
            virtual_host=unquote(parts.path[1:]) or "/",
            ssl=trust if secure else False,
            connect_timeout=10,
            heartbeat=_HEARTBEAT,
        )
        try:
            connection.connect()
        except BaseException:
            connection.collect()
            raise
        return connection


def place_of(url: str, ca_file: Path | None) -> Place:
    """The place that a configuration names."""
    return Place(url, str(ca_file or ""))


@dataclass(frozen=True, slots=True)
class QueueReader:
    """A queue that is read from.

    Args:
        position: the offset of the last message of a stream that was handled; None where none was.
        first: where a stream begins then; asked at each connection.
        say: takes a line whenever the connection is lost or comes back.
    """

    place: Place
    queue: str
    prefetch: int = 20
    position: Callable[[], int | None] = lambda: None
    first: Callable[[], First] = lambda: "first"
    say: Callable[[str], None] = lambda _line: None
    pause: float = 0.2  # seconds before the second attempt to connect

    def run(self, handle: Handle, stop: Stop) -> None:
        """See `delivery.Reader`."""
        pause, connected, lost = self.pause, False, ""
        while not stop.is_set():
            try:
                with _Reading(self, handle) as reading:
                    connected, pause = True, self.pause
                    if lost:
                        self.say(f"{self.place.shown}: {self.queue} is read again")
                        lost = ""
                    reading.go_on(stop)
            except (AccessRefused, NotAllowed) as error:
                if not connected:
                    raise _refusal(self.place, self.queue, error) from error
                lost = self._report_loss(error, lost)
            except (*BROKEN, RelayError) as error:
                if isinstance(error, RelayError) and not error.retryable:
                    raise
                lost = self._report_loss(error, lost)
            if not stop.is_set():
                stop.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _report_loss(self, error: Exception, before: str) -> str:
        """Say it once, not at every attempt."""
        line = f"{self.place.shown}: {self.queue} cannot be read, and is tried again: {words(error)}"
        if not before:
            self.say(line)
        return line


class _Reading:
    """One connection that messages come by."""

    def __init__(self, spool: QueueReader, handle: Handle) -> None:
        self._spool, self._handle = spool, handle
        self._connection: Any = None
        self._last: int | None = None
        self._failed: BaseException | None = None

    def __enter__(self) -> "_Reading":  # noqa: PYI034 — typing.Self came with Python 3.11
        try:
            self._connection = self._spool.place.connect()
            declare(self._connection, self._spool.queue)
            self._consume()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._close()

    def _close(self) -> None:
        hang_up(self._connection)

    def _consume(self) -> None:
        self._last = self._spool.position()
        start: object = self._spool.first() if self._last is None else self._last + 1
        try:
            self._begin({"x-stream-offset": start})
        except PreconditionFailed as error:
            if "x-stream-offset" not in str(error):
                raise
            self._last = None
            self._begin({})

    def _begin(self, arguments: Mapping[str, object]) -> None:
        channel = self._connection.channel()
        channel.basic_qos(0, self._spool.prefetch, False)
        channel.basic_consume(self._spool.queue, callback=self._take, arguments=dict(arguments))

    def go_on(self, stop: Stop) -> None:
        """Hand messages over until *stop*, or until the connection breaks."""
        while not stop.is_set():
            with suppress(TimeoutError):
                self._connection.drain_events(timeout=0.5)
            self._connection.heartbeat_tick()
            if self._failed:
                raise self._failed

    def _take(self, message: Any) -> None:
        if self._failed:
            return  # not acknowledged, so it comes again, after the one that failed
        offset = (message.headers or {}).get("x-stream-offset")
        if self._last is None or offset is None or offset > self._last:
            try:
                self._handle(_delivery(message, offset))
            except BaseException as error:  # noqa: BLE001 — raised by `go_on`: py-amqp would take some for its own
                self._failed = error
                return
        message.channel.basic_ack(message.delivery_tag)


def _delivery(message: Any, offset: int | None) -> Delivery:
    body, known = message.body, message.properties
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else bytes(body)
    return Delivery(raw, str(known.get("message_id") or ""), str(known.get("correlation_id") or ""), offset)


def declare(connection: Any, queue: str) -> None:
    """Take a queue as it is, or make a durable one where there is none."""
    try:
        with connection.channel() as channel:
            channel.queue_declare(queue, passive=True)
            return
    except NotFound as error:
        if "no queue" not in str(error):  # "home node … is down", just after a restart
            raise
    with connection.channel() as channel:
        channel.queue_declare(queue, durable=True, auto_delete=False)


class Outgoing:
    """Sends, each message confirmed by the broker before `send` returns. For one thread at a time."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._connection: Any = None
        self._channel: Any = None
        self._declared: set[str] = set()

    def send(self, letter: Letter) -> None:
        """See `delivery.Sender`."""
        with self._confirm(letter):
            channel = self._open()
            if not letter.exchange and letter.key not in self._declared:
                declare(self._connection, letter.key)
                self._declared.add(letter.key)
            channel.basic_publish_confirm(
                amqp.Message(letter.body, **_properties(letter)),
                exchange=letter.exchange,
                routing_key=letter.key,
                mandatory=True,  # a message that no queue takes is brought back, not thrown away
                confirm_timeout=_CONFIRM,
            )

    def close(self) -> None:
        """Close the connection."""
        self._declared.clear()
        hang_up(self._connection)
        self._connection = self._channel = None

    def _open(self) -> Any:
        if self._connection is None or not self._connection.connected:
            self.close()
            self._connection = self._place.connect()
            self._channel = self._connection.channel()
        return self._channel

    @contextmanager
    def _confirm(self, letter: Letter) -> Iterator[None]:
        to = f"{self._place.shown}: {letter.exchange or 'queue'} {letter.key}"
        try:
            yield
        except (AccessRefused, NotAllowed) as error:
            self.close()
            raise StoreRefused(f"{to}: the broker refuses it: {words(error)}: grant the permission") from error
        except BROKEN as error:
            self.close()
            raise StoreUnavailable(f"{to}: not confirmed: {words(error)}") from error
        except BaseException:
            self.close()
            raise


def check_reach(place: Place) -> None:
    """Connect and hang up. Raises StoreUnavailable where there is no broker that takes us."""
    try:
        hang_up(place.connect())
    except BROKEN as error:
        raise StoreUnavailable(f"{place.shown}: {words(error)}: try again later") from error


def hang_up(connection: Any) -> None:
    """Close a connection, whatever it is like."""
    if connection is None:
        return
    try:
        connection.close()
    except (*BROKEN, AttributeError):  # py-amqp says the latter of a socket that is gone
        connection.collect()


def _properties(letter: Letter) -> dict[str, object]:
    known = {"correlation_id": letter.correlation, "message_id": letter.id}
    usual = {"delivery_mode": 2, "content_type": "application/json", "content_encoding": "utf-8"}
    return {**usual, **{name: value for name, value in known.items() if value}}


def _refusal(place: Place, queue: str, error: Exception) -> StoreRefused:
    return StoreRefused(
        f"{place.shown}: {queue}: the broker refuses us: {words(error)}: correct user, password and vhost, or grant "
        "the permission"
    )


def words(error: Exception) -> str:
    """What went wrong, in one line, without the URL."""
    text = getattr(error, "reply_text", "") or str(error) or type(error).__name__
    return " ".join(str(text).split())[:300]
