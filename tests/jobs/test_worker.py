"""The worker's loop, on a real queue in an SQLite file, with kinds of jobs that the tests can hold up."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from bucketrelay.drivers.worker.loop import Tunings, Worker, World
from bucketrelay.errors import ConfigError, StoreUnavailable
from bucketrelay.jobs.kinds import Ended, Kind
from bucketrelay.jobs.queue import Counts, Dead, Done, Job, NewJob, Policy, Release, Retry, State
from bucketrelay.jobs.sqlite import SqliteQueue
from bucketrelay.jobs.tasks import task_job
from bucketrelay.model import Address, Outcome, Result
from bucketrelay.routes import Route, task_of
from jobs.rigs import SqliteRig

QUICK = Policy(lease=60, attempts=3, first=0.01, factor=1)
TUNINGS = Tunings(threads=4, poll=0.02, gather=0.02)


@pytest.fixture
def rig(tmp_path):
    made = SqliteRig(tmp_path / "relay.db")
    yield made
    made.close()


@pytest.fixture
def queue(rig):
    return rig.open(QUICK)


def result(key, outcome=Outcome.COPIED, error=""):
    now = datetime.now(timezone.utc)
    return Result("r", "c", "created", f"s3://a/{key}", f"s3://b/{key}", key, outcome, now, error=error)


class Book:
    """What a worker has told its world."""

    def __init__(self, fail=0):
        self.recorded, self.told, self.said, self.fail = [], [], [], fail

    def record(self, results):
        if self.fail:
            self.fail -= 1
            raise StoreUnavailable("s3://logs: 503")
        self.recorded += results

    def world(self, **more):
        return World(self.record, self.told.append, self.said.append, **more)


def each(function):
    """A kind whose jobs are run one by one."""
    return Kind(lambda jobs, deadline: [function(job) for job in jobs])


def worker(queue, kinds, book=None, tunings=TUNINGS, policy=QUICK):
    return Worker(queue, kinds, policy, (book or Book()).world(), tunings)


def in_thread(made, **more):
    # A daemon: a worker that a failed test leaves behind must not keep the whole run from its end.
    thread = threading.Thread(target=made.run, kwargs=more, daemon=True)
    thread.start()
    return thread


def job(key, queue="q", kind="task"):
    return NewJob(queue, key, kind, {"key": key})


def test_drained_every_job_has_been_done_and_is_in_the_lists(queue):
    queue.enqueue([job(f"{n:03}") for n in range(300)])
    book = Book()

    made = worker(queue, {"task": each(lambda j: Ended(Done(), (result(j.key),)))}, book)
    made.run(drain=True)

    assert sorted(r.key for r in book.recorded) == [f"{n:03}" for n in range(300)]
    assert queue.counts() == Counts()
    assert made.states == {State.DONE: 300}


def test_what_fails_is_tried_again_and_only_its_last_end_is_listed(queue):
    queue.enqueue([job("good"), job("late"), job("bad"), job("never")])
    tries = Counter()
    book = Book()

    def run(j):
        tries[j.key] += 1
        ending = {
            "good": Done(),
            "late": Done() if tries["late"] == 3 else Retry("503"),
            "bad": Dead("403"),
            "never": Retry("503"),
        }[j.key]
        outcome = Outcome.COPIED if ending == Done() else Outcome.FAILED
        return Ended(ending, (result(j.key, outcome),))

    worker(queue, {"task": each(run)}, book).run(drain=True)

    assert tries == {"good": 1, "late": 3, "bad": 1, "never": 3}
    assert sorted((r.key, r.outcome.value) for r in book.recorded) == [
        ("bad", "failed"),
        ("good", "copied"),
        ("late", "copied"),
        ("never", "failed"),
    ]
    assert len(book.told) == 8
    assert sorted((dead.key, dead.error) for dead in queue.dead()) == [("bad", "403"), ("never", "503 (tried 3 times)")]


def test_a_job_is_not_done_before_it_is_in_the_lists(queue):
    queue.enqueue([job("a")])
    book = Book(fail=2)

    worker(queue, {"task": each(lambda j: Ended(Done(), (result(j.key),)))}, book).run(drain=True)

    assert len(book.told) == 3
    assert [r.key for r in book.recorded] == ["a"]


@pytest.mark.parametrize(
    ("error", "attempts"), [(StoreUnavailable("503"), 3), (ConfigError(["no such store"]), 1), (KeyError("bug"), 3)]
)
def test_an_error_of_a_handler_is_the_jobs_and_not_the_workers(queue, error, attempts):
    queue.enqueue([job("a"), job("b")])

    def run(j):
        if j.key == "a":
            raise error
        return Ended(Done())

    made = worker(queue, {"task": each(run)})
    made.run(drain=True)

    (dead,) = queue.dead()
    assert (dead.key, dead.attempts) == ("a", attempts)
    assert str(error) in dead.error
    assert made.states[State.DONE] == 1


def test_a_kind_that_this_worker_does_not_know_is_left_to_others(queue):
    queue.enqueue([job("a", kind="of a newer version"), job("b")])
    made = worker(queue, {"task": each(lambda j: Ended(Done()))})
    thread = in_thread(made)

    until(lambda: queue.counts().pending == 1 and not queue.counts().running)
    made.stop()
    thread.join()

    assert [got.kind for got in queue.claim(10)] == ["of a newer version"]


def until(true, seconds=20):
    """Wait for other threads to bring about what must come; a test that hangs fails."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.01)):
        if true():
            return
        pause.wait(0.01)
    raise AssertionError("it did not happen")


