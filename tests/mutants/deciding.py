"""Mistakes in deciding, and in doing what was decided: `converge.py`, `decide.py`."""

from mutants.change import Change

CONVERGE = "unit/core/test_converge.py"
CONDITIONS = "unit/core/test_conditions.py"
IN_TIME = "unit/core/test_in_time.py"
BY_SERVER = "unit/core/test_by_server.py"
DECIDE = "unit/core/test_decide.py"

DECIDING = (
    # Conditions.
    Change(
        "create-without-condition",
        "core/prepare.py",
        "expect=held or ABSENT,",
        "expect=held,",
        "what somebody creates meanwhile is overwritten unseen",
        (CONDITIONS,),
    ),
    Change(
        "copy-by-server-without-condition",
        "core/copy.py",
        "copy.meta, copy.deadline, expect=copy.expect)",
        "copy.meta, copy.deadline)",
        "the server's copy overwrites a newer one",
        (CONDITIONS,),
    ),
    Change(
        "delete-without-condition",
        "core/converge.py",
        "pair.target.delete(pair.task.target_key, expect=held)",
        "pair.target.delete(pair.task.target_key)",
        "what somebody wrote since the look is deleted",
        (CONDITIONS,),
    ),
    Change(
        "first-part-of-whatever-is-there",
        "core/copy.py",
        "copy.source.read(copy.info, 0, copy.info.size)",
        "copy.source.read(copy.source.look(copy.info.key) or copy.info, 0, copy.info.size)",
        "an object begun by the server and carried by hand begins with a newer version's bytes",
        (CONDITIONS,),
    ),
    Change(
        "not-modified-believed-within-one-second",
        "core/pair.py",
        " and stamp.settled(held) else",
        " else",
        "metadata that is rewritten within the second of the copy never arrives",
        ("unit/core/test_rounds.py",),
    ),
    # What is said, what is counted, and when it is too late.
    Change(
        "degraded-not-reported",
        "core/converge.py",
        "Ending(Outcome.COPIED, info.size, degraded, note, ",
        "Ending(Outcome.COPIED, info.size, (), note, ",
        "the user never hears what the target could not carry",
        (CONVERGE,),
    ),
    Change(
        "strict-ignored",
        "core/prepare.py",
        "if degraded and pair.task.strict:",
        "if False:",
        "a strict route loses metadata all the same",
        (CONVERGE,),
    ),
    Change(
        "delete-begun-too-late",
        "core/converge.py",
        "        pair.deadline.check()\n        counted = self.fuse",
        "        counted = self.fuse",
        "the invocation may be killed while it deletes, and the list says nothing",
        (IN_TIME,),
    ),
    Change(
        "what-the-server-refuses-is-asked-for-again",
        "core/copy.py",
        "        resources.unreachable.add(copy.task.way)\n",
        "",
        "each object costs a refused request",
        (BY_SERVER,),
    ),
    Change(
        "what-the-server-cannot-end-is-left-to-it-again",
        "core/copy.py",
        "        quietly(lambda: resources.checkpoints.save(copy.checkpoint, too_slow))\n",
        "",
        "a copy that takes longer than an invocation begins anew in each",
        (BY_SERVER,),
    ),
    # The decision.
    Change(
        "delete-without-our-stamp",
        "core/decide.py",
        "    if theirs:\n        return DELETE if",
        "    if True:\n        return DELETE if not theirs or",
        "an object that somebody else put there is deleted",
        (DECIDE,),
    ),
    Change(
        "delete-of-another-routes-copy",
        "core/decide.py",
        "return DELETE if theirs.hops[-1] == link.source else NOT_OURS",
        "return DELETE",
        "two sources of one target delete each other's copies",
        (DECIDE,),
    ),
    Change(
        "delete-though-the-route-keeps",
        "core/decide.py",
        "if rule.deletes is Deletes.KEEP:",
        "if False:",
        "the archive loses what the source loses",
        (DECIDE,),
    ),
    Change(
        "echo-not-recognised",
        "core/decide.py",
        "(equal or (wrote.born, wrote.mark) == (held.born, held.mark))",
        "equal",
        "what came from there is written there again",
        (DECIDE,),
    ),
    Change(
        "echo-recognised-by-the-last-hop-alone",
        "core/decide.py",
        "came_from = mine is not None and link.target in mine.hops",
        "came_from = mine is not None and link.target == mine.hops[-1]",
        "a copy that came back by way of a third bucket goes back over what is newer",
        (DECIDE,),
    ),
    Change(
        "stamp-of-another-source-is-as-good",
        "core/decide.py",
        "ours = theirs is not None and theirs.hops[-1] == link.source",
        "ours = theirs is not None",
        "the other source's copy is taken for this one's",
        (DECIDE,),
    ),
)
