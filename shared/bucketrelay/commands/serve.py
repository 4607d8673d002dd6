"""`bucketrelay serve`: events, synchronisation, metrics over HTTP."""

import asyncio
import os
import re
import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from bucketrelay import wiring, wiring_jobs, wiring_tables
from bucketrelay.commands.terminal import FAILED, OK, USAGE, common, complain, configuration, usage
from bucketrelay.config import Config
from bucketrelay.drivers.schedules import Schedule, fire
from bucketrelay.errors import RelayError
from bucketrelay.jobs.queue import JobQueue

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette

_LISTEN = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]]*):(?P<port>[0-9]{1,5})")
_TICK = 5.0  # seconds between two looks at the schedules
_GRACE = 25  # seconds for requests that run when the end is asked for; Kubernetes kills after 30


@click.command()
@click.option("--listen", default="127.0.0.1:8080", show_default=True, metavar="HOST:PORT", help="Port 0: any.")
@common
def serve(*, listen: str, config_file: Path | None, as_json: bool, quiet: bool, verbose: bool) -> None:
    """Take events and orders over HTTP; workers do the jobs.

    Without a token or a user in [serve] only this machine is served.
    """
    del as_json
    config = configuration(config_file)
    host, port = _address(listen)
    try:
        from bucketrelay import wiring_serve  # the server is an extra
        from bucketrelay.drivers.serve.guard import is_loopback
    except ModuleNotFoundError as error:
        usage(f"{error.name} is missing: pip install 'bucketrelay[serve]'")
    guarding = wiring_serve.guarding(config.serve)
    if guarding.open and not is_loopback(host):
        usage(f"--listen {listen}: without [serve] token, or user and password, only 127.0.0.1 and ::1 are served")
    system = wiring.system(config, emit=lambda _: None)
    jobs, tables = wiring_jobs.queue(config.queue), wiring_tables.tables(config.queue)
    statistics = wiring_tables.statistics(config.queue)
    with (
        closing(system),
        closing(jobs),
        closing(tables),
        closing(statistics),
        _listening(host, port, listen) as listening,
    ):
        jobs.now()  # makes the tables, before the server says that it is ready
        app = wiring_serve.application(config, system, jobs, tables, statistics)
        server = _server(app, config, verbose=verbose)
        if not quiet:
            scheme = "https" if config.serve.certificate else "http"
            complain(f"listening on {scheme}://{_url_of(listening)}")
        with _schedules_running(jobs, wiring_jobs.schedules(config.schedules)), _end_on_signals(server):
            asyncio.run(server.serve(sockets=[listening]))
    raise SystemExit(OK if server.started else FAILED)


def _address(listen: str) -> tuple[str, int]:
    parts = _LISTEN.fullmatch(listen)
    if not parts or int(parts["port"]) > 65535:
        usage(f"--listen {listen}: write HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080")
    return parts["host"].strip("[]"), int(parts["port"])


@contextmanager
def _listening(host: str, port: int, listen: str) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        made = socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, OverflowError) as error:
        complain(f"--listen {listen}: {getattr(error, 'strerror', None) or error}")
        raise SystemExit(USAGE) from error
    with made:
        # Whoever is accepted inherits it. asyncio sets it where a socket says that its protocol is TCP, which one of
        # `create_server` does not: the body of an answer, written after its head, waited for the 40 ms after which
        # a client acknowledges the head.
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield made


def _url_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _server(app: "Starlette", settings: Config, *, verbose: bool) -> "uvicorn.Server":
    import uvicorn  # an extra

    certificate, key = settings.serve.certificate, settings.serve.key
    config = uvicorn.Config(
        app,
        ssl_certfile=str(certificate) if certificate else None,
        ssl_keyfile=str(key) if key else None,
        http="auto",  # httptools, a third of h11's time for an event, where its wheel is there
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=verbose,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=1000,
        timeout_graceful_shutdown=_GRACE,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        usage(f"serve.certificate, serve.key: {certificate}, {key} cannot be used: {error}")
    return uvicorn.Server(config)


@contextmanager
def _end_on_signals(server: "uvicorn.Server") -> Iterator[None]:
    """SIGTERM and SIGINT: requests that run are answered, and the exit status is 0; a second one ends at once."""

    def end(number: int, frame: FrameType | None) -> None:
        del frame
        if server.should_exit:
            os._exit(128 + number)
        server.should_exit = True

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    # uvicorn would take the signals for itself, and give them to the process again at its end.
    server.capture_signals = _nothing  # type: ignore[method-assign]  # no option of its own says so
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _schedules_running(jobs: JobQueue, schedules: list[Schedule]) -> Iterator[None]:
    """The schedules are looked at while the block runs."""
    over = threading.Event()

    def tick() -> None:
        while not over.wait(_TICK):
            try:
                fire(jobs, schedules)
            except RelayError as error:
                complain(f"schedules: {error}")

    thread = threading.Thread(target=tick, name="schedules", daemon=True)
    if schedules:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if schedules:
            thread.join()
