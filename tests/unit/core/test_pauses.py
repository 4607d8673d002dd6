"""Routes that rest: nothing of them is done, everything of the others is; and bytes that must not move too fast."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import pytest

from bucketrelay.core.bandwidth import Bandwidth
from bucketrelay.core.pauses import FIRST, FOLDER, FRESH, PATIENCE, Gate, Pauses, resting
from bucketrelay.core.results import Results
from bucketrelay.deadline import Deadline, current, under
from bucketrelay.errors import OutOfTime, StoreUnavailable
from bucketrelay.model import Address, Outcome, Task
from bucketrelay.routes.windows import Windows, spans
from bucketrelay.testing.memory import MemoryStore
from fakes import OneByOne

NOW = datetime(2026, 11, 23, 9, 15, tzinfo=timezone.utc)
RESULTS = Results(lambda task: (task.key, task.target_key), lambda: NOW)


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def log():
    return MemoryStore(Address("s3", "logs"))


def test_a_route_is_paused_until_it_is_resumed(log):
    clock = Clock()
    pauses = Pauses(lambda: log, clock)

    assert pauses.why("photos") == ""
    pauses.pause("photos")
    clock.sleep(FRESH)
    assert "bucketrelay resume photos" in pauses.why("photos")
    assert pauses.why("other") == ""
    assert pauses.resume("photos")
    clock.sleep(FRESH)
    assert pauses.why("photos") == ""
    assert not pauses.resume("photos")
    assert log.keys() == []


def test_another_process_sees_the_mark_when_it_looks_again(log):
    clock = Clock()
    another = Pauses(lambda: log, clock)
    assert another.why("photos") == ""

    Pauses(lambda: log).pause("photos")
    clock.sleep(FRESH - 0.1)
    assert another.why("photos") == ""
    clock.sleep(0.1)

    assert another.why("photos")


def test_while_its_answer_is_fresh_the_log_store_is_asked_no_more(log):
    pauses = Pauses(lambda: log, Clock())

    for _ in range(100):
        pauses.why("photos")

    assert [verb for verb, _ in log.calls] == ["fetch"]


def test_a_worker_leaves_a_paused_route_alone_within_five_seconds():
    from bucketrelay.drivers.worker.loop import Tunings

    assert FRESH + 5 * Tunings().poll < 5  # what is believed, and how often the loop asks


def test_where_the_log_store_cannot_be_asked_its_last_word_counts(log):
    clock, away = Clock(), []
    pauses = Pauses(lambda: Away() if away else log, clock)
    pauses.pause("photos")
    assert pauses.why("photos")
    away.append(True)
    clock.sleep(FRESH)

    assert pauses.why("photos")
    assert pauses.why("other") == ""


def test_a_log_store_that_hangs_holds_up_nobody_but_the_one_who_asks():
    log, clock = Hanging(), Clock()
    pauses = Pauses(lambda: log, clock)
    pauses.why("photos")
    clock.sleep(FRESH)
    log.hangs = True

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(pauses.why, "photos")
        assert log.asked.wait(60)
        assert pauses.why("photos") == ""  # while the first one hangs
        assert not first.done()
        log.answer.set()
        assert first.result(60) == ""

    assert [length <= bound for length, bound in zip(log.lefts, (FIRST, PATIENCE), strict=True)] == [True, True]


def test_who_knows_nothing_yet_waits_for_the_one_who_asks_and_takes_his_answer():
    log, clock = Hanging(), Clock()
    log.hangs = True
    pauses = Pauses(lambda: log, clock)

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(pauses.why, "photos") for _ in range(2)]
        assert log.asked.wait(60)
        log.answer.set()
        assert [each.result(60) for each in both] == ["", ""]

    assert len(log.lefts) == 1


def test_a_log_store_that_has_not_answered_is_left_alone_for_a_while_whatever_the_route():
    clock, asked = Clock(), []

    def away():
        asked.append(clock.now)
        return Away()

    pauses = Pauses(away, clock)

    for _ in range(10):
        assert pauses.why("photos") == pauses.why("other") == ""
    clock.sleep(FRESH)
    pauses.why("other")

    assert asked == [0.0, FRESH]


def test_where_the_invocation_ends_before_the_log_store_answers_its_tasks_go_on_in_another():
    pauses = Pauses(Away, Clock())

    with under(Deadline(0.0)), pytest.raises(OutOfTime):
        pauses.why("photos")


class Hanging:
    """A log store that answers, or does so when it is told to."""

    def __init__(self):
        self.hangs, self.lefts = False, []
        self.asked, self.answer = threading.Event(), threading.Event()

    def fetch(self, key, length, *, size):
        self.lefts.append(current().remaining())
        if self.hangs:
            self.asked.set()
            assert self.answer.wait(60)


class Away:
    def fetch(self, key, length, *, size):
        raise StoreUnavailable(f"s3://logs/{key}: 503")


def test_what_is_of_a_resting_route_fails_to_come_again_and_the_rest_is_done():
    tasks = [Task(route, "s", route, "t", route) for route in ("a", "b", "a", "c")]
    done = []

    def deliver(task, _):
        done.append(task.key)
        return RESULTS.all([task], copied())[0]

    gate = Gate(OneByOne(deliver), {"a": "it is paused", "b": "", "c": ""}.__getitem__, RESULTS)
    results = gate(tasks, Deadline())

    assert done == ["b", "c"]
    assert [(r.key, r.outcome, r.error, r.retryable) for r in results] == [
        ("a", Outcome.FAILED, "it is paused", True),
        ("b", Outcome.COPIED, "", False),
        ("a", Outcome.FAILED, "it is paused", True),
        ("c", Outcome.COPIED, "", False),
    ]


def copied():
    from bucketrelay.core.results import Ending

    return Ending(Outcome.COPIED)


def test_a_route_rests_while_its_windows_are_closed():
    windows = {"photos": Windows(spans("20:00-06:00"))}

    why = resting(["photos", "other"], None, windows, lambda: NOW)

    assert why("photos") == "the route's windows are closed until 2026-11-23 20:00 UTC"
    assert why("other") == ""
    assert resting(["photos"], None, windows, lambda: NOW.replace(hour=21))("photos") == ""


def test_what_is_of_no_route_never_rests(log):
    Pauses(lambda: log).pause("copier")

    assert resting(["photos"], Pauses(lambda: log), {}, lambda: NOW)("copier") == ""


def test_the_mark_lies_in_a_folder_of_the_log_store_that_is_nobodys_business(log):
    from bucketrelay.routes.log_folders import FOLDERS

    assert FOLDER.partition("/")[0] in {folder.strip("/") for folder in FOLDERS}


def test_bytes_of_a_route_move_no_faster_than_its_bandwidth():
    clock = Clock()
    bandwidth = Bandwidth(1000, clock, clock.sleep)

    for _ in range(11):
        bandwidth.spend(500, Deadline())

    assert clock.now == pytest.approx(5.0)


def test_bandwidth_that_was_not_used_is_not_saved_up():
    clock = Clock()
    bandwidth = Bandwidth(1000, clock, clock.sleep)
    bandwidth.spend(1000, Deadline())
    clock.sleep(100)

    bandwidth.spend(1000, Deadline())
    bandwidth.spend(1000, Deadline())

    assert clock.now == pytest.approx(101.0)


def test_where_the_bandwidth_is_used_up_until_the_deadline_the_task_comes_again():
    clock = Clock()
    bandwidth = Bandwidth(1000, clock, clock.sleep)
    bandwidth.spend(100_000, Deadline())

    with pytest.raises(OutOfTime, match="bandwidth"):
        bandwidth.spend(1, Deadline(99, now=clock))

    bandwidth.spend(1, Deadline(101, now=clock))
    assert clock.now == pytest.approx(100.0)
