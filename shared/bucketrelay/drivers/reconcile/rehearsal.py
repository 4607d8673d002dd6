"""How many requests a task is: counted, not remembered. The product's own core does it, between stores in memory.

A rehearsal has stores with the abilities of the real ones, and an object of as many parts as the real one has, each of
a few bytes. So the counts are right for as long as the core is what runs.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timezone
from functools import cache

from bucketrelay.abilities import ServerSideCopy, Tagged
from bucketrelay.core.budget import Budget
from bucketrelay.core.checkpoints import LogCheckpoints
from bucketrelay.core.converge import Converge
from bucketrelay.core.delete_claims import Claims
from bucketrelay.core.delete_fuse import Fuse
from bucketrelay.core.resources import Resources
from bucketrelay.core.results import Results
from bucketrelay.deadline import Deadline
from bucketrelay.model import NOTHING, Address, Change, Deletes, Meta, ObjectInfo, Task
from bucketrelay.store import Abilities, Store
from bucketrelay.testing.memory import MemoryStore
from bucketrelay.values import dataclass, replace

Requests = Counter[tuple[str, str]]  # by whose they are (source, target, log) and of which sort: see `reports.prices`

SORT_OF = {
    **dict.fromkeys(("look", "fetch", "read", "pour", "tags", "parts"), "read"),
    **dict.fromkeys(("put", "begin", "put_part", "commit", "copy_from"), "write"),
    **dict.fromkeys(("list", "uploads"), "list"),
    **dict.fromkeys(("delete", "abandon"), "delete"),
}
_PART = 8  # bytes, in the rehearsal
_MANY = 3  # parts that are rehearsed; each further one costs as much as the third


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Counts the requests of tasks between two stores like these.

    Args:
        source, target, log: the real stores: asked what they can do, and for nothing else.
        part_size: bytes, of the configuration.
        like: an object of the source, which the others are taken to be like: whether its tags are asked for.
    """

    source: Store
    target: Store
    log: Store
    part_size: int
    like: ObjectInfo | None = None

    def cost_of_copy(self, size: int, *, replaces: bool = False) -> Requests:
        """The requests of one copy of *size* bytes; *replaces*: the target holds something."""
        parts = -(-size // self.part_size) if size > self.part_size and not self._by_server(size) else 1
        return self._of(min(parts, _MANY), replaces) + times(self._each_more(replaces), max(0, parts - _MANY))

    def cost_of_look(self) -> Requests:
        """The requests of a task whose target is right already."""
        return self._run("again")

    def cost_of_delete(self) -> Requests:
        """The requests of a delete that is followed."""
        return self._run("delete")

    def _by_server(self, size: int) -> bool:
        reach = self.target.reach(self.source) if isinstance(self.target, ServerSideCopy) else None
        return reach is not None and size >= reach

    def _each_more(self, replaces: bool) -> Requests:
        return self._of(_MANY, replaces) - self._of(_MANY - 1, replaces)

    def _of(self, parts: int, replaces: bool) -> Requests:
        server = parts == 1 and self._by_server(self.part_size)
        return self._run(f"{'server ' if server else ''}{'replace' if replaces else 'copy'}", parts)

    def _run(self, what: str, parts: int = 1) -> Requests:
        kinds = (self.source.conditional, self.target.conditional, self.log.abilities.creates_once)
        facts = (self.source.abilities.streams, self.target.abilities.streams)
        meta = self.like.meta if self.like and isinstance(self.source, Tagged) else Meta()
        told = (meta.tags_told, min(meta.tag_count, 1))
        return _rehearse(what, parts, kinds, facts, told, self.source.abilities.consistent).copy()


@cache
def _rehearse(
    what: str,
    parts: int,
    kinds: tuple[bool, bool, bool],
    facts: tuple[bool, bool],
    told: tuple[bool, int],
    consistent: bool,
) -> Requests:
    """Requests of one task; the arguments are what can make a difference."""
    stores = {
        "source": _store("source", kinds[0], facts[0], consistent=consistent, copies=what.startswith("server")),
        "target": _store("target", kinds[1], facts[1], copies=what.startswith("server")),
    }
    log = _store("log", kinds[2], streams=True)
    task = Task("r", "source", "k", "target", "k", deletes=Deletes.FOLLOW)
    deliver = _core(stores, log)
    meta = Meta(tags_told=told[0], tags={"name": "value"} if told[1] else NOTHING)
    stores["source"].write("k", b"x" * (_PART * parts), meta)
    if what.endswith("replace"):
        stores["target"].write("k", b"something else")
    if what in ("again", "delete"):
        deliver(task)
    if what == "delete":
        stores["source"].remove("k")
        task = replace(task, change=Change.REMOVED)
    for store in (*stores.values(), log):
        store.calls.clear()
    deliver(task)
    sides = [*stores.items(), ("log", log)]
    return Counter((name, SORT_OF[verb]) for name, store in sides for verb, _ in store.calls)


def _store(
    name: str, conditional: bool, streams: bool, *, consistent: bool = True, copies: bool = False
) -> MemoryStore:
    able = Abilities(streams=streams, min_part=1, creates_once=conditional, consistent=consistent)
    return MemoryStore(Address("s3", name), conditional=conditional, copies=copies, abilities=able)


def _core(stores: dict[str, MemoryStore], log: MemoryStore) -> Callable[[Task], object]:
    def now() -> datetime:
        return datetime.now(timezone.utc)

    resources = Resources(_PART, Budget(1024, 1), LogCheckpoints(lambda: log), lambda _: None)
    fuse = Fuse(Claims(lambda: log, now).grant)
    core = Converge(stores.__getitem__, resources, fuse, Results(lambda task: (task.key, task.target_key), now))
    return lambda task: core([task], Deadline())


def times(requests: Requests, count: int) -> Requests:
    """*requests*, *count* times over."""
    return Counter({name: each * count for name, each in requests.items()})
