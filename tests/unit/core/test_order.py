"""Which result is whose, what waits for what, and who gets how many threads; nothing of it left to chance."""

import threading
from datetime import datetime, timezone

from bucketrelay.core.budget import Budget
from bucketrelay.core.results import Results
from bucketrelay.core.run import Runner
from bucketrelay.deadline import Deadline
from bucketrelay.model import Outcome, Result, Task
from fakes import OneByOne

NOW = datetime(2026, 11, 21, tzinfo=timezone.utc)


def runner(deliver, threads):
    def delivered(task, _):
        deliver(task)
        return Result(task.route, task.cause, "created", task.key, task.target, task.key, Outcome.COPIED, NOW)

    return Runner(
        OneByOne(delivered), Budget(1024, threads), Results(lambda task: (task.key, task.target), lambda: NOW)
    )


def test_a_result_is_at_the_place_of_its_task_however_long_it_took():
    others_done = threading.Event()

    def deliver(task):
        if task.key == "0":
            others_done.wait(20)
        if task.key == "2":
            others_done.set()  # the same thread has done 1 before

    results = runner(deliver, 2).run([Task("r", "s", str(n), "t", str(n)) for n in range(3)], Deadline())

    assert [result.key for result in results] == ["0", "1", "2"]


def test_the_second_task_of_a_key_does_not_begin_before_the_first_has_ended():
    other_done, begun, ended = threading.Event(), [], []

    def deliver(task):
        begun.append(task.cause)
        if task.cause == "first":
            other_done.wait(20)
        if task.cause == "other":
            other_done.set()
        if task.cause == "second":
            assert "first" in ended
        ended.append(task.cause)

    tasks = [
        Task("r", "s", key, "t", key, cause=cause) for key, cause in (("k", "first"), ("k", "second"), ("x", "other"))
    ]
    results = runner(deliver, 2).run(tasks, Deadline())

    assert [result.error for result in results] == ["", "", ""]
    assert begun == ["first", "other", "second"]


def test_a_target_that_hangs_gets_no_more_threads_when_the_others_are_done():
    let_go, hung, lock = threading.Event(), [], threading.Lock()

    def deliver(task):
        if task.target == "hangs":
            with lock:
                hung.append(task.key)
            let_go.wait(20)

    tasks = [Task("r", "s", str(n), target, str(n)) for n in range(8) for target in ("hangs", "works")]
    results = runner(deliver, 4).run(tasks, Deadline(0.5))
    let_go.set()

    assert len(hung) == 2
    assert [{r.outcome for r in results[n::2]} for n in (0, 1)] == [{Outcome.UNFINISHED}, {Outcome.COPIED}]
