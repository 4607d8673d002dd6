"""A server on 127.0.0.1 that gives one answer to whatever it is asked."""

import socket
import threading
from contextlib import suppress

_MOST = 30  # requests that one call may make when each is answered alike: a listing that never ends makes more


class OneAnswer:
    """It says `answer` and hangs up, to everybody; after so many requests nothing any more."""

    def __init__(self) -> None:
        self.answer, self.asked = b"", 0
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def will(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """What it says from now on."""
        given = {name.lower() for name in headers}
        lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
        lines += [] if "content-length" in given else [f"Content-Length: {len(body)}"]
        head = "\r\n".join([*lines, "Connection: close", "", ""])
        self.answer, self.asked = head.encode("latin-1", "replace") + body, 0

    @property
    def endless(self) -> bool:
        """Whether it was asked on and on."""
        return self.asked > _MOST

    def close(self) -> None:
        """Stop."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            with client, suppress(OSError, ValueError):
                self._one(client)

    def _one(self, client: socket.socket) -> None:
        client.settimeout(5)
        with client.makefile("rb") as reading:
            head = list(iter(reading.readline, b"\r\n"))
            if b"" in head or not head:
                return
            if any(line.lower().startswith(b"expect:") for line in head):  # else botocore waits for a second
                client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            length = next((int(line.split(b":")[1]) for line in head if line.lower().startswith(b"content-length:")), 0)
            reading.read(length)
        self.asked += 1
        if not self.endless:
            answer = self.answer
            # To HEAD there is no body, whatever the length says.
            client.sendall(answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if head[0].startswith(b"HEAD") else answer)
            client.shutdown(socket.SHUT_WR)
