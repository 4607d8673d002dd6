"""A proxy whose answers take their time: `Delay`, and the process that it starts, which is this file.

The first byte of an answer goes on so many seconds after the last byte of its request came, or when the server has it,
if that is later: so the server's own time is not added. Bytes pass as they are, TLS too. Connections are set up without
delay, but for the answers of a TLS handshake. The process has no more to do than that, so that one serves thousands of
requests a second; what it took of a core and how late it really was is known at the end.
"""

import asyncio
import json
import selectors
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Delay:
    """URLs of the proxy, in the order of the servers; at the end, what it did.

    `cpu` and `lasted` are seconds; `delayed` answers were `late` seconds later than they should be, all together.
    """

    urls: list[str]
    told: dict[str, float] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """What it did, for a report."""
        told = self.told
        late = 1000 * told["late"] / max(1.0, told["answers"])
        return f"the proxy took {told['cpu'] / told['lasted']:.2f} of a core, and was {late:.1f} ms too late on average"


@contextmanager
def delay(urls: Sequence[str], seconds: float) -> Iterator[Delay]:
    """A proxy before each of *urls*."""
    places = [urlsplit(url) for url in urls]
    command = [sys.executable, __file__, str(seconds), *(str(place.port) for place in places)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        ports = json.loads(process.stdout.readline())
        found = Delay([f"{place.scheme}://127.0.0.1:{port}" for place, port in zip(places, ports, strict=True)])
        try:
            yield found
        finally:
            process.stdin.close()
            found.told = json.loads(process.stdout.readline())


class _Told:
    answers = 0
    late = 0.0


class _End(asyncio.Protocol):
    """One of the two ends of a connection: hands what comes to the other."""

    other: "_End | None" = None
    transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        for block in self.__dict__.pop("early", ()):
            transport.write(block)

    def connection_lost(self, _: Exception | None) -> None:
        if self.other and self.other.transport:
            self.other.transport.close()


class _Client(_End):
    def __init__(self, port: int, seconds: float) -> None:
        self._port, self._seconds = port, seconds
        self.due = 0.0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.other = _Server(self)
        loop = asyncio.get_running_loop()
        self.connecting = loop.create_task(loop.create_connection(lambda: self.other, "127.0.0.1", self._port))

    def data_received(self, data: bytes) -> None:
        assert self.other
        self.due = time.monotonic() + self._seconds
        if self.other.transport:
            self.other.transport.write(data)
        else:
            self.other.__dict__.setdefault("early", []).append(data)


class _Server(_End):
    def __init__(self, other: _Client) -> None:
        self.other: _Client = other
        self._waiting: deque[bytes] = deque()
        self._told = 0.0

    def data_received(self, data: bytes) -> None:
        if self._waiting or time.monotonic() < self.other.due:
            if not self._waiting:
                asyncio.get_running_loop().call_at(self.other.due, self._pass_on)
            self._waiting.append(data)
        else:
            self._write(data)

    def _pass_on(self) -> None:
        self._write(b"".join(self._waiting))
        self._waiting.clear()

    def _write(self, data: bytes) -> None:
        if self._told != self.other.due:
            self._told = self.other.due
            _Told.answers += 1
            _Told.late += time.monotonic() - self._told
        self.other.transport.write(data)


async def _serve(seconds: float, ports: Sequence[int]) -> None:
    loop = asyncio.get_running_loop()
    made = [await loop.create_server(lambda at=port: _Client(at, seconds), "127.0.0.1", 0) for port in ports]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in made]), flush=True)
    began = time.monotonic()
    await loop.run_in_executor(None, sys.stdin.read)
    told = {"cpu": time.process_time(), "lasted": time.monotonic() - began}
    print(json.dumps({**told, "answers": _Told.answers, "late": _Told.late}), flush=True)


if __name__ == "__main__":
    # epoll waits in whole milliseconds: a twentieth of what is measured here.
    asyncio.set_event_loop(asyncio.SelectorEventLoop(selectors.SelectSelector()))
    asyncio.get_event_loop().run_until_complete(_serve(float(sys.argv[1]), [int(port) for port in sys.argv[2:]]))
