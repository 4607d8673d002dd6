"""What to do about one key, from what both sides hold. Pure functions; their test is the same table."""

from enum import Enum

from bucketrelay.core.stamp import Link, Origin, Stamp, origin
from bucketrelay.model import Deletes, ObjectInfo, Overwrite
from bucketrelay.values import dataclass


class Action(Enum):
    """What a task has to do."""

    COPY = "copy"
    DELETE = "delete"
    NOTHING = "nothing"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Decision:
    """An action, and a word to the user where it may surprise."""

    action: Action
    note: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """What the route says.

    Attributes:
        ordered: others may write the key too (it meets others, or is shared); the newest wins.
        shared: ordered, and nothing leads back: a copy of what this source holds no more has no say.
        asked: there is no route: somebody has asked for just this copy, whatever is at the target now.
        differs: the bytes of both sides have been compared, and differ: no stamp and no digest that a store tells is
            believed to say that they are equal.
    """

    deletes: Deletes = Deletes.KEEP
    overwrite: Overwrite = Overwrite.ANY
    ordered: bool = False
    asked: bool = False
    differs: bool = False
    shared: bool = False


COPY = Decision(Action.COPY)
WON = Decision(Action.COPY, "conflict: replaced an older write at the target")
REPLACED = Decision(Action.COPY, "replaced an object that no route wrote")
DELETE = Decision(Action.DELETE)
RIGHT = Decision(Action.NOTHING)
ECHO = Decision(Action.NOTHING, "kept: the source is itself a copy of this target")
EQUAL = Decision(Action.NOTHING, "kept: the target holds the same already, though not by this route")
DELETED = Decision(Action.NOTHING, "kept: deleted at this target, of which the source is a copy")
YIELDED = Decision(Action.NOTHING, "conflict: kept a newer write at the target")
ABSENT = Decision(Action.NOTHING, "the source has no such object, though the event says that it was written")
KEPT = Decision(Action.NOTHING, 'kept: the source is gone, and the route says deletes = "keep"')
NOT_OURS = Decision(Action.NOTHING, "kept: the source is gone, but this route did not write the target")
WRITTEN = Decision(Action.NOTHING, "conflict: kept: deleted at the source, but written at the target")
FOREIGN = Decision(
    Action.REFUSE,
    'the target holds an object that no route wrote, and the route says overwrite = "ours": remove it, or let the '
    "route replace it, then replay",
)
ANOTHERS = Decision(
    Action.REFUSE,
    "the target holds the copy of another source: remove it, or say shared = true on every route that writes the key, "
    "then replay",
)


def decide(
    source: ObjectInfo | None, target: ObjectInfo | None, link: Link, rule: Rule, *, equal: bool = False
) -> Decision:
    """Compare and choose.

    None means that the store said there is no such key; what could not be found out never gets here. A copy is *ours*
    if a route wrote it from this source's key, *another's* if from another one, and neither once it has been edited.
    Its *origin* is the user's write that its bytes come from; *equal* is what the stores' answers show to be.
    *Ordered* is also a source whose own stamp says that it came from the target. The first row that fits holds.

    ========  ================================  ==========================  ====================
    source    target                            rule                        decision
    ========  ================================  ==========================  ====================
    present   ours, of this very version        not differs                 right
    a copy    absent; the source is its copy    ordered by the route        nothing (deleted)
    present   absent                            any                         copy
    present   what the source is a copy of      any                         nothing (echo)
    present   of the same origin, or equal      not differs                 nothing (right/echo/equal)
    present   anything else                     asked                       copy
    present   ours                              shared                      copy
    present   of a newer origin                 ordered                     nothing (yielded)
    present   neither                           overwrite = ours            refuse (foreign)
    present   ours                              any                         copy
    present   neither, or another's             ordered                     copy (won)
    present   neither                           not ordered                 copy (replaced)
    present   another's                         not ordered                 refuse (another's)
    absent    absent                            any                         nothing (absent)
    absent    present                           keep                        nothing (kept)
    absent    ours                              follow                      delete
    absent    neither                           follow, ordered             nothing (written)
    absent    anything else                     follow                      nothing (not ours)
    ========  ================================  ==========================  ====================

    Args:
        equal: the result of `likeness.equal`, for what is present on both sides.
    """
    theirs = link.of_target(target)
    if source is None:
        return _decide_absent(target, theirs, link, rule)
    ours = theirs is not None and theirs.hops[-1] == link.source
    if ours and theirs and theirs.describes(source) and theirs.shows(source) and not rule.differs:
        return RIGHT
    mine = link.of_source(source)
    came_from = mine is not None and link.target in mine.hops
    if target is None:
        return DELETED if came_from and rule.ordered else COPY
    if mine and came_from and _echo(mine, target, link):
        return ECHO
    wrote, held = origin(source, link.source, mine), origin(target, link.target, theirs)
    if not rule.differs and (equal or (wrote.born, wrote.mark) == (held.born, held.mark)):
        return RIGHT if ours else ECHO if mine else EQUAL
    if rule.asked:
        return COPY
    # A source may come to hold something older: it is itself a target, or its newest version was removed.
    bygone = ours and rule.shared and not came_from
    newer = (rule.ordered or came_from) and not bygone and _newer(held, wrote, link, ours=ours)
    return YIELDED if newer else _replace(rule, theirs, ours=ours, ordered=rule.ordered or came_from)


def _decide_absent(target: ObjectInfo | None, theirs: Stamp | None, link: Link, rule: Rule) -> Decision:
    if target is None:
        return ABSENT
    if rule.deletes is Deletes.KEEP:
        return KEPT
    if theirs:
        return DELETE if theirs.hops[-1] == link.source else NOT_OURS
    return WRITTEN if rule.ordered else NOT_OURS


def _echo(mine: Stamp, target: ObjectInfo, link: Link) -> bool:
    """Whether the source, which came from the target, is a copy of what that still holds."""
    # A stamp of before 0.2 does not say of which write it is: such a copy never goes back to where it came from.
    return not mine.mark or (mine.hops[-1] == link.target and mine.describes(target) and mine.shows(target))


def _replace(rule: Rule, theirs: Stamp | None, *, ours: bool, ordered: bool) -> Decision:
    """What is to become of a target that holds something older, or that has no say."""
    if theirs is None and rule.overwrite is Overwrite.OURS:
        return FOREIGN
    if ours:
        return COPY
    return WON if ordered else REPLACED if theirs is None else ANOTHERS


def _newer(held: Origin, wrote: Origin, link: Link, *, ours: bool) -> bool:
    """Whether the write that the target *held* is newer than the one that the source has; a total order.

    Within one second of one store its key shows which write came last: the other one is gone from there.
    """
    if held.born != wrote.born:
        return held.born > wrote.born
    if held.place == wrote.place and (ours or held.place in (link.source, link.target)):
        return held.place == link.target
    return held.mark > wrote.mark
