"""An S3 server that gives the answers it was told."""

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bucketrelay_emulators.server.tls import Authority


@dataclass
class Answer:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: int | None = None  # break the connection after so many bytes of the body; -1: before any answer


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Scripted:
    """A server that gives the answers it was told, in order, and remembers the requests."""

    def __init__(self, tls: Authority | None = None) -> None:
        self.answers: list[Answer] = []
        self.asked: list[Asked] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False
        scheme = "http"
        if tls:
            scheme = "https"
            self._server.socket = tls.server_context("127.0.0.1").wrap_socket(self._server.socket, server_side=True)
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def will(self, *answers: Answer) -> None:
        self.answers += answers

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> "Scripted":  # noqa: PYI034 - typing has Self from Python 3.11 only
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _handler(scripted) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the handler's below
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                lower = {name.lower(): value for name, value in self.headers.items()}
                scripted.asked.append(Asked(self.command, self.path, lower, body))
                self.close_connection = True
                answer = scripted.answers.pop(0)
                if answer.cut == -1:
                    return
                self.send_response(answer.status)
                for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Connection", "close")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body[: answer.cut])

            do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _any  # noqa: N815 - the names that http.server calls

            def log_message(self, *arguments: object) -> None:
                pass

        return Handler


def said(status: int, code: str, more: str = "") -> Answer:
    """An error as S3 tells it."""
    return Answer(status, body=f"<Error><Code>{code}</Code><Message>as scripted</Message>{more}</Error>".encode())
