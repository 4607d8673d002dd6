"""Our entrypoints in the real runtimes, as child processes, for tests and benchmarks alike.

with LambdaRuntime(Path("functions/s3_notifications"), "app.handler", paths=[Path("shared")], env={…}) as function:
    function.invoke(event, timeout=10)

Each is one warm environment: it starts at the first event, serves one after the other, and starts anew after its
process has ended or was killed for being too slow, as the platforms do. A failed invocation raises FunctionError.
"""

import datetime as dt
import http.client
import json
import queue
import socket
import sys
import tempfile
import time
import unittest
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

from functions.child import BOOT, SITE_PACKAGES, Child, FunctionError, Said, exited, timed_out
from functions.runtime_api import RuntimeApi

__all__ = ["Answer", "FnRuntime", "FunctionError", "FunctionGraphRuntime", "LambdaRuntime"]

LAMBDA_PACKAGES = ("awslambdaric", "runtime_client*", "simplejson", "snapshot_restore_py*")  # of the runtime itself
# fdk 0.1.128, its last one, asks for the event loop of a thread that has none, and Python 3.14 makes none. Oracle's
# images end at 3.12; a test of `test_fn_runtime` fails when this is over.
FDK_CANNOT = "fdk runs on Python 3.13 at most" if sys.version_info >= (3, 14) else ""
FN_PACKAGES = ("fdk", "httptools")
_START = 30.0  # seconds; generous, for a machine that does other things too


_R = TypeVar("_R", bound="_Runtime")


class _Runtime:
    """What the three have in common: a folder, a path, an environment, a log, one child at a time.

    Args:
        folder: holds the handler's module; first on the path, and the working directory.
        paths: next on the path: `shared`, and what the function brings.
        env: the function's configuration.
        packages: last on the path: what the runtime provides, and by default all that is installed here.
    """

    def __init__(
        self,
        folder: Path,
        handler: str,
        *,
        paths: Sequence[Path] = (),
        env: Mapping[str, str] | None = None,
        packages: Sequence[Path] = (SITE_PACKAGES,),
    ) -> None:
        self._folder = folder.resolve()
        self._handler = handler
        self._path = [str(place.resolve()) for place in (folder, *paths, *packages)]
        self._env = dict(env or {})
        self._own = tempfile.TemporaryDirectory(prefix="fn")  # short: a socket's path ends at 108 bytes
        self._log = Path(self._own.name) / "log"
        self._child: Child | None = None

    def log(self) -> str:
        """All that the function and its runtime have printed."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def stop(self, *, at_once: bool = False) -> None:
        """End the process; the next event starts another."""
        if self._child is not None:
            self._child.stop(at_once=at_once)
            self._child = None

    def __enter__(self: _R) -> _R:  # noqa: PYI019  # typing has Self from Python 3.11 only
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._own.cleanup()

    def _running(self) -> Child:
        """The child, ready for an event; a new one if there is none or the last one has ended."""
        if self._child is not None and not self._child.running:
            self.stop()
        if self._child is None:
            self._child = self._start()
        self._await_ready(self._child)
        return self._child

    def _start(self) -> Child:
        raise NotImplementedError

    def _await_ready(self, child: Child) -> None:
        """An error at import, or the end, is the error of the invocation that it was started for."""
        try:
            said = child.next(_START)
        except TimeoutError:
            self.stop(at_once=True)
            raise timed_out(_START) from None
        if said.kind != "ready":
            self.stop()
            raise _error(said)

    def _result(self, child: Child, seconds: float) -> Any:
        """What the handler returned, as JSON says it."""
        try:
            said = child.next(seconds)
        except TimeoutError:
            self.stop(at_once=True)
            raise timed_out(seconds) from None
        if said.kind == "exit":
            self.stop()
        if said.kind != "result":
            raise _error(said)
        return json.loads(said.body) if said.body else None


class LambdaRuntime(_Runtime):
    """AWS's own runtime interface client (awslambdaric) against a Runtime API of ours."""

    def __init__(self, folder: Path, handler: str = "app.handler", **options: Any) -> None:
        super().__init__(folder, handler, **options)
        self._api: RuntimeApi | None = None

    def invoke(self, event: object, timeout: float = 10.0) -> Any:
        """The handler's answer to *event*. *timeout* is the function's, in seconds, and is enforced."""
        child = self._running()
        assert self._api is not None
        self._api.give(event, timeout)
        return self._result(child, timeout)

    def stop(self, *, at_once: bool = False) -> None:
        super().stop(at_once=at_once)
        if self._api is not None:
            self._api.close()
            self._api = None

    def _start(self) -> Child:
        said: queue.SimpleQueue[Said] = queue.SimpleQueue()
        self._api = RuntimeApi(said.put)
        code = f"from awslambdaric.__main__ import main; main(['awslambdaric', {self._handler!r}])"
        return Child(
            ["-c", BOOT.format(path=self._path) + code],
            folder=self._folder,
            env={**self._platform(self._api.address), **self._env},
            log=self._log,
            said=said,
        )

    def _platform(self, address: str) -> dict[str, str]:
        return {
            "AWS_LAMBDA_RUNTIME_API": address,
            "_HANDLER": self._handler,
            "LAMBDA_TASK_ROOT": str(self._folder),
            "AWS_LAMBDA_FUNCTION_NAME": "relay",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/relay",
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info[0]}.{sys.version_info[1]}",
        }


