"""Over TLS only a server that is vouched for, under its own name and today, gets a byte; no redirect is followed.

One table for the three SDKs, the webhook and OMS, as each has its own way to get this wrong.
"""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from bucketrelay.clouds.aws.store import S3Store, s3_store
from bucketrelay.clouds.huawei.store import ObsStore, obs_store
from bucketrelay.clouds.oracle.store import OciStore, oci_store
from bucketrelay.deadline import Deadline
from bucketrelay.errors import RelayError, StoreRefused
from bucketrelay.forward import Notice
from bucketrelay.forward.oms import OmsForward
from bucketrelay.forward.webhook import WebhookForward
from bucketrelay.http.post import Retry
from bucketrelay.model import Address, Meta, Task
from bucketrelay_emulators.oci.sign import fingerprint, pem, private_key
from bucketrelay_emulators.server import tls

SECRET, TOKEN, BODY = "tls-secret-4c1d/+=", "tls-session-token-81ee", b"the body of an object"
WEAKENING = {
    "REQUESTS_CA_BUNDLE": "",
    "CURL_CA_BUNDLE": "",
    "AWS_CA_BUNDLE": "",
    "PYTHONHTTPSVERIFY": "0",
    "SSL_CERT_FILE": "",
    "SSL_CERT_DIR": "",
    "OCI_SDK_CERT_BUNDLE": "",
    "AWS_VERIFY_SSL": "false",
}


