"""Reading from and sending to a real RabbitMQ, whatever it does meanwhile."""

import threading
import time
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

import pytest

from bucketrelay.drivers.messages.broker import Outgoing, Place, QueueReader
from bucketrelay.drivers.messages.delivery import Delivery, Letter
from bucketrelay.drivers.messages.intake import DatasetIntake
from bucketrelay.errors import StoreRefused, StoreUnavailable
from bucketrelay.jobs.sqlite import SqliteQueue
from messages.post import channel, declare, depth, put, taken
from messages.running import PATIENCE


class Taken:
    """What a reader hands over; `wanted` of them, and it stops."""

    def __init__(self, wanted: int) -> None:
        self.stop, self.all, self.wanted = threading.Event(), [], wanted

    def __call__(self, delivery: Delivery) -> None:
        self.all.append(delivery)
        if len(self.all) >= self.wanted:
            self.stop.set()

    @property
    def bodies(self) -> list[bytes]:
        return [delivery.body for delivery in self.all]

    @property
    def offsets(self) -> list[int | None]:
        return [delivery.offset for delivery in self.all]


@contextmanager
def reading(spool: QueueReader, handle, stop: threading.Event):
    thread = threading.Thread(target=spool.run, args=(handle, stop), daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_every_message_of_a_queue_is_handed_over_once_and_acknowledged(amqp, name, kind):
    queue = name("q")
    declare(amqp, queue, kind)
    put(amqp, queue, b"1", b"\xff\0", "ü".encode(), message_id="m", correlation_id="c")
    seen = Taken(3)
    QueueReader(Place(amqp), queue).run(seen, seen.stop)
    assert seen.bodies == [b"1", b"\xff\0", "ü".encode()]
    assert seen.all[0] == Delivery(b"1", "m", "c")
    assert depth(amqp, queue) == 0


def test_a_queue_that_is_missing_is_made_and_is_durable(amqp, name):
    queue = name("q")
    stop = threading.Event()
    seen = Taken(1)
    with reading(QueueReader(Place(amqp), queue), seen, stop):
        _eventually(lambda: put(amqp, queue, b"1"))
        assert seen.stop.wait(PATIENCE)
    declare(amqp, queue)  # which fails where it is not durable


def test_a_stream_is_read_from_its_first_message(amqp, name):
    queue = name("s")
    declare(amqp, queue, "stream")
    put(amqp, queue, b"0", b"1", b"2")
    seen = Taken(3)
    QueueReader(Place(amqp), queue).run(seen, seen.stop)
    assert (seen.bodies, seen.offsets) == ([b"0", b"1", b"2"], [0, 1, 2])


def test_a_stream_is_begun_at_a_time(amqp, name):
    queue = name("s")
    declare(amqp, queue, "stream")
    put(amqp, queue, b"before")
    began = int(time.time())
    while int(time.time()) < began + 2:  # AMQP's times are whole seconds
        threading.Event().wait(0.1)
    put(amqp, queue, b"after")
    seen = Taken(1)
    moment = datetime.fromtimestamp(began + 1, timezone(timedelta(hours=-3)))
    QueueReader(Place(amqp), queue, first=lambda: moment).run(seen, seen.stop)
    assert (seen.bodies, seen.offsets) == ([b"after"], [1])


def test_what_comes_between_the_first_start_and_a_later_one_is_read_where_a_stream_is_begun_at_the_next(
    amqp, name, tmp_path
):
    queue, rows = name("s"), SqliteQueue(tmp_path / "relay.db")
    intake = DatasetIntake(rows, queue, "EGA-SE", "sda")
    declare(amqp, queue, "stream")
    put(amqp, queue, b"before")
    began = int(time.time())
    while int(time.time()) < began + 2:  # AMQP's times are whole seconds
        threading.Event().wait(0.1)
    intake.beginning("next")  # of a reader that ends before anything comes
    put(amqp, queue, b"while nobody reads")
    seen = Taken(1)
    QueueReader(Place(amqp), queue, first=lambda: intake.beginning("next")).run(seen, seen.stop)
    rows.close()
    assert (seen.bodies, seen.offsets) == ([b"while nobody reads"], [1])


ARGUMENTS = [
    {"x-max-length": 9},
    {"x-message-ttl": 10**7, "x-dead-letter-exchange": "amq.fanout"},
    {"x-queue-type": "quorum", "x-delivery-limit": 3},
    {"x-max-priority": 5},
]


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=" ".join)
def test_a_queue_of_whatever_arguments_is_taken_as_it_is(amqp, name, arguments):
    queue, sender = name("q"), Outgoing(Place(amqp))
    declare(amqp, queue, **arguments)
    sender.send(Letter(b"1", queue))
    sender.close()
    seen = Taken(1)
    QueueReader(Place(amqp), queue).run(seen, seen.stop)
    assert seen.bodies == [b"1"]


