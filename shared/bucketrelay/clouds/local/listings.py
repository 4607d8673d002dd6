"""The keys of a directory: the files of the user, and those whose keys no file could be called by."""

import heapq
import os
from collections.abc import Iterator
from pathlib import Path

from bucketrelay.clouds.local.paths import HIDDEN, decode_key
from bucketrelay.errors import StoreRefused


def keys(root: Path, prefix: str, after: str) -> Iterator[str]:
    """Every key below *root* that begins with *prefix* and is greater than *after*, ascending by UTF-8 bytes.

    Raises:
        StoreRefused: a symbolic link is on the way, or a name that is no UTF-8.
    """
    odd = sorted(_odd(root / HIDDEN / "odd"), key=str.encode)
    last = ""
    for key in heapq.merge(_walk(root, "", prefix), odd, key=str.encode):
        if key.startswith(prefix) and key.encode() > after.encode() and key != last:
            last = key
            yield key


def _walk(directory: Path, above: str, prefix: str) -> Iterator[str]:
    """The keys of ordinary files; a directory's name sorts as its keys do, with the slash."""
    try:
        entries = sorted(
            (
                f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name,
                entry.is_file(follow_symlinks=False),
                entry,
            )
            for entry in os.scandir(directory)
        )
    except FileNotFoundError:
        return  # removed since its parent was read
    for name, is_file, entry in entries:
        key = above + name
        if key == f"{HIDDEN}/" or not (key.startswith(prefix) or prefix.startswith(key)):
            continue
        if not _text(name):
            raise StoreRefused(f"file://{entry.path!a} has a name that is no UTF-8, so no key: rename it")
        if entry.is_symlink():
            raise StoreRefused(f"file://{entry.path} is a symbolic link: put what it points to in its place")
        if name.endswith("/"):
            yield from _walk(directory / entry.name, key, prefix)
        elif is_file:
            yield key


def _text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _odd(directory: Path) -> Iterator[str]:
    for place, _, names in os.walk(directory):
        above = list(Path(place).relative_to(directory).parts)
        yield from (decode_key([*above, name]) for name in names)
