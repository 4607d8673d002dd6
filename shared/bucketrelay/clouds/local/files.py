"""A directory that publishes files with their metadata at once, and cannot be left. `paths` has the names."""

import fcntl
import json
import os
import shutil
import stat
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from bucketrelay.clouds.local.disk import write_file
from bucketrelay.clouds.local.listings import keys
from bucketrelay.clouds.local.paths import HIDDEN, encode_key, fingerprint, plain
from bucketrelay.errors import StoreRefused
from bucketrelay.values import dataclass

_AMISS = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
_IN_THE_WAY = (FileExistsError, NotADirectoryError, IsADirectoryError)
_TRIES = 5
_SWEEPING = 3600.0  # seconds between two looks for what killed processes have left
_LEFT = 86_400.0  # seconds after which nobody is writing a file any more
# To pass through a directory takes no permission to read it, where the system can tell them apart (Linux).
_STEP = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY


@dataclass(frozen=True)
class Opened:
    """One version of one file, open for reading."""

    file: BinaryIO
    path: Path
    stat: os.stat_result
    note: Mapping[str, Any]  # what was published with it; empty for a file of another program

    def unchanged(self) -> bool:
        """Whether nobody has written into the file meanwhile; a renamed or removed one is unchanged."""
        return fingerprint(os.fstat(self.file.fileno())) == fingerprint(self.stat)


