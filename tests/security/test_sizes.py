"""What others send is bounded: an answer, a list or a payload without end costs bounded memory, and one clear line."""

import contextlib
import gzip
import json
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timezone

import pytest

from bucketrelay import events
from bucketrelay.abilities import Upload
from bucketrelay.clouds.aws.store import s3_store
from bucketrelay.clouds.huawei.store import obs_store
from bucketrelay.clouds.local.store import LocalStore
from bucketrelay.clouds.oracle.store import oci_store
from bucketrelay.core.checkpoints import LogCheckpoints
from bucketrelay.deadline import Deadline
from bucketrelay.errors import BadEvent, RelayError
from bucketrelay.forward import Notice
from bucketrelay.forward.webhook import WebhookForward
from bucketrelay.http.post import Retry
from bucketrelay.model import Address, Meta, ObjectInfo, Task
from bucketrelay.reports import lists
from bucketrelay.reports.rerun import Rerun
from bucketrelay.testing.memory import MemoryStore
from bucketrelay_emulators.oci.emulator import OciEmulator

MiB = 1024 * 1024
FLOOD, BOUND = 16 * MiB, 12 * MiB  # what is sent, and what it may cost
SEEN = ObjectInfo("k", 5, "etag", datetime(2026, 11, 21, 9, 15, tzinfo=timezone.utc))


class Flood:
    """A server that answers every request by the same head, and then by *piece* as often as it takes.

    Args:
        times: how often the piece is sent.
    """

    def __init__(self, head: str, piece: bytes, times: int = 1) -> None:
        self.asked = 0
        self._head, self._piece, self._times = head.replace("\n", "\r\n").encode() + b"\r\n\r\n", piece, times
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._take, args=(connection,)))
            self._threads[-1].start()

    def _take(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(3)
            read = b""
            while b"\r\n\r\n" not in read and (piece := connection.recv(65536)):
                read += piece
            if not read:
                return
            self.asked += 1
            connection.sendall(self._head)
            for _ in range(self._times):
                connection.sendall(self._piece)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):  # what was not read: else the client sees a reset before the answer
                pass

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in self._threads:
            thread.join()


@contextlib.contextmanager
def flooded(head: str, piece: bytes, times: int = 1) -> Iterator[Flood]:
    server = Flood(f"{head}\nConnection: close\nDate: Sat, 21 Nov 2026 09:15:00 GMT", piece, times)
    try:
        yield server
    finally:
        server.close()


@contextlib.contextmanager
def bounded(bytes_: int = BOUND) -> Iterator[None]:
    """Within: no more than so much memory is held at once, beyond what was held before.

    What was there before is not counted, garbage or not: to look for it first took a third of a second of each test.
    """
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < bytes_, f"{peak // MiB} MiB"


@pytest.fixture(scope="module")
def oci_config():
    with OciEmulator() as emulator:
        yield emulator.config_file


@pytest.fixture(params=["s3", "obs", "oci"])
def make(request, oci_config):
    """A store of each cloud at some address."""
    made = []

    def store(url):
        keys = {"access_key": "AK", "secret_key": "sizes-secret-19ab"}
        if request.param == "s3":
            made.append(s3_store(Address("s3", "b"), endpoint=url, region="eu-1", timeout=20, retries=0, **keys))
        elif request.param == "obs":
            made.append(obs_store(Address("obs", "b"), endpoint=url, path_style=True, timeout=20, retries=0, **keys))
        else:
            place = Address("oci", "b", "ns")
            made.append(oci_store(place, endpoint=url, config_file=oci_config, timeout=20, retries=0))
        return made[-1]

    yield store
    for each in made:
        each.close()


def warm(store):
    """The SDK loaded and the client made: not what is measured."""
    with contextlib.suppress(RelayError):
        store.look("k")


def clear(error: pytest.ExceptionInfo[RelayError]) -> str:
    said = str(error.value)
    assert "\n" not in said
    assert len(said) < 2000
    return said


CALLS = {
    "get": lambda store: store.fetch("k", 10),
    "list": lambda store: list(store.list()),
    "put": lambda store: store.put("k", b"1", Meta()),
    "begin": lambda store: store.begin("k", Meta()),
}
TYPES = {"s3": "application/xml", "obs": "application/xml", "oci": "application/json"}


@pytest.mark.parametrize("call", ["get"])
def test_an_error_page_without_end_is_not_read_into_memory(make, call):
    with flooded(
        "HTTP/1.1 400 Bad Request\nContent-Type: application/xml", b"<Error>" + b" " * (MiB - 7), FLOOD // MiB
    ) as server:
        store = make(server.url)
        warm(make("http://127.0.0.1:9"))
        with bounded(), pytest.raises(RelayError) as error:
            CALLS[call](store)
    clear(error)