class Listener:
    """A TCP server that keeps every byte it can read, behind TLS where it has a context, and answers once."""

    def __init__(self, context: ssl.SSLContext | None = None, answer: bytes = b"") -> None:
        self.got: list[bytes] = []
        self._context, self._answer = context, answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._take, args=(connection,)))
            self._threads[-1].start()

    def _take(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(5)
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        read = connection.recv(65536)
        while self._more(read) and (piece := self._next(connection, read)):
            read += piece
        if read:
            self.got.append(read)
            connection.sendall(self._answer)

    @staticmethod
    def _next(connection: socket.socket, read: bytes) -> bytes:
        if read.endswith(b"\r\n\r\n") and b"100-continue" in read:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return connection.recv(65536)

    @staticmethod
    def _more(read: bytes) -> bool:
        """Whether a request has begun that is not there whole; of what is no request, the first piece is enough."""
        head, end, body = read.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        if not head[:1].isalpha():
            return False
        return not end or (length is not None and len(body) < int(length[1]))

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join()


@dataclass
class Client:
    """Something of ours that sends a body and credentials somewhere."""

    make: Callable[[str, str], Any]  # of a URL and a ca_file
    call: Callable[[Any], object]
    remedy: str


def told(forward: Any) -> None:
    (verdict,) = forward.tell([Notice(Task("r", "s", "k", forward="f", cause="c"), Address("s3", "b"))], Deadline(20))
    if verdict:
        raise verdict


def put(store: Any) -> None:
    store.put("k", BODY, Meta(user={"a": "b"}))


def s3(url: str, ca_file: str) -> S3Store:
    access = {"access_key": "AK", "secret_key": SECRET, "session_token": TOKEN}
    return s3_store(Address("s3", "b"), endpoint=url, region="eu-1", ca_file=ca_file, timeout=5, retries=1, **access)


def obs(url: str, ca_file: str) -> ObsStore:
    access = {"access_key": "AK", "secret_key": SECRET, "session_token": TOKEN}
    return obs_store(
        Address("obs", "b"), endpoint=url, path_style=True, ca_file=ca_file, timeout=5, retries=1, **access
    )


def oci(url: str, ca_file: str) -> OciStore:
    key = {"user": "ocid1.user.oc1..u", "tenancy": "ocid1.tenancy.oc1..t", **KEY}
    return oci_store(Address("oci", "b", "ns"), endpoint=url, ca_file=ca_file, timeout=5, retries=1, **key)


def webhook(url: str, ca_file: str) -> WebhookForward:
    return WebhookForward(f"{url}/hook?token=x", secret_key=SECRET, ca_file=ca_file, timeout=5, retry=Retry(first=0.0))


def oms(url: str, ca_file: str) -> OmsForward:
    place = f"{url}/v2/0123/sync-tasks/42/events"
    return OmsForward(place, ca_file=ca_file, timeout=5, retry=Retry(first=0.0), keys=lambda: ("AK", SECRET, TOKEN))


KEY: dict[str, str] = {}
CLIENTS = {
    "s3": Client(s3, put, "ca_file"),
    "obs": Client(obs, put, "ca_file"),
    "oci": Client(oci, put, "ca_file"),
    "webhook": Client(webhook, told, "SSL_CERT_FILE"),
    "oms": Client(oms, told, "SSL_CERT_FILE"),
}


@pytest.fixture(scope="module", autouse=True)
def _api_key(tmp_path_factory):
    key, file = private_key("api"), tmp_path_factory.mktemp("key") / "key.pem"
    file.write_text(pem(key))
    KEY.update(key_file=str(file), fingerprint=fingerprint(key.public_key()))


@pytest.fixture(scope="module")
def authority():
    made = tls.Authority()
    yield made
    made.cleanup()


@pytest.fixture(params=CLIENTS)
def client(request) -> Client:
    return CLIENTS[request.param]


@contextmanager
def listening(context: ssl.SSLContext | None = None, answer: bytes = b"") -> Iterator[Listener]:
    with closing(Listener(context, answer)) as server:
        yield server


def refusal(client: Client, url: str, ca_file: str = "") -> str:
    """The one line that the client refuses with."""
    made = client.make(url, ca_file)
    try:
        with pytest.raises(RelayError) as caught:
            client.call(made)
    finally:
        if hasattr(made, "close"):
            made.close()
    assert isinstance(caught.value, StoreRefused), caught.value
    said = str(caught.value)
    assert "\n" not in said
    return said


def expired(authority: tls.Authority, monkeypatch) -> ssl.SSLContext:
    """Of the right authority, for the right host, until the day before yesterday."""

    class Earlier(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) - timedelta(days=4)

    with monkeypatch.context() as patch:
        patch.setattr(tls, "datetime", Earlier)
        return authority.server_context("127.0.0.1")


def test_a_server_that_is_vouched_for_is_spoken_to(client, authority):
    """Else the tests below would prove nothing."""
    empty = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with listening(authority.server_context("127.0.0.1"), empty) as server:
        refusal(client, f"https://127.0.0.1:{server.port}", authority.ca_file)
        assert len(server.got) == 1
        assert server.got[0].startswith((b"PUT ", b"POST "))


@pytest.mark.parametrize("environment", [{}, WEAKENING], ids=["usual environment", "weakening environment"])
def test_a_server_that_nobody_vouches_for_gets_nothing(client, authority, monkeypatch, environment):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with listening(authority.server_context("127.0.0.1")) as server:
        said = refusal(client, f"https://127.0.0.1:{server.port}")
        assert server.got == []
    assert client.remedy in said


@pytest.mark.parametrize("host", ["obs.example", "127.0.0.2"])
def test_a_certificate_for_another_host_gets_nothing_though_its_authority_is_trusted(client, authority, host):
    with listening(authority.server_context(host)) as server:
        said = refusal(client, f"https://127.0.0.1:{server.port}", authority.ca_file)
        assert server.got == []
    assert any(words in said for words in ("not valid for", "mismatch", "another host", "doesn't match"))


def test_an_expired_certificate_gets_nothing_though_its_authority_is_trusted(client, authority, monkeypatch):
    with listening(expired(authority, monkeypatch)) as server:
        said = refusal(client, f"https://127.0.0.1:{server.port}", authority.ca_file)
        assert server.got == []
    assert "expired" in said


def test_a_server_that_speaks_no_tls_gets_nothing_that_can_be_read(client):
    with listening(None, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as server:
        made = client.make(f"https://127.0.0.1:{server.port}", "")
        with pytest.raises(RelayError):
            client.call(made)
        if hasattr(made, "close"):
            made.close()
    sent = b"".join(server.got)
    assert not any(word in sent for word in (BODY, SECRET.encode(), TOKEN.encode(), b"PUT ", b"POST ", b"HTTP/1.1"))


@pytest.mark.parametrize("status", [301, 307])
def test_no_redirect_is_followed_neither_to_another_host_nor_to_plain_http(client, authority, status):
    with listening() as plain, listening(authority.server_context("127.0.0.1")) as other:
        for place in (f"http://127.0.0.1:{plain.port}/b/k", f"https://127.0.0.1:{other.port}/b/k"):
            head = f"HTTP/1.1 {status} Moved\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            with listening(authority.server_context("127.0.0.1"), head.encode()) as server:
                made = client.make(f"https://127.0.0.1:{server.port}", authority.ca_file)
                with pytest.raises(RelayError) as caught:
                    client.call(made)
                if hasattr(made, "close"):
                    made.close()
                assert server.got != []
                assert "\n" not in str(caught.value)
        assert plain.got == other.got == []


def test_the_environment_may_add_authorities_that_a_company_has(authority, monkeypatch):
    """What must go on working: its bundle is for all programs, ours among them."""
    monkeypatch.setenv("AWS_CA_BUNDLE", authority.ca_file)
    empty = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with listening(authority.server_context("127.0.0.1"), empty) as server:
        refusal(CLIENTS["s3"], f"https://127.0.0.1:{server.port}")
        assert len(server.got) == 1
