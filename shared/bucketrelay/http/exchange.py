"""One request of a store to its end: in its turn, signed, repeated where that may help and does no harm, understood.

What a cloud's `requests.py` is made of:

    exchange = Exchange(connections, pace, retries, DIALECT, read_refusal, clock)
    answer = exchange.send(Call(url, Effect.READ, "s3:GetObject"), lambda: signed("GET", target, ...), receive)
"""

from collections.abc import Callable

from bucketrelay.errors import RelayError
from bucketrelay.http.clock import Clock
from bucketrelay.http.connections import Connections, Pending
from bucketrelay.http.faults import BodyFailed, NoAnswer
from bucketrelay.http.messages import Answer, Head, Into, Receive, Request
from bucketrelay.http.outcome import (
    Dialect,
    Effect,
    Meaning,
    NotModified,
    Refusal,
    error_for,
    error_without_answer,
    meaning,
)
from bucketrelay.http.pace import Pace
from bucketrelay.values import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """What a request is about.

    Attributes:
        url: of the object or the store, as errors name it.
        permission: that it needs, as 403 names it.
        answers: statuses from 300 on that are no errors of it.
    """

    url: str
    effect: Effect
    permission: str = ""
    answers: tuple[int, ...] = ()


_NO_SKEW = (304, 404, 412)  # of a key: a server that could not tell who asks would not say so


class _Final(Exception):
    """Not to be repeated: blocks were handed on that cannot be taken back."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        super().__init__(str(error))


class Exchange:
    """Sends the requests of one store; for many threads.

    Args:
        retries: how often a request is made again that did no harm.
        dialect: how the cloud says no.
        refusal: reads an answer that is an error, and where the bucket is if it says so ("" else).
        clock: what signatures take their time from.
    """

    def __init__(
        self,
        connections: Connections,
        pace: Pace,
        retries: int,
        dialect: Dialect,
        refusal: Callable[[Answer], tuple[Refusal, str]],
        clock: Clock | None = None,
    ) -> None:
        self.connections, self.pace, self.clock = connections, pace, clock or Clock()
        self._retries, self._dialect, self._refusal = retries, dialect, refusal

    def send(
        self,
        call: Call,
        request: Callable[[], Request],
        receive: Receive | None = None,
        *,
        check: Callable[[Answer], None] = lambda _: None,
        pending: Pending | None = None,
    ) -> Answer:
        """The answer, whose status is 200 to 299, or one of the call's `answers`.

        Args:
            request: makes the signed request; called for each attempt, as signatures hold the time.
            receive: see `messages.Receive`; called for each attempt that is answered so.
            pending: what `ask` has sent already: the first attempt waits for its answer.
            check: looks at the answer, and may raise: what `failed` makes of an error under 200; a NoAnswer such as
                Malformed, which counts as no answer at all.

        Raises:
            NotModified: 304.
            RelayError: see `http.outcome`; what the body's `pour` and *receive* raise comes through as it is.
        """
        try:
            return self.pace.send(
                lambda: self._attempt(call, request, receive, check, pending), call.url, retries=self._retries
            )
        except (BodyFailed, _Final) as failure:
            raise failure.error from failure.error.__cause__

    def ask(self, request: Callable[[], Request]) -> Pending | None:
        """Send a read and do not wait, see `Connections.ask`; None also while requests have to wait for their turn."""
        return self.connections.ask(request()) if self.pace.quiet else None

    def error_of(self, call: Call, answer: Answer) -> RelayError:
        """What an answer means that is an error, whatever its status; to be raised in `check`."""
        refusal, elsewhere = self._refusal(answer)
        # A server that was never sent the body has written nothing, whatever it says.
        unwritten = answer.bodiless and call.effect is Effect.PUBLISHING_WRITE
        effect = Effect.REPEATABLE_WRITE if unwritten else call.effect
        error = error_for(refusal, effect, call.url, self._dialect, permission=call.permission, elsewhere=elsewhere)
        error.__cause__ = refusal
        return error

    def _attempt(
        self,
        call: Call,
        request: Callable[[], Request],
        receive: Receive | None,
        check: Callable[[Answer], None],
        pending: Pending | None,
    ) -> Answer:
        answer = self._answer(call, request, receive, pending)
        if answer.status in call.answers:
            return answer
        if answer.status >= 300 and self._skewed(answer) and self.clock.learn(answer.headers.get("date")):
            answer = self._answer(call, request, receive)
        if answer.status == 304:
            raise NotModified(answer.headers)
        if answer.status >= 300:
            raise self.error_of(call, answer)
        try:
            check(answer)
        except NoAnswer as fault:
            raise error_without_answer(fault, call.effect, call.url) from fault
        return answer

    def _answer(
        self, call: Call, request: Callable[[], Request], receive: Receive | None, pending: Pending | None = None
    ) -> Answer:
        repeatable, handed = call.effect is not Effect.PUBLISHING_WRITE, False
        if receive is None:
            try:
                if pending is not None and pending.waits:
                    return pending.hear()
                return self.connections.send(request(), None, repeatable=repeatable)
            except NoAnswer as fault:
                raise error_without_answer(fault, call.effect, call.url) from fault

        def watch(head: Head) -> Into | None:
            into = receive(head)
            if into is None or not into.once or isinstance(into.to, memoryview):
                return into
            write = into.to

            def note(block: memoryview) -> None:
                nonlocal handed
                handed = True
                write(block)

            return Into(note, into.length)

        try:
            return self.connections.send(request(), watch, repeatable=repeatable)
        except NoAnswer as fault:
            error = error_without_answer(fault, call.effect, call.url)
            error.__cause__ = fault
            raise (_Final(error) if handed else error) from fault

    def _skewed(self, answer: Answer) -> bool:
        """Whether the signature's time was refused; a refused HEAD does not say why, but its Date does."""
        if answer.status in _NO_SKEW:
            return False
        refusal, _ = self._refusal(answer)
        if not refusal.code:
            return answer.status in (400, 401, 403)
        return meaning(answer.status, refusal.code, self._dialect.codes) is Meaning.SKEWED
