"""How fast requests to one server may follow one another, learnt from its refusals; and which are made again, when.

A server that is asked too often answers 429, or 503 (RFC 6585, 4; Amazon S3, "Error responses": SlowDown). Then every
task of the process slows down, not only the one that was refused: additive increase, multiplicative decrease, as in TCP
(Chiu and Jain, 1989). Nothing is held back before the first refusal.
"""

import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timezone
from typing import TypeVar

from bucketrelay import deadline as deadlines
from bucketrelay.deadline import Deadline
from bucketrelay.errors import Damaged, OutcomeUnknown, StoreUnavailable
from bucketrelay.http.dates import http_date

T = TypeVar("T")
_NEVER = float("-inf")
_CUT = 0.9  # of what was accepted is left after a cut
_SPORADIC = 0.05  # of the requests: so many refusals may be the server's usual trouble, and no limit
_FEW = 20  # requests in a second, of which one refusal says nothing about a share
_KNOWN = 0.02  # of the requests: a server that refuses so many below its limit is known for trouble
_UNLIKELY = 2.5  # standard deviations above the usual trouble, which chance alone is seldom
_GROWTH = 0.05  # of the rate after the last cut, each second: a cut is made up for in two
_LEAST = 0.2  # requests a second; so much is asked even of a server that refuses everything
SELDOM = 5.0  # the same, of who asks so seldom that refusals are others' doing: less would spare the server nothing
_SURE = 8.0  # seconds after a cut in which the limit is near; without another one it is not, and is looked for anew
_DOUBTED = 2.0  # the same, of a server whose refusals are often none of a limit
_WINDOW = 1.0  # seconds over which accepted requests are counted, as most servers seem to, and no more than one cut
_START = 10.0  # requests a second to begin with, where the first refusal comes before enough was accepted
_LATE = 0.1  # seconds that a slot may be used late; the slots of so short a time are no burst to a server
_CALM = 60.0  # seconds without a refusal after which nothing is held back any more
_PAUSE, _LONGEST_PAUSE = 0.2, 2.0  # before the first repetition, in seconds; doubled for each further one
_LONGEST_WAIT = 300.0  # seconds for one's turn, where no invocation ends before: a Retry-After may say anything
_PATIENCE = 3  # times as many repetitions after a refusal for too many requests as after others
_SPARE, _EARNED = 64.0, 0.1  # repetitions at first, and what each accepted request adds: no more than a tenth for long


