"""What others do, and what we might have done: strategies that each look right and that each can end wrong.

They keep the core's promises where those cost nothing (stamps, `decide`, a redelivery where a condition failed); what
they lack is the look at the source after the write.
"""

from contextlib import suppress

from bucketrelay.core import stamp as stamps
from bucketrelay.core.decide import Action, Rule, decide
from bucketrelay.core.metadata import fit
from bucketrelay.errors import OutcomeUnknown, TargetChanged
from bucketrelay.model import Change, Meta, ObjectInfo, Outcome, Result, Task
from bucketrelay.store import ABSENT, Store
from faults.strategies import Stores
from faults.world import EPOCH

LENGTH = 8  # of an object's first part: all objects of these worlds are smaller


def act_on_the_event(task: Task, stores: Stores) -> Result:
    """Created: copy what the source has now. Removed: delete the target."""
    if task.change is Change.REMOVED:
        stores("target").delete(task.target_key)
    elif fetched := stores("source").fetch(task.key, LENGTH):
        stores("target").put(task.target_key, fetched.body, fetched.info.meta)
    return _end(task)


def sequencer_row(task: Task, stores: Stores) -> Result:
    """Act on the event only if its number is larger than that in a database's row, and write the number there first."""
    row = stores("table").look("row")
    if row and int(row.meta.user["number"]) >= int(task.cause):
        return _end(task)
    try:
        meta = Meta(user={"number": task.cause})
        stores("table").put("row", task.cause.encode(), meta, expect=row or ABSENT)
    except TargetChanged:
        return _end(task, again=True)
    return act_on_the_event(task, stores)


def look_and_act(task: Task, stores: Stores) -> Result:
    """Plain level-triggering: look at both sides, decide, act."""
    return _look_and_act(task, stores, conditional=False)


def if_match(task: Task, stores: Stores) -> Result:
    """The same with the condition that the target is what it was."""
    return _look_and_act(task, stores, conditional=True)


def lease(task: Task, stores: Stores) -> Result:
    """The same under a lock that is good until the clock moves on: a task that died must not hold it for ever."""
    table = stores("table")
    clock, held = table.look("clock"), table.look("lease")
    now = clock.size if clock else 0
    if held and held.meta.user["until"] == str(now):
        return _end(task, again=True)
    mine = f"{task.cause} {now}"
    try:
        ours = table.put("lease", mine.encode(), Meta(user={"until": str(now)}), expect=held or ABSENT)
    except TargetChanged:
        return _end(task, again=True)
    _look_and_act(task, stores, conditional=False)
    # Given back only if it is still ours; the ETag that we got for it says so.
    if (held := table.look("lease")) and held.etag == ours.etag:
        with suppress(TargetChanged):
            table.delete("lease", expect=held)
    return _end(task)


def _look_and_act(task: Task, stores: Stores, *, conditional: bool) -> Result:
    source, target = stores("source"), stores("target")
    held = target.look(task.target_key)
    fetched = source.fetch(task.key, LENGTH)
    ids = stamps.Link(stamps.identity(source.address, task.key), stamps.identity(target.address, task.target_key))
    action = decide(fetched.info if fetched else None, held, ids, Rule(task.deletes)).action
    try:
        if action is Action.COPY:
            expect = (held or ABSENT) if conditional else None
            target.put(task.target_key, fetched.body, _stamped(fetched.info, ids, target), expect=expect)
        elif action is Action.DELETE:
            target.delete(task.target_key, expect=held if conditional else None)
    except (TargetChanged, OutcomeUnknown):
        return _end(task, again=True)
    return _end(task)


def _stamped(info: ObjectInfo, ids: stamps.Link, target: Store) -> Meta:
    return fit(info.meta, target.abilities, stamps.make(info, ids))[0]


def _end(task: Task, *, again: bool = False) -> Result:
    outcome = Outcome.FAILED if again else Outcome.COPIED
    return Result(task.route, task.cause, task.change.value, "", "", task.key, outcome, EPOCH, retryable=again)