def test_a_listing_without_end_is_not_read_into_memory(make):
    with flooded("HTTP/1.1 200 OK\nContent-Type: application/xml", b"<a>" + b" " * (MiB - 3), FLOOD // MiB) as server:
        store = make(server.url)
        warm(make("http://127.0.0.1:9"))
        with bounded(), pytest.raises(RelayError) as error:
            list(store.list())
    clear(error)


@pytest.mark.parametrize("make", ["obs", "oci"], indirect=True)
def test_a_compressed_answer_does_not_become_a_thousand_times_as_large(make):
    bomb = gzip.compress(b" " * FLOOD, 9)
    head = f"HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Encoding: gzip\nContent-Length: {len(bomb)}"
    with flooded(head, bomb) as server:
        store = make(server.url)
        warm(make("http://127.0.0.1:9"))
        with bounded(), pytest.raises(RelayError) as error:
            list(store.list())
    clear(error)


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e0 "haha">%s]><ListBucketResult>&e30;</ListBucketResult>'
    % b"".join(b'<!ENTITY e%d "&e%d;&e%d;">' % (n, n - 1, n - 1) for n in range(1, 31))
)
DEEP = {"s3": b"<a>" * 50_000, "obs": b"<a>" * 50_000, "oci": b"[" * 50_000}


@pytest.mark.parametrize(("call", "status"), [("list", "200 OK")])
def test_entities_that_multiply_are_refused(make, call, status):
    head = f"HTTP/1.1 {status}\nContent-Type: application/xml\nContent-Length: {len(LAUGHS)}"
    with flooded(head, LAUGHS) as server:
        # The parser itself stops at a hundred times what came, and at 8 MiB at the earliest (expat 2.4.1).
        with pytest.raises(RelayError) as error:
            CALLS[call](make(server.url))
        clear(error)


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request"])
def test_an_answer_that_is_nested_without_end_is_refused(request, make, status):
    cloud = request.node.callspec.params["make"]
    head = f"HTTP/1.1 {status}\nContent-Type: {TYPES[cloud]}\nContent-Length: {len(DEEP[cloud])}"
    with flooded(head, DEEP[cloud]) as server:
        with pytest.raises(RelayError) as error:
            list(make(server.url).list())
        clear(error)


S3_PAGES = {
    "list": (
        (
            b"<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken>"
            b"<EncodingType>url</EncodingType></ListBucketResult>"
        ),
        lambda store: list(store.list()),
    ),
    "parts": (
        (
            b"<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker><Part>"
            b'<PartNumber>1</PartNumber><ETag>"e"</ETag><Size>5</Size></Part></ListPartsResult>'
        ),
        lambda store: list(store.parts(Upload("k", "u"))),
    ),
    "uploads": (
        (
            b"<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>"
            b"<NextUploadIdMarker>u</NextUploadIdMarker></ListMultipartUploadsResult>"
        ),
        lambda store: list(store.uploads()),
    ),
}
OCI_PAGES = {
    "list": (b'{"objects":[],"nextStartWith":"a"}', lambda store: list(store.list())),
    "parts": (b'[{"partNumber":1,"etag":"e","size":5,"md5":"x"}]', lambda store: list(store.parts(Upload("k", "u")))),
    "uploads": (b"[]", lambda store: list(store.uploads())),
}


@pytest.fixture
def few(monkeypatch):
    """A server that is asked more than a hundred times has won: the hundredth request fails the test."""

    def limit(server):
        take = server._take

        def counted(connection):
            if server.asked >= 100:
                connection.close()
                return
            take(connection)

        server._take = counted
        return server

    return limit


@pytest.mark.parametrize("make", ["s3"], indirect=True)
@pytest.mark.parametrize("what", S3_PAGES)
def test_pages_of_s3_that_never_end_are_not_followed_for_ever(request, make, few, what):
    page, call = S3_PAGES[what]
    with flooded(f"HTTP/1.1 200 OK\nContent-Length: {len(page)}\nContent-Type: application/xml", page) as server:
        with pytest.raises(RelayError) as error:
            call(make(few(server).url))
        assert server.asked < 5
    clear(error)


@pytest.mark.parametrize("make", ["oci"], indirect=True)
@pytest.mark.parametrize("what", OCI_PAGES)
def test_pages_of_oci_that_never_end_are_not_followed_for_ever(request, make, few, what):
    page, call = OCI_PAGES[what]
    head = f"HTTP/1.1 200 OK\nContent-Length: {len(page)}\nContent-Type: application/json\nopc-next-page: x"
    with flooded(head, page) as server:
        with pytest.raises(RelayError) as error:
            call(make(few(server).url))
        assert server.asked < 5
    clear(error)


