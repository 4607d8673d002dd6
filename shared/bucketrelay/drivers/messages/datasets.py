"""The archive's messages: which dataset consists of which files, and what the receiving end is told of it. Pure.

The rules are those of the sensitive-data-archive's `dataset-mapping`, `file-sync`, `metadata-sync` and `info-error`
messages, by their facts: required members, lengths, patterns. A pattern ends at the end of the text, not before a
newline at it.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from bucketrelay.values import dataclass

_WORD = re.compile(r"\S+\Z")
_SHA256 = re.compile(r"[a-fA-F0-9]{64}\Z")
_OTHERS = ("release", "deprecate")  # their messages come by the same routing key, and ask for nothing here
LONGEST_PATH = 1024  # bytes of a key


class BadMessage(ValueError):
    """The message is not what it should be; the text says which rule it breaks."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """A dataset and the stable ids of its files."""

    dataset: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SyncedFile:
    """One file as the receiving end is told of it."""

    path: str
    id: str
    sha256: str  # of the decrypted file


@dataclass(frozen=True, slots=True)
class Synced:
    """A dataset as the receiving end is told of it: the files of one user."""

    dataset: str
    user: str
    files: tuple[SyncedFile, ...]


def mapping(body: bytes) -> Mapped | None:
    """What a message of the mapping queue says; None where it is of a kind that asks for nothing.

    Raises:
        BadMessage: it is no such message, or names no file.
    """
    fields = _object(body)
    kind = fields.get("type")
    if kind in _OTHERS:
        _text(fields, "dataset_id", 2)
        return None
    if kind != "mapping":
        raise BadMessage('type: must be "mapping"')
    dataset, ids = _text(fields, "dataset_id", 2, word=True), fields.get("accession_ids")
    if not isinstance(ids, list):
        raise BadMessage("accession_ids: must be a list of ids")
    for number, each in enumerate(ids):
        if not isinstance(each, str) or not _WORD.match(each) or not _sayable(each):
            raise BadMessage(f"accession_ids[{number}]: must be a text without white space")
    if not ids:
        raise BadMessage("accession_ids: names no file")
    return Mapped(dataset, tuple(dict.fromkeys(ids)))


def parse_sync(body: bytes) -> Synced:
    """What a `file-sync` message says. Raises BadMessage."""
    fields = _object(body)
    _only(fields, "dataset_id", "dataset_files", "user")
    dataset, user = _text(fields, "dataset_id", 11, word=True), _text(fields, "user", 5)
    files = fields.get("dataset_files")
    if not isinstance(files, list) or not files:
        raise BadMessage("dataset_files: must be a list of at least one file")
    return Synced(dataset, user, tuple(_file(each, f"dataset_files[{i}]") for i, each in enumerate(files)))


def metadata(body: bytes) -> str:
    """The dataset that a `metadata-sync` message is about. Raises BadMessage."""
    fields = _object(body)
    _only(fields, "dataset_id", "metadata")
    dataset, told = _text(fields, "dataset_id", 11), fields.get("metadata")
    if not isinstance(told, dict) or not told:
        raise BadMessage("metadata: must be an object that is not empty")
    return dataset


def file_sync(dataset: Synced) -> bytes:
    """The `file-sync` message of a dataset. The same bytes for the same dataset, whatever the order of its files.

    Raises:
        BadMessage: the receiving end would refuse it.
    """
    files = [{"filepath": f.path, "file_id": f.id, "sha256": f.sha256} for f in sorted(dataset.files, key=_by_id)]
    body = json.dumps(
        {"dataset_id": dataset.dataset, "dataset_files": files, "user": dataset.user}, ensure_ascii=False
    ).encode()
    parse_sync(body)
    return body


def by_user(dataset: str, files: Iterable[tuple[str, SyncedFile]]) -> tuple[Synced, ...]:
    """One message for each user whose files the dataset has, ascending."""
    users: dict[str, list[SyncedFile]] = {}
    for user, file in files:
        users.setdefault(user, []).append(file)
    return tuple(Synced(dataset, user, tuple(users[user])) for user in sorted(users))


def ingestion(dataset: Synced) -> tuple[list[dict[str, object]], list[dict[str, object]], dict[str, object]]:
    """The messages that the receiving end's pipeline is set going by: ingest, accession for each file; the mapping."""
    ingest: list[dict[str, object]] = []
    accession: list[dict[str, object]] = []
    for file in dataset.files:
        whose: dict[str, object] = {"user": dataset.user, "filepath": file.path}
        sums = [{"type": "sha256", "value": file.sha256}]
        ingest.append({"type": "ingest", **whose})
        accession.append({"type": "accession", **whose, "accession_id": file.id, "decrypted_checksums": sums})
    ids = [file.id for file in dataset.files]
    return ingest, accession, {"type": "mapping", "dataset_id": dataset.dataset, "accession_ids": ids}


