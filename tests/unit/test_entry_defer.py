"""What is unfinished goes on in another invocation, or the platform is told; Batch Operations are never deferred."""

import json
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from bucketrelay.core.budget import Budget
from bucketrelay.core.results import Results
from bucketrelay.core.run import Runner
from bucketrelay.deadline import current
from bucketrelay.drivers import function as entry
from bucketrelay.drivers.answers import TasksFailed
from bucketrelay.drivers.dry_run import dry_run
from bucketrelay.drivers.handover import MOST
from bucketrelay.errors import OutOfTime, StoreRefused
from bucketrelay.events import parse
from bucketrelay.events.payload import Deferral
from bucketrelay.model import Address, Change, Outcome, Result
from bucketrelay.reports import lists
from bucketrelay.routes import Route
from bucketrelay.system import System
from bucketrelay.testing.memory import MemoryStore
from fakes import OneByOne
from payloads.event_builders import sqs

NOW = datetime(2026, 11, 21, tzinfo=timezone.utc)
ROUTE = Route("photos", Address("s3", "src"), "photos", ("x", "y"), exclude=("*.tmp",))


class World:
    """A system whose tasks end as `late` says: those keys never end in time."""

    def __init__(self, *late, refuse=None):
        self.late, self.refuse, self.sent, self.run = set(late), refuse, [], []
        self.log = MemoryStore(Address("s3", "logs"))
        self.system = System(
            routes=(ROUTE,),
            runner=Runner(OneByOne(self.deliver), Budget(1024, 2), Results(lambda task: ("", ""), lambda: NOW)),
            log=lambda: self.log,
            store=lambda _: self.log,
            margin=5.0,
            now=lambda: NOW,
            emit=lambda line: None,
            defer=self.defer,
        )

    def deliver(self, task, deadline):
        self.run.append(task)
        outcome = Outcome.UNFINISHED if task.key in self.late else Outcome.COPIED
        words = "no time" if task.key in self.late else ""
        ended = Result("photos", task.cause, "created", "", task.target, task.key, outcome, NOW, error=words)
        return replace(ended, retryable=bool(words))

    def defer(self, payload):
        if self.refuse:
            raise self.refuse
        self.sent.append(payload)

    def handle(self, payload, seconds=60.0):
        return entry.handle(payload, self.system, cloud="s3", seconds=seconds, invocation="i")

    def lines(self, folder="failed_object/"):
        return [line for key in self.log.keys() if key.startswith(folder) for line in lists.read(self.log, key)]


def record(key):
    return {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "src"}} | obj(key)}


def obj(key):
    return {"object": {"key": key}}


def event(*keys):
    return {"Records": [record(key) for key in keys]}


def tasks(**changed):
    given = {"route": "photos", "key": "k", "target": "x", "change": "created", "attempt": 1} | changed
    return {"bucketrelay": {"version": 1, "tasks": [given]}}


def test_unfinished_tasks_are_handed_over_and_the_platform_hears_of_no_failure():
    world = World("late")
    answer = world.handle(event("good", "late")).answer()

    assert answer["unfinished"] == 2
    assert [(d.route, d.key, d.target, d.attempt) for p in world.sent for d in parse(p).deferrals] == [
        ("photos", "late", "x", 1),
        ("photos", "late", "y", 1),
    ]
    assert [(line.key, line.target, line.outcome.value) for line in world.lines()] == [
        ("late", "x", "unfinished"),
        ("late", "y", "unfinished"),
    ]
    assert [line.key for line in world.lines("success_object/")] == ["good", "good"]


def test_the_next_invocation_takes_it_up_with_all_that_the_first_one_knew():
    first, second = World("late"), World()
    first.handle(event("late"))
    second.handle(first.sent[0]).answer()

    assert second.run == first.run
    assert second.sent == []


def test_attempts_are_counted_over_the_invocations():
    payload, world = event("late"), World("late")
    for attempt in range(1, 5):
        world.handle(payload).answer()
        payload = world.sent[-1]
        assert {deferral.attempt for deferral in parse(payload).deferrals} == {attempt}