def test_a_body_longer_than_it_said_is_not_read_beyond_what_was_asked_for(make):
    head = f'HTTP/1.1 206 Partial Content\nETag: "etag"\nContent-Range: bytes 0-4/5\nContent-Length: {FLOOD}'
    with flooded(head, b"x" * MiB, FLOOD // MiB) as server:
        store = make(server.url)
        warm(make("http://127.0.0.1:9"))
        with bounded(), contextlib.suppress(RelayError):
            assert len(store.read(SEEN, 0, 5)) == 5


@pytest.mark.parametrize("head", ["HTTP/1.1 200 OK", "HTTP/1.1 400 Bad Request", "HTTP/1.1 302 Found\nLocation: /x"])
def test_a_receiver_of_webhooks_may_talk_as_long_as_it_likes(head):
    notice = Notice(Task("r", "s", "k", forward="f", cause="c"), Address("s3", "b"))
    with flooded(head, b"x" * MiB, FLOOD // MiB) as server:
        hook = WebhookForward(server.url, retry=Retry(attempts=1))
        with bounded(2 * MiB):
            (verdict,) = hook.tell([notice], Deadline(30))
    assert (verdict is None) == ("200" in head)
    assert len(str(verdict)) < 1000


def test_headers_without_end_are_refused():
    notice = Notice(Task("r", "s", "k", forward="f", cause="c"), Address("s3", "b"))
    with flooded("HTTP/1.1 200 OK\nX-Long: " + "x" * MiB, b"") as server:
        (verdict,) = WebhookForward(server.url, retry=Retry(attempts=1)).tell([notice], Deadline(30))
    assert isinstance(verdict, RelayError)


# --- what we read of our own ----------------------------------------------------------------------------------------


@pytest.fixture
def log(tmp_path):
    (tmp_path / "log").mkdir()
    return LocalStore(Address("file", str(tmp_path / "log")))


def sparse(tmp_path, name: str, size: int) -> None:
    """A file that is large and takes no room."""
    path = tmp_path / "log" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)


def test_a_checkpoint_of_gigabytes_is_none(log, tmp_path):
    sparse(tmp_path, "checkpoints/x.json", 10 << 30)
    with bounded():
        assert LogCheckpoints(lambda: log).load("x") is None


def test_a_list_without_line_ends_is_refused(log, tmp_path):
    sparse(tmp_path, "failed_object/x.jsonl", 10 << 30)
    with bounded(), pytest.raises(BadEvent, match="not one of our lists"):
        list(lists.read(log, "failed_object/x.jsonl"))


def test_a_list_larger_than_can_be_moved_is_not_read_at_all(log, tmp_path):
    """It was read whole, every line of it a task, before its size was looked at."""
    path = tmp_path / "log/failed_object/x.jsonl"
    sparse(tmp_path, "failed_object/x.jsonl", 300 * MiB)
    with path.open("r+b") as file:
        file.write(b"\n" * 64)
    again = Rerun(log, (), None, lambda: datetime.now(timezone.utc))
    with pytest.raises(RelayError, match="too large"):
        again.read("failed_object/x.jsonl")


@pytest.mark.parametrize(
    "name", ["failed_object/2026/99/99/999999.000000Z-x.jsonl", "failed_object/2026/02/30/000000.0Z-x.jsonl"]
)
def test_a_list_whose_name_is_no_time_is_still_a_list(name):
    log = MemoryStore()
    log.put(name, b"", Meta())
    again = Rerun(log, (), None, lambda: datetime.now(timezone.utc))
    assert list(again.names(datetime(2026, 1, 1, tzinfo=timezone.utc))) == [name]


def test_a_line_with_a_change_that_nobody_knows_is_no_defect():
    log = MemoryStore()
    said = {"route": "r", "cause": "", "change": "mended", "source": "s3://b/k", "target": "s3://c/k", "key": "k"}
    more = {"outcome": "failed", "bytes": 0, "seconds": 0, "lag": None, "degraded": [], "error": "", "retryable": True}
    line = json.dumps({"time": "2026-11-21T09:15:00Z", **said, **more})
    log.put("failed_object/x.jsonl", line.encode(), Meta())
    again = Rerun(log, (_route(),), None, lambda: datetime.now(timezone.utc))
    (found,) = again.read("failed_object/x.jsonl").lines
    assert found.task is None
    assert "mended" in found.error


def _route():
    from bucketrelay.routes import Route

    return Route("r", Address("s3", "b"), "s", ("t",))


@pytest.mark.parametrize(
    "payload",
    [
        b"[" * MiB,
        b'{"Records":' * 100_000,
        b"[" + b",".join([b"{}"] * 50_000) + b"]",
        b'{"Records":[' + b",".join([b"{}"] * 50_000) + b"]}",
        b'{"bucketrelay":{"version":1,"tasks":[' + b",".join([b"{}"] * 50_000) + b"]}}",
        b"9" * MiB,
        b'"' + b"x" * MiB + b'"',
    ],
    ids=["lists", "objects", "an array of nothing", "records of nothing", "tasks of nothing", "a number", "a text"],
)
def test_a_payload_as_large_as_platforms_deliver_is_refused_in_bounded_memory(payload):
    with bounded(48 * MiB), pytest.raises(BadEvent) as error:
        events.parse(payload, cloud="s3")
    assert len(str(error.value)) < 1000
