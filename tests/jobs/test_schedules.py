"""Schedules: each run by one of all, missed ones made up once."""

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay import wiring_jobs
from bucketrelay.config.values import ScheduleConfig
from bucketrelay.drivers.schedules import Schedule, fire
from bucketrelay.jobs.queue import Done, NewJob
from jobs.rigs import SqliteRig
from jobs.world import World

JOB = NewJob("reconcile", "photos", "reconcile", {"route": "photos"}, keep=True)
HOURLY = Schedule("reconcile photos, every 1h", JOB, every=3600)
NIGHTLY = Schedule("reconcile photos, cron 0 3 * * *", JOB, cron="0 3 * * *")


@pytest.fixture
def rig(tmp_path):
    made = SqliteRig(tmp_path / "relay.db")
    yield made
    made.close()


def runs(queue, schedules):
    """Whether a look at the schedules brings a job."""
    fire(queue, schedules)
    jobs = queue.claim(10)
    queue.settle([(job, Done()) for job in jobs])
    return len(jobs)


def test_every_so_often_it_is_one_of_all_that_runs_it(rig):
    one, two = rig.open(), rig.open()

    assert [runs(each, [HOURLY]) for each in (one, two, one)] == [1, 0, 0]
    rig.later(3599)
    assert [runs(each, [HOURLY]) for each in (two, one)] == [0, 0]
    rig.later(2)
    assert [runs(each, [HOURLY]) for each in (two, one)] == [1, 0]


def test_however_many_were_missed_one_is_made_up(rig):
    queue = rig.open()
    runs(queue, [HOURLY])

    rig.later(100 * 3600)
    assert [runs(queue, [HOURLY]) for _ in range(3)] == [1, 0, 0]


def test_two_schedules_do_not_know_each_other(rig):
    queue = rig.open()
    sweep = Schedule("sweep, every 1d", NewJob("sweep", "", "sweep"), every=86400)

    assert runs(queue, [HOURLY, sweep]) == 2
    rig.later(3601)
    assert runs(queue, [HOURLY, sweep]) == 1


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp()


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [
        (None, "2026-11-29T04:00", False),  # seen for the first time: its time comes tonight
        ("2026-11-28T12:00", "2026-11-29T02:59", False),
        ("2026-11-28T12:00", "2026-11-29T03:00", True),
        ("2026-11-29T03:00", "2026-11-29T03:01", False),
        ("2026-11-01T03:00", "2026-11-29T14:00", True),  # four weeks of nights: one run
    ],
)
def test_a_cron_line_is_in_utc(last, now, due):
    assert (NIGHTLY.due(at(last) if last else None, at(now)) is not None) is due


@given(st.floats(0, 2e9), st.floats(0, 1e6))
def test_a_run_is_never_due_again_at_once(last, later):
    for schedule in (HOURLY, NIGHTLY):
        due = schedule.due(last, last + later)
        if due is not None:
            assert due == last + later
            assert schedule.due(due, due) is None


def test_the_configurations_schedules_have_the_jobs_that_orders_have(rig):
    made = wiring_jobs.schedules(
        [
            ScheduleConfig(every=3600, reconcile="photos"),
            ScheduleConfig(cron="0 3 * * *", inventory="mirror"),
            ScheduleConfig(every=86400, sweep=True),
        ]
    )

    assert [(each.name, each.job.kind, dict(each.job.payload)) for each in made] == [
        ("reconcile photos, every 1h", "reconcile", {"route": "photos"}),
        ("inventory mirror, cron 0 3 * * *", "inventory-store", {"store": "mirror", "prefix": "", "depth": "metadata"}),
        ("sweep, every 1d", "sweep", {}),
    ]


def test_a_worker_runs_what_is_due(tmp_path, monkeypatch):
    from bucketrelay_emulators.local_clouds import local_clouds

    for name in ("BUCKETRELAY_TOML", "BUCKETRELAY_CONFIG", "RELAY_SOURCE", "RELAY_TARGETS", "RELAY_LOG"):
        monkeypatch.delenv(name, raising=False)
    with local_clouds() as clouds:
        world = World(tmp_path, clouds["s3"])
        world.write("a.jpg")
        hourly = '[[schedules]]\nevery = "1h"\n'
        world.configure(more=f'{hourly}reconcile = "photos"\n{hourly}sweep = true\n')

        done = world.run("worker", "--drain")

    assert (done.returncode, done.stderr) == (0, "2 jobs done\n")
    assert "a.jpg" in world.mirrored()  # other tests leave theirs in the same bucket


def test_serve_looks_at_the_schedules_too(rig, monkeypatch):
    import threading

    from bucketrelay.commands import serve

    monkeypatch.setattr(serve, "_TICK", 0.01)
    queue, pause = rig.open(), threading.Event()
    with serve._schedules_running(rig.open(), [HOURLY]):
        for _ in range(2000):
            if queue.counts().pending:
                break
            pause.wait(0.01)

    assert [job.kind for job in queue.claim(10)] == ["reconcile"]