class Answer(NamedTuple):
    """What fdk answered."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class FnRuntime(_Runtime):
    """Oracle's own fdk on a unix socket, spoken to as the Fn agent does. The module is imported at the first event."""

    def __init__(self, folder: Path, handler: str = "func.handler", **options: Any) -> None:
        if FDK_CANNOT:
            raise unittest.SkipTest(FDK_CANNOT)  # pytest's own is not here where benchmarks run
        super().__init__(folder, handler, **options)
        self._socket = Path(self._own.name) / "lsnr.sock"

    def invoke(self, body: object, deadline: float = 30.0, headers: Mapping[str, str] | None = None) -> Answer:
        """fdk's answer to *body* (JSON, unless it is bytes). fdk does not enforce *deadline* (seconds), the agent does.

        Raises:
            FunctionError: the process ended, or the deadline passed and it was ended.
        """
        self._running()
        end = dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=deadline)
        own = {
            "Fn-Call-Id": uuid.uuid4().hex,
            "Fn-Deadline": end.strftime("%Y-%m-%dT%H:%M:%SZ"),  # whole seconds, as the agent sends it
            "Fn-Intent": "cloudevent",
            "Content-Type": "application/json",
        }
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        # A connection for each call: fdk spins at 100 % CPU after 75 s on an idle one (fnproject/fdk-python #103).
        connection = _UnixConnection(self._socket, deadline)
        try:
            connection.request("POST", "/call", sent, {**own, **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        except TimeoutError:
            self.stop(at_once=True)
            raise timed_out(deadline) from None
        except (http.client.HTTPException, ConnectionError) as error:
            raise self._ended() from error
        finally:
            connection.close()

    def _start(self) -> Child:
        module, _, name = self._handler.rpartition(".")
        arguments = ["fdk", str(self._folder / f"{module}.py"), name]
        for left in (self._socket, self._socket.with_name("phonylsnr.sock")):  # fdk binds to the latter
            left.unlink(missing_ok=True)
        return Child(
            ["-c", f"{BOOT.format(path=self._path)}sys.argv = {arguments!r}; from fdk.scripts.fdk import main; main()"],
            folder=self._folder,
            env={**self._platform(), **self._env},
            log=self._log,
        )

    def _ended(self) -> FunctionError:
        assert self._child is not None
        try:
            status = self._child.next(5).body.decode()
        except TimeoutError:
            status = "unknown, for it closed the connection and lives on"
        self.stop()
        return exited(status)

    def _await_ready(self, child: Child) -> None:
        end = time.monotonic() + _START
        while not self._socket.exists():  # a link that fdk makes last; no event tells of it
            if not child.running:
                raise self._ended()
            if time.monotonic() > end:
                self.stop()
                raise timed_out(_START)
            time.sleep(0.002)

    def _platform(self) -> dict[str, str]:
        return {
            "FN_FORMAT": "http-stream",
            "FN_LISTENER": f"unix:{self._socket}",
            "FN_TYPE": "sync",
            "FN_MEMORY": "256",
            "FN_APP_ID": "ocid1.fnapp.oc1.test..app",
            "FN_APP_NAME": "relay",
            "FN_FN_ID": "ocid1.fnfunc.oc1.test..fn",
            "FN_FN_NAME": "relay",
        }


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class FunctionGraphRuntime(_Runtime):
    """Huawei publishes no local server: `functiongraph_child.py` calls the handler with the documented context.

    Args:
        user_data: what `context.getUserData` and RUNTIME_USERDATA hold.
        agency: access key, secret key and token of the function's agency; empty without one.
    """

    def __init__(
        self,
        folder: Path,
        handler: str = "index.handler",
        *,
        user_data: Mapping[str, str] | None = None,
        agency: tuple[str, str, str] = ("", "", ""),
        **options: Any,
    ) -> None:
        super().__init__(folder, handler, **options)
        self._user_data = dict(user_data or {})
        self._agency = agency

    def invoke(self, event: object, timeout: float = 60.0) -> Any:
        """The handler's answer to *event*. *timeout* is the function's, in seconds, and is enforced."""
        child = self._running()
        told = {"event": event, "seconds": timeout, "request": str(uuid.uuid4())}
        child.tell(json.dumps(told).encode())
        return self._result(child, timeout)

    def _start(self) -> Child:
        script = Path(__file__).with_name("functiongraph_child.py")
        platform = {
            "RUNTIME_USERDATA": json.dumps(self._user_data),
            "RUNTIME_CODE_ROOT": str(self._folder),
            "RUNTIME_FUNC_NAME": "relay",
            "RUNTIME_FUNC_VERSION": "latest",
            "RUNTIME_PROJECT_ID": "0123456789abcdef0123456789abcdef",
        }
        child = Child([str(script)], folder=self._folder, env={**platform, **self._env}, log=self._log, speaks=True)
        setup = {"path": self._path, "handler": self._handler, "user_data": self._user_data, "keys": self._agency}
        child.tell(json.dumps(setup).encode())
        return child


def _error(said: Said) -> FunctionError:
    return exited(said.body.decode()) if said.kind == "exit" else FunctionError(json.loads(said.body))