def test_a_task_that_a_thousand_invocations_could_not_finish_has_failed():
    world = World("k")
    with pytest.raises(TasksFailed, match="1,000 invocations could not finish it"):
        world.handle(tasks(attempt=MOST - 1)).answer()

    assert world.sent == []
    (line,) = world.lines()
    assert (line.outcome, line.retryable) == (Outcome.FAILED, False)


def test_a_task_in_its_last_attempt_may_still_end_well():
    assert World().handle(tasks(attempt=MOST - 1)).answer()["copied"] == 1


def test_where_the_function_may_not_call_itself_the_platform_is_told_the_remedy():
    world = World("late", refuse=StoreRefused("allow lambda:InvokeFunction"))
    with pytest.raises(
        OutOfTime, match=r"when the event comes again; the first: no time; this .*: allow lambda:Invoke"
    ):
        world.handle(event("late")).answer()

    assert {line.error for line in world.lines()} == {"no time"}  # the lists are written before anything is handed over


def test_an_archive_without_the_sdk_costs_no_lists():
    world = World("late", refuse=ModuleNotFoundError("No module named 'oci'"))
    with pytest.raises(OutOfTime, match="No module named 'oci'"):
        world.handle(event("late")).answer()

    assert len(world.lines()) == 2


def test_sqs_gets_back_only_the_messages_that_nobody_has_taken_over():
    def sqs(**named):
        bodies = {number: json.dumps(event(key)) for number, key in named.items()}
        return {"Records": [{"eventSource": "aws:sqs", "messageId": n, "body": b} for n, b in bodies.items()]}

    good, bad = World("late"), World("late", refuse=StoreRefused("no"))

    assert good.handle(sqs(m1="good", m2="late")).answer() == {"batchItemFailures": []}
    assert bad.handle(sqs(m1="good", m2="late")).answer() == {"batchItemFailures": [{"itemIdentifier": "m2"}]}


def test_payloads_that_were_taken_stay_taken_when_a_later_one_is_refused():
    world = World(*(f"{n:04}" + "k" * 900 for n in range(400)))
    taken = []

    def defer(payload):
        if taken:
            raise StoreRefused("full")
        taken.append(payload)

    object.__setattr__(world.system, "defer", defer)
    report = world.handle(event(*sorted(world.late)))

    handed = len(parse(taken[0]).deferrals)
    assert 0 < handed < 800
    assert len(report.deferred) == handed
    with pytest.raises(OutOfTime, match=f"^{800 - handed} tasks are unfinished"):
        report.answer()


def test_batch_operations_are_told_to_ask_again_and_nothing_is_deferred():
    world = World("late")
    task = {"taskId": "t", "s3Key": "late", "s3BucketArn": "arn:aws:s3:::src"}
    asked = {"invocationSchemaVersion": "1.0", "invocationId": "i", "tasks": [task]}

    (result,) = world.handle(asked).answer()["results"]
    assert result["resultCode"] == "TemporaryFailure"
    assert world.sent == []


def test_an_invocation_that_has_no_time_at_all_does_not_call_the_next():
    world = World("late")
    with pytest.raises(OutOfTime):
        world.handle(event("late"), seconds=4.0).answer()  # the margin is 5

    assert world.sent == []


def test_without_a_way_to_defer_the_platform_is_told_as_ever():
    world = World("late")
    object.__setattr__(world.system, "defer", None)
    with pytest.raises(OutOfTime):
        world.handle(event("late")).answer()


@pytest.mark.parametrize(
    "made_up",
    [{"route": "secrets"}, {"target": "logs"}, {"target": "photos"}, {"key": "a.tmp"}, {"target": None}],
)
def test_a_task_that_the_routes_would_not_make_is_a_failed_entry_and_touches_nothing(made_up):
    world = World()
    with pytest.raises(TasksFailed):
        world.handle(tasks(**made_up)).answer()

    assert world.run == []
    (line,) = world.lines()
    assert (line.outcome, line.retryable, line.key) == (Outcome.FAILED, False, made_up.get("key", "k"))
    assert world.sent == []


def test_a_failed_task_beside_an_unfinished_one_is_told_to_the_platform_which_brings_both_again():
    world = World("k")
    payload = tasks()
    payload["bucketrelay"]["tasks"] += tasks(route="gone")["bucketrelay"]["tasks"]
    with pytest.raises(TasksFailed, match=r"^1 failed.*no route is named 'gone'"):
        world.handle(payload).answer()

    assert world.sent == []


