"""A small object's task, alone in its invocation, is done by the invocation's own thread."""

import threading
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from bucketrelay.core.budget import Budget
from bucketrelay.core.results import Results
from bucketrelay.core.run import Runner
from bucketrelay.core.writes import SLOW, Writes
from bucketrelay.deadline import Deadline
from bucketrelay.errors import ConfigError, OutcomeUnknown, OutOfTime, StoreRefused, StoreUnavailable
from bucketrelay.model import Change, Outcome, Result, Task
from bucketrelay.testing.memory import MemoryStore
from fakes import OneByOne

NOW = datetime(2026, 11, 21, tzinfo=timezone.utc)
MINE = threading.get_ident()


def result_of(task, outcome=Outcome.COPIED):
    return Result(task.route, "", "created", task.key, task.target_key, task.key, outcome, NOW)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class Delivering:
    """Notes by which thread and within how many seconds each task is done; *each* does it."""

    def __init__(self, each=None):
        self.each, self.seen = each or (lambda task, _: result_of(task)), []

    def __call__(self, task, deadline):
        self.seen.append((threading.get_ident() == MINE, deadline.remaining()))
        return self.each(task, deadline)


def runner(delivering, *, brief=True, threads=4):
    return Runner(
        OneByOne(delivering, brief=brief),
        Budget(1024, threads),
        Results(lambda task: (task.key, task.target_key), lambda: NOW),
    )


def task(key="k"):
    return Task("r", "s", key, "t", key)


def test_it_is_done_by_the_calling_thread_and_gives_its_place_back():
    delivering = Delivering()
    some = runner(delivering)

    assert some.run([task()], Deadline(900, now=Clock()))[0].outcome is Outcome.COPIED
    assert delivering.seen == [(True, SLOW)]
    assert some.budget.extra_threads(9) == 4


@pytest.mark.parametrize(
    ("tasks", "seconds", "brief"),
    [
        (["a", "b"], 900, True),
        (["a"], 900, False),
        (["a"], 59, True),  # what hangs in the calling thread has to end by itself
    ],
)
def test_others_are_done_by_other_threads(tasks, seconds, brief):
    delivering = Delivering()
    runner(delivering, brief=brief).run([task(key) for key in tasks], Deadline(seconds, now=Clock()))

    assert delivering.seen == [(False, seconds)] * len(tasks)


def test_what_takes_longer_than_a_moment_begins_anew_in_another_thread_and_has_all_the_time():
    clock = Clock()

    def slow(it, deadline):
        clock.now += 3
        if not deadline.remaining():
            raise OutOfTime("too slow")
        return result_of(it)

    delivering = Delivering(slow)
    some = runner(delivering)

    assert some.run([task()], Deadline(900, now=clock))[0].outcome is Outcome.COPIED
    assert delivering.seen == [(True, SLOW), (False, 897)]

    some.run([task()], Deadline(900, now=clock))  # its way is known to be slow now
    assert delivering.seen[2:] == [(False, 900)]
    some.run([Task("r", "s", "k", "another", "k")], Deadline(900, now=clock))
    assert delivering.seen[3][0]


def test_what_is_refused_for_good_has_failed():
    delivering = Delivering(failing(StoreRefused("no")))

    assert runner(delivering).run([task()], Deadline(900, now=Clock()))[0].outcome is Outcome.FAILED
    assert len(delivering.seen) == 1


@pytest.mark.parametrize("error", [StoreUnavailable("503"), ZeroDivisionError("a defect")])
def test_what_may_be_tried_again_is_tried_with_all_the_time_there_is(error):
    delivering = Delivering(failing(error))

    assert runner(delivering).run([task()], Deadline(900, now=Clock()))[0].outcome is Outcome.FAILED
    assert delivering.seen == [(True, SLOW), (False, 900)]


def failing(error):
    def fail(*_):
        raise error

    return fail


def test_a_write_that_lingers_and_could_not_be_noted_comes_again_by_its_event():
    """Begun anew at once it would be done, and nobody would look whether the first write came after the second."""
    answers = iter([OutcomeUnknown("no answer")])

    def each(it, _):
        for error in answers:
            raise error
        return result_of(it)

    delivering = Delivering(each)
    some = replace(runner(delivering), writes=Writes(Refusing()))

    (ended,) = some.run([task()], Deadline(900, now=Clock()))
    assert (ended.outcome, ended.retryable, len(delivering.seen)) == (Outcome.FAILED, True, 1)
    assert "could not be noted" in ended.error


class Refusing:
    """A place for markers that takes none."""

    def put(self, *_):
        raise StoreUnavailable("503")


def test_who_is_interrupted_says_that_it_is_unfinished():
    delivering = Delivering(failing(KeyboardInterrupt()))
    (ended,) = runner(delivering).run([task()], Deadline(900, now=Clock()))

    assert len(delivering.seen) == 1
    assert (ended.outcome, ended.retryable, ended.lingers) == (Outcome.UNFINISHED, True, True)


class Connected(MemoryStore):
    """As one whose requests go over our own connections, which wait for nothing without end."""

    ready = True

    def handshake(self):
        return None


@pytest.mark.parametrize(
    ("more", "brief"),
    [
        ({"size": 1}, True),
        ({"size": 64 * 1024}, True),
        ({"size": 64 * 1024 + 1}, False),
        ({"size": None}, False),
        ({"size": 1, "again": True}, False),
        ({"size": 1, "meets": True}, False),
        ({"size": 1, "change": Change.REMOVED}, False),
    ],
)
def test_it_is_a_small_objects_task_that_takes_a_moment(world, more, brief):
    world.source = Connected(world.source.address)
    world.target = Connected(world.target.address)

    assert world.core.brief(world.task("k", **more)) is brief


@pytest.mark.parametrize("side", ["source", "target"])
def test_nor_does_one_whose_store_has_no_connection_open_or_has_to_ask_for_keys(world, side):
    world.source, world.target = Connected(world.source.address), Connected(world.target.address)
    getattr(world, side).ready = False

    assert not world.core.brief(world.task("k", size=1))


@pytest.mark.parametrize("error", [ConfigError(["no store is named so"]), ImportError("a package is missing")])
def test_nor_does_one_whose_store_cannot_be_had(world, error):
    def unknown(name):
        raise error

    assert not replace(world.core, stores=unknown).brief(world.task("k", size=1))


@pytest.mark.parametrize("side", ["source", "target"])
def test_nor_does_one_whose_store_may_hang(world, side):
    setattr(world, side, Connected(getattr(world, side).address))

    assert not world.core.brief(world.task("k", size=1))


def test_a_moment_within_a_deadline_ends_with_whichever_is_over_first():
    clock, stopped = Clock(), []

    class UntilStopped(Deadline):
        def remaining(self):
            return 0.0 if stopped else super().remaining()

    some = UntilStopped(900, now=clock)
    moment, longer = some.within(2), some.within(1000)
    assert (moment.remaining(), longer.remaining()) == (2, 900)
    clock.now = 3
    assert (moment.remaining(), longer.remaining()) == (0, 897)
    stopped.append(True)
    assert longer.remaining() == 0