class Rate:
    """Requests a second, by additive increase and multiplicative decrease. Pure arithmetic: every time is given.

    The first cut is to what was accepted until then, from where it doubles each second to find the server's limit; each
    further one is the decrease of AIMD. Not each refusal is a limit: a server that refuses one in twenty-five, whatever
    it is asked, has none to be found. Its trouble is what it still refuses where the rate is surely below what it took:
    in the second second after a cut. Only refusals beyond that trouble, and beyond chance, cut.

    Args:
        jitter: numbers from 0 to 1, so that processes which were refused together do not come again together.
        least: requests a second that are asked even of a server that refuses everything.
    """

    def __init__(self, jitter: Callable[[], float] = random.random, least: float = _LEAST) -> None:
        self._jitter, self._least = jitter, least
        self._rate = self._growth = 0.0  # requests a second, and more of them each second; 0: without a limit
        self._next = self._held = self._cut = _NEVER  # when a slot is free; Retry-After's end; the last cut
        self._accepted: deque[float] = deque(maxlen=4096)
        self._refused: deque[float] = deque(maxlen=4096)
        self._below = self._trouble = 0.0  # requests below the limit, and refused ones of them; old ones count less

    @property
    def limit(self) -> float:
        """Requests a second; 0 while nothing limits them."""
        return self._rate

    @property
    def quiet(self) -> bool:
        """Whether there is no limit, nor has any server said yet when to come again: then any request may go."""
        return self._rate == 0.0 and self._held == _NEVER

    def free(self, now: float) -> float:
        """When the next request may go: *now*, or later."""
        if now > max(self._held, self._cut + _CALM):
            self._rate = 0.0
        return max(now, self._held, self._next) if self._rate else max(now, self._held)

    def take(self, now: float) -> None:
        """A request goes now. One that comes late for its slot does not move those after it.

        Threads wake up late: counted from when requests really went, every slot would be as much too long, and of 100 a
        second 2 ms each leave 83.
        """
        if self._rate:
            self._next = max(self._next, self._held, now - _LATE) + 1 / self._rate

    def note_success(self, now: float) -> None:
        """The server has done what it was asked."""
        self._accepted.append(now)
        if self._growth:
            self._below += self._recovers(now)
        if self._rate:
            # So little that it takes two seconds to be where the limit was found; else twice as much each second.
            self._rate += self._growth / self._rate if self._growth and now < self._cut + self._sure() else 1.0

    def note_refusal(self, sent: float, now: float, after: float | None = None) -> None:
        """The server was asked too often, by a request that was sent at *sent*, and said to come *after* seconds."""
        if after:  # no longer than anybody waits: gateways say a day, and a wrong clock makes a date an hour
            self._held = max(self._held, now + min(after, _LONGEST_WAIT))
        self._refused.append(now)
        if self._recovers(now) and self._recovers(sent):
            self._below, self._trouble = self._below + 1, self._trouble + 1
        if sent <= self._cut or now < self._cut + _WINDOW:
            return  # sent before the last cut, of which it tells nothing; or too soon for the server to have noticed
        taken, refused = self._lately(self._accepted, now), self._lately(self._refused, now)
        if not _exceeds(taken, refused, self.trouble):
            return
        if self._rate:
            self._rate = max(self._least, self._rate / 2, _CUT * min(self._rate, taken))
            self._growth = _GROWTH * self._rate
        else:
            self._rate, self._growth = max(_START, _CUT * taken), 0.0  # 0: the limit is still to be found
        self._next = now + (0.5 + self._jitter()) / self._rate
        self._cut = now
        self._below, self._trouble = self._below / 2, self._trouble / 2

    @property
    def trouble(self) -> float:
        """The share of requests that the server refuses whatever it is asked; never more than may be no limit."""
        return min(_SPORADIC, self._trouble / (self._below + _FEW))

    def _sure(self) -> float:
        return _SURE if self.trouble < _KNOWN else _DOUBTED

    def _recovers(self, now: float) -> bool:
        """Whether the rate is below what was accepted before the last cut, and the server has had time to notice."""
        return self._growth > 0 and self._cut + _WINDOW <= now < self._cut + 2 * _WINDOW

    @staticmethod
    def _lately(moments: "deque[float]", now: float) -> float:
        """How many there were in the last second."""
        return sum(1 for moment in moments if moment > now - _WINDOW) / _WINDOW


def _exceeds(taken: float, refused: float, trouble: float) -> bool:
    """Whether a server that took and refused so many, the latest refusal among them, has a limit that is exceeded.

    That one is why we count at all; the others tell the share. Of a few requests nobody can tell a share: a server that
    is not known for trouble is believed at once.
    """
    if taken + refused < _FEW and trouble < _KNOWN:
        return True
    others = taken + refused - 1
    chance = trouble * others + _UNLIKELY * math.sqrt(trouble * others)
    return refused - 1 >= max(_SPORADIC * others, chance)


