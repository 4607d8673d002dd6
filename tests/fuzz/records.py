"""What we wrote ourselves, and anybody may have changed since: lists, checkpoints, stamps."""

import json
from dataclasses import replace
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

from hypothesis import strategies as st

from bucketrelay.abilities import Upload
from bucketrelay.clouds.local import paths as local_paths
from bucketrelay.core import checkpoints, stamp
from bucketrelay.errors import BadEvent
from bucketrelay.model import Address, Meta, ObjectInfo, Outcome, Result
from bucketrelay.reports import list_line
from bucketrelay.reports.rerun import Rerun
from bucketrelay.routes import Route
from bucketrelay.testing.memory import MemoryStore
from fakes import with_stamp
from fuzz import made
from fuzz.carried import carried
from fuzz.target import Target, nested, one_line

_NOW = datetime(2026, 11, 21, 9, 15, 0, 123456, tzinfo=timezone.utc)
_FAILED = Result(
    "photos", "event-1", "created", "s3://photos-eu/in/a b.jpg", "s3://memory/in/a b.jpg", "in/a b.jpg", Outcome.FAILED,
    _NOW, 1024, 0.12, 1.9, ("tags",), "403: grant it", retryable=False,
)  # fmt: skip
_LINES = (
    _FAILED,
    replace(_FAILED, outcome=Outcome.UNFINISHED, lag=None, retryable=True),
    replace(_FAILED, change="removed"),
)
_MEMBERS = (*list_line._fields(_FAILED), "copied", "failed", "created", "removed", "ignored", "photos", "mirror")
_PLACE = Address("s3", "photos-eu")
_CHECKPOINT = checkpoints.Checkpoint(
    "mirror", Upload("in/a b.jpg", "upload-1"), "0123456789ab;7", 8, {1: {"crc32": 17}}
)
_STAMP = stamp.Stamp(
    "0123456789ab", ("fedcba987654", "000000000000"), 1024, "1770000000", "etag-1", "abcXYZ019-_", "0" * 32
)
_BOUND = replace(_STAMP, born=1770000000, mark="abcdef012345", face="12ab......0123456789ab", seen="0" * 12)
_LIST = "failed_object/2026/11/21/091500.123456Z-7c30.jsonl"


def _line(text: bytes) -> None:
    try:
        found = list_line.parse_line(text, where="a list line 1")
    except BadEvent as error:
        one_line(error)
        return
    assert list_line.parse_line(list_line.line(found)) == found


def _replay(given: dict[str, str]) -> None:
    """A log store in which lists and names may be anybody's."""
    store = MemoryStore()
    for name, text in given.items():
        plain = "".join(c for c in name if c.isprintable())[:200]  # a key that stores take
        store.write("failed_object/" + plain, text.encode("utf-8", "surrogatepass"))
    runner: Any = SimpleNamespace(results=SimpleNamespace(urls=lambda task: ("", f"s3://memory/{task.key}")))
    routes = (
        Route("photos", _PLACE, "photos-eu", ("mirror",)),
        Route("any", Address("obs", "*"), "source", forward="oms"),
    )
    again = Rerun(store, routes, runner, lambda: _NOW)
    for name in again.names(_NOW):
        found = again.read(name)
        if found.damage:
            one_line(BadEvent(found.damage))
    list(again.names())


def _checkpoint(raw: bytes) -> None:
    found = checkpoints.parse(raw)
    if found is not None:
        assert checkpoints.parse(checkpoints.text(found)) == found
        assert all(
            text.encode() is not None for text in (found.store, found.upload.key, found.upload.id, found.fingerprint)
        )


def _stamp(text: str) -> None:
    found = stamp.parse(text)
    if found is None:
        return
    assert stamp.parse(found.text()) == found
    # It may be of an object that is copied on, and then becomes a part of the copy's stamp.
    info = ObjectInfo("k", found.size, "e", meta=Meta(user={stamp.NAME: text}))
    if len(found.hops) < stamp.MAX_HOPS:
        again = stamp.make(info, stamp.Link(found.where, "ba9876543210"))
        carried(with_stamp(info, again).meta)


def _paths(names: list[str]) -> None:
    names = [name.encode("utf-8", "replace").decode() for name in names]  # others are refused before
    key = local_paths.decode_key(names)
    assert local_paths.decode_key(local_paths.encode_key(key)) == key
    local_paths.plain(key)


def _json_texts() -> list[bytes]:
    return [list_line.line(result).encode() for result in _LINES]


TARGETS = (
    Target(
        "list line",
        _line,
        _json_texts,
        lambda: made.json_values(_MEMBERS).map(lambda v: json.dumps(v).encode()) | st.binary(max_size=100),
        (BadEvent,),
        _MEMBERS,
        hostile=lambda size: [
            *(text.encode() for text in nested("[", "]", size)),
            *(text.encode() for text in nested('{"a":', "}", size, "1")),
            list_line.line(_FAILED).replace("1024", "9" * size).encode(),
            list_line.line(_FAILED).replace("2026", "x" * size).encode(),
            list_line.line(_FAILED).replace('"failed"', f'"{"x" * size}"').encode(),
        ],
        memory=120,
        quick=250,
    ),
    Target(
        "failed list",
        _replay,
        lambda: [{"2026/11/21/091500.123456Z-7c30.jsonl": "\n".join(map(list_line.line, _LINES)), "2026/11/22/x": ""}],
        lambda: st.dictionaries(
            made.texts(("2026", "/", "11", "99")), made.texts([list_line.line(_FAILED)], ("\n",)), max_size=2
        ),
        (BadEvent,),
        (*_MEMBERS, "0000/00/00/000000"),
        quick=200,
    ),
    Target(
        "checkpoint",
        _checkpoint,
        lambda: [checkpoints.text(_CHECKPOINT)],
        lambda: made.json_values(("store", "key", "upload", "of", "sums", "1")).map(lambda v: json.dumps(v).encode()),
        (),
        ("store", "key", "upload", "of", "sums", '"\\ud800"'),
        hostile=lambda size: [
            *(text.encode() for text in nested("[", "]", size)),
            checkpoints.text(_CHECKPOINT).replace(b"17", b"9" * size),
            checkpoints.text(_CHECKPOINT).replace(b'"1"', b'"' + b"9" * size + b'"'),
        ],
        quick=200,
    ),
    Target(
        "stamp",
        _stamp,
        lambda: [_STAMP.text(), _BOUND.text()],
        lambda: made.texts(("1", "2", "0123456789ab", "7", "%C3%A9", "......"), (";", ",")),
        (),
        ("1;", "2;", ";", ",", ".", "0123456789ab"),
        hostile=lambda size: [
            ";" * size,
            "1;a;" + "a," * size + "b;1;;;;",
            "1;a;b;1;" + "%41" * size + ";;;",
            "1;a;b;" + "9" * size,
        ],
        quick=200,
    ),
    Target(
        "file names",
        _paths,
        lambda: [["a%2Fb"], local_paths.encode_key("in/" + "é" * 200)],
        lambda: st.lists(made.texts(("%2E", "+", "%", "a")), min_size=1, max_size=3),
        (),
    ),
)
