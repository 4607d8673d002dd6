"""`bucketrelay`, killed at a named step: `python -m messages.killed STEP NUMBER COMMAND …` with `tests` on the path.

The process ends by SIGKILL, from within and in the middle: nothing of it is cleaned up, closed or written any more.
"""

import itertools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from bucketrelay import __main__ as program
from bucketrelay.clouds.crypt4gh.views import Views
from bucketrelay.clouds.local import store as local
from bucketrelay.drivers.messages.archive import Archive
from bucketrelay.drivers.messages.intake import DatasetIntake
from bucketrelay.drivers.messages.remote import Remote
from bucketrelay.drivers.messages.syncing import Syncing


def _end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _before(owner: Any, name: str) -> Callable[[int], None]:
    return lambda number: _wrapped(owner, name, number, late=False)


def _after(owner: Any, name: str) -> Callable[[int], None]:
    return lambda number: _wrapped(owner, name, number, late=True)


def _wrapped(owner: Any, name: str, number: int, *, late: bool) -> None:
    inner, calls = getattr(owner, name), itertools.count(1)

    def outer(*args: Any, **more: Any) -> Any:
        last = next(calls) == number
        if last and not late:
            _end()
        result = inner(*args, **more)
        if last:
            _end()
        return result

    setattr(owner, name, outer)


def _torn(number: int) -> None:
    """Half of a block of a file's body is written, and no more."""
    inner, calls = local.pour_file, itertools.count(1)

    def pour_file(path: Any, pour: Any, url: str) -> Any:
        torn = next(calls) == number

        def cut(write: Any) -> None:
            def half(block: memoryview) -> None:
                write(block[: len(block) // 2] if torn else block)
                if torn:
                    _end()

            pour(half)

        return inner(path, cut, url)

    local.pour_file = pour_file


# In the order in which a dataset passes them.
STEPS: dict[str, Callable[[int], None]] = {
    "the message is taken": _before(DatasetIntake, "__call__"),
    "its row is durable, it is not acknowledged": _after(DatasetIntake, "__call__"),
    "the dataset is looked up": _after(Archive, "files"),
    "the files have rows, the dataset's job is not ended": _after(Syncing, "_dataset"),
    "a file's header is not read": _before(Views, "remember"),
    "a file's header is read": _after(Views, "remember"),
    "half of a body is written": _torn,
    "a part is there": _after(local.LocalStore, "put_part"),
    "all parts are there, and not put together": _before(local.LocalStore, "commit"),
    "a file is uploaded, not published": _before(local.LocalStore, "_publish"),
    "a file is published, not recorded": _after(local.LocalStore, "_publish"),
    "the files are there, nobody is told": _before(Remote, "__call__"),
    "the receiving end is told, it is not recorded": _after(Remote, "__call__"),
    "the POST is recorded by its job, which is not ended": _after(Syncing, "_post"),
}


if __name__ == "__main__":
    STEPS[sys.argv[1]](int(sys.argv[2]))
    sys.argv[1:3] = []
    program.main()
