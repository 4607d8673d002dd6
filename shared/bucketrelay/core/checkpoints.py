"""What is left of an object that did not get finished: which upload holds its parts, and of which version.

One small JSON object for each target key, `checkpoints/<identity>.json` in the log store, there from the opening of the
upload until it is committed or abandoned. The target itself remembers the parts. A checkpoint of another version of the
source, or of another cut, is of no use: its upload is abandoned and a new one begun.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

from bucketrelay.abilities import PartStore, Upload
from bucketrelay.deadline import Deadline, under
from bucketrelay.errors import ConfigError, ObjectGone, RelayError, SourceChanged, TargetChanged
from bucketrelay.model import Meta, ObjectInfo
from bucketrelay.store import Store
from bucketrelay.values import dataclass, field

FOLDER = "checkpoints/"
_TIDYING = 2.0  # seconds, of the margin
_LONGEST = 4 * 1024 * 1024  # bytes; 10,000 parts with a checksum each take half a MiB
Fingerprint = Callable[[], str]  # makes one: an object that goes whole needs none


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An open upload.

    Its *fingerprint* and the size of the parts are all that its parts depend on: the source's identity, its version,
    the metadata. Without an upload's id it only says that the server could not copy that version within one invocation,
    and that it has to be carried.
    """

    store: str  # the target store's name
    upload: Upload
    fingerprint: str
    part_size: int = 0
    sums: Mapping[int, Mapping[str, int]] = field(default_factory=dict)  # by part number, of the parts that are known


class Checkpoints(Protocol):
    """Where checkpoints are kept."""

    def load(self, name: str) -> Checkpoint | None:
        """The checkpoint of that name; None if there is none, or none that can be read."""

    def save(self, name: str, checkpoint: Checkpoint) -> None:
        """Keep it, in place of another of that name."""

    def drop(self, name: str, upload: Upload) -> None:
        """Forget it if it is of *upload*: another task may have begun one by now; fine if there is none."""


class LogCheckpoints:
    """Checkpoints in the log store."""

    def __init__(self, log: Callable[[], Store]) -> None:
        self._log = log

    def load(self, name: str) -> Checkpoint | None:
        """See `Checkpoints`."""
        return self._load(name)[0]

    def _load(self, name: str) -> tuple[Checkpoint | None, ObjectInfo | None]:
        try:
            fetched = self._log().fetch(_key(name), _LONGEST)
        except (SourceChanged, ObjectGone):
            return None, None
        if fetched is None or fetched.body is None:
            return None, None
        return parse(bytes(fetched.body)), fetched.info

    def save(self, name: str, checkpoint: Checkpoint) -> None:
        """See `Checkpoints`."""
        self._log().put(_key(name), text(checkpoint), Meta(content_type="application/json"))

    def drop(self, name: str, upload: Upload) -> None:
        """See `Checkpoints`."""
        checkpoint, info = self._load(name)
        if checkpoint and checkpoint.upload == upload:
            with suppress(TargetChanged):
                self._log().delete(_key(name), expect=info)

    def sweep(self, stores: Callable[[str], Store], now: datetime, age: timedelta) -> Iterator[Upload | str]:
        """Abandon every upload whose checkpoint nobody has touched for *age*, and forget it.

        Yields the uploads; and where one could not be abandoned, why: the next ones are, all the same.
        """
        log = self._log()
        for info in log.list(FOLDER):
            if info.modified is None or now - info.modified < age:
                continue
            name = info.key.removeprefix(FOLDER).removesuffix(".json")
            try:
                checkpoint = self.load(name)
                if checkpoint and _abandoned(stores, checkpoint):
                    yield checkpoint.upload
                log.delete(info.key)
            except RelayError as error:
                yield str(error)


class MemoryCheckpoints:
    """Checkpoints of one process, where there is no log store: what it began, no other goes on with."""

    def __init__(self) -> None:
        self._kept: dict[str, Checkpoint] = {}

    def load(self, name: str) -> Checkpoint | None:
        """See `Checkpoints`."""
        return self._kept.get(name)

    def save(self, name: str, checkpoint: Checkpoint) -> None:
        """See `Checkpoints`."""
        self._kept[name] = checkpoint

    def drop(self, name: str, upload: Upload) -> None:
        """See `Checkpoints`."""
        if name in self._kept and self._kept[name].upload == upload:
            del self._kept[name]

    def sweep(self, stores: Callable[[str], Store], now: datetime, age: timedelta) -> Iterator[Upload]:
        """None: what an earlier process left is not known here."""
        del stores, now, age
        return iter(())


def _abandoned(stores: Callable[[str], Store], checkpoint: Checkpoint) -> bool:
    try:
        target = stores(checkpoint.store)
    except ConfigError:
        return False  # the store has left the configuration, and nothing of it may be touched any more
    if not isinstance(target, PartStore) or not checkpoint.upload.id:
        return False
    target.abandon(checkpoint.upload)
    return True


def _key(name: str) -> str:
    return f"{FOLDER}{name}.json"


def text(checkpoint: Checkpoint) -> bytes:
    """A checkpoint as JSON."""
    return json.dumps(
        {
            "store": checkpoint.store,
            "key": checkpoint.upload.key,
            "upload": checkpoint.upload.id,
            "of": checkpoint.fingerprint,
            "size": checkpoint.part_size,
            "sums": {str(number): dict(sums) for number, sums in checkpoint.sums.items()},
        }
    ).encode()


def parse(raw: bytes) -> Checkpoint | None:
    """The checkpoint in *raw*; None where it is none: it only saves work, and may be lost."""
    try:
        parsed = json.loads(raw)
        upload = Upload(_word(parsed["key"]), _word(parsed["upload"]))
        sums = {int(number): {_word(n): int(v) for n, v in known.items()} for number, known in parsed["sums"].items()}
        return Checkpoint(_word(parsed["store"]), upload, _word(parsed["of"]), int(parsed.get("size", 0)), sums)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):  # int(1e999) overflows
        return None


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    value.encode()  # JSON can say half of a surrogate pair, and no request can: UnicodeEncodeError is a ValueError
    return value


def quietly(step: Callable[[], object]) -> None:
    """Do what only tidies up: what went wrong before it is what the user must read, and the sweep comes by later."""
    try:
        with under(Deadline(_TIDYING)):  # often it is done because the task's own time is used up
            step()
    except RelayError:
        return
