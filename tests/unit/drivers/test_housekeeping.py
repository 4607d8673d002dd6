"""What a schedule does: each thing for itself, in a log store and at targets that refuse."""

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from bucketrelay.abilities import Upload
from bucketrelay.core.budget import Budget
from bucketrelay.core.checkpoints import Checkpoint, LogCheckpoints, text
from bucketrelay.core.results import Results
from bucketrelay.core.run import Runner
from bucketrelay.core.writes import Writes
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.housekeeping import keep_house
from bucketrelay.errors import ConfigError, StoreRefused, StoreUnavailable
from bucketrelay.model import Address, Deletes, Meta, Outcome, Result, Task
from bucketrelay.reports import list_line, lists
from bucketrelay.routes import Route
from bucketrelay.system import System
from bucketrelay.testing.memory import MemoryStore
from fakes import OneByOne

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
ROUTE = Route("r", Address("s3", "b"), "source", ("one", "two"), deletes=Deletes.FOLLOW)
FAILED = Result(
    "r", "event-1", "created", "s3://b/k", "s3://one/k", "k", Outcome.FAILED, NOW, error="503", retryable=True
)
TASK = Task("r", "source", "k", "one", "k")


class World:
    def __init__(self, *, conditional=False):
        self.now = NOW
        self.log = MemoryStore(Address("s3", "logs"), now=lambda: self.now)
        self.targets = {
            name: MemoryStore(Address("s3", name), conditional=conditional, now=lambda: self.now)
            for name in ("one", "two")
        }
        self.asked, self.answers = [], {}
        self.budget = Budget(1024, 2)
        self.runner = Runner(OneByOne(self.deliver), self.budget, Results(self.name, lambda: self.now))
        self.system = System(
            (ROUTE,), self.runner, lambda: self.log, self.store, 1.0, lambda: self.now, lambda _: None, sweep=self.sweep
        )

    def store(self, name):
        return self.targets[name]

    def name(self, task):
        return f"s3://b/{task.key}", f"s3://{task.target}/{task.target_key}"

    def deliver(self, task, deadline):
        self.asked.append((task.key, task.target))
        source, target = self.name(task)
        usual = replace(
            FAILED,
            route=task.route,
            key=task.key,
            source=source,
            target=target,
            outcome=Outcome.COPIED,
            error="",
            retryable=False,
            time=self.now,
        )
        return replace(usual, **self.answers.get(task.key, {}))

    def sweep(self):
        found = list(LogCheckpoints(lambda: self.log).sweep(self.store, self.now, timedelta(days=7)))
        return len([each for each in found if isinstance(each, Upload)]), [
            each for each in found if isinstance(each, str)
        ]

    def note(self, task=TASK, outcome=Outcome.FAILED, deadline=None):
        result = replace(FAILED, outcome=outcome, lingers=True)
        assert Writes(self.system.verify).note(task, result, deadline or Deadline()) is result

    def fail(self, name, *results):
        self.log.write(
            f"failed_object/2026/11/21/{name}.jsonl", "".join(f"{list_line.line(r)}\n" for r in results).encode()
        )

    def keep(self, **later):
        self.now = NOW + timedelta(**later)
        return keep_house(self.system, Deadline(60), "timer")

    def below(self, folder):
        return [key for key in self.log.keys() if key.startswith(folder)]


@pytest.fixture
def world():
    return World()


# Verifying.


def test_a_marker_is_run_once_it_is_due_and_forgotten(world):
    world.note()
    assert world.keep(minutes=29).verified == 0
    assert world.keep(minutes=31).verified == 1

    assert world.asked == [("k", "one")]
    assert world.below("verify/") == []
    assert len(world.below("success_object/")) == 1


def test_due_is_half_an_hour_after_the_end_of_the_invocation(world):
    world.note(deadline=Deadline(600, now=lambda: 0.0))

    assert world.keep(minutes=39).verified == 0
    assert world.keep(minutes=41).verified == 1


@pytest.mark.parametrize("outcome", [Outcome.UNFINISHED, Outcome.FAILED])
def test_conditions_are_no_reason_not_to_look_as_an_absence_or_an_etag_may_come_back(outcome):
    world = World(conditional=True)
    world.note(outcome=outcome)

    assert len(world.below("verify/")) == 1


SHARED = [Route(name, Address("s3", name), name, ("one",), shared=True) for name in ("r", "s", "t")]


