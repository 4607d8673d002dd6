"""One storm from its first write until nothing of it is left to be delivered."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from storms.clock import Clock
from storms.lanes import End, Meeting
from storms.plan import HOLD, Storm, Write
from storms.shapes import Message
from storms.weather import LOG
from storms.workers import LISTED
from storms.world import World
from storms.writers import NoObject

BACKOFF = HOLD + 0.5  # seconds until what failed comes again: later than anything that is held has ended
ATTEMPTS = 100  # of one delivery: a young event of something that is gone takes some twenty
LONGEST = 30.0  # seconds after which faults end also where not every event was given once
PART = 3_000_000  # bytes of an object that a writer sends in parts


EVENTS = 40  # of each write, at most: far above what any number of faults needs for routes that meet to come to rest


class Version(NamedTuple):
    """What a user's write made of a key: its number is in its metadata."""

    key: str
    deed: str
    end: End
    second: int  # by its store's clock
    state: list[Any]


class Course:
    """A storm that takes its course.

    Args:
        ended: called once, when all writes are done, the faults withdrawn and all events delivered well (or left to
            `bucketrelay replay`).
    """

    def __init__(
        self, plan: Storm, world: World, clock: Clock, pool: ThreadPoolExecutor, ended: "Callable[[Course], None]"
    ) -> None:
        self.plan, self._world, self._clock, self._pool, self._ended = plan, world, clock, pool, ended
        self._lock = threading.Lock()
        self._keys: defaultdict[tuple[End, str], threading.Lock] = defaultdict(threading.Lock)
        # The second of the last write of a key at an end, and what was written in it.
        self._last: dict[tuple[End, str], tuple[int, list[bytes]]] = {}
        self._numbers = {(str(write.number), write.end, write.key): write.deed for write in plan.writes}
        self.versions: dict[str, Version] = {}  # by number
        self.deletes: list[tuple[str, End, int]] = []  # by users: key, end, and the second in which it was over
        self._todo = len(plan.writes)
        self._underway = 0
        self._first = 0  # messages that nobody was given yet
        self._raging = True
        self.over = False
        self.events = 0
        self._begun = time.monotonic()
        self.left = 0  # messages that were given up, for replay
        self.journal: list[str] = []
        self.broken: list[str] = []  # what the harness itself could not do

    def start(self) -> None:
        """Order the faults, and begin."""
        self._begun = time.monotonic()
        for cloud in self._world.clouds:
            for log in (False, True):
                faults = [order.fault for order in self.plan.orders if (order.cloud, order.log) == (cloud, log)]
                if cloud == "s3" and "moto" in self._world.words:
                    # moto takes a body whatever its checksum is, where S3 answers BadDigest.
                    faults = [fault for fault in faults if fault.get("kind") != "corrupt_sent"]
                if faults:
                    self._world.remotes[cloud].call("rage", LOG if log else self.plan.name, faults)
        for write in self.plan.writes:
            self._clock.at(self._begun + write.at, self._submit(write))
        self._clock.at(self._begun + LONGEST, lambda: self._pool.submit(self._calm))

    def told(self, cloud: str, event: dict[str, Any]) -> None:
        """A change happened: have its event given, once or more often."""
        with self._lock:
            deliveries = self.plan.deliveries[self.events % len(self.plan.deliveries)]
            self.events += 1
            end = End(cloud, event["bucket"])
            self._remember_version(end, event)
            if self.restless:
                return  # it would go on for ever, and is told as a difference
            self._underway += len(deliveries)
            self._first += len(deliveries)
            given = [round(d.after, 3) for d in deliveries]
            self._note(f"event {self.events} of {end.store} {event['key']!r} {event['state']}, given {given}")
        now = time.monotonic()
        for delivery in deliveries:
            message = Message(self.plan.name, cloud, delivery.forms[cloud], event, delivery.kill, delivery.time)
            self._world.posts[cloud].send(now + delivery.after, message)

    def ended(self, message: Message, why: str, who: str) -> None:
        """An invocation that had the message has ended."""
        again = bool(why)
        with self._lock:
            self._first -= message.attempts == 1
            self._note(f"{who}: {message.form} of {message.told['key']!r}, attempt {message.attempts}: {why or 'ok'}")
            if why and 0 < self.plan.attempts <= message.attempts and LISTED in why:
                self.left += 1
                again = False
            if again and message.attempts >= ATTEMPTS:
                self.broken.append(f"{self.plan.name}/ {message.told['key']!r}: {ATTEMPTS} attempts: {why}")
                again = False
            if not again:
                self._underway -= 1
        if again:
            self._world.posts[message.cloud].send(time.monotonic() + BACKOFF, message)
        else:
            self._check()

    @property
    def restless(self) -> bool:
        """Whether it goes on by itself."""
        return self.events > EVENTS * len(self.plan.writes)

    @property
    def idle(self) -> bool:
        """Whether nothing of it is to be delivered."""
        with self._lock:
            return self._underway == 0

    def _remember_version(self, end: End, event: dict[str, Any]) -> None:
        state = event["state"]
        number = state[2].get("number", "") if state else ""
        deed = self._numbers.get((number, end, event["key"]))
        if deed and number not in self.versions:
            self.versions[number] = Version(event["key"], deed, end, event["second"], state)

    def describe(self) -> list[str]:
        """All that is known of it."""
        return [*self.plan.describe(), *(f"  {line}" for line in self.journal)]

    def _submit(self, write: Write) -> Callable[[], object]:
        return lambda: self._pool.submit(self._write, write)

    def _write(self, write: Write) -> None:
        with self._keys[write.end, write.key]:
            if self._wait_for_another_second(write):
                return
            try:
                self._do(write)
                done = "done"
            except NoObject:
                done = "not there"
            except Exception as error:  # noqa: BLE001  # it must not be lost in the pool
                done = f"the harness: {error!r}"
                self.broken.append(f"{self.plan.name}/ {done}")
            with self._lock:
                words = f"{write.deed} {write.end.store} {write.key!r} number {write.number}"
                self._note(f"writer {write.writer}: {words}: {done}")
                if write.deed == "delete":
                    self.deletes.append((write.key, write.end, int(time.time())))
            self._remember(write)
        self._done()

    def _wait_for_another_second(self, write: Write) -> bool:
        """Whether the write is to be tried later.

        docs/decisions/0001-origin-stamp.md: without versions, two writes of the same bytes within one second, with or
        without another between them, cannot be told apart, for S3 and OBS show seconds and the ETag is the same.
        """
        second, bodies = self._last.get((write.end, write.key), (0, []))
        now = time.time()
        if isinstance(self.plan.lane, Meeting) and write.deed in ("meta", "edit"):  # of what a route may have written
            second, bodies = self._world.remotes[write.end.cloud].call("second", write.end.bucket, write.key), []
            if int(now) > second:
                return False
        elif write.end.cloud == "oci" or int(now) > second or self._body(write) not in bodies:
            return False
        self._clock.at(time.monotonic() + int(now) + 1.02 - now, self._submit(write))
        return True

    def _body(self, write: Write) -> bytes:
        written = self._last.get((write.end, write.key), (0, [b""]))[1]
        return written[-1] if write.deed in ("meta", "edit", "delete") else write.body

    def _remember(self, write: Write) -> None:
        now, (second, bodies) = int(time.time()), self._last.get((write.end, write.key), (0, []))
        self._last[write.end, write.key] = now, [*(bodies if now == second else ()), self._body(write)]

    def _do(self, write: Write) -> None:
        client = self._world.writers.of(*write.end)
        if write.deed == "edit":
            if not self._world.remotes[write.end.cloud].call("edit", write.end.bucket, write.key, str(write.number)):
                raise NoObject(write.key)
        elif write.deed == "delete":
            client.delete(write.key)
        elif write.deed == "meta":
            client.meta(write.key, self._body(write), write.meta)
        elif write.deed == "parts":
            half = min(len(write.body) // 2, PART)
            client.parts(write.key, [write.body[:half], write.body[half:]], write.meta)
        else:
            client.put(write.key, write.body, write.meta)

    def _calm(self) -> None:
        with self._lock:
            was, self._raging = self._raging, False
        if was:
            for cloud in {order.cloud for order in self.plan.orders}:
                self._world.remotes[cloud].call("calm", self.plan.name)
            self._check()

    def _done(self) -> None:
        with self._lock:
            self._todo -= 1
            last = self._todo == 0
            if last:
                self._underway += 1
        if last:
            for cloud in {end.cloud for end in self.plan.lane.writers}:
                self._world.remotes[cloud].call("sync")  # all events of the writes have come now
            with self._lock:
                self._underway -= 1
            self._check()

    def _check(self) -> None:
        with self._lock:
            quiet = self._todo == 0 and self._first == 0 and not self.over
            calms = quiet and self._raging
            ends = quiet and self._underway == 0 and not self._raging
            self.over = self.over or ends
        if calms:
            self._pool.submit(self._calm)
        if ends:
            self._ended(self)

    def _note(self, text: str) -> None:
        self.journal.append(f"{time.time():.4f} {time.monotonic() - self._begun:7.3f} {text}")