def test_a_dry_run_shows_deferred_tasks_and_refusals():
    payload = tasks()
    payload["bucketrelay"]["tasks"] += tasks(key="a.tmp", change="removed")["bucketrelay"]["tasks"]
    found = dry_run(payload, World().system, cloud=None)

    assert [(task.key, task.target) for task in found.tasks] == [("k", "x")]
    assert [(result.key, result.change) for result in found.refused] == [("a.tmp", Change.REMOVED.value)]


def test_a_task_deferred_for_any_bucket_keeps_its_bucket():
    route = Route("oms", Address("obs", "*"), "source", forward="oms")
    world = World()
    object.__setattr__(world.system, "routes", (route,))
    deferral = Deferral("oms", "k", source="obs://mine")
    found = dry_run(
        {"bucketrelay": {"version": 1, "tasks": [{"route": "oms", "key": "k", "source": "obs://mine"} | rest()]}},
        world.system,
        cloud="obs",
    )
    assert [(one.source, one.key, one.forward) for one in found.tasks] == [(deferral.source, deferral.key, "oms")]


def rest():
    return {"change": "created", "attempt": 1}


def test_nothing_is_handed_over_that_the_platform_brings_again_anyway():
    """Else each delivery would make two of it, and each of those two more."""
    world = World("late")
    payload = event("late")
    payload["Records"].append(
        {"s3": {"bucket": {"name": "foreign"}, "object": {"key": "k"}}, "eventName": "ObjectCreated:Put"}
    )
    payload["Records"][-1]["eventVersion"], payload["Records"][-1]["eventSource"] = "2.1", "aws:s3"
    report = world.handle(payload)

    assert report.deferred == frozenset()
    with pytest.raises(TasksFailed):
        report.answer()


def test_the_lists_are_written_within_the_platforms_time_and_not_waited_for_beyond():
    world, left = World(), []
    world.log.arrange("put", lambda: left.append(current().remaining()))
    world.handle({"Records": [record("a")]}, seconds=60.0)

    assert 55 < left[0] < 60  # later than the tasks' own end, and before the platform's


@pytest.mark.parametrize("many", [900, pytest.param(9000, marks=pytest.mark.slow)])
def test_s3_thousands_of_unfinished_tasks_are_answered_for_before_the_platforms_deadline(many):
    """A list takes a second, all lines of the log nine, and a call 0.8 s: more than the margin's five."""
    clock, lines, world = [0.0], [], World()
    keys = [f"{number:04d}".ljust(900, "k") for number in range(many // 2)]
    world.late = set(keys)

    def take(seconds):
        clock[0] += seconds

    def deliver(task, deadline):
        clock[0] = max(clock[0], 55.0)
        return world.deliver(task, deadline)

    world.log.arrange("put", lambda: take(1.0))
    world.system = replace(
        world.system,
        emit=lambda line: (take(9 / many), lines.append(line)),
        defer=lambda payload: (take(0.8), world.defer(payload)),
        runner=replace(world.system.runner, deliver=OneByOne(deliver)),
        clock=lambda: clock[0],
    )
    payload = event(*keys)
    report = entry.handle(payload, world.system, cloud="s3", seconds=60, invocation="i")

    assert 56 < clock[0] <= 59.1
    assert len(world.lines()) == many
    handed = sum(len(parse(sent).deferrals) for sent in world.sent)
    assert 0 < handed < many
    assert "more lines" in lines[-2]
    assert report.stuck == f"no time was left to hand over {many - handed:,} of {many:,} tasks"
    with pytest.raises(OutOfTime, match=r"no time was left to hand over"):
        report.answer()


@pytest.mark.parametrize("count", [1, 2])
def test_the_tasks_of_a_message_that_comes_again_know_it(count):
    """Its earlier run may have been killed with a write on its way: `Writes.noted` has the key looked at once more."""
    world = World()
    payload = sqs(json.dumps({"Records": [record("k")]}))
    payload["Records"][0]["attributes"] = {"ApproximateReceiveCount": str(count)}
    world.handle(payload)

    assert [task.again for task in world.run] == [count > 1] * 2