def test_of_a_shared_key_all_sources_are_looked_at_and_each_once(world):
    """What was overwritten unseen may be any other's, whose own marker has long been run."""
    world.system = replace(world.system, routes=(*SHARED, replace(ROUTE, name="own", targets=("two",))))
    for source in ("r", "s"):
        world.note(Task(source, source, "k", "one", "k"))
    house = world.keep(hours=1)

    assert (house.verified, world.asked) == (3, [("k", "one")] * 3)
    assert sorted(result.route for result in house.results) == ["r", "s", "t"]
    assert world.below("verify/") == []


def test_a_marker_of_a_shared_key_stays_until_all_its_sources_have_been_looked_at(world):
    world.system = replace(world.system, routes=(*SHARED, replace(SHARED[0], name="u", strip_prefix="x/")))
    world.note(Task("r", "r", "k", "one", "k"))
    world.answers["x/k"] = {"outcome": Outcome.FAILED, "error": "503", "retryable": True}

    assert world.keep(hours=1).verified == 4
    assert len(world.below("verify/")) == 1


def test_a_shared_target_that_cannot_be_made_costs_the_others_nothing(world):
    def store(name):
        if name == "two":
            raise ConfigError(["no key for two"])
        return world.targets[name]

    world.note(Task("r", "r", "k", "one", "k"))
    world.system = replace(world.system, routes=(replace(SHARED[0], targets=("one", "two")), SHARED[1]), store=store)
    house = world.keep(hours=1)

    assert (house.verified, house.problems) == (2, ["no key for two"])


def test_a_forward_is_not_verified(world):
    world.note(Task("r", "source", "k", forward="oms"))

    assert world.below("verify/") == []


@pytest.mark.parametrize(("answer", "left"), [({"retryable": True}, 1), ({"retryable": False}, 0)])
def test_a_marker_stays_while_its_task_may_do_later(world, answer, left):
    world.note()
    world.answers["k"] = {"outcome": Outcome.FAILED, "error": "503", **answer}
    world.keep(hours=1)

    assert len(world.below("verify/")) == left
    assert len(world.below("failed_object/")) == 1


def test_a_marker_of_what_no_route_wants_any_more_ends(world):
    world.note()
    world.system = replace(world.system, routes=())
    house = world.keep(hours=1)

    assert (house.verified, house.problems, world.below("verify/")) == (0, [], [])


def test_a_marker_that_cannot_be_read_costs_the_others_nothing(world):
    world.log.write("verify/20261121T090000Z/aaaaaaaaaaaa.json", b"no JSON")
    world.note(replace(TASK, key="a", target_key="a"))
    world.note(replace(TASK, key="b", target_key="b"))
    world.log.fail("fetch", StoreRefused("403 of a marker"), key=world.below("verify/")[1])
    house = world.keep(hours=1)

    assert house.verified == 1
    assert len(house.problems) == 2
    assert len(world.below("verify/")) == 2


def test_a_write_that_lingers_is_noted_by_the_runner_and_said_where_it_cannot_be(world):
    writes = Writes(world.system.verify)
    lingering = OneByOne(lambda task, deadline: replace(FAILED, lingers=True))
    runner = Runner(lingering, world.budget, Results(world.name, lambda: NOW), writes)
    (result,) = runner.run([TASK], Deadline())
    assert result.error == "503"
    (name,) = world.below("verify/")
    assert json.loads(world.log.body(name)) == {
        "route": "r", "source": "source", "key": "k", "target": "one", "change": "created",
    }  # fmt: skip

    world.log.fail("put", StoreUnavailable("the log store is away"))
    (result,) = runner.run([TASK], Deadline())
    assert "could not be noted to be verified: the log store is away" in result.error


def test_what_ended_leaves_no_marker(world):
    results = Results(world.name, lambda: NOW)
    runner = Runner(OneByOne(world.deliver), world.budget, results, Writes(world.system.verify))
    runner.run([TASK], Deadline())

    assert world.below("verify/") == []


# Sweeping.


def checkpoint(world, name, target, key):
    upload = world.targets[target].begin(key, Meta())
    world.log.write(f"checkpoints/{name}.json", text(Checkpoint(target, upload, "of")))


