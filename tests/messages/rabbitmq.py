"""A RabbitMQ of our own: a child process in a folder of its own, on ports of its own, that can be stopped and started.

Ports lie below 32768, outside of the range that the system hands out: a client that tries to connect again and again
might else be given the very port that the broker wants back.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from amqp.exceptions import AMQPError

import shared_server
from bucketrelay.drivers.messages.broker import Place
from messages.authority import certificates

HOW = (
    "RabbitMQ is needed: install Debian's rabbitmq-server, or set BUCKETRELAY_TEST_AMQP=amqp://user:password@host:5672/"
)
# A broker for tests has two users: one who may do everything, and one who may connect, and no more.
POOR = "poor"
_DEFINITIONS = {
    "users": [
        {"name": "guest", "password": "guest", "tags": "administrator"},
        {"name": POOR, "password": POOR, "tags": ""},
    ],
    "vhosts": [{"name": "/"}],
    "permissions": [
        {"user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"},
        {"user": POOR, "vhost": "/", "configure": "^$", "write": "^$", "read": "^$"},
    ],
}
_HOMES = ("/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")


def binary(name: str = "rabbitmq-server") -> str | None:
    """The script itself, not Debian's wrapper, which changes to a user of its own."""
    return shutil.which(name, path=os.pathsep.join([*_HOMES, os.environ.get("PATH", "")]))


class RabbitMQ:
    """One broker; `start`, `stop` and `kill` as often as wanted, with what it holds on disk kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.distribution, self.epmd, self.secure = free_ports(4)
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self._server: subprocess.Popen[bytes] | None = None
        self._epmd: subprocess.Popen[bytes] | None = None
        certificates(folder)
        config = [
            f"listeners.ssl.1 = 127.0.0.1:{self.secure}",
            f"ssl_options.cacertfile = {folder}/ca.pem",
            f"ssl_options.certfile = {folder}/server.pem",
            f"ssl_options.keyfile = {folder}/server.key",
            "ssl_options.verify = verify_none",
            f"listeners.tcp.1 = 127.0.0.1:{self.port}",
            "loopback_users.guest = true",
            "log.console = false",
            f"load_definitions = {folder}/definitions.json",
            "disk_free_limit.absolute = 10MB",
            "vm_memory_high_watermark.absolute = 1GB",
        ]
        (folder / "rabbitmq.conf").write_text("\n".join(config) + "\n")
        (folder / "plugins").write_text("[].\n")
        (folder / "definitions.json").write_text(json.dumps(_DEFINITIONS))

    def _environ(self) -> dict[str, str]:
        folder = str(self.folder)
        return {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(self.epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"relay{self.port}@localhost",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/none",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_DIST_PORT": str(self.distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none",
        }

    def start(self, seconds: float = 300) -> None:
        """Start it, and wait until it takes connections."""
        epmd = shutil.which("epmd")
        if epmd and self._epmd is None:
            command = [epmd, "-port", str(self.epmd), "-address", "127.0.0.1"]
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            self._epmd = subprocess.Popen(command, **quiet, start_new_session=True)
        with (self.folder / "out").open("ab") as out:
            self._server = subprocess.Popen(
                [str(binary())], env=self._environ(), stdout=out, stderr=out, cwd=self.folder, start_new_session=True
            )
        end = time.monotonic() + seconds
        while not self.answers():
            if self._server.poll() is not None or time.monotonic() > end:
                said = (self.folder / "out").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"RabbitMQ did not start: {said}")
            time.sleep(0.1)

    def answers(self) -> bool:
        """Whether it takes connections."""
        with contextlib.suppress(OSError, AMQPError), Place(self.url).connect():
            return True
        return False

    def stop(self) -> None:
        """End it in order: what it holds gets to the disk."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """End all of it; nobody needs what it holds any more."""
        self.kill()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
            self._epmd = None

    @property
    def pids(self) -> list[int]:
        """Of the server and of its helper: each leads a group of its own."""
        return [process.pid for process in (self._server, self._epmd) if process is not None]

    def _end(self, how: int) -> None:
        if self._server is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._server.pid, how)  # the script, Erlang, and its own little helpers: a session of their own
        try:
            self._server.wait(120)
        except subprocess.TimeoutExpired:
            os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait()
        self._server = None
        _until_free(self.port)


def free_ports(count: int) -> list[int]:
    """Free ports, outside of the range for connections that go out."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(20000, 32000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            found += [port] if port not in found else []
    return found


def _until_free(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return
        time.sleep(0.1)


@contextlib.contextmanager
def rabbitmq(folder: Path) -> Iterator[RabbitMQ]:
    """A broker for the time of the block."""
    broker = RabbitMQ(folder)
    try:
        broker.start()
        yield broker
    finally:
        broker.close()


@dataclass(frozen=True)
class Shared:
    """A broker that nobody stops: all the processes of a run use it at once."""

    url: str
    secure: str  # the same, with TLS
    ca_file: str


@contextlib.contextmanager
def shared(factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """It, for as long as anybody in this run needs it."""

    def start(folder: Path) -> tuple[object, shared_server.Facts]:
        broker = RabbitMQ(folder)
        broker.start()
        secure = f"amqps://guest:guest@127.0.0.1:{broker.secure}//"
        return broker, {"url": broker.url, "secure": secure, "ca_file": f"{folder}/ca.pem", "pids": broker.pids}

    def stop(facts: shared_server.Facts) -> None:
        shared_server.end(facts["pids"], signal.SIGKILL, group=True)

    with shared_server.shared(shared_server.folder_of(factory), "rabbitmq", start, stop) as facts:
        yield Shared(facts["url"], facts["secure"], facts["ca_file"])
