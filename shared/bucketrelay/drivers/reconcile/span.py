"""One span of both sides: page by page judged, counted and repaired, each step kept in its mark before the next."""

import contextvars
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from itertools import compress

from bucketrelay import routes
from bucketrelay.core.decide import EQUAL
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.reconcile.adopt import Adopt
from bucketrelay.drivers.reconcile.bookmark import Mark
from bucketrelay.drivers.reconcile.books import REPAIRABLE, WITH_LIST, Kind, Verdict, line
from bucketrelay.drivers.reconcile.compare import ALL, WINDOW, Pair, Right, Span
from bucketrelay.drivers.reconcile.judge import BYTES_DIFFER, Judge
from bucketrelay.drivers.reconcile.manifest import MANIFEST
from bucketrelay.drivers.reconcile.remembered import Remembered
from bucketrelay.errors import OutOfTime, RelayError
from bucketrelay.model import Change, Outcome, Result, Task
from bucketrelay.values import dataclass, field, replace

PAGE = 1000  # pairs between two marks at most: no more than a page of both sides
ASKED = 250  # pairs of a page that have to be asked about: so that a function gets through one
ENOUGH = 250  # that wait, before they are repaired together: the runner's threads want work

# What becomes of tasks: results, or None for a task that somebody else has now.
Repair = Callable[[Sequence[Task], Deadline], Sequence[Result | None]]
Enough = Callable[[int], bool]  # whether a stream is to end for now, after so many pairs


def never(compared: int) -> bool:
    """A stream goes on to the end of its span."""
    del compared
    return False


@dataclass(slots=True)
class _Page:
    """What is judged between two marks."""

    pairs: list[tuple[Pair, Verdict | None]] = field(default_factory=list)
    right: int = 0  # pairs beside these
    last: str = ""  # the last one's rest
    asked: int = 0

    @property
    def compared(self) -> int:
        """How many pairs."""
        return self.right + len(self.pairs)

    @property
    def full(self) -> bool:
        """Whether the next ones may be too many."""
        return self.asked >= ASKED or self.compared > PAGE - WINDOW


