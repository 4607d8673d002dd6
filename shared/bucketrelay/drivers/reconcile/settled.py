"""Whether a task about a key would find nothing left to do, by what both stores say now: the core's own decision."""

from dataclasses import dataclass
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
        there, here = pair.target.look(pair.task.target_key), pair.source.look(key)
        if here is None or (written and self._holds(pair, there, written)):
            return None
        decision = decide(here, there, pair.link, pair.rule, equal=self._are_equal(pair, here, there))
        return None if decision.action is Action.NOTHING else (written or here, _words(decision, there))

    def _pair(self, key: str) -> Pair:
        stores = {self.route.source_store: self.source_store, self.target: self.target_store}
        return Pair.of(task_of(self.route, key, self.target), stores.__getitem__, Deadline())

    def _holds(self, pair: Pair, there: ObjectInfo | None, written: ObjectInfo) -> bool:
        """Whether the target holds a copy of just that version."""
        stamp = pair.link.of_target(there)
        if stamp is None or stamp.hops[-1] != pair.link.source:
            return False
        return stamp.describes(written) and stamp.shows(written)

    def _are_equal(self, pair: Pair, here: ObjectInfo, there: ObjectInfo | None) -> bool:
        if there is None or here.size != there.size:
            return False
        carried, _ = fit(here.meta, pair.target.abilities, Stamp("", (pair.link.source,), 0, "", ""))
        if alike(here, there, carried):
            return True
        ours = pair.link.of_target(there)
        if (ours and ours.describes(here)) or here.size > _READ:  # its own stamp says all that is to be known
            return False
        fetched = pair.source.fetch(here.key, max(1, here.size))
        if fetched is None or fetched.body is None or not same_version(here, fetched.info):
            return False
        return alike(here, there, carried, md5(fetched.body, usedforsecurity=False).hexdigest())


def _words(decision: Decision, there: ObjectInfo | None) -> str:
    if there is None:
        return "the target has no such key"
    return decision.note or "the target is a copy of another version"
