"""How many events a second `bucketrelay serve` makes durable on SQLite: `python benchmarks/events.py [--events N]`.

So many senders, each over one connection of its own, send an event and wait for its 202: as fast as they can, or with
`--rate 500` each event at its own moment, so many a second, whatever the answers take. Counted are the answers, the
rows in the database after the server was killed, the server's CPU, the steadier figure where others are at work, and
how long after its moment an event was accepted.
"""

import argparse
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SHARED = Path(__file__).resolve().parents[1] / "shared"
_STORE = '[stores.{0}]\nurl = "s3://{0}-bucket"\nregion = "eu-central-1"\naccess_key = "A"\nsecret_key = "S"\n'
_ROUTE = '[[routes]]\nname = "r"\nsource = "source"\ntargets = ["target"]\n'
_EVENT = (
    '{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put",'
    '"eventTime":"2026-11-21T09:15:00.000Z","s3":{"bucket":{"name":"source-bucket"},"object":{"key":"%08d","size":1}}}]}'
)
_HEAD = b"POST /events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


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


def send_events(port: int, numbers: range, rate: float = 0.0, began: float = 0.0) -> tuple[int, list[float]]:
    """Send events over one connection: at once, or the n-th n / *rate* seconds after *began*.

    Returns how many were answered 202, and how long after their moments.
    """
    accepted, delays = 0, []
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as answers:
        for number in numbers:
            moment = began + number / rate if rate else time.perf_counter()
            time.sleep(max(0.0, moment - time.perf_counter()))
            body = (_EVENT % number).encode()
            connection.sendall(_HEAD % len(body) + body)
            accepted += answers.readline().split()[1] == b"202"
            length = 0
            while (line := answers.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            answers.read(length)
            delays.append(time.perf_counter() - moment)
    return accepted, delays


def cpu(number: int) -> float:
    """Seconds of CPU of a process."""
    fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """One run, one line."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--events", type=int, default=30_000)
    words.add_argument("--senders", type=int, default=16)
    words.add_argument("--rate", type=float, default=0.0, help="events a second; 0: as many as are accepted")
    typed = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        process, port = start_server(Path(folder))
        try:
            send_events(port, range(typed.events, typed.events + 100))  # warm
            before, began = cpu(process.pid), time.perf_counter()
            with ThreadPoolExecutor(typed.senders) as pool:
                shares = [range(n, typed.events, typed.senders) for n in range(typed.senders)]
                told = list(pool.map(lambda share: send_events(port, share, typed.rate, began), shares))
                accepted, delays = sum(each for each, _ in told), sorted(late for _, each in told for late in each)
            wall, used = time.perf_counter() - began, cpu(process.pid) - before
        finally:
            process.kill()
            process.communicate()
        with sqlite3.connect(Path(folder) / "relay.db") as database:
            (rows,) = database.execute(
                "SELECT count(*) FROM relay_job WHERE key < ?", (f"{typed.events:08}",)
            ).fetchone()
    print(
        f"{typed.events:,} events by {typed.senders} senders: {accepted:,} accepted, {rows:,} durable; "
        f"{wall:.1f} s, {typed.events / wall:,.0f}/s; {typed.events / used:,.0f} an s of the server's CPU; "
        f"accepted after {delays[len(delays) // 2]:.3f} s (half of them), "
        f"{delays[len(delays) * 99 // 100]:.3f} s (99 %), {delays[-1]:.3f} s (the last)"
    )


if __name__ == "__main__":
    main()
