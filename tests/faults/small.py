"""A small world: one key, one source, one target; what its user may do, what may go wrong, and what must hold."""

from dataclasses import dataclass, field, replace
from functools import lru_cache

from bucketrelay.core.stamp import NAME
from bucketrelay.model import Change, Deletes, Meta, Task
from faults.house import wanted
from faults.world import Answer, Bucket, Held, Rules, frozen, removed, thawed, user_meta, written

KEY = "k"
FAULTS = frozenset({"duplicate", "kill", "outlive", "unknown"})


@dataclass(frozen=True)
class Small:
    """What may happen.

    Args:
        documented: whether the target's conditions can be relied on, if it has them.
        acts: what the user may do to the source: w(rite new content), o(verwrite with the same size), t(ouch: the
            metadata alone, the ETag stays), r(estore the first content), d(elete).
        most: how many acts.
        faults: duplicate: an event is delivered twice. kill: a task is killed between two operations. outlive: it is
            killed while it sends a write, and the write takes effect at some time after. sudden: the same before
            anybody has noted the write; who has it next knows that it comes again. unknown: a write's answer is
            lost; it has taken effect, or never will, or will later. A killed or failed task is delivered again. slow: a
            write takes long, and then has its answer.
        fault_budget: how many faults there are in one schedule.
        verify: whether a schedule calls for the housekeeping, once no request is on its way any more.
        sees_events: whether tasks differ by the event that they come from.
        forward_only: whether it is an error that the target goes back to an older version.
        tidy: whether it is an error that an upload or a checkpoint is left over at rest.
        size: bytes of the smallest object.
        ticks: how often the clock (the object `clock` of the table) may move on.
        tells: whether a task that was killed is said to come again.
        source: how the source's server behaves.
        told: whether tasks know a size: then both sides are looked at side by side.
        early: whether the look at the target happens before the one at the source then, or after it.
    """

    deletes: Deletes = Deletes.FOLLOW
    conditional: bool = True
    documented: bool = True
    acts: str = "wotrd"
    most: int = 3
    faults: frozenset[str] = FAULTS
    fault_budget: int = 1
    verify: bool = True
    sees_events: bool = False
    forward_only: bool = False
    tidy: bool = False
    size: int = 1
    ticks: int = 0
    tells: bool = True
    source: Rules = field(default_factory=Rules)
    told: bool = False
    early: bool = True

    @property
    def rules(self) -> dict[str, Rules]:
        """How each server behaves. The table stands for a database, and always keeps its promises."""
        target = Rules(self.conditional, self.documented, clock=False, early=self.early)
        return {"source": self.source, "target": target, "table": Rules(clock=False)}

    def task(self, path: str) -> Task:
        """The task that the event of the last act of *path* becomes."""
        size = self.size if self.told else None
        task = Task("route", "source", KEY, "target", KEY, deletes=self.deletes, size=size)
        if not self.sees_events:
            return task
        change = Change.REMOVED if path.endswith("d") else Change.CREATED
        return replace(task, change=change, cause=str(len(path)))

    @property
    def house(self) -> Task:
        """The housekeeping."""
        return wanted(self.task(""))


class User:
    """What the source is after a path of acts; each version carries its path in its metadata."""

    def __init__(self, small: Small) -> None:
        self._small = small
        self._sources = {"": Bucket()}

    def source(self, path: str) -> Bucket:
        """The source after *path*."""
        if path not in self._sources:
            self._sources[path] = self._after(self.source(path[:-1]), path)
        return self._sources[path]

    def held(self, path: str) -> Held | None:
        """The object after *path*."""
        return self.source(path).get(KEY)

    def _after(self, before: Bucket, path: str) -> Bucket:
        if path.endswith("d"):
            return removed(before, KEY)
        return written(before, KEY, self._body(path), frozen(Meta(user={"v": path})), self._small.source)

    def _body(self, path: str) -> bytes:
        before, letter = self.held(path[:-1]), bytes([ord("a") + len(path) - 1])
        if path.endswith("r"):
            return self.held(path[:1]).body
        if path.endswith("t"):
            return before.body
        return letter * (len(before.body) if path.endswith("o") else self._small.size + len(path) - 1)

    def acts(self, path: str) -> str:
        """What the user may do next: all that makes a difference."""
        if len(path) == self._small.most:
            return ""
        held = self.held(path)
        if held is None:
            return "".join(act for act in self._small.acts if act == "w" or (act == "r" and path))
        same = held.body == self.held(path[:1]).body
        return "".join(act for act in self._small.acts if act != "r" or not same)

    # What must hold.

    def mixed(self, held: Held | None) -> str:
        """What is wrong with an object of the target, whatever the time: it was never the source's."""
        path = user_meta(held.meta).get("v", "") if held else ""
        source = self.held(path) if path else None
        if held is None or (source is not None and source.body == held.body):
            return ""
        return f"the target holds {held.body!r}, metadata of {path!r}: no version of the source ever was so"

    def version(self, path: str, held: Held | None, floor: int) -> int:
        """The number of the act that the target shows; for an absence the first that it can be of, after *floor*."""
        if held is not None:
            return len(user_meta(held.meta)["v"])
        return next((n for n, act in enumerate(path, 1) if act == "d" and n > floor), floor)

    def unequal(self, path: str, copy: Held | None) -> str:
        """What is wrong with the target of a world at rest."""
        held = self.held(path)
        if held is None and (copy is None or self._small.deletes is Deletes.KEEP):
            return ""
        if held and copy and held.body == copy.body and unstamped(held.meta) == unstamped(copy.meta):
            return ""
        return f"at rest, the source has {Answer(held)}, and the target {Answer(copy)}"


@lru_cache(maxsize=100_000)
def unstamped(meta: tuple) -> tuple:
    """Metadata but for our stamp."""
    return frozen(replace(thawed(meta), user={n: v for n, v in user_meta(meta).items() if n != NAME}))
