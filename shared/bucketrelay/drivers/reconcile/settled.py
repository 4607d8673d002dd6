"""Whether a task about a key would find nothing left to do, by what both stores say now: the core's own decision."""

from hashlib import md5

from bucketrelay.core.decide import Action, Decision, decide
from bucketrelay.core.likeness import alike
from bucketrelay.core.metadata import fit
from bucketrelay.core.pair import Pair, same_version
from bucketrelay.core.stamp import Stamp
from bucketrelay.deadline import Deadline
from bucketrelay.model import ObjectInfo
from bucketrelay.routes import Route, task_of
from bucketrelay.store import MiB, Store
from bucketrelay.values import dataclass

_READ = 8 * MiB  # so large an object's bytes are read, at most, where nothing else tells whether they are equal


@dataclass(frozen=True, slots=True)
class Settled:
    """Looks at both sides of a route and one of its targets."""

    route: Route
    target: str
    source_store: Store
    target_store: Store

    def missing(self, key: str, written: ObjectInfo | None = None) -> tuple[ObjectInfo, str] | None:
        """The version that is not at the target, and why; None where it is, or a newer one, or where it is gone.

        Args:
            written: the version that is meant, as the source said of it when it was looked at; left out: what is there.

        Raises:
            RelayError: a store could not be asked: nothing is known.
        """
        pair = self._pair(key)
        target, source = pair.target.look(pair.task.target_key), pair.source.look(key)
        if source is None or (written and self._holds(pair, target, written)):
            return None
        decision = decide(source, target, pair.link, pair.rule, equal=self._are_equal(pair, source, target))
        return None if decision.action is Action.NOTHING else (written or source, _words(decision, target))

    def _pair(self, key: str) -> Pair:
        stores = {self.route.source_store: self.source_store, self.target: self.target_store}
        return Pair.of(task_of(self.route, key, self.target), stores.__getitem__, Deadline())

    def _holds(self, pair: Pair, target: ObjectInfo | None, written: ObjectInfo) -> bool:
        """Whether the target holds a copy of just that version."""
        stamp = pair.link.of_target(target)
        if stamp is None or stamp.hops[-1] != pair.link.source:
            return False
        return stamp.describes(written) and stamp.shows(written)

    def _are_equal(self, pair: Pair, source: ObjectInfo, target: ObjectInfo | None) -> bool:
        if target is None or source.size != target.size:
            return False
        carried, _ = fit(source.meta, pair.target.abilities, Stamp("", (pair.link.source,), 0, "", ""))
        if alike(source, target, carried):
            return True
        ours = pair.link.of_target(target)
        if (ours and ours.describes(source)) or source.size > _READ:  # its own stamp says all that is to be known
            return False
        fetched = pair.source.fetch(source.key, max(1, source.size))
        if fetched is None or fetched.body is None or not same_version(source, fetched.info):
            return False
        return alike(source, target, carried, md5(fetched.body, usedforsecurity=False).hexdigest())


def _words(decision: Decision, target: ObjectInfo | None) -> str:
    if target is None:
        return "the target has no such key"
    return decision.note or "the target is a copy of another version"
