"""Somebody else to tell: an HTTP server that keeps what it is sent, and one that checks signatures as OMS does."""

import hashlib
import hmac
import json
import re
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, unquote

from bucketrelay_emulators.server.tls import Authority


@dataclass(frozen=True)
class Got:
    """A request as it came over the wire."""

    method: str
    path: str  # percent-encoded, without the query
    query: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def keys(self) -> list[str]:
        """What it asks OMS to copy, decoded."""
        return [unquote(key, errors="strict") for key in json.loads(self.body)["object_keys"]]


@dataclass(frozen=True)
class Say:
    """An answer; SILENCE is none."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


SILENCE = Say(0)


def oms_error(status: int, code: str, message: str) -> Say:
    """As OMS says no."""
    return Say(status, json.dumps({"error_code": code, "error_msg": message}).encode())


class Receiver:
    """A server on 127.0.0.1; a context manager.

    Args:
        answer: what is answered to a request; `script` comes first.
        tls: serve HTTPS with a throw-away authority, whose certificate is in `ca_file`.
    """

    def __init__(self, answer: Callable[[Got], Say] = lambda _: Say(), *, tls: bool = False) -> None:
        self.got: list[Got] = []
        self.script: deque[Say] = deque()
        self.answer = answer
        self._lock, self._end = threading.Lock(), threading.Event()
        self._authority = Authority() if tls else None
        self.ca_file = self._authority.ca_file if self._authority else ""

    @property
    def url(self) -> str:
        return f"{'https' if self._authority else 'http'}://127.0.0.1:{self._server.server_address[1]}"

    def take(self, got: Got) -> Say:
        with self._lock:
            self.got.append(got)
            return self.script.popleft() if self.script else self.answer(got)

    def wait(self) -> None:
        """Until the end, for answers that never come."""
        self._end.wait(60)

    def __enter__(self):
        context = self._authority.server_context("127.0.0.1") if self._authority else None
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        if context:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        if self._authority:
            self._authority.cleanup()


class Oms(Receiver):
    """OMS's CreateSyncEvents for one task: what is not signed as it should be is refused."""

    access_key, secret_key = "OMSACCESSKEY", "oms-secret-key/+="
    path = "/v2/0123/sync-tasks/42/events"

    def __init__(self, answer: Callable[[Got], Say] = lambda _: Say(), **options: bool) -> None:
        super().__init__(answer, **options)

    def take(self, got: Got) -> Say:
        if got.headers.get("authorization") != signature(got, self.access_key, self.secret_key):
            return oms_error(401, "APIGW.0301", "Incorrect IAM authentication information: verify aksk signature fail")
        if got.path != self.path:
            return oms_error(404, "APIGW.0101", "The API does not exist or has not been published in the environment")
        if not 1 <= len(got.keys) <= 10:
            return oms_error(400, "OMS.0002", "Invalid parameter object_keys")
        return super().take(got)

    @property
    def asked(self) -> list[str]:
        """All keys that were asked for, in requests that were signed well."""
        return [key for got in self.got for key in got.keys]


def signature(got: Got, access_key: str, secret_key: str) -> str:
    """What `Authorization` must be: Huawei Cloud API signing guide, SDK-HMAC-SHA256, steps 1 to 5.

    From the wire alone: over the headers that the request itself says are signed.
    """
    named = re.search(r"SignedHeaders=([^,]*)", got.headers.get("authorization", ""))
    names = named[1].split(";") if named else []
    assert names == sorted(names)
    path = "/".join(quote(unquote(part), safe="~") for part in got.path.split("/"))
    query = sorted(parse_qsl(got.query, keep_blank_values=True))
    canonical = "\n".join(
        [
            got.method,
            path if path.endswith("/") else f"{path}/",
            "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in query),
            "".join(f"{name}:{got.headers.get(name, '').strip()}\n" for name in names),
            ";".join(names),
            hashlib.sha256(got.body).hexdigest(),
        ]
    )
    date = got.headers.get("x-sdk-date", "")
    text = f"SDK-HMAC-SHA256\n{date}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    made = hmac.new(secret_key.encode(), text.encode(), hashlib.sha256).hexdigest()
    return f"SDK-HMAC-SHA256 Access={access_key}, SignedHeaders={';'.join(names)}, Signature={made}"


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    def handle_error(self, request, client_address):
        """A client that hangs up, or does not trust the certificate, is what the test is about."""


def _handler(receiver):
    class Handler(BaseHTTPRequestHandler):
        timeout = 20

        def do_POST(self):
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            said = receiver.take(Got(self.command, path, query, headers, body))
            if said is SILENCE:
                receiver.wait()
                return
            self.send_response(said.status)
            for name, value in {"Content-Length": str(len(said.body)), **said.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said.body)

        def log_message(self, *_):
            """Not in the tests' output."""

    return Handler
