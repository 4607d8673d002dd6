"""A pytest plugin: no test writes a secret anywhere. In tests/conftest.py: `pytest_plugins = ["security.leaks"]`.

The secrets are the constants that the tests themselves use, and whatever begins like a private key. They are looked for
in what a test writes to standard output and error and to the log, in the text of every error of ours when it is made,
with all errors that it was made of, in the reprs of whatever holds access, in the log lines and in the lists,
checkpoints and metadata that reach a bucket, and in what the functions' runtimes print. A test that leaks fails.
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

SECRETS = (
    "test-secret",  # S3 of functions/three_clouds.py and security/world.py
    "local-obs-secret-key",  # bucketrelay_emulators/obs/emulator.py
    "oms-secret-key/+=",  # receivers.py
    "unit-secret-7d1f/+=",  # unit/stores/test_s3_traps.py
    "contract-secret-9f1c2e/+=",  # contracts/conftest.py
    "a plain secret, ünïcode",  # unit/forward/test_webhook.py
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "tls-secret-4c1d/+=",  # security/test_tls.py
    "tls-session-token-81ee",
    "sizes-secret-19ab",  # security/test_sizes.py
    "leak-secret-77aa",  # security/test_secrets.py
    "leak-token-88bb",
    "leak-query-99cc",
)
_PATTERN = re.compile("|".join([*map(re.escape, SECRETS), "-----BEGIN [A-Z ]*PRIVATE KEY-----\n"]))
_FOLDERS = ("success_object/", "failed_object/", "replayed_object/", "checkpoints/")
_LONGEST = 4 * 1024 * 1024


def found_in(text: str | bytes) -> str:
    """What of *text* is secret, with a few characters before it; "" for nothing."""
    said = text if isinstance(text, str) else text[:_LONGEST].decode("utf-8", "replace")
    hit = _PATTERN.search(said)
    return said[max(0, hit.start() - 60) : hit.end()] if hit else ""


class Watch:
    """The leaks since the last `take`."""

    def __init__(self) -> None:
        self._leaks: list[str] = []
        self._off = 0

    def look(self, where: str, text: str | bytes) -> None:
        """Note a secret in *text*."""
        if (found := found_in(text)) and not self._off:
            self._leaks.append(f"{where}: …{found}")

    def take(self) -> list[str]:
        """The leaks, each once, and forget them."""
        leaks, self._leaks = list(dict.fromkeys(self._leaks)), []
        return leaks

    @contextmanager
    def blind(self) -> Iterator[None]:
        """Within: for the tests of this very module."""
        self._off += 1
        try:
            yield
        finally:
            self._off -= 1


WATCH = Watch()


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """*error* and all that it was made of."""
    seen: list[BaseException] = []
    todo = [error]
    while todo:
        one = todo.pop()
        if one is not None and not any(one is known for known in seen):
            seen.append(one)
            yield one
            todo += [one.__cause__, one.__context__]


def _of_errors() -> None:
    from bucketrelay.errors import RelayError

    made = RelayError.__init__

    def init(self: RelayError, *given: Any) -> None:
        made(self, *given)
        WATCH.look(f"the text of a {type(self).__name__}", str(self))
        WATCH.look(f"the repr of a {type(self).__name__}", " ".join(map(repr, self.args)))
        for cause in chain(sys.exc_info()[1]):  # what is being handled becomes the cause
            WATCH.look(f"the text of a {type(cause).__name__}, the cause of a {type(self).__name__}", _text(cause))

    RelayError.__init__ = init


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an error that cannot say itself says nothing
        return ""


def _of_reprs() -> None:
    """Whatever holds access shows itself once, as soon as it is made."""
    from bucketrelay import config
    from bucketrelay.clouds.aws import access as s3_access
    from bucketrelay.clouds.huawei import credentials as obs_access
    from bucketrelay.clouds.oracle import credentials as oci_access
    from bucketrelay.clouds.oracle import sign as oci_sign
    from bucketrelay.system import System

    kinds = [config.Config, config.StoreConfig, config.ForwardConfig, System]
    for kind in [*kinds, s3_access.Access, obs_access.Access, oci_access.Access, oci_sign.Identity]:
        _after(kind, "__init__", lambda self, *_, **__: WATCH.look(f"the repr of a {type(self).__name__}", repr(self)))


def _of_lines() -> None:
    from bucketrelay.core import checkpoints
    from bucketrelay.reports import list_line
    from bucketrelay.reports import log_line as observe

    for module, name in ((observe, "_one_line"), (list_line, "compact"), (checkpoints, "text")):
        made = getattr(module, name)

        def watched(*given: Any, _made: Any = made, _name: str = name) -> Any:
            text = _made(*given)
            WATCH.look(f"what {_name} wrote", text)
            return text

        setattr(module, name, watched)


def _of_buckets() -> None:
    from bucketrelay_emulators.engine.bucket import Bucket

    def stored(_: Bucket, written: Any) -> None:
        WATCH.look(f"the metadata of {written.key!r}", f"{dict(written.headers)} {dict(written.user)} {written.key}")
        if any(folder in written.key for folder in _FOLDERS):
            WATCH.look(f"the object {written.key!r}", bytes(written.body))

    _after(Bucket, "_store", stored)


def _of_moto() -> None:
    from moto.s3.models import S3Backend

    def put(_: S3Backend, bucket: str, key: str, value: bytes, *__: Any, **___: Any) -> None:
        if any(folder in key for folder in _FOLDERS):
            WATCH.look(f"the object {key!r} in S3", value)

    _after(S3Backend, "put_object", put)


def _of_runtimes() -> None:
    from functions.runtimes import _Runtime

    left = _Runtime.__exit__

    def exit_(self: _Runtime, *given: Any) -> None:
        self.stop()
        WATCH.look(f"what {type(self).__name__} printed", self.log())
        left(self, *given)

    _Runtime.__exit__ = exit_


def _after(kind: type, name: str, look: Callable[..., None]) -> None:
    """Have *look* called behind the method, with its arguments."""
    method = getattr(kind, name)

    def watched(self: Any, *given: Any, **named: Any) -> Any:
        result = method(self, *given, **named)
        look(self, *given, **named)
        return result

    setattr(kind, name, watched)


_LATER: dict[str, Callable[[], None]] = {  # what is patched once it is loaded: not every worker needs it
    "bucketrelay_emulators.engine.bucket": _of_buckets,
    "moto.server": _of_moto,
    "functions.runtimes": _of_runtimes,
}


def pytest_configure() -> None:
    _of_errors()
    _of_reprs()
    _of_lines()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    for name in [name for name in _LATER if name in sys.modules]:
        _LATER.pop(name)()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Iterator[None]:
    report: pytest.TestReport = yield
    for title, text in report.sections:
        WATCH.look(title, text)
    if report.when == "teardown" and (leaks := WATCH.take()):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} leaks secrets:\n" + "\n".join(leaks)
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """What session fixtures printed when they went down."""
    if leaks := WATCH.take():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        print("secrets leaked at the end of the session:", *leaks, sep="\n", file=sys.stderr)
