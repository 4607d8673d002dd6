"""Mistakes in moving bytes, in time and within memory: `copy.py`, `budget.py`."""

from mutants.change import Change

CONVERGE = "unit/core/test_converge.py"
CONDITIONS = "unit/core/test_conditions.py"
IN_TIME = "unit/core/test_in_time.py"
RESUME = "unit/core/test_resume.py"
MIXTURE = (
    "faults/test_convergence.py::"
    "test_no_target_is_ever_a_mixture_of_two_versions_that_went_in_parts[unconditional-keep]"
)
PARTS = "unit/core/test_parts_of_one_version.py"
BUDGET = "unit/core/test_budget.py"
SHORT = "faults/test_poisoned.py::test_a_target_that_hangs_holds_up_no_task_of_another_where_memory_is_short"

MOVING = (
    # Conditions and pins.
    Change(
        "put-without-condition",
        "core/copy.py",
        "copy.target.put(copy.key, first.body, copy.meta, expect=copy.expect)",
        "copy.target.put(copy.key, first.body, copy.meta)",
        "an older task overwrites a newer one's copy",
        (CONDITIONS,),
    ),
    Change(
        "commit-without-condition",
        "core/upload.py",
        "            self._target.commit(upload, parts, expect=self._copy.expect)\n",
        "            self._target.commit(upload, parts)\n",
        "an older task overwrites a newer one's copy",
        (CONDITIONS,),
    ),
    Change(
        "parts-of-whatever-is-there",
        "core/sums.py",
        "self._copy.source.pour(self._copy.info, self._start",
        "self._copy.source.pour(self._copy.source.look(self._copy.info.key) or self._copy.info, self._start",
        "the target holds a mixture of two versions",
        (MIXTURE,),
    ),
    # Whether it is what the source's store said.
    Change(
        "whole-object-not-compared",
        "core/copy.py",
        "compared = digest.check_whole(first.body, copy.info.checksums, copy.url)",
        "compared = True",
        "bytes changed on the way are published",
        (RESUME,),
    ),
    Change(
        "parts-not-compared",
        "core/upload.py",
        "compared = sums.check(done, self._copy.url)",
        "compared = True",
        "bytes changed on the way are published",
        (RESUME,),
    ),
    Change(
        "more-bytes-than-the-object-has",
        "core/copy.py",
        "    if len(first.body) > copy.info.size:\n"
        '        raise Damaged(f"{copy.url}: more bytes came than the object has; nothing was written")\n'
        "    if len(first.body) == copy.info.size:\n",
        "    if len(first.body) >= copy.info.size:\n",
        "an answer that two versions got mixed up in is published",
        (PARTS,),
    ),
    Change(
        "first-bytes-taken-for-a-part",
        "core/parts.py",
        "if len(first.body) == self._size and 1 not in self._done:",
        "if first.body and 1 not in self._done:",
        "where parts have to be larger than configured, the object lacks the rest of its first",
        (PARTS,),
    ),
    # Time.
    Change(
        "put-begun-too-late",
        "core/copy.py",
        "    copy.deadline.check()\n    with resources",
        "    with resources",
        "the invocation may be killed while it writes, and the list says nothing",
        (IN_TIME,),
    ),
    Change(
        "begin-too-late",
        "core/upload.py",
        "        copy.deadline.check()\n        upload = self._target.begin",
        "        upload = self._target.begin",
        "killed between begin and checkpoint, the upload is lost",
        (IN_TIME,),
    ),
    Change(
        "commit-begun-too-late",
        "core/upload.py",
        "            self._copy.deadline.check()\n            self._commit",
        "            self._commit",
        "the invocation may be killed while it publishes, and the list says nothing",
        (IN_TIME,),
    ),
    Change(
        "part-sent-too-late",
        "core/sums.py",
        "            self._copy.deadline.check()\n",
        "",
        "a part that was read at the last moment is sent past it",
        (IN_TIME,),
    ),
    Change(
        "part-begun-that-cannot-end",
        "core/parts.py",
        "self._copy.deadline.check(need=self._slowest)",
        "self._copy.deadline.check()",
        "the last part of each invocation is cut off by the platform",
        (IN_TIME,),
    ),
    Change(
        "requests-without-a-deadline",
        "core/converge.py",
        "with under(deadline)",
        "with under(Deadline())",
        "a request is made again and again past the end of its invocation",
        (IN_TIME,),
    ),
    Change(
        "requests-of-helpers-without-a-deadline",
        "core/parts.py",
        "with under(self._copy.deadline)",
        "with under(Deadline())",
        "parts are asked for again and again past the end of their invocation",
        (IN_TIME,),
    ),
    # Memory and threads.
    Change(
        "bytes-never-given-back",
        "core/budget.py",
        "self._budget._release(spare, self._place)",
        "(spare)",
        "a warm process runs dry and waits for ever",
        (f"{CONVERGE}::test_bytes_of_the_budget_are_given_back_whatever_goes_wrong",),
    ),
    Change(
        "bytes-not-waited-for",
        "core/budget.py",
        "wait_for(lambda: self._fits(amount, place),",
        "wait_for(lambda: True,",
        "the function is killed for its memory",
        (CONVERGE,),
    ),
    Change(
        "bytes-without-a-share",
        "core/budget.py",
        "and (not held or held <= (share - amount if amount <= share else share))",
        "",
        "a target that hangs takes all the memory, and the others wait for ever",
        (BUDGET,),
    ),
    Change(
        "bytes-of-every-way-in-one-share",
        "core/converge.py",
        "pair.deadline, pair.task.way) as lease",
        "pair.deadline) as lease",
        "a target that hangs takes all the memory, and the others wait for ever",
        (SHORT,),
    ),
    Change(
        "bytes-shared-among-one",
        "core/run.py",
        "self.budget.share(fair.places)",
        "self.budget.share([])",
        "a target that hangs takes all the memory, and the others wait for ever",
        (SHORT,),
    ),
    Change(
        "bytes-of-a-share-never-given-back",
        "core/budget.py",
        "self._held[place] -= amount",
        "self._held[place] -= 0",
        "a warm process lets each route have its share once",
        (f"{BUDGET}::test_bytes_that_were_given_back_do_not_count_against_the_share",),
    ),
    Change(
        "shares-of-an-invocation-that-is-over",
        "core/budget.py",
        "self._budget._count(self._places, -1)",
        "pass",
        "a warm process gets slower with each invocation",
        (BUDGET,),
    ),
    Change(
        "threads-of-parts-never-given-back",
        "core/parts.py",
        "            self._budget.give_back()",
        "            pass",
        "a warm process gets slower with each large object",
        (BUDGET,),
    ),
)