class Pace:
    """The one limit of all requests to a server, for many threads; and which of them are made again.

    No waiting outlives the invocation that the calling thread works for, see `bucketrelay.deadline.current`.

    Args:
        least: see Rate.
        now: a monotonic clock, in seconds.
        sleep: waits for so many seconds.
        jitter: numbers from 0 to 1.
    """

    def __init__(
        self,
        *,
        least: float = _LEAST,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._now, self._sleep, self._jitter = now, sleep, jitter
        self._rate = Rate(jitter, least)
        self._lock = threading.Lock()  # of the rate and the spare repetitions
        self._first = threading.Lock()  # of the one who waits for the next request's time; the others wait for him
        self._spare = _SPARE

    @property
    def limit(self) -> float:
        """Requests a second; 0 while nothing limits them."""
        return self._rate.limit

    @property
    def quiet(self) -> bool:
        """Whether any request may go at once: nothing limits them."""
        return self._rate.quiet

    def send(self, call: Callable[[], T], url: str, *, retries: int) -> T:
        """The answer to a request, made in its turn, and again where that may help, does no harm and is in time.

        Made again is what raises StoreUnavailable or Damaged, but for OutcomeUnknown: *retries* times; three times as
        often after a refusal for too many requests (`busy`), which is no fault of its own, and waits for its turn. All
        others together are a tenth of the server's requests, and a few: a server that is down is not asked three times
        for everything.

        Args:
            call: makes one request; what it raises is bucketrelay's.
            url: of the object or the store, for the text of an error.

        Raises:
            StoreUnavailable: also where its turn would come after the invocation's end.
        """
        deadline, attempt = deadlines.current(), 0
        while True:
            sent = self._now() if self._rate.quiet else self.turn(deadline, url)
            try:
                answer = call()
            except (StoreUnavailable, Damaged) as error:
                if busy := isinstance(error, StoreUnavailable) and error.busy:
                    self.note_refusal(sent, error.after)
                pause = min(_LONGEST_PAUSE, _PAUSE * 2.0**attempt) * (0.5 + self._jitter())
                harmless = attempt < retries * (_PATIENCE if busy else 1) and not isinstance(error, OutcomeUnknown)
                if not harmless or pause >= deadline.remaining() or not (busy or self._spared()):
                    raise
            except Exception:
                self.note_success()  # "no such key" is an answer too
                raise
            else:
                self.note_success()
                return answer
            self._sleep(pause)
            attempt += 1

    def turn(self, deadline: Deadline, url: str) -> float:
        """Wait until the next request may go. Returns the time, for `refused`.

        Raises:
            StoreUnavailable: that is not before *deadline*. Not OutOfTime: another invocation at once would not help.
        """
        if self._rate.quiet or not self._limited():  # two words that one thread reads whole: no lock for the usual
            return self._now()
        left = deadline.remaining()
        if not self._first.acquire(timeout=-1 if left == math.inf else min(left, threading.TIMEOUT_MAX)):
            raise _too_late(url)
        try:
            while wait := self._take():
                if wait >= min(deadline.remaining(), _LONGEST_WAIT):
                    raise _too_late(url)
                self._sleep(wait)
            return self._now()
        finally:
            self._first.release()

    def note_success(self) -> None:
        """Take note: the server has answered, and not that it is asked too often."""
        with self._lock:
            self._rate.note_success(self._now())
            self._spare = min(_SPARE, self._spare + _EARNED)

    def note_refusal(self, sent: float, after: float | None) -> None:
        """Take note: it was asked too often, by what was sent at *sent*, and said to come again *after* seconds."""
        with self._lock:
            self._rate.note_refusal(sent, self._now(), after)

    def _limited(self) -> bool:
        with self._lock:
            now = self._now()
            return self._rate.free(now) > now or self._rate.limit > 0

    def _take(self) -> float:
        """Seconds to wait before trying once more; 0, and it is taken, if the next request may go."""
        with self._lock:
            now = self._now()
            at = self._rate.free(now)
            if at <= now:
                self._rate.take(now)
            return max(0.0, at - now)

    def _spared(self) -> bool:
        with self._lock:
            if self._spare < 1:
                return False
            self._spare -= 1
            return True


def seconds(header: str) -> float | None:
    """What `Retry-After` asks for, in seconds or as a date (RFC 9110, 10.2.3); None where it says nothing."""
    if header.strip().isascii() and header.strip().isdigit():
        return float(header.strip()[:9])
    date = http_date(header)
    return None if date is None else max(0.0, (date - datetime.now(timezone.utc)).total_seconds())


def _too_late(url: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"{url}: its server is asked too often, and this request's turn is minutes away or after the invocation's end;"
        " it comes again",
        busy=True,
    )
