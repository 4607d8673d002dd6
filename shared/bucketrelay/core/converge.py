"""One task: look at both sides, make the target equal to the source, look again."""

from collections.abc import Callable, Sequence

from bucketrelay.abilities import connects
from bucketrelay.core import absence
from bucketrelay.core.beside import is_small
from bucketrelay.core.copy import by_server, carry
from bucketrelay.core.decide import RIGHT, YIELDED, Action, Decision, decide
from bucketrelay.core.delete_fuse import Fuse
from bucketrelay.core.likeness import equal
from bucketrelay.core.pair import Pair
from bucketrelay.core.prepare import prepare, tidy_up
from bucketrelay.core.resources import FirstBytes, Resources
from bucketrelay.core.results import WRITES, Ending, Results
from bucketrelay.deadline import Deadline, under
from bucketrelay.errors import NotOurs, ObjectGone, RelayError, SourceChanged, StoreUnavailable, TargetChanged
from bucketrelay.model import Change, Deletes, ObjectInfo, Outcome, Result, Task
from bucketrelay.store import Store
from bucketrelay.values import dataclass

ROUNDS = 5  # an object that changes faster than it can be copied five times over is said to be so
UNVERIFIED = "unverified: the source's store tells no checksum of the whole that could be compared"


def _nothing_follows(_: Task) -> Sequence[Task]:
    return ()


