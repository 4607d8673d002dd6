"""One task's two sides: which objects it is about, and how they are looked at."""

from collections.abc import Callable
from datetime import datetime

from bucketrelay.abilities import has_copies, looks_ahead
from bucketrelay.core.beside import Beside, is_small
from bucketrelay.core.decide import Rule
from bucketrelay.core.metadata import with_tags
from bucketrelay.core.stamp import Link, when
from bucketrelay.deadline import Deadline
from bucketrelay.errors import StoreRefused
from bucketrelay.model import Change, Fetched, Meta, ObjectInfo, Task
from bucketrelay.routes.places import names
from bucketrelay.store import Store
from bucketrelay.values import dataclass, replace

_ID = 12  # digits: what is longer is a version's id, and no time in seconds


@dataclass(frozen=True, slots=True)
class Pair:
    """A task with the two stores it is about."""

    task: Task
    source: Store
    target: Store
    deadline: Deadline
    link: Link

    @classmethod
    def of(cls, task: Task, stores: Callable[[str], Store], deadline: Deadline) -> "Pair":
        """The task's. Raises StoreRefused for a key that the target cannot have, ConfigError for an unknown store."""
        source, target = stores(task.source), stores(task.target)
        pair = cls(task, source, target, deadline, link(source, task.key, target, task.target_key))
        pair._check_key()
        return pair

    @property
    def source_url(self) -> str:
        """Of the source's object."""
        return self.source.address.of(self.task.key)

    @property
    def target_url(self) -> str:
        """Of the target's object."""
        return self.target.address.of(self.task.target_key)

    @property
    def rule(self) -> Rule:
        """What the task's route says."""
        task = self.task
        shared = task.shared and not task.meets
        return Rule(task.deletes, task.overwrite, shared or task.meets, task.asked, task.differs, shared)

    def reach(self) -> int | None:
        """From which size on the target's server is to copy by itself; None where it cannot."""
        return self.target.reach(self.source) if has_copies(self.target) else None

    @property
    def small(self) -> bool:
        """Whether both sides are to be looked at at once: few bytes may come in vain, and nobody else writes there."""
        return is_small(self.task) and not self.task.shared and looks_ahead(self.target)

    def look(self, length: int) -> tuple[ObjectInfo | None, Fetched | None]:
        """The target's object, and the source's with its first *length* bytes: both asked for before one is waited for.

        Which of them is seen first is unknown. So the source is asked once more where it may have been seen before what
        the target holds was copied from it; and where it may not be read, as an archived object, but may be right.
        """
        assert looks_ahead(self.target), "as `small` says"
        with Beside(self.target, self.task.target_key) as target:
            try:
                fetched = self.fetch(None, length)
            except StoreRefused:
                held = target.answer()
                if held is None:
                    raise
                return held, self.fetch(held, length)
            held = target.answer()
        in_order = held is None or (fetched is not None and self._surely_older(held, fetched.info))
        return held, fetched if in_order else self.fetch(held, length)

    def _surely_older(self, held: ObjectInfo, info: ObjectInfo) -> bool:
        """Whether the target's object is no copy of a newer version than the source's *info*, whichever was seen first.

        It is of this very version, or of one of an earlier second; or it is none of the source's at all.
        """
        stamp = self.link.of_target(held)
        if stamp is None or (stamp.describes(info) and stamp.shows(info)):
            return True
        mine = stamp.hops == (self.link.source,) and bool(stamp.mark)
        return mine and info.modified is not None and stamp.born < int(info.modified.timestamp())

    def fetch(self, held: ObjectInfo | None, length: int) -> Fetched | None:
        """The source with its first *length* bytes; without them where *held* is a copy of just this version."""
        stamp = None if self.task.differs else self.link.of_target(held)
        known = stamp.etag if stamp and held and stamp.hops[-1] == self.link.source and stamp.settled(held) else ""
        now = self.source.fetch(self.task.key, length, unless=known, size=self.task.size)
        if now is None or now.body is not None or (stamp and stamp.describes(now.info)):
            return now
        # The ETag is the same and the rest is not, or was not told: a rewrite of the metadata alone.
        return self.source.fetch(self.task.key, length, size=self.task.size)

    def later_write(self, held: ObjectInfo | None, info: ObjectInfo) -> datetime | None:
        """When *info* was written, where the write that the event told of was at the target before; else None.

        An event that comes once more finds what was written since: that is not as late as the event is old.
        """
        told, stamp = self.task.time, self.link.of_target(held)
        if told is None or info.modified is None or info.modified <= told:
            return None
        seconds = int(stamp.when) if stamp and stamp.when.isdecimal() and len(stamp.when) < _ID else 0
        was_written = self.task.change is Change.REMOVED or (
            stamp and max(seconds, stamp.born) >= int(told.timestamp())
        )
        return info.modified if was_written else None

    def meta(self, info: ObjectInfo) -> Meta:
        """The source's metadata, with its tags; see `tagged`."""
        return with_tags(self.source, info, self.target.abilities, strict=self.task.strict)

    def unchanged(self, info: ObjectInfo) -> bool:
        """Look at the source again: whether it still is *info*."""
        return same_version(info, self.source.look(self.task.key, trust_bare_404=True))

    def _check_key(self) -> None:
        length = len((self.target.address.prefix + self.task.target_key).encode("utf-8", "surrogatepass"))
        if not self.task.target_key:
            raise StoreRefused(f"{self.source_url}: strip_prefix leaves nothing of the key; change the route's mapping")
        if length > self.target.abilities.key_bytes:
            raise StoreRefused(
                f"{self.source_url}: the target's key would have {length} bytes, more than the "
                f"{self.target.abilities.key_bytes} that fit; shorten add_prefix or the store's prefix"
            )


def link(source: Store, key: str, target: Store, target_key: str) -> Link:
    """What the two objects are called in stamps, today and before."""
    one, before = names(source.address, key)
    other, behind = names(target.address, target_key)
    if not before and not behind:
        return Link(one, other)
    meant = {**dict.fromkeys(before, one), **dict.fromkeys(behind, other)}
    # A name that either of the two may have had tells nothing.
    shared = {one, other, *(set(before) & set(behind))}
    return Link(one, other, {name: now for name, now in meant.items() if name not in shared})


def same_version(info: ObjectInfo, now: ObjectInfo | None) -> bool:
    """Whether what a store shows *now* is the version *info*; how many tags there are, some tell under GET alone."""
    return (
        now is not None
        and (now.etag, now.size, when(now)) == (info.etag, info.size, when(info))
        and (now.meta == info.meta or replace(now.meta, tag_count=info.meta.tag_count) == info.meta)
    )
