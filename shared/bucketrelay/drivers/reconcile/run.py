"""A reconciliation from its plan to its books: spans side by side, each going on from its mark."""

import contextvars
import json
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import InitVar, dataclass, field, replace
from datetime import datetime, timedelta, timezone

from bucketrelay.deadline import Deadline, under
from bucketrelay.drivers.reconcile.adopt import Adopt
from bucketrelay.drivers.reconcile.bookmark import Bookmarks, Keeper, Mark, Plan
from bucketrelay.drivers.reconcile.books import WITH_LIST, Book, Counts
from bucketrelay.drivers.reconcile.compare import ALL, Pair, Right, Side, Span, merge, nothing, side
from bucketrelay.drivers.reconcile.judge import Depth, Judge
from bucketrelay.drivers.reconcile.lines import gather, publish, put_away
from bucketrelay.drivers.reconcile.manifest import MANIFEST, put_whole, row_of
from bucketrelay.drivers.reconcile.remembered import Remembered
from bucketrelay.drivers.reconcile.segments import rests_of, split
from bucketrelay.drivers.reconcile.span import Enough, SpanRun, never
from bucketrelay.drivers.reconcile.streams import Streams
from bucketrelay.drivers.reconcile.wish import Wish, World
from bucketrelay.errors import OutOfTime, RelayError
from bucketrelay.model import Meta
from bucketrelay.reports.books import FOLDER, TIME

_FORGOTTEN = timedelta(days=7)  # books of two times so far apart would say nothing of either


class Halt(Deadline):
    """A deadline that can also be called: every stream ends at its next page, every task at its next part."""

    __slots__ = ("_called", "_of")

    def __init__(self, of: Deadline) -> None:
        super().__init__()
        self._of, self._called = of, threading.Event()

    def call(self) -> None:
        """Nothing new begins from here on."""
        self._called.set()

    def remaining(self) -> float:
        """Seconds left, none once it was called."""
        return 0.0 if self._called.is_set() else self._of.remaining()


@dataclass(slots=True)
class Reconciliation:
    """One reconciliation of a route with its targets."""

    wish: Wish
    world: World
    deadline: InitVar[Deadline]
    halt: Halt = field(init=False)
    plan: Plan = field(init=False)
    _marks: Bookmarks = field(init=False)
    _held: dict[tuple[int, int], Mark] = field(init=False, default_factory=dict)
    _began: float = field(init=False, default_factory=time.monotonic)

    def __post_init__(self, deadline: Deadline) -> None:
        self.halt = Halt(deadline)
        self._marks = Bookmarks(self.world.log, self.wish.route.name, self.wish.words(), self.world.complain)

    def begin(self, *, restart: bool = False) -> str:
        """Make the plan, or find the one of a run that was ended. Returns when that began, "" for a new one."""
        plan = None if restart else self._marks.plan()
        now = self.world.now()
        if plan and now - _moment(plan.time) < _FORGOTTEN:
            self.plan = plan
            return plan.time
        if restart or plan:
            self._marks.forget()
        self.plan = Plan(f"{now.astimezone(timezone.utc):{TIME}}", [(target, [ALL]) for target in self.wish.targets])
        self._marks.save_plan(self.plan)
        return ""

    def run(self) -> list[Book]:
        """Compare and repair to the end of both sides, or of the deadline. Returns the books; writes them at the end.

        Raises:
            RelayError: a side could not be listed, or the log store not be written. What is done is kept.
        """
        try:
            with (
                under(self.halt),
                ThreadPoolExecutor(self.world.threads, thread_name_prefix="relay-ask") as threads,
            ):
                for number in range(len(self.plan.targets)):
                    self._target(number, threads)
        except OutOfTime:
            pass  # the books say that they are not complete, and the marks where to go on
        finally:
            self.plan.seconds += time.monotonic() - self._began
            self._began = time.monotonic()
        return self.end()

    def end(self) -> list[Book]:
        """The books as they stand. Where nothing is left to do they are written, and the bookmark is forgotten."""
        books = self.books()
        if all(book.ended for book in books):
            try:
                self._publish(books)
            except OutOfTime:  # compared to the end, and not written down: the next run has nothing else to do
                books = [replace(book, ended=False) for book in books]
            else:
                return books
        self._marks.save_plan(self.plan)
        return books

    def books(self) -> list[Book]:
        """The books as they stand, one for each target."""
        return [self._book(number) for number in range(len(self.plan.targets))]

    def _book(self, number: int) -> Book:
        target, spans = self.plan.targets[number]
        counts, ended = Counts(), True
        for place in range(len(spans)):
            mark = self.mark(number, place)
            counts, ended = counts.plus(mark.counts), ended and mark.over
        check = self.wish.repair is None
        return Book(self.wish.route.name, target, counts, ended, check, self.plan.time, self.plan.seconds)

    # The work.

    def _target(self, number: int, threads: ThreadPoolExecutor) -> None:
        target, spans = self.plan.targets[number]
        work = _Work(self, number, self._judge(target), threads)
        if len(spans) == 1 and self.wish.streams > 1:
            streams = Streams(self.wish.streams, sure=not self.wish.at_most)
            rest = work.first(streams.enough)
            if rest is None:
                return
            spans[:] = [Span("", rest), *self._cut(target, Span(rest), streams.wanted)]
            self._marks.save_plan(self.plan)
        work.all(len(spans), self.wish.streams)

    def _judge(self, target: str) -> Judge:
        route, store = self.wish.route, self.world.store
        shut = self.world.skip(target)
        return Judge(
            route,
            store(route.source_store),
            store(target),
            self.wish.depth,
            lambda key: not shut(key),
            stamped=self.wish.adopt,
            fresh=self.wish.source is None,
            takes_all=route.unfiltered and shut is nothing,
        )

    def _cut(self, target: str, span: Span, most: int) -> Sequence[Span]:
        """The rest of both sides in spans, by the keys of the side that has more to cut at."""
        route, store = self.wish.route, self.world.store
        sides = [(store(target), route.add_prefix)]
        if not self.wish.source:
            sides.insert(0, (store(route.source_store), route.strip_prefix))
        cuts = (split(rests_of(*each, self.within), most, span) for each in sides)
        return next((cut for cut in cuts if len(cut) > 1), (span,))

    def sides(self, target: str, span: Span) -> tuple[Side, Side]:
        """Both sides of a span."""
        route, world = self.wish.route, self.world
        target_side = side(world.store(target), route.add_prefix, span, world.skip(target), self.within)
        if self.wish.source:
            return self.wish.source(span, world.skip(route.source_store)), target_side
        name, strip = route.source_store, route.strip_prefix
        return side(world.store(name), strip, span, world.skip(name), self.within), target_side

    def memory_of(self, target: str) -> Remembered | None:
        """The pairs that need not be asked about: at the depth at which they were, and of listings of now."""
        wish, world = self.wish, self.world
        if world.faces is None or wish.source or wish.adopt or wish.depth is not Depth.STAMP:
            return None
        address = world.store(target).address
        scope = f"{wish.route.name} to {target}"
        return Remembered(world.faces, scope, wish.route.source, address, world.now, self.within)

    @property
    def within(self) -> str:
        """How all rests begin."""
        return self.wish.prefix.removeprefix(self.wish.route.strip_prefix)

    def mark(self, number: int, place: int) -> Mark:
        """A span's mark, as it stands."""
        if (number, place) not in self._held:
            self._held[number, place] = self._marks.mark(number, place, self.plan.time)
        return self._held[number, place]

    def keep(self, number: int, place: int, mark: Mark) -> None:
        """Write a mark, and before it the lines that are many."""
        self.put_away(number, place, mark)
        self.write(number, place, mark.text())

    def put_away(self, number: int, place: int, mark: Mark) -> None:
        """Write the lines that are many."""
        put_away(self.world.log, self._marks, mark, (number, place))

    def write(self, number: int, place: int, text: bytes) -> None:
        """Write a mark's text."""
        self._marks.save(number, place, text)

    # The end.

    def _publish(self, books: list[Book]) -> None:
        log, folder = self.world.log, f"{FOLDER}{self.wish.route.name}/{self.plan.time}/"
        for kind in WITH_LIST:
            publish(log, f"{folder}{kind.value}", self._pieces(kind.value))
        if self.wish.manifest:
            put_whole(log, self.wish.manifest, self._pieces(MANIFEST))
        body = json.dumps([book.members() for book in books], indent=1).encode()
        log.put(f"{folder}books.json", body, Meta(content_type="application/json"))
        self._marks.forget()  # killed before that, the next run writes the same books and is done

    def _pieces(self, kind: str) -> Iterator[bytes]:
        for number, (_, spans) in enumerate(self.plan.targets):
            for place in range(len(spans)):
                self.halt.check()
                yield from gather(self.world.log, self._marks, self.mark(number, place), (number, place), kind)


