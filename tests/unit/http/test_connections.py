"""Connections to one server: what goes over them, what is kept, and each thing that can go wrong."""

import contextlib
import os
import socket
import socketserver
import ssl
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bucketrelay.deadline import Deadline, under
from bucketrelay.errors import ConfigError, Damaged, SourceChanged
from bucketrelay.http import trace
from bucketrelay.http.connection import Connection
from bucketrelay.http.connections import Connections
from bucketrelay.http.faults import BodyFailed, CutShort, HungUp, Malformed, NoAnswer, NotSent, Unsendable, Untrusted
from bucketrelay.http.messages import Into, Request
from bucketrelay.store import LONGEST_DOCUMENT, MiB
from bucketrelay_emulators.server.tls import Authority
from thorough import examples
from unit.http.peers import Peer, answers, ok, request, rest

GET = Request("GET", "/a")


class Stream:
    """A body that comes in blocks."""

    def __init__(self, *blocks: bytes, length: int = -1, error: Exception | None = None) -> None:
        self._blocks, self._error = blocks, error
        self.length = length if length >= 0 else sum(map(len, blocks))

    def pour(self, write):
        for block in self._blocks:
            write(memoryview(block))
        if self._error:
            raise self._error


class Records:
    """A server's side of TLS whose records are sent by whoever wants to."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        self._sock, self._coming, self.going = sock, ssl.MemoryBIO(), ssl.MemoryBIO()
        self.side = context.wrap_bio(self._coming, self.going, server_side=True)

    def until(self, step, send=lambda _: None):
        """Receive until *step* is done; what is to be sent meanwhile *send* may have sent."""
        while True:
            with contextlib.suppress(ssl.SSLWantReadError):
                return step()
            data = self.going.read()
            if not send(data):
                self._sock.sendall(data)
            if not (received := self._sock.recv(65536)):
                raise OSError("hung up")
            self._coming.write(received)


def connected(peer: Peer, **more: object) -> Connections:
    return Connections(peer.url, **{"timeout": 5.0, "environ": {}, **more})


def ask(peer: Peer, request: Request = GET, *, repeatable: bool = True, **more: object):
    connections = connected(peer)
    try:
        return connections.send(request, repeatable=repeatable, **more)
    finally:
        connections.close()


class TestAnswers:
    @pytest.mark.parametrize(
        "text",
        [
            ok(b"12345"),
            b"HTTP/1.1 200 OK\r\n\r\n12345",
            b"HTTP/1.0 200 OK\r\n\r\n12345",
            b"HTTP/1.1 200 OK\nContent-Length: 5\n\n12345",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n12\r\n3;x=y\r\n345\r\n0\r\nTrailer: x\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok(b"12345"),
        ],
    )
    def test_a_body_is_read_however_its_length_is_told(self, text):
        with Peer(answers(text)) as peer:
            assert ask(peer).body == b"12345"

    @settings(max_examples=examples(30))
    @given(
        st.binary(max_size=3000), st.lists(st.integers(1, 700), max_size=8), st.lists(st.integers(1, 999), max_size=8)
    )
    def test_a_body_in_chunks_and_packets_of_any_size_is_whole(self, body, chunks, packets):
        text, left = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", body
        for size in [*chunks, max(1, len(body))]:
            if left:
                text += f"{len(left[:size]):x}\r\n".encode() + left[:size] + b"\r\n"
            left = left[size:]
        text += b"0\r\n\r\n"

        def play(sock: socket.socket) -> None:
            request(sock)
            sent = 0
            for size in [*packets, len(text)]:
                sock.sendall(text[sent : sent + size])
                sent += size

        with Peer(play) as peer:
            assert ask(peer).body == body

    def test_what_has_no_body_has_none(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
        none = b"HTTP/1.1 204 No\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"
        with Peer(answers(head, *none, ok(b"x"))) as peer:
            connections = connected(peer)
            assert connections.send(Request("HEAD", "/a"), repeatable=True).headers["content-length"] == "5"
            assert [connections.send(GET, repeatable=True).body for _ in range(3)] == [b"", b"", b"x"]
            connections.close()

    def test_a_redirect_is_an_answer(self):
        with Peer(answers(b"HTTP/1.1 307 Away\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")) as peer:
            assert ask(peer).status == 307

    def test_a_document_is_bounded(self):
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"

        def endless(sock: socket.socket) -> None:
            request(sock)
            sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                sock.sendall(chunk)

        with Peer(endless, endless) as peer:
            with pytest.raises(Malformed, match=str(LONGEST_DOCUMENT)):
                ask(peer)
            assert len(ask(peer, longest=1000, whole=False).body) == 1000

    def test_a_head_is_bounded(self):
        def endless(sock: socket.socket) -> None:
            request(sock)
            sock.sendall(b"HTTP/1.1 200 OK\r\n")
            while True:
                sock.sendall(b"X-Header: more\r\n" * 1000)

        with Peer(endless) as peer, pytest.raises(Malformed):
            ask(peer)

    @settings(max_examples=examples(60))
    @given(st.binary(max_size=400))
    def test_any_bytes_are_an_answer_or_one_of_our_faults(self, data):
        with Peer(answers(b"HTTP/1.1 200 OK\r\n" + data)) as peer, contextlib.suppress(NoAnswer):
            ask(peer)


class TestFaults:
    @pytest.mark.parametrize("text", [b"", b"HTTP/1.1 200 OK\r\nContent-Le"])
    def test_a_cut_head_is_no_answer(self, text):
        with Peer(answers(text)) as peer, pytest.raises(HungUp):
            ask(peer, repeatable=False)

    @pytest.mark.parametrize(
        "text",
        [
            b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n12345",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n12345",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n",
        ],
    )
    def test_a_cut_body_is_no_answer(self, text):
        with Peer(answers(text)) as peer, pytest.raises(CutShort):
            ask(peer)

    @pytest.mark.parametrize(
        "body",
        [
            b"Content-Length: x\r\n\r\n12345",
            b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
            b"Transfer-Encoding: gzip, chunked\r\n\r\n",
            b"Transfer-Encoding: chunked\r\n\r\nx\r\n",
            b"Transfer-Encoding: chunked\r\n\r\n-5\r\n12345\r\n",
            b"Transfer-Encoding: chunked\r\n\r\n2\r\n12345\r\n",
        ],
    )
    def test_a_wrong_length_is_no_answer(self, body):
        with Peer(answers(b"HTTP/1.1 200 OK\r\n" + body)) as peer, pytest.raises(Malformed):
            ask(peer)

    def test_a_silent_server_is_waited_for_as_long_as_the_deadline_lasts(self):
        end = threading.Event()
        with Peer(lambda _: end.wait(10)) as peer:
            connections = Connections(peer.url, timeout=60, environ={})
            with under(Deadline(0.1)), pytest.raises(HungUp, match="no answer in time"):
                connections.send(GET, repeatable=True)
            with under(Deadline(0)), pytest.raises(NotSent, match="no time"):
                connections.send(GET, repeatable=True)
            end.set()
            connections.close()

    def test_a_server_that_drips_is_not_waited_for_for_ever(self):
        ended = threading.Event()

        def drip(sock: socket.socket) -> None:
            request(sock)
            sock.sendall(b"HTTP/1.1 200 OK\r\n")
            while not ended.wait(0.01):
                sock.sendall(b"x")

        with Peer(drip) as peer:
            connections = Connections(peer.url, timeout=0.05, environ={})  # six times as long in all
            with pytest.raises(HungUp, match="no answer in time"):
                connections.send(GET, repeatable=True)
            ended.set()
            connections.close()

    @pytest.mark.parametrize("part", ["handshake", "head", "body"])
    def test_nor_is_one_that_drips_within_a_record_of_tls(self, part):
        """Each byte comes in time, and nothing of it can be read before the last one."""
        authority, ended = Authority(), threading.Event()

        def drip(sock: socket.socket) -> None:
            tls = Records(sock, authority.server_context("127.0.0.1"))
            tls.until(tls.side.do_handshake, lambda data: slowly(sock, data) if part == "handshake" else None)
            tls.until(lambda: tls.side.read(65536))
            head = b"HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n"
            if part == "body":
                tls.side.write(head + b"\r\n")
                sock.sendall(tls.going.read())
            tls.side.write(bytes(9000) if part == "body" else head + b"a: " + b"x" * 3000)
            slowly(sock, tls.going.read())

        def slowly(sock: socket.socket, data: bytes) -> bool:
            for byte in data:
                sock.sendall(bytes([byte]))
                if ended.wait(0.01):
                    break
            return True

        try:
            with Peer(drip) as peer:
                url = peer.url.replace("http:", "https:")
                connections = Connections(url, timeout=0.2, ca_file=authority.ca_file, environ={})
                with pytest.raises((NotSent, HungUp, CutShort), match=r"in time|no more of the answer|timed out"):
                    connections.send(GET, repeatable=False)
                ended.set()
                connections.close()
        finally:
            ended.set()
            authority.cleanup()

    @pytest.mark.parametrize(("size", "served"), [(1024, False), (1024 * 1024, True)])
    def test_a_server_that_got_a_large_body_may_be_silent_for_longer_before_it_answers(self, size, served):
        """`rclone serve s3` answers a part when it has written those after it, too."""

        def digest(sock: socket.socket) -> None:
            _, headers, _ = request(sock)
            if "expect" in headers:
                sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                rest(sock, int(headers["content-length"]))
            ended.wait(1.5)
            sock.sendall(ok())

        ended = threading.Event()
        with Peer(digest) as peer:
            connections = connected(peer, timeout=0.5)
            with contextlib.nullcontext() if served else pytest.raises(HungUp, match="no answer in time"):
                assert connections.send(Request("PUT", "/a", {}, bytes(size)), repeatable=False).status == 200
            ended.set()
            connections.close()

    def test_nobody_there_means_that_nothing_was_sent(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        for url in (f"http://127.0.0.1:{port}", "http://no-such-host.invalid", "http://" + "x" * 64 + ".example"):
            with pytest.raises(NotSent):
                Connections(url, environ={}, timeout=2).send(GET, repeatable=False)

    def test_a_certificate_of_an_unknown_authority_or_another_host_is_not_trusted(self):
        authority = Authority()
        try:
            with Peer(*[lambda _: None] * 2, tls=authority) as peer, pytest.raises(Untrusted):
                ask(peer)
            with Peer(answers(ok(b"x")), tls=authority) as peer:
                connections = connected(peer, ca_file=authority.ca_file)
                assert connections.send(GET, repeatable=True).body == b"x"
                connections.close()
        finally:
            authority.cleanup()

    @pytest.mark.parametrize("header", ["a\r\nx: y", "a\nb", "a\rb", "日"])
    def test_a_header_that_http_cannot_carry_is_not_sent_and_not_quoted(self, header):
        with Peer() as peer, pytest.raises(Unsendable) as raised:
            ask(peer, Request("GET", "/a", {"x-key": header}))
        assert header not in str(raised.value)

    def test_a_target_with_a_blank_is_not_sent(self):
        with Peer() as peer, pytest.raises(Unsendable):
            ask(peer, Request("GET", "/a b"))

    @pytest.mark.parametrize("url", ["", "ftp://host", "https://", "http://a:b", "http://host:99999", "https://a b"])
    def test_what_is_no_address_of_the_web_is_a_mistake_of_the_configuration(self, url):
        with pytest.raises(ConfigError):
            Connections(url)


class TestKeeping:
    def test_a_connection_is_used_again(self):
        with Peer(answers(ok(b"1"), ok(b"2"))) as peer:
            connections = connected(peer)
            assert [connections.send(GET, repeatable=False).body for _ in range(2)] == [b"1", b"2"]
            connections.close()

    @pytest.mark.parametrize("repeatable", [True, False])
    def test_one_that_the_server_closed_meanwhile_is_noticed_before_anything_is_sent(self, repeatable):
        closed = threading.Event()

        def once(sock: socket.socket) -> None:
            answers(ok(b"1"))(sock)
            sock.close()
            closed.set()

        with Peer(once, answers(ok(b"2"))) as peer:
            connections = connected(peer)
            assert connections.send(GET, repeatable=repeatable).body == b"1"
            assert closed.wait(5)
            assert connections.send(GET, repeatable=repeatable).body == b"2"
            connections.close()

    def test_one_that_ends_under_a_repeatable_request_is_replaced(self):
        def hang_up(sock: socket.socket) -> None:
            answers(ok(b"1"))(sock)
            request(sock)

        with Peer(hang_up, answers(ok(b"2"))) as peer:
            connections = connected(peer)
            assert [connections.send(GET, repeatable=True).body for _ in range(2)] == [b"1", b"2"]
            connections.close()

    def test_one_that_ends_under_a_publishing_request_leaves_its_outcome_open(self):
        def hang_up(sock: socket.socket) -> None:
            answers(ok(b"1"))(sock)
            request(sock)

        with Peer(hang_up) as peer:
            connections = connected(peer)
            connections.send(GET, repeatable=False)
            with pytest.raises(HungUp):
                connections.send(GET, repeatable=False)
            connections.close()

    @pytest.mark.parametrize(("repeatable", "idle"), [(True, 60.0), (False, 6.0)])
    def test_one_that_was_idle_for_long_is_not_used(self, repeatable, idle):
        now = [0.0]
        with Peer(answers(ok(b"1")), answers(ok(b"2"))) as peer:
            connections = connected(peer, now=lambda: now[0])
            connections.send(GET, repeatable=True)
            now[0] += idle
            assert connections.send(GET, repeatable=repeatable).body == b"2"
            connections.close()

    def test_close_ends_the_wait_of_an_abandoned_thread(self):
        asked, ended = threading.Event(), threading.Event()

        def silent(sock: socket.socket) -> None:
            request(sock)
            asked.set()
            ended.wait(10)

        faults = []

        def abandoned() -> None:
            try:
                connections.send(GET, repeatable=False)
            except NoAnswer as fault:
                faults.append(fault)

        with Peer(silent) as peer:
            connections = connected(peer, timeout=60)
            thread = threading.Thread(target=abandoned)
            thread.start()
            assert asked.wait(5)
            connections.close()
            thread.join(5)
            ended.set()
        assert not thread.is_alive()
        assert isinstance(faults[0], HungUp)


class TestAsking:
    """A request whose answer is waited for later."""

    def test_where_no_connection_is_open_nothing_is_asked(self):
        with Peer() as peer:
            assert connected(peer).ask(GET) is None

    def test_it_is_sent_at_once_and_its_answer_is_had_later(self):
        came = threading.Event()

        def play(sock: socket.socket) -> None:
            answers(ok(b"1"))(sock)
            assert request(sock)[0] == "HEAD /b HTTP/1.1"
            came.set()
            sock.sendall(ok(b"", "ETag: x"))
            answers(ok(b"3"))(sock)

        with Peer(play) as peer:
            connections = connected(peer)
            connections.send(GET, repeatable=True)
            pending = connections.ask(Request("HEAD", "/b"))
            assert came.wait(5)
            assert pending.hear().headers["etag"] == "x"
            assert not pending.waits
            pending.drop()  # nothing is left to be dropped
            assert connections.send(GET, repeatable=True).body == b"3"
            connections.close()

    @pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-"], ids=["without a word", "in its answer"])
    def test_it_is_asked_once_more_where_the_server_hangs_up(self, answer):
        def hang_up(sock: socket.socket) -> None:
            answers(ok(b"1"))(sock)
            request(sock)
            sock.sendall(answer)

        with Peer(hang_up, answers(ok(b"2"))) as peer:
            connections = connected(peer)
            connections.send(GET, repeatable=True)
            assert connections.ask(GET).hear().body == b"2"
            connections.close()

    def test_where_the_connections_are_closed_meanwhile_it_is_asked_on_another(self):
        with Peer(answers(ok(b"1")), answers(ok(b"2"))) as peer:
            connections = connected(peer)
            connections.send(GET, repeatable=True)
            pending = connections.ask(GET)
            connections.close()
            assert pending.hear().body == b"2"
            connections.close()

    def test_an_answer_that_nobody_wants_any_more_is_nobody_elses(self):
        with Peer(answers(ok(b"1"), ok(b"unwanted")), answers(ok(b"2"))) as peer:
            connections = connected(peer)
            connections.send(GET, repeatable=True)
            connections.ask(GET).drop()
            assert connections.send(GET, repeatable=True).body == b"2"
            connections.close()

    def test_it_waits_no_longer_than_the_invocation_lasts(self):
        def silent(sock: socket.socket) -> None:
            answers(ok(b"1"))(sock)
            request(sock)
            rest(sock, 1)

        with Peer(silent) as peer:
            connections = connected(peer, timeout=60)
            connections.send(GET, repeatable=True)
            with under(Deadline(0.1)):
                pending = connections.ask(GET)
                with pytest.raises(NoAnswer):
                    pending.hear()
            connections.close()

    def test_who_watches_is_told_of_it(self):
        told = []
        with Peer(answers(ok(b"1"), ok(b"2"))) as peer, trace.watch(told.append):
            connections = connected(peer)
            connections.send(GET, repeatable=True)
            connections.ask(GET).hear()
            connections.close()
        assert len(told) == 2
        assert told[1].startswith(f"GET {peer.url}/a \N{RIGHTWARDS ARROW} 200")


class TestHandshake:
    """A connection that is opened before there is a request for it."""

    @pytest.mark.parametrize("early", [True, False], ids=["open by then", "still being opened"])
    def test_the_first_request_has_it(self, early):
        with Peer(answers(ok(b"1"), ok(b"2"))) as peer:
            connections = connected(peer)
            opener = threading.Thread(target=connections.handshake())
            assert connections.handshake() is None  # one is enough
            waiting = []
            asker = threading.Thread(target=lambda: waiting.append(connections.send(GET, repeatable=False)))
            for thread in (opener, asker) if early else (asker, opener):
                thread.start()
            opener.join(5)
            asker.join(5)
            assert waiting[0].body == b"1"
            assert connections.handshake() is None  # one is open
            assert connections.send(GET, repeatable=True).body == b"2"  # and is kept
            connections.close()

    def test_others_do_not_wait_for_it(self):
        with Peer(answers(ok(b"1")), answers(ok(b"2"))) as peer:
            connections = connected(peer)
            work = connections.handshake()
            first = threading.Thread(target=connections.send, args=(GET,), kwargs={"repeatable": True})
            first.start()
            while not connections._ahead.awaited:
                time.sleep(0.001)
            assert connections.send(GET, repeatable=True).body == b"1"  # on one of its own
            work()
            first.join(5)
            assert not first.is_alive()
            connections.close()

    def test_who_waits_for_it_is_told_why_there_is_none(self):
        tried = []

        def connect(*_: object) -> socket.socket:
            tried.append(1)
            raise ConnectionRefusedError("refused")

        connections = Connections("http://127.0.0.1:1", environ={}, connect=connect)
        opener = threading.Timer(0.05, connections.handshake())
        opener.start()
        with pytest.raises(NotSent, match="refused"):
            connections.send(GET, repeatable=True)
        assert len(tried) == 1
        opener.join(5)
        with pytest.raises(NotSent, match="refused"):  # and who comes later tries again
            connections.send(GET, repeatable=True)
        assert len(tried) == 2

    def test_asked_meanwhile_it_is_waited_for_or_nothing_is_asked(self):
        with Peer(answers(ok(b"1"))) as peer:
            connections = connected(peer)
            threading.Timer(0.05, connections.handshake()).start()
            assert connections.ask(GET).hear().body == b"1"
            connections.close()

        def connect(*_: object) -> socket.socket:
            raise ConnectionRefusedError("refused")

        connections = Connections("http://127.0.0.1:1", environ={}, connect=connect)
        opener = threading.Timer(0.05, connections.handshake())
        opener.start()
        assert connections.ask(GET) is None
        opener.join(5)

    def test_nobody_waits_for_it_longer_than_the_invocation_lasts(self):
        with Peer(answers(ok(b"1"))) as peer:
            connections = connected(peer)
            work = connections.handshake()
            with under(Deadline(0.05)), pytest.raises(NotSent, match="no time is left"):
                connections.send(GET, repeatable=True)
            work()
            assert connections.send(GET, repeatable=True).body == b"1"
            connections.close()

    def test_where_the_connections_are_closed_meanwhile_it_is_closed_too(self):
        ended = threading.Event()

        def play(sock: socket.socket) -> None:
            assert sock.recv(1) == b""
            ended.set()

        with Peer(play, answers(ok(b"1"))) as peer:
            connections = connected(peer)
            work = connections.handshake()
            connections.close()
            work()
            assert ended.wait(5)
            assert connections.send(GET, repeatable=True).body == b"1"
            connections.close()


class TestBodies:
    def test_bytes_and_streams_are_sent_with_their_length(self):
        got = []

        def play(sock: socket.socket) -> None:
            for _ in range(3):
                got.append(request(sock))
                sock.sendall(ok())

        with Peer(play) as peer:
            connections = connected(peer)
            for body in (b"12345", bytearray(b"12345"), Stream(b"12", b"345")):
                connections.send(Request("PUT", "/a", {"x-a": "1"}, body), repeatable=False)
            connections.close()
        assert [(line, headers["content-length"], body) for line, headers, body in got] == [
            ("PUT /a HTTP/1.1", "5", b"12345")
        ] * 3

    def test_a_large_body_is_sent_when_the_server_says_that_it_wants_it(self):
        got = []

        def play(sock: socket.socket) -> None:
            _, headers, _ = request(sock)
            assert headers["expect"] == "100-continue"
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            got.append(rest(sock, int(headers["content-length"])))
            sock.sendall(ok())

        body = os.urandom(3 * 1024 * 1024 + 1)
        with Peer(play, play) as peer:
            for sent in (body, Stream(body[:1000], body[1000:])):
                assert ask(peer, Request("PUT", "/a", {}, sent), repeatable=False).status == 200
        assert got == [body, body]

    def test_a_server_that_has_said_so_may_be_as_slow_as_any(self):
        """The moment in which it says so is over, and its limit with it."""
        client, server = socket.socketpair()
        limits = []

        class Body:
            length = 1

            @staticmethod
            def pour(write):
                write(memoryview(b"x"))
                told = client.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, 16)
                limits.append(struct.unpack("ll", told)[0])

        with client, server:
            server.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" + ok())
            connection = Connection(client, 10.0, now=lambda: 0.0)
            put = Request("PUT", "/a", {}, Body())
            assert connection.send(b"", put, Deadline(60, now=lambda: 0.0), asking=True).status == 200
        assert limits == [10]

    def test_a_server_behind_tls_that_has_nothing_to_say_to_that_gets_the_body_after_a_moment(self):
        """TLS 1.3 sends tickets after the handshake: bytes that are no word of the server's."""

        def deaf(sock: socket.socket) -> None:
            _, headers, _ = request(sock)
            rest(sock, int(headers["content-length"]))
            sock.sendall(ok())

        authority = Authority()
        try:
            with Peer(deaf, tls=authority) as peer:
                connections = connected(peer, ca_file=authority.ca_file)
                assert connections.send(Request("PUT", "/a", {}, bytes(2**20)), repeatable=False).status == 200
                connections.close()
        finally:
            authority.cleanup()

    @pytest.mark.parametrize("missing", [0, 1, 100_000])
    def test_large_bodies_pass_tls_whole_both_ways_and_one_that_is_cut_is_told(self, missing):
        body = os.urandom(3 * 1024 * 1024 + 5)
        got = []

        def echo(sock: socket.socket) -> None:
            _, headers, _ = request(sock)
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            got.append(rest(sock, int(headers["content-length"])))
            sock.sendall(ok(body)[: len(ok(body)) - missing])

        authority, came = Authority(), bytearray()
        try:
            with Peer(echo, tls=authority) as peer:
                connections = connected(peer, ca_file=authority.ca_file)
                put = Request("PUT", "/a", {}, body)
                with pytest.raises(CutShort) if missing else contextlib.nullcontext():
                    connections.send(put, lambda _: Into(came.extend, len(body)), repeatable=False)
                connections.close()
        finally:
            authority.cleanup()
        assert got == [body]
        assert came == body[: len(came)]
        assert missing or len(came) == len(body)

    @pytest.mark.parametrize("tls", [False, True])
    def test_what_is_sure_to_come_is_received_together_however_small_its_packets(self, tls):
        body, calls, came = os.urandom(MiB), [], bytearray()

        class Counted(socket.socket):
            def recv_into(self, *given):
                calls.append(None)
                return super().recv_into(*given)

        def packets(sock: socket.socket) -> None:
            request(sock)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.sendall(ok(body)[:-MiB])
            for start in range(0, MiB, 8192):
                time.sleep(0.001)  # so that each comes by itself
                sock.sendall(body[start : start + 8192])

        def connect(place: tuple[str, int], seconds: float) -> socket.socket:
            return Counted(fileno=socket.create_connection(place, seconds).detach())

        authority = Authority()
        try:
            with Peer(packets, tls=authority if tls else None) as peer:
                connections = connected(peer, ca_file=authority.ca_file, connect=connect)
                connections.send(GET, lambda _: Into(came.extend, MiB), repeatable=False)
                connections.close()
        finally:
            authority.cleanup()
        assert came == body
        assert len(calls) < 30, "of 128 packets"

    @pytest.mark.parametrize("tls", [False, True])
    def test_a_body_that_comes_slower_than_a_block_in_the_time_of_a_read_is_whole(self, tls):
        body, came = os.urandom(64 * 1024), bytearray()

        def slowly(sock: socket.socket) -> None:
            request(sock)
            sock.sendall(ok(body)[: -len(body)])
            for start in range(0, len(body), 4096):
                time.sleep(0.05)
                sock.sendall(body[start : start + 4096])

        authority = Authority()
        try:
            with Peer(slowly, tls=authority if tls else None) as peer:
                connections = connected(peer, ca_file=authority.ca_file, timeout=0.3)
                connections.send(GET, lambda _: Into(came.extend, len(body)), repeatable=False)
                connections.close()
        finally:
            authority.cleanup()
        assert came == body

    def test_a_large_body_that_is_refused_is_not_sent(self):
        poured = []

        class Watched(Stream):
            def pour(self, write):
                poured.append(True)
                super().pour(write)

        with Peer(answers(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno")) as peer:
            answer = ask(peer, Request("PUT", "/a", {}, Watched(bytes(2**21))), repeatable=False)
        assert (answer.status, answer.body) == (403, b"no")
        assert poured == []

    def test_a_server_that_cannot_be_asked_gets_the_body_at_once(self):
        bodies = []

        def refuse(sock: socket.socket) -> None:
            request(sock)
            sock.sendall(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        def take(sock: socket.socket) -> None:
            for _ in range(2):
                _, headers, body = request(sock)
                assert "expect" not in headers
                bodies.append(len(body))
                sock.sendall(ok())

        with Peer(refuse, take) as peer:
            connections = connected(peer)
            for _ in range(2):
                put = Request("PUT", "/a", {}, bytes(2**20))
                assert connections.send(put, repeatable=False).status == 200
            connections.close()
        assert bodies == [2**20, 2**20]

    def test_an_early_answer_of_a_server_that_hangs_up_is_read(self):
        def early(sock: socket.socket) -> None:
            request(sock)
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            rest(sock, 1000)
            sock.sendall(b"HTTP/1.1 400 No\r\nContent-Length: 5\r\nConnection: close\r\n\r\nEntit")
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(65536):
                pass

        with Peer(early) as peer:
            answer = ask(peer, Request("PUT", "/a", {}, bytes(2**21)), repeatable=False)
        assert (answer.status, answer.body) == (400, b"Entit")

    def test_a_reset_while_writing_is_no_answer(self):
        def reset(sock: socket.socket) -> None:
            request(sock)
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            rest(sock, 1000)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

        with Peer(reset) as peer, pytest.raises(HungUp):
            ask(peer, Request("PUT", "/a", {}, bytes(2**24)), repeatable=False)

    def test_what_pour_raises_ends_the_request_and_is_told_as_it_is(self):
        got = []

        def play(sock: socket.socket) -> None:
            got.append(request(sock))

        changed = SourceChanged("look again")
        with Peer(play) as peer, pytest.raises(BodyFailed) as raised:
            ask(peer, Request("PUT", "/a", {}, Stream(b"12", length=5, error=changed)), repeatable=False)
        assert raised.value.error is changed
        assert got == []  # the request never became whole

    @pytest.mark.parametrize("blocks", [(b"12",), (b"1234", b"56")])
    def test_a_stream_of_another_length_than_it_says_is_damaged(self, blocks):
        with Peer(lambda sock: request(sock) and None) as peer, pytest.raises(BodyFailed) as raised:
            ask(peer, Request("PUT", "/a", {}, Stream(*blocks, length=5)), repeatable=False)
        assert isinstance(raised.value.error, Damaged)


class TestHandingOn:
    BODY = os.urandom(700_000)

    @pytest.mark.parametrize(
        "text",
        [ok(BODY), b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\naae60\r\n" + BODY + b"\r\n0\r\n\r\n"],
        ids=["counted", "chunked"],
    )
    def test_blocks_are_handed_on_and_the_connection_is_kept(self, text):
        blocks: list[bytes] = []
        with Peer(answers(text, ok(b"x"))) as peer:
            connections = connected(peer)
            answer = connections.send(
                GET, lambda head: Into(lambda block: blocks.append(bytes(block)), 700_000), repeatable=True
            )
            assert connections.send(GET, repeatable=True).body == b"x"
            connections.close()
        assert answer.body == b""
        assert b"".join(blocks) == self.BODY
        assert max(map(len, blocks)) <= 256 * 1024

    def test_memory_is_filled(self):
        held = bytearray(700_000)
        with Peer(answers(ok(self.BODY))) as peer:
            ask(peer, receive=lambda _: Into(memoryview(held)))
        assert held == self.BODY

    def test_more_than_is_wanted_is_dropped(self):
        held = bytearray(10)
        with Peer(answers(ok(self.BODY[:1000]), ok(self.BODY)), answers(ok(b"x"))) as peer:
            connections = connected(peer)
            for _ in range(2):
                connections.send(GET, lambda _: Into(memoryview(held)), repeatable=True)
                assert held == self.BODY[:10]
            assert connections.send(GET, repeatable=True).body == b"x"  # on a new one: 700 KB are not worth reading
            connections.close()

    @pytest.mark.parametrize("to", [memoryview(bytearray(10)), lambda _: None])
    def test_less_than_is_wanted_is_cut_short(self, to):
        with Peer(answers(ok(b"12345"))) as peer, pytest.raises(CutShort):
            ask(peer, receive=lambda _: Into(to, 10))

    def test_an_error_is_a_document_whatever_was_wanted(self):
        with Peer(answers(b"HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\ngone")) as peer:
            assert ask(peer, receive=lambda _: pytest.fail("not asked")).body == b"gone"

    def test_what_the_taker_raises_comes_through_and_the_connection_is_closed(self):
        def fail(_: object) -> None:
            raise SourceChanged("look again")

        with Peer(answers(ok(b"12345")), answers(ok(b"x"))) as peer:
            connections = connected(peer)
            with pytest.raises(SourceChanged):
                connections.send(GET, lambda _: Into(fail), repeatable=True)
            with pytest.raises(SourceChanged):
                connections.send(GET, fail, repeatable=True)
            connections.close()

    def test_one_servers_answer_is_anothers_body(self):
        """And where the taker hangs up, the giver is not blamed."""
        with Peer(answers(ok(self.BODY)), answers(ok(self.BODY))) as source:
            giver = connected(source)

            class Piped:
                length = 700_000

                def pour(self, write):
                    giver.send(GET, lambda _: Into(write, 700_000), repeatable=True)

            got = []

            def take(sock: socket.socket) -> None:
                got.append(request(sock)[2])
                sock.sendall(ok())

            def reset(sock: socket.socket) -> None:
                sock.recv(1000)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

            with Peer(take, reset) as target:
                assert ask(target, Request("PUT", "/b", {}, Piped()), repeatable=False).status == 200
                giver.close()
                with pytest.raises(HungUp):
                    ask(target, Request("PUT", "/b", {}, Piped()), repeatable=False)
            giver.close()
        assert got == [self.BODY]


class TestWays:
    def test_ipv6(self):
        with Peer(answers(ok(b"x")), host="::1") as peer:
            assert ask(peer).body == b"x"

    def test_plain_http_goes_through_the_proxy_by_its_whole_url(self):
        got = []

        def proxy(sock: socket.socket) -> None:
            got.append(request(sock))
            sock.sendall(ok(b"proxied"))

        with Peer(proxy) as peer:
            environ = {"http_proxy": f"http://user:p%40ss@127.0.0.1:{peer.port}"}
            connections = Connections("http://store.example:9000", environ=environ, timeout=5)
            assert connections.send(GET, repeatable=True).body == b"proxied"
            connections.close()
        line, headers, _ = got[0]
        assert line == "GET http://store.example:9000/a HTTP/1.1"
        assert headers["proxy-authorization"] == "Basic dXNlcjpwQHNz"

    def test_https_goes_through_the_proxy_by_connect_and_the_proxy_sees_nothing(self):
        authority = Authority()
        seen = []

        def proxy(sock: socket.socket) -> None:
            seen.append(request(sock)[0])
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            inner = authority.server_context("127.0.0.1").wrap_socket(sock, server_side=True)
            seen.append(request(inner)[0])
            inner.sendall(ok(b"x"))
            inner.close()

        try:
            with Peer(proxy) as peer:
                environ = {"HTTPS_PROXY": f"127.0.0.1:{peer.port}"}
                connections = Connections(
                    "https://127.0.0.1:4443", environ=environ, timeout=5, ca_file=authority.ca_file
                )
                assert connections.send(GET, repeatable=True).body == b"x"
                connections.close()
        finally:
            authority.cleanup()
        assert seen == ["CONNECT 127.0.0.1:4443 HTTP/1.1", "GET /a HTTP/1.1"]

    @pytest.mark.parametrize(
        "text", [b"HTTP/1.1 407 Authenticate\r\nContent-Length: 0\r\n\r\n", b"", b"nonsense\r\n\r\n"]
    )
    def test_a_proxy_that_refuses_means_that_nothing_was_sent(self, text):
        with Peer(answers(text)) as peer:
            environ = {"https_proxy": f"http://127.0.0.1:{peer.port}"}
            with pytest.raises(NotSent, match="its proxy"):
                Connections("https://store.example", environ=environ, timeout=5).send(GET, repeatable=False)


def test_many_threads_share_the_connections():
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            accepted.append(self.request)
            with contextlib.suppress(OSError):
                while True:
                    request(self.request)
                    self.request.sendall(ok(b"x"))

    accepted: list[socket.socket] = []
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        connections = Connections(f"http://127.0.0.1:{server.server_address[1]}", environ={}, timeout=5)
        with ThreadPoolExecutor(8) as pool:
            answered = list(pool.map(lambda _: connections.send(GET, repeatable=True).body, range(400)))
        connections.close()
        server.shutdown()
        serving.join()
    assert answered == [b"x"] * 400
    assert len(accepted) <= 8