def rejection(reason: str, body: bytes) -> bytes:
    """What the error queue is told of a message that could not be understood."""
    original = body.decode("utf-8", "replace")
    told = {"error": "Message validation failed in sync service", "reason": reason, "original-message": original}
    return json.dumps(told, ensure_ascii=False).encode()


def dump(fields: Mapping[str, object]) -> bytes:
    """A message as it is published."""
    return json.dumps(fields, ensure_ascii=False).encode()


def checked_path(path: str) -> str:
    """A submission path that may be written as a key.

    Raises:
        BadMessage: it would leave the store, or no store can hold it.
    """
    parts = path.split("/")
    if not path or path.startswith("/") or any(part in ("", ".", "..") for part in parts):
        raise BadMessage(
            f"{path[:200]!a} is no path below the store: it is empty, absolute, or has an empty, . or .. part"
        )
    if any(ord(char) < 32 or char == "\x7f" for char in path) or not _sayable(path):
        raise BadMessage(f"{path[:200]!a} has a control character in it, or is not UTF-8")
    if len(path.encode()) > LONGEST_PATH:
        raise BadMessage(f"{path[:200]!a}… has more than {LONGEST_PATH:,} bytes")
    return path


def _file(fields: object, at: str) -> SyncedFile:
    if not isinstance(fields, dict):
        raise BadMessage(f"{at}: must be an object")
    _only(fields, "filepath", "file_id", "sha256", at=f"{at}.")
    sha256 = _text(fields, "sha256", 64, at=f"{at}.")
    if not _SHA256.match(sha256):
        raise BadMessage(f"{at}.sha256: must be 64 hexadecimal digits")
    return SyncedFile(
        _text(fields, "filepath", 5, at=f"{at}."), _text(fields, "file_id", 11, at=f"{at}.", word=True), sha256
    )


def _only(fields: Mapping[str, Any], *known: str, at: str = "") -> None:
    for name in fields:
        if name not in known:
            raise BadMessage(f"{at}{name[:60]}: is not known here")


def _text(fields: Mapping[str, Any], name: str, least: int, *, at: str = "", word: bool = False) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or len(value) < least or not _sayable(value):
        raise BadMessage(f"{at}{name}: must be a text of at least {least} characters")
    if word and not _WORD.match(value):
        raise BadMessage(f"{at}{name}: must have no white space in it")
    return value


def _object(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadMessage("is not JSON") from error
    if not isinstance(parsed, dict):
        raise BadMessage("is JSON, and no object")
    return parsed


def _no_constant(word: str) -> NoReturn:
    raise ValueError(word)


def _sayable(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _by_id(file: SyncedFile) -> tuple[str, str]:
    return file.id, file.path


def missing(ids: Sequence[str], known: Iterable[str]) -> tuple[str, ...]:
    """Those of *ids* that are not *known*, in their order."""
    present = set(known)
    return tuple(each for each in ids if each not in present)
