"""Lambda's Runtime API on a local port: what a runtime client polls for events and posts its results to.

Source: AWS Lambda developer guide, "Using the Lambda runtime API for custom runtimes".
"""

import functools
import http.server
import json
import queue
import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from functions.child import Said

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:relay"


class RuntimeApi:
    """The server for one execution environment; what the runtime posts goes to *say*."""

    def __init__(self, say: Callable[[Said], None]) -> None:
        self.say = say
        self.jobs: queue.SimpleQueue[tuple[str, bytes, int] | None] = queue.SimpleQueue()
        self._server = _Server(("127.0.0.1", 0), functools.partial(_Exchange, self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def give(self, event: object, seconds: float) -> None:
        """Hand *event* to the runtime's next poll, with a deadline in *seconds*."""
        self.jobs.put((str(uuid.uuid4()), json.dumps(event).encode(), int((time.time() + seconds) * 1000)))

    def close(self) -> None:
        """End the open poll and the server."""
        self.jobs.put(None)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A runtime that was killed leaves its connection broken, which is no news; anything else is."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Exchange(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Unbuffered writes and Nagle's algorithm make 87 ms of a call that takes 4.
    disable_nagle_algorithm = True
    wbufsize = -1

    def __init__(self, api: RuntimeApi, *connection: Any) -> None:
        self._api = api
        super().__init__(*connection)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that http.server gave it
        """Say nothing."""

    def do_GET(self) -> None:
        """`/2018-06-01/runtime/invocation/next`, a long poll; that it is asked for says that INIT is over."""
        self._api.say(Said("ready"))
        job = self._api.jobs.get()
        if job is None:
            self.close_connection = True
            return
        request_id, event, deadline = job
        self._reply(
            200,
            event,
            {
                "Lambda-Runtime-Aws-Request-Id": request_id,
                "Lambda-Runtime-Deadline-Ms": str(deadline),
                "Lambda-Runtime-Invoked-Function-Arn": ARN,
                "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Sampled=0",
            },
        )

    def do_POST(self) -> None:
        """`/2018-06-01/runtime/init/error` and `…/invocation/{id}/response` or `/error`."""
        body = self._body()
        what = self.path.split("/")[3:]
        if what == ["init", "error"]:
            self._api.say(Said("init-error", body))
        else:
            self._api.say(Said("error" if what[-1] == "error" else "result", body))
        self._reply(202, b'{"status":"OK"}', {})

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
