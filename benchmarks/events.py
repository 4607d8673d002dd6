"""How many events a second `bucketrelay serve` makes durable on SQLite: `python benchmarks/events.py [--events N]`.

As fast as they are accepted, over so many connections (`--senders 16`), each of which sends its next event after its
202. Or with `--rate 500` each event at its own moment, so many a second, whatever the answers take: where all
connections wait for an answer another one is opened, as from the next of many senders. The sender is one thread that
has made the bytes before. Counted are the answers, the rows in the database after the server was killed, its CPU and
the sender's, which are the steadier figures where others are at work, and how long after its moment an event was
accepted.
"""

import argparse
import os
import selectors
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

SHARED = Path(__file__).resolve().parents[1] / "shared"
_STORE = '[stores.{0}]\nurl = "s3://{0}-bucket"\nregion = "eu-central-1"\naccess_key = "A"\nsecret_key = "S"\n'
_ROUTE = '[[routes]]\nname = "r"\nsource = "source"\ntargets = ["target"]\n'
_EVENT = (
    '{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put",'
    '"eventTime":"2026-11-21T09:15:00.000Z","s3":{"bucket":{"name":"source-bucket"},"object":{"key":"%08d","size":1}}}]}'
)
_HEAD = "POST /events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


def start_server(folder: Path) -> tuple[subprocess.Popen[str], int]:
    """A server in *folder*, and its port."""
    text = "".join(map(_STORE.format, ("source", "target", "logs")))
    (folder / "relay.toml").write_text(f'log = "logs"\n{text}{_ROUTE}[queue]\nurl = "sqlite:///relay.db"\n')
    command = [sys.executable, "-m", "bucketrelay", "serve", "--listen", "127.0.0.1:0"]
    command += ["--config", str(folder / "relay.toml")]
    environ = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "PYTHONPATH": str(SHARED)}
    process = subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    return process, int(process.stderr.readline().rpartition(":")[2])


def request(number: int) -> bytes:
    """An event as it goes over the wire."""
    body = _EVENT % number
    return (_HEAD % len(body) + body).encode()


@dataclass
class Line:
    """A connection; of the event that waits for its answer there the bytes and the moment; and what has come of it."""

    socket: socket.socket
    request: bytes = b""
    moment: float = 0.0
    answer: bytes = b""


@dataclass
class Senders:
    """Connections to a server, and what they were told.

    Args:
        most: how many connections at the most.
    """

    port: int
    most: int
    accepted: int = 0
    delays: list[float] = field(default_factory=list)
    idle: list[Line] = field(default_factory=list)
    again: list[tuple[bytes, float]] = field(default_factory=list)  # what was sent as the server hung up
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    opened: int = 0
    peak: int = 0  # the most that were open at once

    def send(self, requests: list[bytes], rate: float = 0.0) -> float:
        """Send them, the n-th n / *rate* seconds after the first; returns how long it took to the last answer."""
        began, sent, goal = time.perf_counter(), 0, len(self.delays) + len(requests)
        while len(self.delays) < goal:
            while self.again and (line := self._line()):
                self._ask(line, *self.again.pop())
            now = time.perf_counter()
            while sent < len(requests) and (not rate or began + sent / rate <= now) and (line := self._line()):
                self._ask(line, requests[sent], began + sent / rate if rate else now)
                sent += 1
            due = rate and sent < len(requests) and (self.idle or self.opened < self.most)
            for key, _ in self.selector.select(max(0.0, began + sent / rate - time.perf_counter()) if due else None):
                self._hear(key.data)
        return time.perf_counter() - began

    def _line(self) -> Line | None:
        """A connection that waits for nothing, None where all do and no more are wanted."""
        if not self.idle and self.opened < self.most:
            line = Line(socket.create_connection(("127.0.0.1", self.port)))
            line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.selector.register(line.socket, selectors.EVENT_READ, line)
            self.opened += 1
            self.peak = max(self.peak, self.opened)
            return line
        return self.idle.pop() if self.idle else None

    def _ask(self, line: Line, request: bytes, moment: float) -> None:
        line.request, line.moment, line.answer = request, moment, b""
        try:
            line.socket.sendall(request)
        except OSError:
            self._hang_up(line)

    def _hear(self, line: Line) -> None:
        try:
            some = line.socket.recv(65536)
        except OSError:
            some = b""
        if not some:
            self._hang_up(line)
            return
        line.answer += some
        head, end, body = line.answer.partition(b"\r\n\r\n")
        if end and len(body) >= int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0]):
            self.accepted += head.split(b" ", 2)[1] == b"202"
            self.delays.append(time.perf_counter() - line.moment)
            line.request = b""
            self.idle.append(line)

    def _hang_up(self, line: Line) -> None:
        """The server has closed the connection, as it does with one that was idle for five seconds."""
        self.selector.unregister(line.socket)
        line.socket.close()
        self.opened -= 1
        if line.request:
            self.again.append((line.request, line.moment))
        else:
            self.idle.remove(line)

    def close(self) -> None:
        """Hang up."""
        for key in list(self.selector.get_map().values()):
            key.data.socket.close()
        self.selector.close()


def cpu(number: int) -> float:
    """Seconds of CPU of a process."""
    fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """One run, one line."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--events", type=int, default=30_000)
    words.add_argument("--senders", type=int, default=16, help="connections; with --rate those to begin with")
    words.add_argument("--rate", type=float, default=0.0, help="events a second; 0: as many as are accepted")
    typed = words.parse_args()
    requests = [request(number) for number in range(typed.events)]
    with tempfile.TemporaryDirectory() as folder:
        process, port = start_server(Path(folder))
        try:
            warm = Senders(port, typed.senders)
            warm.send([request(number) for number in range(typed.events, typed.events + 100)])
            warm.close()
            senders = Senders(port, 900 if typed.rate else typed.senders)
            before, own = cpu(process.pid), time.process_time()
            wall = senders.send(requests, typed.rate)
            used, own = cpu(process.pid) - before, time.process_time() - own
            senders.close()
        finally:
            process.kill()
            process.communicate()
        with closing(sqlite3.connect(Path(folder) / "relay.db")) as database:
            query = "SELECT count(*) FROM relay_job WHERE key < ?"
            (rows,) = database.execute(query, (f"{typed.events:08}",)).fetchone()
    delays = sorted(senders.delays)
    print(
        f"{typed.events:,} events{f' at {typed.rate:,.0f}/s' if typed.rate else ''}: {senders.accepted:,} accepted, "
        f"{rows:,} durable; {wall:.1f} s, {typed.events / wall:,.0f}/s over at most {senders.peak} connections; "
        f"server {used / typed.events * 1e3:.2f} ms of CPU an event ({typed.events / used:,.0f} an s of it), "
        f"sender {own / typed.events * 1e3:.2f}; accepted after "
        f"{delays[len(delays) // 2]:.3f} s (half of them), "
        f"{delays[len(delays) * 99 // 100]:.3f} s (99 %), {delays[-1]:.3f} s (the last)"
    )


if __name__ == "__main__":
    main()