@dataclass(frozen=True, slots=True)
class _Work:
    """The spans of one target."""

    whole: Reconciliation
    number: int
    judge: Judge
    threads: ThreadPoolExecutor

    def first(self, enough: Enough) -> str | None:
        """Work through the only span until it is *enough*. Returns where it is then, None at its end."""
        self.all(1, 1, enough)
        mark = self.whole.mark(self.number, 0)
        return None if mark.over else mark.after

    def all(self, count: int, streams: int, enough: Enough = never) -> None:
        """Work through all spans. One that cannot go on ends the others at their next page, and so does Ctrl-C."""
        with ThreadPoolExecutor(streams, thread_name_prefix="relay-span") as pool:
            futures = [pool.submit(contextvars.copy_context().run, self._run, place, enough) for place in range(count)]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                self.whole.halt.call()
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _run(self, place: int, enough: Enough) -> None:
        whole, wish = self.whole, self.whole.wish
        target, spans = whole.plan.targets[self.number]
        mark = whole.mark(self.number, place)
        if mark.over or enough(mark.compared):
            return
        keeper = Keeper(lambda text: whole.write(self.number, place, text), self.threads)

        def keep(mark: Mark, sure: bool) -> None:
            whole.put_away(self.number, place, mark)
            keeper.keep(mark.text(), sure=sure)

        run = SpanRun(
            judge=self.judge,
            target=target,
            mark=mark,
            keep=keep,
            repair=wish.repair,
            adopt=Adopt(self.judge, whole.world.complain) if wish.adopt else None,
            threads=self.threads,
            deadline=whole.halt,
            see=lambda more: whole.world.see(target, more),
            row=row_of(wish.route.source) if wish.manifest else None,
            remembered=whole.memory_of(target),
            span=spans[place],
        )
        try:
            run.work(lambda after: self._pairs(Span(after or spans[place].after, spans[place].until)), enough)
        finally:
            keeper.rest()

    def _pairs(self, span: Span) -> Iterator[Pair | Right]:
        return merge(*self.whole.sides(self.whole.plan.targets[self.number][0], span), self.judge.right)


def _moment(text: str) -> datetime:
    try:
        return datetime.strptime(text, TIME).replace(tzinfo=timezone.utc)
    except ValueError as error:
        raise RelayError(f"{text[:60]!r} is no time: say --restart to forget the bookmark") from error
