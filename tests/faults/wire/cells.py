"""What comes of each fault of a connection at each verb of each store, and the page of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bucketrelay.deadline import Deadline, under
from bucketrelay.errors import RelayError
from bucketrelay.model import Meta
from faults.wire.relay import FAULTS, Fault, Relay

PAGE = Path(__file__).parents[3] / "docs" / "wire-faults.md"
TITLES = {"s3": "S3 (moto)", "obs": "Huawei OBS", "oci": "Oracle OCI"}
OLD, NEW = b"older" * 400, b"newer" * 220_000  # the new one is sent with `Expect: 100-continue`
META = Meta(content_type="text/plain")
SECONDS = 2.0  # for a verb whose answer drips


class Wrong(AssertionError):
    """A promise was broken."""


@dataclass(frozen=True)
class Verb:
    """One verb: what it is asked for, and whether an answer of it, or the state behind it, is right."""

    name: str
    call: Callable[[Any, Any], Any]  # of the store and what `prepare` gave
    right: Callable[[Any, Any, Any], bool]  # of the answer, what `prepare` gave, and the store past the relay
    prepare: Callable[[Any], Any] = lambda direct: None
    publishes: bool = False  # what must not be done twice


def _object(direct, key="k"):
    info = direct.look(key)
    return None if info is None else bytes(direct.read(info, 0, info.size))


def _old(direct):
    direct.put("k", OLD, META)
    return direct.look("k")


def _poured(store, info):
    blocks = []
    store.pour(info, 0, info.size, lambda block: blocks.append(bytes(block)))
    return b"".join(blocks)


def _begin(direct):
    _old(direct)
    return direct.begin("k", META)


def _with_part(direct):
    upload = _begin(direct)
    return upload, direct.put_part(upload, 1, NEW)


def _open(direct, upload):
    return upload.id in {other.id for other in direct.uploads()}


VERBS = (
    Verb("look", lambda s, _: s.look("k"), lambda a, info, _: (a.size, a.etag) == (info.size, info.etag), _old),
    Verb("fetch", lambda s, _: s.fetch("k", 10_000), lambda a, _, __: bytes(a.body) == OLD, _old),
    Verb("read", lambda s, info: s.read(info, 0, info.size), lambda a, _, __: bytes(a) == OLD, _old),
    Verb("pour", _poured, lambda a, _, __: a == OLD, _old),
    Verb("list", lambda s, _: [o.key for o in s.list("k")], lambda a, _, __: a == ["k"], _old),
    Verb("put", lambda s, _: s.put("k", NEW, META), lambda a, _, d: _object(d) == NEW, _old, publishes=True),
    Verb("delete", lambda s, _: s.delete("k"), lambda a, _, d: _object(d) is None, _old, publishes=True),
    Verb("begin", lambda s, _: s.begin("k", META), lambda a, _, d: _open(d, a), _old, publishes=True),
    Verb("put_part", lambda s, u: s.put_part(u, 1, NEW), lambda a, u, d: len(list(d.parts(u))) == 1, _begin),
    Verb("parts", lambda s, h: list(s.parts(h[0])), lambda a, h, _: [p.number for p in a] == [1], _with_part),
    Verb(
        "commit",
        lambda s, h: s.commit(h[0], [h[1]]),
        lambda a, _, d: _object(d) == NEW,
        _with_part,
        publishes=True,
    ),
    Verb("abandon", lambda s, u: s.abandon(u), lambda a, u, d: not _open(d, u), _begin),
    Verb("uploads", lambda s, u: [o.id for o in s.uploads()], lambda a, u, _: u.id in a, _begin),
)


def cell(cloud, relay: Relay, store, verb: Verb, fault: Fault) -> str:
    """What comes of *fault* at *verb*, in words. Raises Wrong where a promise is broken."""
    held = verb.prepare(cloud.direct)
    relay.spoil(fault)
    if fault.idle:
        store.look("k")
        relay.closed.wait(10)
        relay.acted.clear()
    words = _run(relay, store, cloud.direct, verb, fault, held)
    met, acted = relay.met, list(relay.acted)
    relay.spoil(None)
    place = f"{cloud.name}, {verb.name}, {fault.name}"
    if _object(cloud.direct) not in (OLD, NEW, None if verb.name == "delete" else OLD):
        raise Wrong(f"{place}: neither the old object nor the new one is there")
    if verb.publishes and fault.acts and met and not _reads(acted):
        raise Wrong(f"{place}: done again though nobody knew what had come of it: {acted}")
    _clean(cloud.direct)
    return words if met else "—"


def _reads(acted: list[str]) -> bool:
    """Whether all requests after the first that was spoilt only looked."""
    return all(method in ("GET", "HEAD") for method in acted[1:])


def _run(relay: Relay, store, direct, verb: Verb, fault: Fault, held: Any) -> str:
    with under(Deadline(SECONDS if "drip" in fault.name else 60.0)):
        try:
            answer = verb.call(store, held)
        except RelayError as error:
            return f"`{type(error).__name__}`"
    if not verb.right(answer, held, direct):
        raise Wrong(f"{verb.name}, {fault.name}: {answer!r} is not what it is")
    return "right"


def _clean(direct) -> None:
    direct.delete("k")
    for upload in list(direct.uploads()):
        direct.abandon(upload)


Cells = Mapping[tuple[str, str, str], str]
_INTRODUCTION = """\
# What comes of every fault of a connection at every verb

Written by `make fault-matrix`; `make test` runs a part of it and compares, `make slow` all.
Each verb of each store is asked once through a relay of bytes that spoils its first exchange; stores ask again as usual
(`retries = 2`). The server is moto, or the emulator of OBS or OCI. [fault-matrix.md](fault-matrix.md) has what comes of
servers that answer well and refuse.

*right*: the answer, and what the server holds, are what they are without the fault. Else the name of the error
(`StoreUnavailable`: nothing was done, or nothing that matters; `OutcomeUnknown`: it may have been done, and is not done
again before somebody has looked; `Damaged`: what arrived is not what was sent). —: the fault cannot happen there. In
every cell the key holds its old object, or the new one whole, and no publishing write is made twice without knowing.

"""


def render(cells: Cells) -> str:
    """The page."""
    lines = [_INTRODUCTION.rstrip("\n")]
    for name, title in TITLES.items():
        lines += ["", f"## {title}", "", f"| the server | {' | '.join(verb.name for verb in VERBS)} |"]
        lines.append("|---" * (len(VERBS) + 1) + "|")
        for fault in FAULTS:
            words = " | ".join(cells[name, verb.name, fault.name] for verb in VERBS)
            lines.append(f"| {fault.name} | {words} |")
    return "\n".join(lines) + "\n"


def parse(text: str) -> dict[tuple[str, str, str], str]:
    """The cells of a page."""
    names = {title: name for name, title in TITLES.items()}
    cells, name = {}, ""
    for line in text.splitlines():
        if line.startswith("## "):
            name = names[line[3:]]
        elif name and line.startswith("| ") and not line.startswith("| the server"):
            fault, *words = (word.strip() for word in line.strip("|").split(" | "))
            cells |= {(name, verb.name, fault): word for verb, word in zip(VERBS, words, strict=True)}
    return cells