class Directory:
    """Files by key below *root*.

    Args:
        root: must exist when it is used.
    """

    def __init__(self, root: str) -> None:
        self._named = root
        self._swept = 0.0  # when it was looked for what killed processes have left

    @property
    def root(self) -> Path:
        """Where it is; StoreRefused if it is not there: never taken for an empty one."""
        if not Path(self._named).is_dir():
            raise StoreRefused(f"file://{self._named}: there is no such directory: create it or mend the store's url")
        return Path(os.path.realpath(self._named))

    @contextmanager
    def open(self, key: str) -> Iterator[Opened | None]:
        """The file of *key* as it is now; None if there is none."""
        file = self._open(key)
        if file is None:
            yield None
            return
        with file.file:
            yield file

    def publish(self, key: str, new: Path, note: Mapping[str, Any]) -> None:
        """Make the finished file *new* the file of *key*, together with *note*."""
        root = self.root
        with self._lock(root):
            notes = self.hidden_path("meta", *encode_key(key))
            notes.mkdir(parents=True, exist_ok=True)
            mark = fingerprint(new.stat())
            write_file(notes / mark, [json.dumps(note).encode()])
            odd = self.hidden_path("odd", *encode_key(key))
            if not (plain(key) and self._placed(root, root / key, new)):
                odd.parent.mkdir(parents=True, exist_ok=True)
                new.replace(odd)
            else:
                odd.unlink(missing_ok=True)
            for old in set(notes.iterdir()) - {notes / mark}:
                old.unlink(missing_ok=True)

    def remove(self, key: str) -> None:
        """Remove the file of *key*, and the directories that it leaves empty."""
        root = self.root
        with self._lock(root):
            for path in self._candidates(root, key):
                with suppress(*_AMISS):
                    with _folder(root, _within(path)) as (folder, name):
                        os.unlink(name, dir_fd=folder)
                    _prune(root, path.parent)
            shutil.rmtree(self.hidden_path("meta", *encode_key(key)), ignore_errors=True)

    def keys(self, prefix: str, after: str) -> Iterator[str]:
        """Every key that begins with *prefix* and is greater than *after*, ascending by UTF-8 bytes."""
        return keys(self.root, prefix, after)

    def fresh(self) -> Path:
        """A path for a file that is being written, on the same file system."""
        place = self.hidden_path("new")
        place.mkdir(parents=True, exist_ok=True)
        self._sweep(place)
        return place / uuid.uuid4().hex

    def discard(self, folder: Path) -> None:
        """Remove a folder with all that is in it: at once for everybody who looks, and then from the disk.

        Who is killed in the middle leaves no half of it where it was; the rest is swept one day.
        """
        with suppress(OSError):  # somebody else has; or it stays: what was published is, all the same
            gone = self.fresh()
            folder.replace(gone)
            shutil.rmtree(gone, ignore_errors=True)

    def _sweep(self, place: Path) -> None:
        """Remove what was being written into *place* by processes that were killed, once in a while.

        A file that is being written is younger than this by far: each block makes it new again.
        """
        now = time.time()
        if 0 <= now - self._swept < _SWEEPING:
            return
        self._swept = now
        with suppress(OSError):  # may not be listed: that is no reason to write nothing
            for each in place.iterdir():
                with suppress(OSError):  # ended meanwhile, or not ours to remove
                    if now - each.lstat().st_mtime > _LEFT:
                        shutil.rmtree(each) if stat.S_ISDIR(each.lstat().st_mode) else each.unlink()

    def hidden_path(self, *names: str) -> Path:
        """A path below the hidden directory; StoreRefused if a symbolic link is on the way."""
        return _within(self.root.joinpath(HIDDEN, *names))

    def _open(self, key: str) -> Opened | None:
        root = self.root
        for path in self._candidates(root, key):
            for attempt in range(_TRIES):
                try:
                    file = self._open_at(root, path, key)
                except _AMISS:
                    break
                # The note may have been swept away with the file that it belongs to, while another took the name.
                if file.note or attempt == _TRIES - 1 or _stands(file):
                    return file
                file.file.close()
        return None

    def _open_at(self, root: Path, path: Path, key: str) -> Opened:
        if not stat.S_ISREG(os.lstat(path).st_mode) and not path.is_symlink():
            raise FileNotFoundError(path)  # a directory, a pipe: no object
        with _folder(root, _within(path)) as (folder, name):
            # Without waiting: a pipe may stand there by now.
            file = os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder), "rb")
        try:
            is_now = os.fstat(file.fileno())
            if not stat.S_ISREG(is_now.st_mode):
                raise FileNotFoundError(path)  # noqa: TRY301 - what is a pipe by now is closed below, like all that fails
            notes = self.hidden_path("meta", *encode_key(key))
            try:
                note = json.loads((notes / fingerprint(is_now)).read_bytes())
            except FileNotFoundError:
                note = {}
        except BaseException:
            file.close()
            raise
        return Opened(file, path, is_now, note)

    def _placed(self, root: Path, path: Path, new: Path) -> bool:
        """Rename *new* to *path*; False if another key's file or directory is in the way."""
        try:
            with _folder(root, _within(path), make=True) as (folder, name):
                os.replace(new, name, dst_dir_fd=folder)
                _sync(folder)
        except _IN_THE_WAY:
            return False
        return True

    @staticmethod
    def _candidates(root: Path, key: str) -> list[Path]:
        ordinary = [root / key] if plain(key) else []
        return [*ordinary, root.joinpath(HIDDEN, "odd", *encode_key(key))]

    @contextmanager
    def _lock(self, root: Path) -> Iterator[None]:
        """One writer at a time, over threads and processes."""
        _within(root / HIDDEN).mkdir(exist_ok=True)
        with self.hidden_path("lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _within(path: Path) -> Path:
    """*path*, below a root without symbolic links, unless one is on the way from there: it may lead anywhere."""
    if os.path.realpath(path) != str(path):
        raise StoreRefused(f"file://{path} is or passes a symbolic link: put what it points to in its place")
    return path


@contextmanager
def _folder(root: Path, path: Path, *, make: bool = False) -> Iterator[tuple[int, str]]:
    """A handle of the directory of *path*, reached from *root* step by step, and the name in there.

    Not by the whole path: another program may put a symbolic link there between a check of it and its use.
    """
    *above, name = path.relative_to(root).parts
    folder = os.open(root, _STEP)
    try:
        for step in above:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(step, dir_fd=folder)
            try:
                below = os.open(step, _STEP | os.O_NOFOLLOW, dir_fd=folder)
            except NotADirectoryError as error:  # also said of a symbolic link, which is no absence
                if stat.S_ISLNK(os.stat(step, dir_fd=folder, follow_symlinks=False).st_mode):
                    raise StoreRefused(f"file://{path} passes a symbolic link: put what it points to there") from error
                raise
            os.close(folder)
            folder = below
        yield folder, name
    finally:
        os.close(folder)


def _stands(file: Opened) -> bool:
    """Whether the path still leads to the file that was opened."""
    try:
        return fingerprint(file.path.stat()) == fingerprint(file.stat)
    except _AMISS:
        return False


def _sync(folder: int) -> None:
    handle = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _prune(root: Path, directory: Path) -> None:
    while directory not in (root, root / HIDDEN):
        try:
            directory.rmdir()
        except OSError:  # not empty, or gone
            return
        directory = directory.parent
