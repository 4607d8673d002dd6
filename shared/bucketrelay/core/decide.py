"""What to do about one key, from what both sides hold. A pure function; its test is the same table."""

from dataclasses import dataclass
from enum import Enum

from bucketrelay.core.stamp import stamp_of
from bucketrelay.model import Deletes, ObjectInfo


class Action(Enum):
    """What a task has to do."""

    COPY = "copy"
    DELETE = "delete"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Decision:
    """An action, and for `NOTHING` a word to the user where it may surprise."""

    action: Action
    note: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """The identities of the two objects that a task is about."""

    source: str
    target: str


COPY = Decision(Action.COPY)
DELETE = Decision(Action.DELETE)
EQUAL = Decision(Action.NOTHING)
ECHO = Decision(Action.NOTHING, "kept: the source is itself a copy of this target")
KEPT = Decision(Action.NOTHING, 'kept: the source is gone, and the route says deletes = "keep"')
FOREIGN = Decision(Action.NOTHING, "kept: the source is gone, but this route did not write the target")


def decide(source: ObjectInfo | None, target: ObjectInfo | None, link: Link, deletes: Deletes) -> Decision:
    """Compare and choose.

    None means that the store said there is no such key; what could not be found out never gets here.

    ==============================  ================================  ==========  ========
    source                          target                            deletes     decision
    ==============================  ================================  ==========  ========
    a copy that came from target    anything                          either      nothing
    present                         our copy of this very version     either      nothing
    present                         absent, or anything else          either      copy
    absent                          absent                            either      nothing
    absent                          anything                          keep        nothing
    absent                          our copy of the source            follow      delete
    absent                          anything else                     follow      nothing
    ==============================  ================================  ==========  ========
    """
    if source is not None:
        return _present(source, target, link)
    if target is None:
        return EQUAL
    if deletes is Deletes.KEEP:
        return KEPT
    stamp = stamp_of(target, link.target)
    return DELETE if stamp and stamp.hops[-1] == link.source else FOREIGN


def _present(source: ObjectInfo, target: ObjectInfo | None, link: Link) -> Decision:
    origin = stamp_of(source, link.source)
    if origin and link.target in origin.hops:
        return ECHO
    stamp = stamp_of(target, link.target)
    return EQUAL if stamp and stamp.hops[-1] == link.source and stamp.names(source) else COPY