@dataclass(slots=True)
class SpanRun:
    """Works through a span.

    Args:
        judge: says what pairs are.
        mark: where the span is; changed as it goes on.
        keep: writes the mark, and the lines that are many; with True it returns when all of it is durable.
        repair: runs tasks, or hands them on. None: differences are reported only.
        adopt: gives equal objects our stamp. None: they are left as they are.
        threads: for what has to be asked.
        see: is told how many pairs have been compared more.
        remembered: pairs that need not be asked about; None where each is, every time.
        span: what the mark is of.
    """

    judge: Judge
    target: str
    mark: Mark
    keep: Callable[[Mark, bool], None]
    repair: Repair | None
    adopt: Adopt | None
    threads: Executor
    deadline: Deadline
    see: Callable[[int], None]
    row: Callable[[str], str] | None = None  # of a source key, for the manifest of what somebody else is to do
    remembered: Remembered | None = None
    span: Span = ALL
    _resumed: bool = field(init=False)  # what waits may have been repaired by a process that was killed

    def __post_init__(self) -> None:
        self._resumed = self.mark.begun

    def work(self, pairs: Callable[[str], Iterator[Pair | Right]], enough: Enough = never) -> None:
        """Go on from the mark to the end of the span, or until it is *enough*.

        Args:
            pairs: the span's pairs whose rest is greater than the given one.

        Raises:
            OutOfTime: the mark says where to go on.
            RelayError: a side could not be listed, the mark not be kept.
        """
        if self.mark.begun:
            self._settle()
        coming = iter(()) if self.mark.ended else pairs(self.mark.after)
        while (page := self._next(coming)).compared:
            self.deadline.check()
            self._judge(page)
            if enough(self.mark.compared):
                return
        if self.remembered and not self.mark.ended:
            self.remembered.end(self.mark.after or self.span.after, self.span.until)
        self.mark.ended = True
        self._keep(settle=bool(self.mark.waiting))

    def _next(self, coming: Iterator[Pair | Right]) -> "_Page":
        """A page: what is right at sight is counted, of the rest there is what the listings tell."""
        page = _Page()
        for pair in coming:
            if isinstance(pair, Right):
                page.right += pair.pairs
                page.last = pair.last
            else:
                verdict = self.judge.at_sight(pair)
                page.pairs.append((pair, verdict))
                page.last = pair.rest
                page.asked += verdict is None
            if page.full:
                break
        return page

    def _judge(self, page: "_Page") -> None:
        unclear = [pair for pair, verdict in page.pairs if verdict is None]
        after = self.mark.after or self.span.after
        known = self.remembered.right(unclear, after, page.last) if self.remembered else frozenset()
        unknown = [pair for pair in unclear if pair.rest not in known]
        judged = self._ask(unknown)
        verdicts = iter(judged)
        for pair, verdict in page.pairs:
            self._enter(verdict or (Verdict.of(pair, Kind.RIGHT) if pair.rest in known else next(verdicts)))
        if self.remembered:
            right = (verdict.kind is Kind.RIGHT and not verdict.unstamped for verdict in judged)
            self.remembered.keep(list(compress(unknown, right)))
        self.mark.counts.add_right(page.right)
        self.mark.after = page.last
        self.mark.compared += page.compared
        self._keep(settle=len(self.mark.waiting) >= ENOUGH)
        self.see(page.compared)

    def _ask(self, pairs: list[Pair]) -> list[Verdict]:
        # Each in a context of its own: one cannot be entered twice at once, and the deadline is in it.
        futures = [self.threads.submit(contextvars.copy_context().run, self._verdict, pair) for pair in pairs]
        return _results(futures)

    def _verdict(self, pair: Pair) -> Verdict:
        self.deadline.check()
        verdict = self.judge.ask(pair)
        return self.adopt(verdict, pair, self.deadline) if self.adopt and verdict.unstamped else verdict

    def _enter(self, verdict: Verdict) -> None:
        """Count a pair, or let it wait for its repair."""
        if self.repair and verdict.kind in REPAIRABLE:
            self.mark.waiting.append(verdict)
        else:
            self._count(verdict)

    def _count(self, verdict: Verdict) -> None:
        self.mark.counts.add(verdict)
        self.mark.counts.adopted += verdict.why == Adopt.DONE
        kinds = (verdict.kind, Kind.FAILED) if verdict.undeleted else (verdict.kind,)
        for kind in kinds:
            if kind in WITH_LIST:
                rest = verdict.rest
                text = line(verdict, self.judge.key(rest), self.target, self.judge.target_key(rest))
                self.mark.lines.setdefault(kind.value, []).append(text)

    def _keep(self, *, settle: bool) -> None:
        """Keep the mark; with *settle*, repair what waits, of which the mark already tells."""
        self.mark.begun = settle
        self.keep(self.mark, settle or self.mark.ended)
        if settle:
            self._settle()

    def _settle(self) -> None:
        """Repair what waits. What was not finished in time waits on."""
        assert self.repair, "nothing waits where nothing is repaired"
        waiting = self.mark.waiting
        results = self.repair([self._task(verdict) for verdict in waiting], self.deadline)
        rest = []
        for verdict, result in zip(waiting, results, strict=True):
            if result is not None and result.outcome is Outcome.UNFINISHED:
                rest.append(verdict)
            else:
                self._count(self._verdict_after(verdict, result))
        self.mark.waiting, self.mark.begun, self._resumed = rest, bool(rest), bool(rest) and self._resumed
        self.keep(self.mark, self.mark.ended or bool(rest))
        if rest:
            raise OutOfTime(f"{len(rest)} repairs are unfinished; they go on in the next run")

    def _task(self, verdict: Verdict) -> Task:
        change = Change.REMOVED if verdict.kind is Kind.SURPLUS else Change.CREATED
        size = verdict.size if verdict.at_source else None
        task = routes.task_of(self.judge.route, self.judge.key(verdict.rest), self.target, change=change, size=size)
        # What the bytes have shown, no stamp denies: it says what was written, and the bytes may have rotted since.
        return replace(task, differs=verdict.why == BYTES_DIFFER)

    def _verdict_after(self, verdict: Verdict, result: Result | None) -> Verdict:
        """What the pair is to be counted as, now that it is known what became of its task."""
        counts = self.mark.counts
        if result is None:
            counts.queued += 1
            if self.row:
                self.mark.lines.setdefault(MANIFEST, []).append(self.row(self.judge.key(verdict.rest)))
            return verdict
        if result.outcome is Outcome.FAILED:
            return _fail(verdict, result.error)
        if result.outcome is Outcome.UNCHANGED:
            try:
                return self._look_again(verdict, result.note)
            except OutOfTime:
                raise
            except RelayError as error:
                return _fail(verdict, str(error))
        counts.repaired += 1
        counts.bytes += result.bytes
        return verdict

    def _look_again(self, verdict: Verdict, note: str) -> Verdict:
        """Nothing was left to do: somebody was faster (we, before we were killed?), or the core declined."""
        counts = self.mark.counts
        if note not in ("", EQUAL.note) and verdict.kind is not Kind.SURPLUS:
            return replace(verdict, why=note)  # it stays as it is: a newer write at the target, say
        target = self.judge.target.look(self.judge.target_key(verdict.rest))
        ours = target is not None and self.judge.ours(verdict.rest, target)
        if verdict.kind is Kind.SURPLUS and target is not None:
            return replace(verdict, kind=Kind.KEPT, why=note or "it was written anew")
        if verdict.kind is Kind.DIFFERENT and not (self._resumed and ours):
            return self._equal_after_all(verdict, ours=ours)
        counts.repaired += 1
        counts.bytes += verdict.size if self._resumed and verdict.at_source else 0
        return verdict

    def _equal_after_all(self, verdict: Verdict, *, ours: bool) -> Verdict:
        if verdict.why == BYTES_DIFFER:  # by what runs it instead of us: a deployed function of before this was known
            return replace(verdict, kind=Kind.FAILED, why=f"{BYTES_DIFFER}, and it was not copied anew")
        return replace(verdict, kind=Kind.RIGHT, why="", unstamped=not ours)


def _fail(verdict: Verdict, why: str) -> Verdict:
    """The verdict on a key whose repair failed. What is not at the source stays what it is: surplus."""
    if verdict.kind is Kind.SURPLUS:
        return replace(verdict, undeleted=True, why=why)
    return replace(verdict, kind=Kind.FAILED, why=why)


def _results(futures: "list[Future[Verdict]]") -> list[Verdict]:
    try:
        return [future.result() for future in futures]
    except BaseException:
        for future in futures:
            future.cancel()
        raise