def test_one_target_that_refuses_costs_the_others_nothing(world):
    for name, target in (("aaaaaaaaaaaa", "one"), ("bbbbbbbbbbbb", "two"), ("cccccccccccc", "two")):
        checkpoint(world, name, target, name)
    world.targets["one"].fail("abandon", StoreRefused("403 of one"), times=9)
    house = world.keep(days=8)

    assert (house.abandoned, house.problems) == (2, ["403 of one"])
    assert world.below("checkpoints/") == ["checkpoints/aaaaaaaaaaaa.json"]
    assert list(world.targets["two"].uploads()) == []


def test_a_checkpoint_that_cannot_be_read_costs_the_others_nothing(world):
    checkpoint(world, "bbbbbbbbbbbb", "two", "k")
    world.log.write("checkpoints/aaaaaaaaaaaa.json", b"{")
    world.log.fail("fetch", StoreUnavailable("503 of the first"), key="checkpoints/aaaaaaaaaaaa.json")
    house = world.keep(days=8)

    assert (house.abandoned, house.problems) == (1, ["503 of the first"])


# The failures of the last day.


def test_retryable_failures_of_the_last_day_are_run_once_more_and_others_stay(world):
    world.fail("090000.000000Z-a", FAILED, replace(FAILED, key="held", target="s3://one/held", retryable=False))
    house = world.keep(hours=1)

    assert (house.again, world.asked) == (1, [("k", "one")])
    (name,) = world.below("failed_object/")
    assert [result.key for result in lists.read(world.log, name)] == ["held"]
    assert len(world.below("replayed_object/")) == 1


def test_a_list_without_a_retryable_failure_is_left_alone(world):
    world.fail("090000.000000Z-a", replace(FAILED, retryable=False))
    before = world.log.keys()

    assert world.keep(hours=1).again == 0
    assert world.log.keys() == before


def test_what_fails_again_keeps_its_age_and_is_left_after_a_day(world):
    world.fail("090000.000000Z-a", FAILED)
    world.answers["k"] = {"outcome": Outcome.FAILED, "error": "503", "retryable": True}
    for hour in range(1, 30):
        world.keep(hours=hour)

    assert len(world.asked) == 21  # from one o'clock until nine of the next day
    assert len(world.below("failed_object/")) == 1


def test_what_failed_just_now_is_the_platforms(world):
    world.fail("115000.000000Z-a", FAILED)

    assert world.keep(minutes=1).again == 0
    assert world.keep(minutes=10).again == 1


def test_one_unreadable_list_costs_the_others_nothing(world):
    world.log.write("failed_object/2026/11/21/080000.000000Z-a.jsonl", b"no JSON\n")
    world.fail("090000.000000Z-b", FAILED)
    world.fail("100000.000000Z-c", replace(FAILED, key="c", target="s3://one/c"))
    world.log.fail("read", StoreUnavailable("503 of b"), key="failed_object/2026/11/21/090000.000000Z-b.jsonl")
    house = world.keep(hours=1)

    assert house.again == 1
    assert len(house.problems) == 2
    assert len(world.below("damaged_object/")) == 1


# In a worker.


def test_a_workers_sweep_is_the_same_housekeeping(world):
    from types import SimpleNamespace

    from bucketrelay.wiring_jobs import _sweep

    world.note()
    world.now = NOW + timedelta(hours=1)
    (ended,) = _sweep(world.system).run([SimpleNamespace()], Deadline(60))

    assert ended.ending.result == {"abandoned": 0, "verified": 1, "again": 0, "problems": []}
    assert world.below("verify/") == []


# All together.


def test_a_step_that_cannot_be_done_at_all_costs_the_next_ones_nothing(world):
    world.fail("090000.000000Z-a", FAILED)
    world.log.fail("list", StoreUnavailable("503 of the markers"))
    house = world.keep(hours=1)

    assert house.problems == ["503 of the markers"]
    assert house.again == 1


def test_claims_that_count_no_more_are_tidied_away(world):
    for number in range(3):
        world.log.write(f"fuse/r/slots/{number:012d}", b".")
    world.keep(days=1)

    assert world.below("fuse/") == ["fuse/r/slots/000000000002"]


def test_nothing_is_begun_when_the_time_is_up(world):
    world.note()
    world.now = NOW + timedelta(hours=1)
    house = keep_house(world.system, Deadline(0), "timer")

    assert world.asked == []
    assert world.log.calls == [("put", world.below("verify/")[0])]
    assert "time is used up" in house.problems[0]
