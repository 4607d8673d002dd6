"""What every job queue promises, on real databases."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bucketrelay.jobs.moves import move
from bucketrelay.jobs.queue import (
    Counts,
    Dead,
    Done,
    Intake,
    NewJob,
    Policy,
    Priority,
    Release,
    Retry,
    State,
)
from jobs.rigs import POLICY, PostgresRig, SqliteRig
from postgres_server import new_schema
from thorough import examples


@pytest.fixture(params=["sqlite", "postgres"])
def rig(request, tmp_path):
    if request.param == "sqlite":
        made = SqliteRig(tmp_path / "relay.db")
    else:
        made = PostgresRig(new_schema(request.getfixturevalue("postgres_url")))
    yield made
    made.close()


@pytest.fixture
def queue(rig):
    return rig.open()


def job(key="a", queue="photos to mirror", **more):
    return NewJob(queue, key, "task", {"key": key}, **more)


def keys(jobs):
    return sorted(job.key for job in jobs)


def test_what_was_put_in_is_handed_out_whole(queue):
    queue.enqueue([NewJob("q", "a/ü \"'\\ \U0001f4a9", "copy", {"deep": [1, None, {"ü": "\ud800"}]}, Priority.EVENT)])

    (got,) = queue.claim(10)

    assert (got.queue, got.key, got.kind) == ("q", "a/ü \"'\\ \U0001f4a9", "copy")
    assert got.payload == {"deep": [1, None, {"ü": "\ud800"}]}
    assert (got.priority, got.attempts) == (Priority.EVENT, 1)


@pytest.mark.parametrize("key", ["nul \0 in it", "half \ud800 a pair", "x" * 5000, "ü" * 3000, ""])
def test_no_key_is_too_strange_for_a_row(queue, key):
    made = [NewJob("q", key, "copy", {"key": key}), NewJob("q", key + "!", "copy", {"key": key + "!"})]
    assert queue.enqueue(made).new == 2
    assert queue.enqueue(made).already == 2

    got = queue.claim(10)
    assert {each.payload["key"] for each in got} == {key, key + "!"}
    queue.settle([(each, Dead(key)) for each in got])
    assert queue.retry([got[0].key]) == 1
    assert queue.retry([key, key + "!"]) == 1


def test_it_says_how_many_were_new_and_which_rows_they_are(queue):
    first = queue.enqueue([job("a"), job("b"), job("a")])
    second = queue.enqueue([job("b"), job("c"), job("b", queue="another")])

    assert (first.new, first.already) == (2, 1)
    assert first.ids[0] == first.ids[2] != first.ids[1]
    assert (second.new, second.already) == (2, 1)
    assert second.ids[0] == first.ids[1]
    assert queue.enqueue([]) == Intake(0, 0)


def test_a_key_enqueued_again_while_it_waits_is_one_job_with_the_newest_payload(queue):
    queue.enqueue([NewJob("q", "a", "task", {"n": 1})])
    queue.enqueue([NewJob("q", "a", "other", {"n": 2}, Priority.EVENT)])

    (got,) = queue.claim(10)

    assert (got.kind, got.payload, got.priority) == ("other", {"n": 2}, Priority.EVENT)
    assert queue.settle([(got, Done())]) == (State.DONE,)
    assert queue.counts() == Counts()


def told(number, moment, **more):
    return NewJob("q", "a", f"kind {number}", {"n": number}, told=moment, **more)


ORDERS = [
    ([10.0, 20.0], 2),
    ([20.0, 10.0], 1),
    ([10.0, 20.0, 15.0], 2),
    ([20.25, 20.125], 1),
    ([10.0, 10.0], 2),  # of one moment the last one
    ([None, 10.0], 2),
    ([20.0, None], 2),
    ([20.0, None, 10.0], 3),  # which has come after what tells of no moment
]


@pytest.mark.parametrize(("moments", "newest"), ORDERS)
@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one by one"])
def test_of_a_key_the_newest_event_counts_whichever_was_put_in_last(queue, moments, newest, together):
    made = [told(number, moment) for number, moment in enumerate(moments, start=1)]
    for some in [made] if together else [[each] for each in made]:
        queue.enqueue(some)

    (got,) = queue.claim(10)
    assert (got.kind, got.payload) == (f"kind {newest}", {"n": newest})


@pytest.mark.parametrize("end", [Done(), Retry("busy", after=0), Dead("refused")], ids=["done", "failed", "dead"])
def test_an_older_event_that_comes_while_a_newer_ones_job_runs_does_not_take_its_place(queue, end):
    queue.enqueue([told(1, 20.0)])
    (first,) = queue.claim(10)
    queue.enqueue([told(2, 10.0)])
    queue.settle([(first, end)])

    assert [got.payload for got in queue.claim(10)] == [{"n": 1}]


def test_a_dead_job_is_tried_anew_as_its_newest_event_says(queue):
    """Else the older event would be told of, and what came after it never."""
    queue.enqueue([told(1, 20.0)])
    queue.settle([(queue.claim(10)[0], Dead("refused"))])
    queue.enqueue([told(2, 10.0, priority=Priority.EVENT)])

    (got,) = queue.claim(10)
    assert (got.payload, got.attempts, got.priority) == ({"n": 1}, 1, Priority.EVENT)


def test_a_key_enqueued_while_it_runs_runs_once_more_afterwards_and_never_twice_at_once(queue):
    queue.enqueue([job("a")])
    (first,) = queue.claim(10)
    assert [queue.enqueue([job("a")]).already for _ in range(3)] == [1, 1, 1]

    assert queue.claim(10) == ()
    assert queue.settle([(first, Done())]) == (State.WAITING,)
    (second,) = queue.claim(10)
    assert second.attempts == 1
    assert queue.settle([(second, Done())]) == (State.DONE,)
    assert queue.claim(10) == ()


def test_a_job_that_would_die_begins_anew_if_it_was_enqueued_while_it_ran(queue):
    queue.enqueue([job("a")])
    (first,) = queue.claim(10)
    queue.enqueue([job("a")])

    assert queue.settle([(first, Dead("refused"))]) == (State.WAITING,)
    assert queue.claim(10)[0].attempts == 1


def test_a_claimed_job_is_nobody_elses_until_its_lease_ends(rig, queue):
    other = rig.open()
    queue.enqueue([job("a")])
    (mine,) = queue.claim(10)

    rig.later(59)
    assert other.claim(10) == ()
    rig.later(2)
    (theirs,) = other.claim(10)

    assert theirs.attempts == 2
    assert queue.extend([mine]) == frozenset()
    assert queue.settle([(mine, Done())]) == (State.LOST,)
    assert other.settle([(theirs, Done())]) == (State.DONE,)


def test_a_heartbeat_keeps_a_job_for_as_long_as_it_takes(rig, queue):
    queue.enqueue([job("a"), job("b")])
    mine = queue.claim(10)

    for _ in range(5):
        rig.later(40)
        assert queue.extend(mine) == {each.id for each in mine}
    assert rig.open().claim(10) == ()
    assert queue.settle([(each, Done()) for each in mine]) == (State.DONE, State.DONE)


def test_a_job_whose_worker_is_killed_every_time_is_dead_with_that_reason(rig, queue):
    queue.enqueue([job("a")])
    for attempt in (1, 2, 3):
        assert [(got.attempts, got.unsettled) for got in queue.claim(10)] == [(attempt, attempt)]
        rig.later(61)

    assert queue.claim(10) == ()
    (dead,) = queue.dead()
    assert dead.attempts == 3
    assert "killed, or silent for 60 s" in dead.error


def test_a_retry_waits_longer_each_time_and_is_dead_at_the_last(rig, queue):
    queue.enqueue([job("a")])
    for pause in (2, 8):
        (got,) = queue.claim(10)
        assert queue.settle([(got, Retry("busy"))]) == (State.WAITING,)
        rig.later(pause - 0.5)
        assert queue.claim(10) == ()
        rig.later(1)
    (got,) = queue.claim(10)

    assert queue.settle([(got, Retry("busy"))]) == (State.DEAD,)
    (dead,) = queue.dead()
    assert (dead.key, dead.queue, dead.attempts, dead.error) == ("a", "photos to mirror", 3, "busy (tried 3 times)")


def test_a_worker_sees_how_often_others_have_fallen_silent_with_the_job(rig, queue):
    queue.enqueue([job("a")])
    queue.claim(10)
    rig.later(61)
    (second,) = queue.claim(10)
    queue.settle([(second, Release())])
    (third,) = queue.claim(10)
    queue.settle([(third, Retry("busy"))])
    rig.later(100)
    (fourth,) = queue.claim(10)

    assert [(got.attempts, got.unsettled) for got in (second, third, fourth)] == [(2, 2), (2, 2), (3, 1)]


def test_a_retry_may_say_when(rig, queue):
    queue.enqueue([job("a")])
    queue.settle([(queue.claim(1)[0], Retry("come at ten", after=100))])

    rig.later(99)
    assert queue.claim(10) == ()
    rig.later(2)
    assert keys(queue.claim(10)) == ["a"]


def test_whole_and_broken_seconds_may_stand_side_by_side(rig, queue):
    queue.enqueue([job("a", delay=1), job("b", delay=0.5), job("c")])
    rig.later(2)
    got = queue.claim(10)

    assert (
        queue.settle([(got[0], Retry("x", after=1)), (got[1], Retry("x", after=0.5)), (got[2], Retry("x"))])
        == (State.WAITING,) * 3
    )


def test_an_event_does_not_hasten_a_job_that_waits_after_a_failure(queue):
    queue.enqueue([job("a")])
    queue.settle([(queue.claim(1)[0], Retry("target down", after=100))])

    assert queue.enqueue([job("a")]).already == 1
    assert queue.claim(10) == ()


def test_a_job_may_be_delayed_and_hastened(rig, queue):
    queue.enqueue([job("a", delay=100), job("b", delay=100)])
    assert queue.claim(10) == ()

    queue.enqueue([job("a")])
    assert keys(queue.claim(10)) == ["a"]
    rig.later(50)
    assert queue.claim(10) == ()
    rig.later(51)
    assert keys(queue.claim(10)) == ["a", "b"]  # b is due, and a's lease has ended


def test_a_released_job_is_as_if_nobody_had_touched_it(queue):
    queue.enqueue([job("a")])
    for _ in range(10):
        (got,) = queue.claim(10)
        assert got.attempts == 1
        assert queue.settle([(got, Release())]) == (State.WAITING,)


def test_higher_priorities_go_first_and_the_older_of_equals(queue):
    for key, priority in (("b1", 0), ("b2", 0), ("e1", 10), ("o1", 5), ("e2", 10), ("n", -3)):
        queue.enqueue([job(key, priority=priority)])

    order = []
    while got := queue.claim(1):
        order.append(got[0].key)
    assert order == ["e1", "e2", "o1", "b1", "b2", "n"]


def test_a_batch_is_filled_over_all_priorities(queue):
    queue.enqueue([job(str(n), priority=n % 3) for n in range(30)])

    got = queue.claim(25)

    assert Counter(each.priority for each in got) == {2: 10, 1: 10, 0: 5}


def test_a_long_queue_keeps_no_other_one_waiting(queue):
    queue.enqueue([job(f"{n:04}", queue="long") for n in range(200)])
    queue.enqueue([job(f"{n:04}", queue="short") for n in range(5)])
    queue.enqueue([job("x", queue="urgent", priority=Priority.EVENT)])

    first = Counter(each.queue for each in queue.claim(20))
    second = Counter(each.queue for each in queue.claim(20))

    assert first == {"urgent": 1, "short": 5, "long": 14}
    assert second == {"long": 20}


def test_a_queue_may_be_left_out_or_given_little_room(queue):
    queue.enqueue([job("a", queue="hangs"), job("b", queue="works")])

    queue.enqueue([job(f"{n}", queue="hangs", priority=3) for n in range(5)])
    room = {"hangs": 0, "works": 9}

    assert keys(queue.claim(10, room=room.get)) == ["b"]
    assert queue.claim(10, room=room.get) == ()
    room["hangs"] = 2
    assert len(queue.claim(10, room=room.get)) == 2
    assert len(queue.claim(10)) == 4


def test_a_worker_may_take_some_kinds_alone(queue):
    queue.enqueue([NewJob("q", "a", "copy"), NewJob("q", "b", "task"), NewJob("q", "c", "task", priority=9)])

    assert keys(queue.claim(10, kinds=["copy", "dataset"])) == ["a"]
    assert queue.claim(10, kinds=[]) == ()
    assert keys(queue.claim(10)) == ["b", "c"]


def test_a_paused_queue_takes_in_and_hands_out_nothing_and_what_runs_ends(rig, queue):
    queue.enqueue([job("a"), job("b")])
    (running,) = queue.claim(1)
    rig.open().pause(True)

    assert queue.claim(10) == ()
    assert queue.settle([(running, Done())]) == (State.DONE,)
    assert queue.enqueue([job("c")]).new == 1
    assert (queue.counts().pending, queue.counts().paused) == (2, True)

    queue.pause(False)
    assert keys(queue.claim(10)) == ["b", "c"]
    assert queue.counts().paused is False


def test_the_counts_are_of_what_is_there(rig, queue):
    queue.enqueue([job(str(n)) for n in range(6)])
    got = queue.claim(3)
    queue.enqueue([job("z", queue="another")])
    queue.settle([(got[0], Dead("no")), (got[1], Done())])

    assert queue.counts("photos to mirror") == replace(queue.counts("photos to mirror"), pending=3, running=1, dead=1)
    assert (queue.counts().pending, queue.counts("another").pending) == (4, 1)
    assert set(queue.queues()) == {"photos to mirror", "another"}
    assert queue.queues()["another"].pending == 1
    rig.later(100)  # the lease of the one that runs has ended
    assert (queue.counts().pending, queue.counts().running) == (5, 0)
    assert queue.counts("none of ours") == Counts()


def test_the_oldest_is_the_first_that_still_waits(rig, queue):
    queue.enqueue([job("a")])
    rig.later(1000)
    queue.enqueue([job("b")])

    assert round(queue.now() - queue.counts().oldest.timestamp()) == 1000
    queue.settle([(got, Done()) for got in queue.claim(1)])
    assert round(queue.now() - queue.counts().oldest.timestamp()) == 0


def test_dead_jobs_are_tried_again_by_key_or_all(queue):
    queue.enqueue([job(key) for key in "abc"])
    queue.settle([(got, Dead(f"why {got.key}")) for got in queue.claim(10)])
    assert [(dead.key, dead.state, dead.error) for dead in queue.dead()] == [
        (key, State.DEAD, f"why {key}") for key in "abc"
    ]

    assert queue.retry(["b", "unknown"]) == 1
    assert [(got.key, got.attempts) for got in queue.claim(10)] == [("b", 1)]
    assert queue.retry(None) == 2
    assert keys(queue.claim(10)) == ["a", "c"]
    assert list(queue.dead()) == []
    assert queue.retry(None) == 0


def test_a_dead_key_enqueued_again_is_a_new_job(queue):
    queue.enqueue([job("a")])
    queue.settle([(queue.claim(1)[0], Dead("no"))])

    assert queue.enqueue([job("a")]).new == 1
    assert [got.attempts for got in queue.claim(10)] == [1]
    assert list(queue.dead()) == []


def test_more_dead_than_a_page_are_all_listed_once(queue):
    queue.enqueue([job(f"{n:04}") for n in range(2500)])
    queue.settle([(got, Dead("no")) for got in queue.claim(2500)])

    assert [dead.key for dead in queue.dead()] == [f"{n:04}" for n in range(2500)]


def test_deaths_are_counted_from_a_moment_on(rig, queue):
    queue.enqueue([job(key) for key in "abc"])
    first, *others = queue.claim(10)
    queue.settle([(first, Dead("no"))])
    rig.later(10)
    since = queue.now() - 1
    assert queue.deaths(since) == 0

    queue.settle([(got, Dead("no")) for got in others])
    assert queue.deaths(since) == 2


def test_whoever_asks_sees_where_a_job_is_and_what_it_gave(rig, queue):
    (number,) = queue.enqueue([job("a", keep=True)]).ids
    assert queue.get(number).state is State.WAITING
    (got,) = queue.claim(1)
    assert queue.get(number).state is State.RUNNING
    queue.settle([(got, Done({"copied": 3}))])

    ended = queue.get(number)
    assert (ended.state, ended.result, ended.key, ended.attempts) == (State.DONE, {"copied": 3}, "a", 1)
    rig.later(POLICY.keep + 1)
    (other,) = queue.enqueue([job("b", keep=True)]).ids
    queue.settle([(queue.claim(1)[0], Done({"copied": 0}, failed=True))])
    assert queue.get(number) is None
    assert queue.get(other).state is State.FAILED
    assert queue.get(2**63) is None
    assert queue.get(-1) is None


def test_a_result_that_nobody_wants_is_not_kept(queue):
    (number,) = queue.enqueue([job("a")]).ids
    queue.settle([(queue.claim(1)[0], Done({"copied": 3}))])

    assert queue.get(number) is None


def test_a_dead_job_shows_why(queue):
    (number,) = queue.enqueue([job("a", keep=True)]).ids
    queue.settle([(queue.claim(1)[0], Dead("no such store", {"tried": 1}))])

    shown = queue.get(number)
    assert (shown.state, shown.error, shown.result) == (State.DEAD, "no such store", {"tried": 1})


def test_a_schedule_is_fired_once_between_all(rig, queue):
    other = rig.open()

    def due(last, now):
        return now if last is not None and now - last >= 3600 else None

    assert not queue.fire("hourly", due, job("a"))
    rig.later(3601)
    assert [q.fire("hourly", due, job("a")) for q in (queue, other, queue)] == [True, False, False]
    assert queue.counts().pending == 1


def test_threads_and_connections_never_share_a_job(rig, queue):
    queue.enqueue([job(f"{n:04}") for n in range(1200)])
    taken: list[str] = []

    def work(mine):
        while got := mine.claim(7):
            taken.extend(each.key for each in got)
            mine.settle([(each, Done()) for each in got])

    with ThreadPoolExecutor() as pool:
        done = [pool.submit(work, each) for each in (queue, queue, rig.open(), rig.open())]
    for future in done:
        future.result()

    assert sorted(taken) == [f"{n:04}" for n in range(1200)]
    assert queue.counts() == Counts()


def test_enqueuing_and_settling_the_same_keys_at_once_loses_no_event(rig, queue):
    """Every event is followed by a run that began after it."""
    rounds, names = 60, [str(n) for n in range(20)]
    written = dict.fromkeys(names, 0)
    seen = dict.fromkeys(names, 0)
    finished = threading.Event()

    def work(mine):
        while True:
            over = finished.is_set()
            got = mine.claim(8)
            for each in got:
                seen[each.key] = max(seen[each.key], written[each.key])
            mine.settle([(each, Done()) for each in got])
            if over and not got and mine.counts() == Counts():
                return

    with ThreadPoolExecutor() as pool:
        done = [pool.submit(work, rig.open()) for _ in range(2)]
        for count in range(1, rounds + 1):
            written.update(dict.fromkeys(names, count))
            queue.enqueue([job(name) for name in names[:: -1 if count % 2 else 1]])
        finished.set()
    for future in done:
        future.result()

    assert seen == written


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_pause_is_never_nothing_and_never_above_the_longest(attempts, scatter):
    policy = Policy()

    assert policy.first / 2 <= policy.pause(attempts, scatter) <= policy.longest


def test_the_pauses_of_the_defaults_are_those_that_the_docs_say():
    assert [Policy().pause(n, 0.0) for n in range(1, 8)] == [2, 8, 32, 128, 512, 2048, 3600]


@settings(max_examples=examples(50))
@given(st.integers(1, 8), st.sampled_from([Done(), Dead("x"), Retry("x"), Release()]))
def test_only_an_end_ends_a_job_before_its_last_attempt(attempts, ending):
    from bucketrelay.jobs.queue import Job

    made = Job(1, "q", "k", "task", {}, 0, attempts, 0, "lease", 0.0)

    to = move(made, ending, Policy(attempts=8), 0.0)

    assert to.gone is isinstance(ending, Done)
    assert to.dead is (isinstance(ending, Dead) or (isinstance(ending, Retry) and attempts == 8))