@dataclass(frozen=True, slots=True)
class Converge:
    """Brings targets to the state of their sources: delivers tasks that have a target.

    Args:
        following: the tasks that a change of a task's target becomes, by routes that begin there.
    """

    stores: Callable[[str], Store]
    resources: Resources
    fuse: Fuse
    results: Results
    following: Callable[[Task], Sequence[Task]] = _nothing_follows

    def together(self, task: Task) -> int:
        """How many keys are delivered at once: one."""
        del task
        return 1

    def brief(self, task: Task) -> bool:
        """Whether it is of a small object, and a request to either store waits for that store's answer alone."""
        if not is_small(task):
            return False
        try:
            return all(
                connects(store) and store.ready for store in (self.stores(task.source), self.stores(task.target))
            )
        except Exception:  # noqa: BLE001 — a defect, too, is for the task to tell
            return False

    def __call__(self, tasks: Sequence[Task], deadline: Deadline) -> list[Result]:
        """One result for each task. Never raises but for a defect: what goes wrong is in the result."""
        return [self.one(task, deadline) for task in tasks]

    def one(self, task: Task, deadline: Deadline) -> Result:
        """The task's result."""
        started = self.results.now()
        try:
            with under(deadline) as _:
                ending = self._ending(task, deadline)
        except RelayError as error:
            ending = Ending.by(error, late=not deadline.remaining())  # no request waits for longer
        return self.results.of(task, ending, started)

    def _ending(self, task: Task, deadline: Deadline) -> Ending:
        ending = self._settle(Pair.of(task, self.stores, deadline))
        if ending.note == YIELDED.note and task.meets:
            self._bring_round(task, deadline)
        return ending

    def _bring_round(self, task: Task, deadline: Deadline) -> None:
        """Have the newer write at the target come to the source, by the routes that lead there.

        Its own event may be long over: the source was written later, by a clock that is behind, or within one second.
        """
        todo, seen = list(self.following(task)), set()
        while todo:
            back = todo.pop()
            if (back.target, back.target_key) in seen:
                continue
            seen.add((back.target, back.target_key))
            self._settle(Pair.of(back, self.stores, deadline))
            if (back.target, back.target_key) != (task.source, task.key):
                todo += self.following(back)

    def _settle(self, pair: Pair) -> Ending:
        last = Ending(Outcome.UNCHANGED)
        for turn in range(ROUNDS):
            if turn > 1:  # it changes while it is copied: less and less often at once
                self.resources.pause(min(2.0 ** (turn - 2), pair.deadline.remaining() / 2))
            pair.deadline.check()
            try:
                ending, settled = self._round(pair, anew=turn > 0)
            except (ObjectGone, SourceChanged, TargetChanged):
                continue
            # A later round that found nothing left to do does not undo what an earlier one has to report.
            last = last if last.outcome in WRITES and ending.outcome not in WRITES else ending
            if settled:
                return last
        raise StoreUnavailable(
            f"{pair.source_url}: it changed {ROUNDS} times while it was being copied; it comes again"
        )

    def _round(self, pair: Pair, *, anew: bool) -> tuple[Ending, bool]:
        """One look at both sides and what follows from it; and whether the source was the same after it."""
        beside = not anew and pair.small
        held = None if beside else pair.target.look(pair.task.target_key, trust_bare_404=True)
        reach = None if pair.task.way in self.resources.unreachable else pair.reach()
        length = self.resources.first(pair.task.size, pair.target.abilities.min_part)
        with self.resources.budget.bytes(length, pair.deadline, pair.task.way) as lease:
            # Where the target's server fetches the object by itself, one byte is enough to know the version by.
            wanted = 1 if reach is not None and (pair.task.size or 0) >= reach else length
            held, fetched = pair.look(wanted) if beside else (held, pair.fetch(None if anew else held, wanted))
            source = fetched.info if fetched else None
            first = FirstBytes(fetched.body or b"" if fetched else b"", lease)
            del fetched  # the bytes are held by `first` alone, which gives them up once they are sent
            lease.shrink(len(first.body))
            if source is None and held is None:
                # Raises where the target is not merely empty but gone. And that 404 may have been a gateway's: then the
                # sure look shows the target, and a delete that the route follows must not be taken for done.
                held = pair.target.look(pair.task.target_key)
            decision = decide(source, held, pair.link, pair.rule, equal=equal(pair, source, held, first))
            if decision.action is Action.REFUSE:
                raise NotOurs(f"{pair.target_url}: {decision.note}")
            if decision.action is Action.COPY and source:
                return self._copy(
                    pair, held, source, first, decision, server=reach is not None and source.size >= reach
                )
        if decision == RIGHT and held and source and held.size > self.resources.part_size:
            # Whoever wrote it in parts may have been killed before all was tidied up.
            tidy_up(pair, source, self.resources.checkpoints)
        return self._without_source(pair, held, decision) if source is None else (_nothing(decision), True)

    def _copy(
        self,
        pair: Pair,
        held: ObjectInfo | None,
        info: ObjectInfo,
        first: FirstBytes,
        decision: Decision,
        *,
        server: bool,
    ) -> tuple[Ending, bool]:
        whole = len(first.body) == info.size
        copy, degraded = prepare(pair, info, held, first)
        by_itself = server and by_server(copy, self.resources)
        verified = by_itself or carry(copy, first, self.resources)
        first.drop()
        note = "; ".join(filter(None, [decision.note, "" if verified else UNVERIFIED]))
        settled = (whole and not by_itself and _cannot_be_stale(pair, held)) or pair.unchanged(info)
        return Ending(Outcome.COPIED, info.size, degraded, note, written=pair.later_write(held, info)), settled

    def _without_source(self, pair: Pair, held: ObjectInfo | None, decision: Decision) -> tuple[Ending, bool]:
        if not pair.source.abilities.consistent:
            absence.doubt(pair, self.results.now(), deleting=decision.action is Action.DELETE)
        if decision.action is not Action.DELETE or held is None:
            return _nothing(decision, unsurprising=pair.task.change is Change.REMOVED and held is None), True
        pair.deadline.check()
        counted = self.fuse.count(pair.task.route, pair.task.max_deletes)
        with counted as _, self.resources.writes.under_way(pair.task) as _:
            pair.target.delete(pair.task.target_key, expect=held)
        return Ending(Outcome.DELETED), pair.source.look(pair.task.key, trust_bare_404=True) is None


def _nothing(decision: Decision, *, unsurprising: bool = False) -> Ending:
    return Ending(Outcome.UNCHANGED, note="" if unsurprising else decision.note)


def _cannot_be_stale(pair: Pair, held: ObjectInfo | None) -> bool:
    """Whether what was just written needs no second look.

    A key that the server itself created only because it was absent, on a route that never deletes: whoever read a newer
    version either finds our write and replaces it, or made ours fail. See docs/decisions/0002-second-look.md.
    """
    return held is None and pair.target.abilities.creates_once and pair.task.deletes is Deletes.KEEP