def test_a_queue_that_somebody_holds_alone_is_said_and_waited_for(amqp, name):
    queue, said, seen = name("q"), [], Taken(1)
    with channel(amqp) as theirs:
        theirs.queue_declare(queue, exclusive=True, auto_delete=False)
        with reading(QueueReader(Place(amqp), queue, say=said.append, pause=0.01), seen, seen.stop):
            _eventually(lambda: _true(bool(said)))
            theirs.connection.close()  # and the queue is gone with it
            _eventually(lambda: put(amqp, queue, b"1"))
            assert seen.stop.wait(PATIENCE)
    assert f"{queue} cannot be read, and is tried again: " in said[0]
    assert "RESOURCE_LOCKED" in said[0]


def test_a_stream_goes_on_after_the_last_message_that_was_handled(amqp, name):
    queue = name("s")
    declare(amqp, queue, "stream")
    put(amqp, queue, *(b"%d" % number for number in range(6)))
    seen = Taken(2)
    QueueReader(Place(amqp), queue, position=lambda: 3).run(seen, seen.stop)
    assert seen.offsets == [4, 5]


def test_a_message_that_could_not_be_handled_comes_again_and_in_its_place(amqp, name):
    for kind in ("classic", "stream"):
        queue, seen, position = name(kind), Taken(3), [None]
        declare(amqp, queue, kind)
        put(amqp, queue, b"0", b"1", b"2")
        broken = iter([False, True, True])

        def handle(delivery, seen=seen, broken=broken, position=position):
            if next(broken, False):
                raise StoreUnavailable("the database is down")
            seen(delivery)
            position[0] = delivery.offset

        QueueReader(Place(amqp), queue, position=lambda position=position: position[0], pause=0.01).run(
            handle, seen.stop
        )
        assert seen.bodies == [b"0", b"1", b"2"], kind


def test_what_can_never_be_handled_ends_the_reader_with_its_reason(amqp, name):
    queue = name("q")
    declare(amqp, queue)
    put(amqp, queue, b"0")

    def handle(delivery):
        raise StoreRefused("the database is of a newer version")

    with pytest.raises(StoreRefused, match="newer version"):
        QueueReader(Place(amqp), queue).run(handle, threading.Event())
    assert taken(amqp, queue, 1)[0].body == b"0"


def test_wrong_credentials_end_in_one_line_without_the_password(amqp, name):
    wrong = Place(amqp.replace("guest:guest", "guest:wrong-4711"))
    with pytest.raises(StoreRefused, match="correct user, password and vhost") as caught:
        QueueReader(wrong, name("q")).run(lambda _: None, threading.Event())
    assert "4711" not in str(caught.value)
    assert "4711" not in repr(wrong)
    with pytest.raises(StoreRefused, match="refuses"):
        Outgoing(wrong).send(Letter(b"", name("q")))


