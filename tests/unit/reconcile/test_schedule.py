"""A schedule whose text is `reconcile ROUTE` reconciles within the invocation's time, and goes on in the next."""

import json
from dataclasses import replace

import pytest

from bucketrelay import config, wiring
from bucketrelay.deadline import Deadline
from bucketrelay.drivers import function as entry
from bucketrelay.drivers.reconcile import span as spans
from bucketrelay.drivers.reconcile.jobs import reconcile_kind
from bucketrelay.drivers.reconcile.order import by_schedule
from bucketrelay.errors import ConfigError, StoreUnavailable
from bucketrelay.jobs.queue import Dead, Job, Release
from payloads.test_event_samples import SAMPLES

TIMER = json.loads((SAMPLES / "obs-timer.json").read_text())


@pytest.fixture
def folders(tmp_path):
    for name in ("source", "target", "logs"):
        (tmp_path / name).mkdir()
    (tmp_path / "source" / "a").write_text("1")
    return tmp_path


def _system(folder, said, route="photos"):
    stores = "".join(f'[stores.{name}]\nurl = "file://{folder}/{name}"\n' for name in ("source", "target", "logs"))
    routes = f'[[routes]]\nname = "{route}"\nsource = "source"\ntargets = ["target"]\n'
    return wiring.system(config.load(f'log = "logs"\n{stores}{routes}', {}), emit=said.append)


@pytest.mark.parametrize(
    "event",
    [
        TIMER,
        {"source": "aws.events", "detail": "reconcile photos"},
        {"source": "aws.scheduler", "detail": "reconcile photos"},
    ],
)
def test_a_schedule_reconciles_the_route_that_it_names(folders, event):
    assert TIMER["user_event"] == "reconcile photos"
    said = []
    report = entry.handle(event, _system(folders, said), cloud=None, seconds=60, invocation="i")
    assert report.answer() == {"tasks": 0, "bytes": 0}
    assert (folders / "target" / "a").read_text() == "1"
    task, book = (json.loads(line) for line in said)
    assert (task["event"], task["outcome"]) == ("task.done", "copied")
    assert (book["event"], book["missing"], book["complete"]) == ("route.reconciled", 1, True)
    assert list((folders / "logs").rglob("books.json"))


@pytest.mark.parametrize("note", ["", "sweep", "something else"])
def test_any_other_schedule_does_the_housekeeping(folders, note):
    said = []
    entry.handle({**TIMER, "user_event": note}, _system(folders, said), cloud=None, seconds=60, invocation="i")
    assert [json.loads(line)["event"] for line in said] == ["housekeeping.done"]
    assert not (folders / "target" / "a").exists()


def test_a_route_that_is_not_there_is_told_to_the_platform(folders):
    said = []
    with pytest.raises(ConfigError, match="no route is named 'photos'; there are: other"):
        entry.handle(TIMER, _system(folders, said, "other"), cloud=None, seconds=60, invocation="i")
    assert "no route is named" in json.loads(said[0])["error"]


def test_what_the_time_does_not_suffice_for_is_done_in_the_next_invocations(world, monkeypatch):
    monkeypatch.setattr(spans, "PAGE", 5)
    for n in range(40):
        world.source.write(f"k{n:02}", b"1")
    clock, said, rounds = iter(range(10**6)), [], 0
    system = replace(world.system, emit=said.append)
    while not world.written():
        rounds += 1
        by_schedule(system, "r", Deadline(30, now=lambda: next(clock)), f"i{rounds}")
    assert rounds > 3
    (book,) = world.written()
    assert (book["missing"], book["complete"]) == (40, True)
    assert len(world.target.keys()) == 40
    ends = [json.loads(line) for line in said if "route.reconciled" in line]
    assert [end["complete"] for end in ends] == [False] * (rounds - 1) + [True]


def test_a_repair_that_may_do_later_is_told_to_the_platform(world):
    world.source.write("a", b"1")
    world.source.fail("fetch", StoreUnavailable("503"), 9)
    with pytest.raises(StoreUnavailable, match="1 repairs of route r failed"):
        by_schedule(world.system, "r", Deadline(), "i")
    assert [key for key in world.log.keys() if key.startswith("failed_object/")]
    world.source.orders.clear()
    by_schedule(world.system, "r", Deadline(), "i")
    assert world.target.body("a") == b"1"


# As a job: a worker's schedule.


def _job(route="r"):
    return Job(1, "reconcile", route, "reconcile", {"route": route}, 0, 1, 1, "lease", 0.0)


def test_a_job_that_a_worker_has_to_stop_goes_on_in_another_one(world, monkeypatch):
    monkeypatch.setattr(spans, "PAGE", 5)
    for n in range(40):
        world.source.write(f"k{n:02}", b"1")
    clock, rounds = iter(range(10**6)), 0
    kind = reconcile_kind(world.system)
    assert kind.stops
    while True:
        rounds += 1
        (ended,) = kind.run([_job()], Deadline(30, now=lambda: next(clock)))
        if ended.ending != Release():
            break
    assert rounds > 3
    (book,) = ended.ending.result["books"]
    assert (book["missing"], book["complete"], ended.ending.failed) == (40, True, False)
    (ended,) = kind.run([_job("gone")], Deadline())
    assert isinstance(ended.ending, Dead)
    assert "no route is named 'gone'" in ended.ending.error
