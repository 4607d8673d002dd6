"""One request of a store to its end, against a server of bytes."""

from datetime import datetime, timezone

import pytest

from bucketrelay.errors import Damaged, OutcomeUnknown, SourceChanged, StoreRefused, StoreUnavailable
from bucketrelay.http.clock import Clock
from bucketrelay.http.connections import Connections
from bucketrelay.http.exchange import Call, Exchange
from bucketrelay.http.messages import Into, Request
from bucketrelay.http.outcome import Dialect, Effect, Meaning, NotModified, Refusal
from bucketrelay.http.pace import Pace
from bucketrelay.store import Stream
from unit.http.peers import Peer, answers, ok, request, rest

DIALECT = Dialect({"Skewed": Meaning.SKEWED, "SlowDown": Meaning.BUSY})
READ, WRITE = Call("s3://b/a", Effect.READ, "s3:GetObject"), Call("s3://b/a", Effect.PUBLISHING_WRITE)
GET = Request("GET", "/a")


def refusal(answer):
    code = answer.body.decode() if answer.status >= 300 else ""
    return Refusal(answer.status, code, "", answer.headers), answer.headers.get("x-region", "")


def no(status: int, code: str = "", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} No", f"Content-Length: {len(code)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + code.encode()


@pytest.fixture
def exchanging(request):
    made = []

    def make(peer: Peer, clock: Clock | None = None) -> Exchange:
        pace = Pace(sleep=lambda _: None)
        exchange = Exchange(Connections(peer.url, timeout=5, environ={}), pace, 2, DIALECT, refusal, clock)
        made.append(exchange)
        return exchange

    yield make
    for exchange in made:
        exchange.connections.close()


def test_a_read_is_repeated_and_a_publishing_write_is_not(exchanging):
    with Peer(answers(no(500), no(500), ok(b"x"), no(500))) as peer:
        exchange = exchanging(peer)
        assert exchange.send(READ, lambda: GET).body == b"x"
        with pytest.raises(OutcomeUnknown):
            exchange.send(WRITE, lambda: Request("PUT", "/a"))


def test_what_was_asked_before_counts_as_the_first_attempt(exchanging):
    with Peer(answers(ok(b"1"), no(500), ok(b"2"))) as peer:
        exchange = exchanging(peer)
        exchange.send(READ, lambda: GET)
        pending = exchange.ask(lambda: GET)
        assert exchange.send(READ, lambda: GET, pending=pending).body == b"2"


def test_nothing_is_asked_before_while_the_server_is_asked_too_often(exchanging):
    with Peer(answers(ok(b"1"), no(503), ok(b"2"), ok(b"3"))) as peer:
        exchange = exchanging(peer)
        exchange.send(READ, lambda: GET)
        assert exchange.pace.quiet
        exchange.send(READ, lambda: GET)
        assert not exchange.pace.quiet
        assert exchange.ask(lambda: GET) is None


@pytest.mark.parametrize("refused", [no(503), no(500, "Broken"), b""], ids=["503", "500", "hangs up"])
def test_a_write_whose_body_was_asked_about_and_not_sent_has_not_happened_and_is_made_again(exchanging, refused):
    bodies = []

    def refuse(sock):
        _, headers, _ = request(sock)
        assert headers["expect"] == "100-continue"
        sock.sendall(refused)

    def take(sock):
        _, headers, _ = request(sock)
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        bodies.append(rest(sock, int(headers["content-length"])))
        sock.sendall(ok())

    body = bytes(2**20)
    with Peer(refuse, take) as peer:
        assert exchanging(peer).send(WRITE, lambda: Request("PUT", "/a", {}, body)).status == 200
    assert bodies == [body]


def test_a_write_that_is_refused_so_to_the_end_is_said_not_to_have_happened(exchanging):
    with Peer(*[answers(no(503))] * 9) as peer, pytest.raises(StoreUnavailable) as raised:
        exchanging(peer).send(WRITE, lambda: Request("PUT", "/a", {}, bytes(2**20)))
    assert not isinstance(raised.value, OutcomeUnknown)


def test_each_attempt_is_signed_anew(exchanging):
    made = []

    def signed() -> Request:
        made.append(True)
        return GET

    with Peer(answers(no(500), ok())) as peer:
        exchanging(peer).send(READ, signed)
    assert len(made) == 2


def test_304_is_its_own_answer(exchanging):
    with Peer(answers(b"HTTP/1.1 304 Same\r\nETag: x\r\n\r\n")) as peer, pytest.raises(NotModified) as raised:
        exchanging(peer).send(READ, lambda: GET)
    assert raised.value.headers["etag"] == "x"


def test_a_refusal_names_the_permission_and_keeps_its_cause(exchanging):
    with Peer(answers(no(403, "Denied"))) as peer, pytest.raises(StoreRefused, match="grant s3:GetObject") as raised:
        exchanging(peer).send(READ, lambda: GET)
    assert raised.value.__cause__.code == "Denied"


def test_what_a_check_raises_counts_as_said_by_the_server(exchanging):
    with Peer(answers(ok(b"bad"), ok(b"good"))) as peer:
        exchange = exchanging(peer)

        def check(answer) -> None:
            if answer.body == b"bad":
                raise exchange.error_of(READ, answer)

        assert exchange.send(READ, lambda: GET, check=check).body == b"good"


class TestClock:
    MACHINE = datetime(2026, 11, 21, 9, 0, tzinfo=timezone.utc)
    DATE = "Date: Sat, 21 Nov 2026 11:00:00 GMT"

    @pytest.mark.parametrize("refused", [no(403, "Skewed", DATE), no(403, "", DATE)], ids=["named", "bare"])
    def test_a_wrong_clock_is_put_right_by_the_servers_own_once(self, exchanging, refused):
        clock = Clock(lambda: self.MACHINE)
        with Peer(answers(refused, ok(b"x"))) as peer:
            assert exchanging(peer, clock).send(WRITE, lambda: GET).body == b"x"
        assert clock.now() == datetime(2026, 11, 21, 11, 0, tzinfo=timezone.utc)

    def test_a_server_that_goes_on_refusing_is_believed(self, exchanging):
        clock = Clock(lambda: self.MACHINE)
        with Peer(answers(*[no(403, "Skewed", self.DATE)] * 2)) as peer, pytest.raises(StoreRefused, match="clock"):
            exchanging(peer, clock).send(WRITE, lambda: GET)

    @pytest.mark.parametrize("date", ["Date: Sat, 21 Nov 2026 09:00:30 GMT", "Date: nonsense", "X: y"])
    def test_a_refusal_for_another_reason_is_not_answered_twice(self, exchanging, date):
        with Peer(answers(no(403, "", date))) as peer, pytest.raises(StoreRefused):
            exchanging(peer, Clock(lambda: self.MACHINE)).send(READ, lambda: GET)


class TestBlocks:
    CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 290_000

    def test_a_cut_answer_into_memory_is_read_again(self, exchanging):
        held = bytearray(5)
        with Peer(answers(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12"), answers(ok(b"abcde"))) as peer:
            exchanging(peer).send(READ, lambda: GET, lambda _: Into(memoryview(held)))
        assert held == b"abcde"

    def test_what_was_handed_on_for_good_is_not_handed_on_again(self, exchanging):
        blocks = []
        with Peer(answers(self.CUT)) as peer, pytest.raises(Damaged):
            exchanging(peer).send(
                READ, lambda: GET, lambda _: Into(lambda block: blocks.append(len(block)), 300_000, once=True)
            )
        assert blocks == [256 * 1024]  # the second was not whole, so it was not handed on at all

    def test_before_the_first_block_it_is(self, exchanging):
        blocks = []
        with Peer(answers(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), answers(ok(b"12345"))) as peer:
            exchanging(peer).send(
                READ, lambda: GET, lambda _: Into(lambda block: blocks.append(bytes(block)), 5, once=True)
            )
        assert blocks == [b"12345"]

    @pytest.mark.parametrize("error", [StoreUnavailable("the source's"), Damaged("on its way"), SourceChanged("new")])
    def test_what_a_body_raises_is_not_the_servers_fault_and_not_repeated(self, exchanging, error):
        poured = []

        def pour(write) -> None:
            poured.append(True)
            write(memoryview(b"12"))
            raise error

        with Peer(answers(b"")) as peer, pytest.raises(type(error)) as raised:
            exchanging(peer).send(WRITE, lambda: Request("PUT", "/a", {}, Stream(5, pour)))
        assert raised.value is error
        assert poured == [True]