class Gate:
    """A kind whose jobs run until they are let go."""

    def __init__(self, hang=lambda job: True):
        self.begun, self.ended, self.go, self.hang = [], [], threading.Event(), hang

    def kind(self, **more):
        return Kind(self.run, **more)

    def run(self, jobs, deadline):
        self.begun += [j.key for j in jobs]
        if any(self.hang(j) for j in jobs):
            assert self.go.wait(30)
        self.ended += [j.key for j in jobs]
        return [Ended(Done()) for _ in jobs]


def test_told_to_stop_what_runs_ends_and_nothing_new_begins(queue):
    queue.enqueue([job(f"{n:02}") for n in range(20)])
    gate = Gate()
    made = worker(queue, {"task": gate.kind()})
    thread = in_thread(made)
    until(lambda: len(gate.begun) == 4)

    made.stop()
    assert queue.counts().running == 4  # nothing is taken ahead
    gate.go.set()
    thread.join()

    assert len(gate.ended) == 4
    assert queue.counts().pending == 16
    assert {got.attempts for got in queue.claim(20)} == {1}  # nothing that was not begun counts as tried


def test_a_halt_that_is_toggled_twice_is_none(queue):
    queue.enqueue([job(f"{n:02}") for n in range(20)])
    gate = Gate()
    made = worker(queue, {"task": gate.kind()})
    thread = in_thread(made, drain=True)
    until(lambda: len(gate.begun) == 4)
    made.toggle_halt()
    made.toggle_halt()
    gate.go.set()
    thread.join()
    assert len(gate.ended) == 20

    gate.go.clear()
    queue.enqueue([job("more"), *(job(f"{n:02}") for n in range(20))])
    again = worker(queue, {"task": gate.kind()})
    thread = in_thread(again)
    until(lambda: len(gate.begun) == 24)
    again.toggle_halt()
    gate.go.set()
    thread.join()
    assert queue.counts().pending + len(gate.ended) == 20 + 21


def test_a_long_job_that_can_is_told_to_stop_and_goes_on_elsewhere(queue):
    queue.enqueue([job("a", kind="reconcile")])
    begun = threading.Event()

    def run(jobs, deadline):
        begun.set()
        until(lambda: not deadline.remaining())
        return [Ended(Release())]

    made = worker(queue, {"reconcile": Kind(run, stops=True)})
    thread = in_thread(made)
    assert begun.wait(20)
    made.stop()
    thread.join()

    assert [got.attempts for got in queue.claim(10)] == [1]


def test_a_target_that_hangs_leaves_threads_to_the_others(queue):
    queue.enqueue([job(f"h{n:02}", queue="to one that hangs") for n in range(50)])
    gate = Gate(hang=lambda j: j.queue == "to one that hangs")
    made = worker(queue, {"task": gate.kind()}, tunings=replace(TUNINGS, slow=0.0, share=0.75))
    thread = in_thread(made)
    until(lambda: len(gate.begun) == 3)

    queue.enqueue([job(f"w{n:02}", queue="to one that works") for n in range(50)])
    until(lambda: sum(key.startswith("w") for key in gate.ended) == 50)

    made.stop()
    gate.go.set()
    thread.join()


def test_a_job_that_kills_its_workers_takes_its_neighbours_with_it_three_times_and_then_runs_alone(rig):
    policy = Policy(attempts=8)
    queue = rig.open(policy)
    names = ["poison", *(f"n{n}" for n in range(9))]
    queue.enqueue([job(name) for name in names])
    for _ in range(3):  # three workers were killed with all ten
        assert len(queue.claim(100)) == 10
        rig.later(61)
    at_once, most = set(), {}
    lock = threading.Lock()

    def run(j):
        with lock:
            at_once.add(j.key)
            for key in at_once:
                most[key] = max(most.get(key, 0), len(at_once))
        with lock:
            at_once.discard(j.key)
        return Ended(Done())

    worker(queue, {"task": each(run)}, policy=policy).run(drain=True)

    assert most == dict.fromkeys(names, 1)
    assert queue.counts() == Counts()


def test_jobs_that_may_go_into_one_request_do(queue):
    queue.enqueue([job(f"{n:02}", queue="to oms") for n in range(6)] + [job("x", queue="to mirror")])
    sizes = []

    def run(jobs, deadline):
        sizes.append((jobs[0].queue, len(jobs)))
        return [Ended(Done()) for _ in jobs]

    together = Kind(run, together=lambda j: ("oms", 5) if j.queue == "to oms" else ("", 1))
    worker(queue, {"task": together}, tunings=replace(TUNINGS, threads=8)).run(drain=True)

    assert sorted(sizes) == [("to mirror", 1), ("to oms", 1), ("to oms", 5)]


