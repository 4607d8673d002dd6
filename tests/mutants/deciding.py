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
        "core/converge.py",
        "pair.copy(info, meta, there or ABSENT)",
        "pair.copy(info, meta, there)",
        "what somebody creates meanwhile is overwritten unseen",
        (CONDITIONS,),
    ),
    Change(
        "copy-by-server-without-condition",
        "core/converge.py",
        "copy.meta, copy.deadline, expect=copy.expect)",
        "copy.meta, copy.deadline)",
        "the server's copy overwrites a newer one",
        (CONDITIONS,),
    ),
    Change(
        "delete-without-condition",
        "core/converge.py",
        "pair.target.delete(pair.task.target_key, expect=there)",
        "pair.target.delete(pair.task.target_key)",
        "what somebody wrote since the look is deleted",
        (CONDITIONS,),
    ),
    Change(
        "first-part-of-whatever-is-there",
        "core/converge.py",
        "copy.source.read(copy.info, 0, wanted)",
        "copy.source.read(copy.source.look(copy.info.key) or copy.info, 0, wanted)",
        "an object begun by the server and carried by hand begins with a newer version's bytes",
        (CONDITIONS,),
    ),
    # What is said, what is counted, and when it is too late.
    Change(
        "degraded-not-reported",
        "core/converge.py",
        "Done(Outcome.COPIED, info.size, degraded)",
        "Done(Outcome.COPIED, info.size)",
        "the user never hears what the target could not carry",
        (CONVERGE,),
    ),
    Change(
        "strict-ignored",
        "core/converge.py",
        "if degraded and pair.task.strict:",
        "if False:",
        "a strict route loses metadata all the same",
        (CONVERGE,),
    ),
    Change(
        "delete-begun-too-late",
        "core/converge.py",
        "        pair.deadline.check()\n        with self.fuse",
        "        with self.fuse",
        "the invocation may be killed while it deletes, and the list says nothing",
        (IN_TIME,),
    ),
    Change(
        "what-the-server-refuses-is-asked-for-again",
        "core/converge.py",
        "            self.unreachable.add((pair.task.source, pair.task.target))",
        "            pass",
        "each object costs a refused request",
        (BY_SERVER,),
    ),
    Change(
        "what-the-server-cannot-end-is-left-to-it-again",
        "core/converge.py",
        "            quietly(lambda: self.road.checkpoints.save(copy.name, slow))\n",
        "",
        "a copy that takes longer than an invocation begins anew in each",
        (BY_SERVER,),
    ),
    # The decision.
    Change(
        "delete-without-our-stamp",
        "core/decide.py",
        "return DELETE if stamp and stamp.hops[-1] == link.source else FOREIGN",
        "return DELETE",
        "an object that somebody else put there is deleted",
        (DECIDE,),
    ),
    Change(
        "delete-of-another-routes-copy",
        "core/decide.py",
        "return DELETE if stamp and stamp.hops[-1] == link.source else FOREIGN",
        "return DELETE if stamp else FOREIGN",
        "two sources of one target delete each other's copies",
        (DECIDE,),
    ),
    Change(
        "delete-though-the-route-keeps",
        "core/decide.py",
        "if deletes is Deletes.KEEP:",
        "if False:",
        "the archive loses what the source loses",
        (DECIDE,),
    ),
    Change(
        "echo-not-recognised",
        "core/decide.py",
        "if origin and link.target in origin.hops:",
        "if False:",
        "two routes that face each other copy for ever",
        (DECIDE,),
    ),
    Change(
        "echo-recognised-by-the-last-hop-alone",
        "core/decide.py",
        "if origin and link.target in origin.hops:",
        "if origin and link.target == origin.hops[-1]:",
        "a ring of three copies for ever",
        (DECIDE,),
    ),
    Change(
        "stamp-of-another-source-is-as-good",
        "core/decide.py",
        "return EQUAL if stamp and stamp.hops[-1] == link.source and stamp.names(source) else COPY",
        "return EQUAL if stamp and stamp.names(source) else COPY",
        "the other source's copy is taken for this one's",
        (DECIDE,),
    ),
)
