"""The bucket behind stores in memory: objects, what they were before, open uploads, and orders of a test."""

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field  # a test's own bucket may derive from this one, by the standard library
from datetime import datetime

from bucketrelay.abilities import Part
from bucketrelay.model import Meta


@dataclass(frozen=True)
class Held:
    """An object: what the bucket remembers of it."""

    body: bytes
    etag: str
    modified: datetime
    version: str
    meta: Meta


@dataclass
class Open:
    """An open upload."""

    key: str
    meta: Meta
    parts: dict[int, tuple[Part, bytes]] = field(default_factory=dict)


@dataclass
class Bucket:
    """What the server holds; several stores (prefixes) may look at one. Keys are whole."""

    now: Callable[[], datetime]
    objects: dict[str, Held] = field(default_factory=dict)
    versions: dict[tuple[str, str], Held] = field(default_factory=dict)  # by key and version id
    open: dict[str, Open] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    lock: threading.RLock = field(default_factory=threading.RLock)
    exists: bool = True
    before: dict[str, Held | None] = field(default_factory=dict)  # what each key was before its last change
    behind: dict[tuple[str, str], int] = field(default_factory=dict)  # answers still to come from then, by verb and key

    def hold(self, key: str, body: bytes, etag: str, meta: Meta, *, versioned: bool) -> Held:
        """Write."""
        version = f"v{next(self.numbers)}" if versioned else ""
        self.before[key] = self.objects.get(key)
        held = self.objects[key] = Held(body, etag, self.now(), version, meta)
        if version:
            self.versions[key, version] = held
        return held

    def remove(self, key: str) -> None:
        """Delete; old versions stay."""
        self.before[key] = self.objects.pop(key, None)

    def show(self, verb: str, key: str) -> Held | None:
        """What a request by *verb* is shown of *key*: the past, as often as was ordered."""
        left = self.behind.get((verb, key), 0)
        if left:
            self.behind[verb, key] = left - 1
            return self.before.get(key)
        return self.objects.get(key)


@dataclass
class Order:
    """Something that is to happen at a later request."""

    verb: str
    act: Callable[[], object]
    key: str | None
    after: bool
    times: int


class Orders:
    """What a test has ordered of a store, and every request that the store has had."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._orders: list[Order] = []
        self.calls: list[tuple[str, str]] = []

    def add(self, order: Order) -> None:
        """From now on."""
        self._orders.append(order)

    def clear(self) -> None:
        """Forget what was ordered."""
        self._orders.clear()

    def begin(self, verb: str, key: str) -> None:
        """A request comes in."""
        with self._lock:
            self.calls.append((verb, key))
        self._run(verb, key, after=False)

    def end(self, verb: str, key: str) -> None:
        """A request has had its effect, and is about to be answered."""
        self._run(verb, key, after=True)

    def _run(self, verb: str, key: str, *, after: bool) -> None:
        with self._lock:
            for order in self._orders:
                if (order.verb, order.after) == (verb, after) and order.times > 0 and order.key in (None, key):
                    order.times -= 1
                    break
            else:
                return
        order.act()