def test_a_letter_is_in_its_queue_once_send_has_returned(amqp, name):
    queue, sender = name("q"), Outgoing(Place(amqp))
    for number in range(3):
        sender.send(Letter(b"%d" % number, queue, correlation="c", id="i"))
    sender.close()
    found = taken(amqp, queue, 3)
    assert [message.body for message in found] == [b"0", b"1", b"2"] or [m.body for m in found] == ["0", "1", "2"]
    assert found[0].properties["correlation_id"] == "c"
    assert found[0].properties["delivery_mode"] == 2


def test_a_letter_that_no_queue_takes_is_not_taken_for_sent(amqp, name):
    sender = Outgoing(Place(amqp))
    with pytest.raises(StoreUnavailable, match=r"amq\.topic nobody"):
        sender.send(Letter(b"", "nobody", exchange="amq.topic"))
    with pytest.raises(StoreUnavailable, match="no exchange"):
        sender.send(Letter(b"", "nobody", exchange=name("no")))
    queue = name("q")
    sender.send(Letter(b"1", queue))  # and the next one goes its way
    sender.close()
    assert len(taken(amqp, queue, 1)) == 1


@pytest.mark.slow  # a stream may take half a minute to be there again; test_copier kills a broker in every run
def test_a_broker_that_is_stopped_and_started_loses_nothing(broker, name):
    said: list[str] = []
    for kind in ("classic", "stream"):
        queue, seen, last = name(kind), Taken(20), [None]
        declare(broker.url, queue, kind)
        put(broker.url, queue, *(b"%d" % number for number in range(10)))

        def handle(delivery, seen=seen, last=last):
            last[0] = delivery.offset
            seen(delivery)

        spool = QueueReader(
            Place(broker.url), queue, 2, position=lambda last=last: last[0], say=said.append, pause=0.05
        )
        with reading(spool, handle, seen.stop):
            _eventually(lambda seen=seen: _true(len(seen.all) >= 10))
            # A node of RabbitMQ 3.10 that was killed may not bring its streams back ("home node … is down"),
            # and what is read from a queue of one that was killed may come twice: see test_copier_killed.
            broker.stop()
            sender = Outgoing(Place(broker.url))
            with pytest.raises(StoreUnavailable, match="not confirmed"):
                sender.send(Letter(b"lost", queue))
            broker.start()
            for number in range(10, 20):
                _eventually(
                    lambda number=number, queue=queue, sender=sender: sender.send(Letter(b"%d" % number, queue))
                )
            assert seen.stop.wait(PATIENCE)
            sender.close()
        wanted = [b"%d" % number for number in range(20)]
        assert (seen.bodies if kind == "stream" else sorted(seen.bodies, key=int)) == wanted
    assert len([line for line in said if "cannot be read, and is tried again" in line]) == 2
    assert len([line for line in said if "is read again" in line]) == 2


def test_with_tls_only_a_broker_that_somebody_vouches_for_is_believed(lasting, name):
    url, queue = lasting.secure, name("q")
    trusted = Place(url, lasting.ca_file)
    sender = Outgoing(trusted)
    sender.send(Letter(b"1", queue))
    sender.close()
    seen = Taken(1)
    QueueReader(trusted, queue).run(seen, seen.stop)
    assert seen.bodies == [b"1"]
    for other in (Place(url), Place(url.replace("127.0.0.1", "localhost"), trusted.ca_file)):
        with pytest.raises(StoreUnavailable, match="certificate"):
            Outgoing(other).send(Letter(b"2", queue))


def _true(value: bool) -> None:
    if not value:
        raise StoreUnavailable("not yet")


def _eventually(step, tries: int = 1200) -> None:
    """Do *step* until it does not raise: the other side is another process, and has its own time."""
    pause = threading.Event()
    for _ in range(tries):
        try:
            return step()
        except Exception:  # noqa: BLE001 — whatever it is, it is said by the last try
            pause.wait(0.05)
    return step()