class Heartbeats(SqliteQueue):
    """A queue that tells how often leases were begun anew."""

    extended = 0

    def extend(self, jobs):
        still_ours = super().extend(jobs)
        self.extended += 1
        return still_ours


def test_the_lease_of_a_long_job_is_kept(rig):
    hour = Policy(lease=3600)  # in the database, whose time passes when the test says so
    queue, other = Heartbeats(rig.path, hour), rig.open(hour)
    queue.enqueue([job("a")])
    gate = Gate()
    made = worker(queue, {"task": gate.kind()}, policy=Policy(lease=0.06))  # a heartbeat every 20 ms
    thread = in_thread(made)
    until(lambda: gate.begun)

    for _ in range(5):
        rig.later(2400)
        beats = queue.extended
        until(lambda beats=beats: queue.extended > beats + 1)  # one that has begun since
        assert other.claim(10) == ()
    made.stop()
    gate.go.set()
    thread.join()

    assert gate.begun == ["a"]
    assert queue.counts() == Counts()
    queue.close()


def test_a_worker_that_is_given_again_what_it_still_runs_ends_both_and_lives_on(rig):
    queue = rig.open(QUICK)
    queue.enqueue([job("a")])
    gate = Gate()
    made = worker(queue, {"task": gate.kind()})
    thread = in_thread(made)
    until(lambda: len(gate.begun) == 1)

    rig.later(61)  # its machine slept for a minute, heartbeat and all
    until(lambda: len(gate.begun) == 2)
    gate.go.set()
    until(lambda: sum(made.states.values()) == 2)
    queue.enqueue([job("b")])
    until(lambda: gate.ended == ["a", "a", "b"])
    made.stop()
    thread.join()

    assert made.states == {State.DONE: 2, State.LOST: 1}
    assert queue.counts() == Counts()


class Stormy(SqliteQueue):
    """A database that is away now and then."""

    down = 0

    def claim(self, *given, **more):
        self.fail()
        return super().claim(*given, **more)

    def settle(self, endings):
        self.fail()
        return super().settle(endings)

    def fail(self):
        Stormy.down += 1
        if Stormy.down % 3:
            raise StoreUnavailable("the database is away")


def test_a_database_that_is_away_now_and_then_costs_time_and_no_job(rig, tmp_path):
    queue = Stormy(rig.path, QUICK)
    queue.enqueue([job(f"{n:02}") for n in range(20)])
    book = Book()

    worker(queue, {"task": each(lambda j: Ended(Done(), (result(j.key),)))}, book).run(drain=True)

    assert sorted(r.key for r in book.recorded) == [f"{n:02}" for n in range(20)]
    assert "the database is away" in book.said
    assert queue.counts() == Counts()
    queue.close()


def test_drained_means_that_nothing_waits_for_its_next_attempt_either(queue):
    queue.enqueue([job("a")])
    tries = []

    def run(j):
        tries.append(j.attempts)
        return Ended(Done() if len(tries) > 1 else Retry("not yet", after=0.2))

    worker(queue, {"task": each(run)}).run(drain=True)

    assert tries == [1, 2]


def test_what_follows_from_a_job_is_in_the_queue_before_the_job_is_out_of_it(queue):
    queue.enqueue([job("a")])
    done = []

    def run(j):
        done.append(j.key)
        return Ended(Done(), then=(job("b", queue="inventory"),) if j.key == "a" else ())

    worker(queue, {"task": each(run)}).run(drain=True)

    assert done == ["a", "b"]


def test_what_only_a_person_can_let_go_waits_in_the_failed_list_and_is_no_dead_job():
    from bucketrelay.drivers.worker.tasks import _ending

    held = replace(result("a", Outcome.FAILED, "the fuse has blown"), by_hand=True)

    assert _ending(held) == Done()
    assert _ending(replace(held, by_hand=False)) == Dead("the fuse has blown")
    assert _ending(replace(held, by_hand=False, retryable=True)) == Retry("the fuse has blown")
    assert _ending(replace(held, outcome=Outcome.UNFINISHED, by_hand=False)) == Release()


@pytest.mark.parametrize("unsettled", [1, 2])
def test_the_task_of_a_job_whose_last_worker_told_no_end_knows_it(unsettled):
    """That worker may have been killed with a write on its way: `Writes.noted` has the key looked at once more."""
    from bucketrelay.drivers.worker.tasks import _plan

    route = Route("r", Address("s3", "a"), "a", ("b",))
    job = Job(1, "q", "k", "task", task_job(task_of(route, "k", "b")).payload, 0, 2, 0, "", 0.0, unsettled)

    assert _plan(job, [route]).again is (unsettled > 1)
