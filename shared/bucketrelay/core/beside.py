"""A look at one store while another is asked: their answers are waited for in the time of one."""

from bucketrelay.abilities import LooksAhead, PendingLook
from bucketrelay.core import crew
from bucketrelay.deadline import current, under
from bucketrelay.model import Change, ObjectInfo, Task
from bucketrelay.store import KiB

# Bytes of an object that are worth less than the time of a request: they come in vain where the target proves right.
SMALL = 64 * KiB


def is_small(task: Task) -> bool:
    """Whether it is of an object that was created and is told to have few bytes, on a route that meets no other.

    One that comes again may find anything.
    """
    created = task.change is Change.CREATED and not (task.meets or task.again)
    return created and task.size is not None and task.size <= SMALL


class Beside:
    """A look that goes on until `answer`; at the end of the block at the latest nobody waits for it any more.

    With a connection that is open already this thread itself asks, and hears the answer later. Else, at a process's
    first requests, another thread opens one meanwhile.

    Args:
        store: that is looked at, as by `look(key, trust_bare_404=True)`.
    """

    __slots__ = ("_asking",)

    def __init__(self, store: LooksAhead, key: str) -> None:
        self._asking: PendingLook = store.begin_look(key) or _InAnother(store, key)

    def answer(self) -> ObjectInfo | None:
        """What the look shows. Raises what it raises."""
        return self._asking.answer()

    def __enter__(self) -> "Beside":  # noqa: PYI034 — typing.Self came with Python 3.11, and typing_extensions is no dependency
        return self

    def __exit__(self, *exc: object) -> None:
        self._asking.drop()


class _InAnother:
    """A look that another thread does, under the deadline of this one."""

    __slots__ = ("_deadline", "_found", "_hand", "_key", "_store")

    def __init__(self, store: LooksAhead, key: str) -> None:
        self._store, self._key, self._deadline = store, key, current()
        self._found: ObjectInfo | None = None
        (self._hand,) = crew.begin(self._look, 1)

    def _look(self) -> None:
        with under(self._deadline) as _:
            self._found = self._store.look(self._key, trust_bare_404=True)

    def answer(self) -> ObjectInfo | None:
        """See PendingLook."""
        crew.wait([self._hand])  # no request waits for longer than the deadline
        crew.raise_defects([self._hand])
        return self._found

    def drop(self) -> None:
        """See PendingLook: the look ends by itself, and changes nothing."""
