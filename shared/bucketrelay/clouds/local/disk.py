"""The disk below a directory's store: its errors as errors of the store, and new files, written whole and synced."""

import errno
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bucketrelay.errors import RelayError, StoreRefused, StoreUnavailable
from bucketrelay.store import Write

_LATER = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ESTALE})


@contextmanager
def disk(url: str) -> Iterator[None]:
    """The operating system's errors as errors of the store."""
    try:
        yield
    except RelayError:
        raise
    except OSError as error:
        words = f"{url}: {error.strerror or error}"
        if error.errno in _LATER:
            raise StoreUnavailable(f"{words}: free some space or handles, then try again") from error
        raise StoreRefused(f"{words}: grant the permission or mend the directory") from error


def write_file(path: Path, pieces: Iterable[bytes | bytearray]) -> str:
    """Write and sync a file; the MD5 of its content."""

    def pour(write: Write) -> None:
        for piece in pieces:
            write(memoryview(piece))

    return pour_file(path, pour, f"file://{path}")[0]


def pour_file(path: Path, pour: Callable[[Write], None], url: str) -> tuple[str, int]:
    """Write what *pour* hands over into a new file, and sync it; the MD5 of its content, and its size.

    What goes wrong with the disk is told of *url*; what *pour* raises passes through.
    """
    digest, size = hashlib.md5(usedforsecurity=False), 0
    try:
        with disk(url):
            # Without a buffer: `close` would write its rest once more, and fail once more, by an error of its own.
            file = path.open("xb", buffering=0)

        def write(block: memoryview) -> None:
            nonlocal size
            digest.update(block)
            size += len(block)
            with disk(url):
                while block:
                    block = block[file.write(block) :]

        try:
            pour(write)
            with disk(url):
                os.fsync(file.fileno())
        finally:
            with disk(url):
                file.close()
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return digest.hexdigest(), size
