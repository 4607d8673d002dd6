"""How far a reconciliation has come, in the log store: it goes on there after any end, with the same books.

reconcile/<route>/bookmark-<digest of what was asked for>/
    plan.json               the spans of each target, when it began; gone once the books are written
    00-00003.json           a span's mark: where it is, what it has counted, what waits to be repaired
    missing-00-00003-000001.jsonl    lines that are complete; see `lines.py`

A mark is written at least once a page of both sides. What differs is in it *before* anything is repaired. So a process
that is killed in between finds, next time, the tasks that it may have run: they are run again, which changes nothing
where they were done, and are counted as what they were.
"""

import contextvars
import json
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import asdict, dataclass, field, fields
from hashlib import sha256
from typing import Any, TypeVar

from bucketrelay.drivers.reconcile.books import Counts, Kind, Verdict, counts_of
from bucketrelay.drivers.reconcile.compare import Span
from bucketrelay.errors import StoreUnavailable, TargetChanged
from bucketrelay.model import Meta, ObjectInfo
from bucketrelay.reports.books import FOLDER
from bucketrelay.store import ABSENT, Expect, MiB, Store

_LARGEST = 16 * MiB
_VERSION = 2
T = TypeVar("T")


@dataclass(slots=True)
class Mark:
    """The state of one span."""

    after: str = ""  # all rests up to it are counted, or wait
    ended: bool = False  # there are no more
    counts: Counts = field(default_factory=Counts)
    waiting: list[Verdict] = field(default_factory=list)  # to be repaired, and not counted yet
    begun: bool = False  # some of what waits may have been repaired already
    lines: dict[str, list[str]] = field(default_factory=dict)  # of the lists, by kind: not yet in an object
    objects: dict[str, int] = field(default_factory=dict)  # how many objects of lines there are, by kind
    compared: int = 0  # pairs
    time: str = ""  # of the plan that it belongs to: what an earlier one left behind counts for nothing

    @property
    def over(self) -> bool:
        """Whether nothing is left to do in this span."""
        return self.ended and not self.waiting

    def text(self) -> bytes:
        """As JSON."""
        members = {each.name: getattr(self, each.name) for each in fields(self)}  # `asdict` would copy every line
        waiting = [{**asdict(each), "kind": each.kind.value} for each in self.waiting]
        members |= {"counts": asdict(self.counts), "waiting": waiting, "version": _VERSION}
        return json.dumps(members).encode()


def mark_of(members: dict[str, Any]) -> Mark:
    """The mark in a JSON object."""
    counts, waiting = counts_of(members.pop("counts")), members.pop("waiting")
    verdicts = [Verdict(**{**each, "kind": Kind(each["kind"])}) for each in waiting]
    return Mark(**members, counts=counts, waiting=verdicts)


@dataclass(slots=True)
class Plan:
    """What is compared with what, and since when."""

    time: str  # when it began, and the name of the folder of its books: 20261121T091500.123456Z
    targets: list[tuple[str, list[Span]]]
    seconds: float = 0.0  # of runs that were ended in order

    def text(self) -> bytes:
        """As JSON."""
        return json.dumps({**asdict(self), "version": _VERSION}).encode()


def plan_of(members: dict[str, Any]) -> Plan:
    """The plan in a JSON object."""
    targets = [(target, [Span(*span) for span in spans]) for target, spans in members.pop("targets")]
    return Plan(**members, targets=targets)


class Keeper:
    """Writes one mark after another in a thread of somebody's, so that the next page is compared meanwhile."""

    def __init__(self, write: Callable[[bytes], None], threads: Executor) -> None:
        self._write, self._threads = write, threads
        self._last: Future[None] | None = None

    def keep(self, text: bytes, *, sure: bool) -> None:
        """Write it; *sure*: return when it is durable. Raises what went wrong with this one or the one before."""
        self.rest()
        self._last = self._threads.submit(contextvars.copy_context().run, self._write, text)
        if sure:
            self.rest()

    def rest(self) -> None:
        """Wait until nothing is being written."""
        last, self._last = self._last, None
        if last:
            last.result()


class Bookmarks:
    """Reads and writes the state of one reconciliation.

    Two processes that run the same reconciliation at once would spoil each other's books: where the log store keeps
    conditions, the later one finds that it is not alone.

    Args:
        log: the log store.
        route: its name.
        words: what was asked for, in words that differ where the books would.
        complain: is told of what nobody can read, or another version wrote. It counts for nothing: a bookmark only
            saves time, and a schedule has nobody who would say `--restart`.
    """

    def __init__(self, log: Store, route: str, words: str, complain: Callable[[str], None] = lambda _: None) -> None:
        self._log, self._complain = log, complain
        self._folder = f"{FOLDER}{route}/bookmark-{sha256(words.encode()).hexdigest()[:16]}/"
        self._seen: dict[str, Expect] = {}

    def plan(self) -> Plan | None:
        """The plan of an earlier run that was not ended; None where there is none, or none that can be read."""
        return self._read("plan.json", self._load("plan.json"), plan_of)

    def save_plan(self, plan: Plan) -> None:
        """Keep the plan."""
        self._save("plan.json", plan.text())

    def mark(self, target: int, span: int, time: str) -> Mark:
        """The mark of a span of the plan of *time*; a fresh one where it has not been begun."""
        name = _name(target, span)
        mark = self._read(name, self._load(name), mark_of)
        return mark if mark and mark.time == time else Mark(time=time)

    def save(self, target: int, span: int, text: bytes) -> None:
        """Keep a mark.

        Raises:
            StoreUnavailable: another process is at work on this. It will end: a schedule's job comes again.
        """
        self._save(_name(target, span), text)

    def stem(self, kind: str, target: int, span: int) -> str:
        """How the names of objects of lines begin."""
        return f"{self._folder}{kind}-{target:02}-{span:05}-"

    def forget(self) -> None:
        """Remove everything, the plan first: without it the rest counts for nothing, and goes the next time at last."""
        self._seen.clear()
        self._log.delete(f"{self._folder}plan.json")
        for info in list(self._log.list(self._folder)):
            self._log.delete(info.key)

    def _load(self, name: str) -> bytes | None:
        key = self._folder + name
        fetched = self._log.fetch(key, _LARGEST)
        if fetched is None or fetched.body is None:
            self._seen[key] = ABSENT
            return None
        self._seen[key] = fetched.info
        return bytes(fetched.body)

    def _read(self, name: str, body: bytes | None, make: Callable[[dict[str, Any]], T]) -> T | None:
        try:
            return None if body is None else make(_members(body))
        except (ValueError, TypeError, KeyError, AttributeError):
            self._complain(f"{self._log.address.of(self._folder + name)}: no bookmark of this version: begins anew")
            return None

    def _save(self, name: str, body: bytes) -> None:
        key = self._folder + name
        try:
            written = self._log.put(key, body, Meta(content_type="application/json"), expect=self._seen.get(key))
        except TargetChanged as error:
            fetched = self._log.fetch(key, len(body) + 1)
            if fetched is None or fetched.body != body:  # else it is ours: only the answer was lost
                raise StoreUnavailable(
                    f"{self._log.address.of(key)}: another process reconciles the same: let it end, or end it"
                ) from error
            self._seen[key] = fetched.info
        else:
            self._seen[key] = ObjectInfo(key, len(body), written.etag, version=written.version)


def _members(body: bytes) -> dict[str, Any]:
    members: dict[str, Any] = json.loads(body)
    if members.pop("version") != _VERSION:
        raise ValueError("of another version")
    return members


def _name(target: int, span: int) -> str:
    return f"{target:02}-{span:05}.json"
