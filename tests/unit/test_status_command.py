"""`bucketrelay status` and `bucketrelay barrier`, as they are typed."""

import json
import re
from contextlib import closing
from datetime import datetime, timedelta, timezone

import pytest
from click.testing import CliRunner

from bucketrelay.cli import cli
from bucketrelay.clouds.local.store import LocalStore
from bucketrelay.drivers.function import handle
from bucketrelay.jobs.queue import Policy
from bucketrelay.jobs.sqlite import SqliteQueue
from bucketrelay.jobs.tasks import task_job
from bucketrelay.model import Address, Meta, Outcome, Result, Task
from bucketrelay.process import Process
from bucketrelay.reports import lists
from bucketrelay.reports.heartbeats import Heartbeat, HeartbeatMarks, Pulse
from receivers import Receiver


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A route between directories, and its log store."""
    for name in ("BUCKETRELAY_TOML", "BUCKETRELAY_CONFIG", "RELAY_SOURCE", "RELAY_TARGETS", "RELAY_LOG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    stores = ""
    for name in ("source", "target", "other", "logs"):
        (tmp_path / name).mkdir()
        stores += f'[stores.{name}]\nurl = "file://{tmp_path}/{name}"\n'
    route = '[[routes]]\nname = "r"\nsource = "source"\ntargets = ["target", "other"]\n'
    (tmp_path / "relay.toml").write_text(f'log = "logs"\n{stores}{route}[alarms]\nlag = "15m"\n')
    return World(tmp_path)


class World:
    def __init__(self, folder):
        self.folder = folder

    def store(self, name):
        return LocalStore(Address("file", str(self.folder / name)))

    def wrote(self, minutes, outcome=Outcome.FAILED, key="k", target="target", error="503: later"):
        time = datetime.now(timezone.utc) - timedelta(minutes=minutes)
        url = f"file://{self.folder}/{target}/{key}"
        error = "" if outcome is Outcome.COPIED else f"{url}: {error}"
        lag = 1.5 if outcome is Outcome.COPIED else None
        source = f"file://{self.folder}/source/{key}"
        result = Result("r", "e", "created", source, url, key, outcome, time, lag=lag, error=error)
        lists.write(self.store("logs"), [result], invocation="i", now=time)


def run(*words):
    done = CliRunner().invoke(cli, words)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def test_a_route_where_all_is_well_ends_with_zero(world):
    world.wrote(3, Outcome.COPIED)

    done = run("status")

    assert done.exit_code == 0
    assert "r\ttarget\tup to date\t1\t0\t0\t0" in done.stdout
    assert "0 objects waiting; alarms: none" in done.stderr


def test_an_alarm_that_is_up_ends_with_one(world):
    world.wrote(20)

    done = run("status", "--json")

    assert done.exit_code == 1
    line = next(line for line in map(json.loads, done.stdout.splitlines()) if line["target"] == "target")
    assert (line["alarms"], line["waiting"], line["causes"]) == (["lag"], 1, {"503: later": 1})
    assert line["behind"] >= 1200
    assert line["fuse"] == "whole"


def test_a_failure_that_is_no_alarm_yet_is_shown_and_ends_with_zero(world):
    world.wrote(1)

    done = run("status", "r")

    assert done.exit_code == 0
    assert re.search(r"1 object behind, \d+ min", done.stdout)
    assert "1 × 503: later" in done.stdout


def test_quiet_says_only_what_is_not_well(world):
    world.wrote(5)

    done = run("status", "-q")

    assert [line.split("\t")[1] for line in done.stdout.splitlines()] == ["target"]
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["status", "nope"], "nope: no route has this name; there are: r"),
        (["status", "--since", "soon"], "--since soon: write a date"),
        (["barrier", "nope"], "no route is named 'nope'"),
        (["barrier", "r", "--timeout", "1"], "--timeout: '1' is no length of time"),
    ],
)
def test_a_wrong_word_is_one_line_and_ends_with_two(world, words, message):
    done = run(*words)

    assert done.exit_code == 2
    assert message in done.stderr


def test_a_list_that_cannot_be_read_is_named_and_costs_the_others_nothing(world):
    world.wrote(3, Outcome.COPIED)
    world.store("logs").put(f"failed_object/{datetime.now(timezone.utc):%Y/%m/%d/%H%M%S}.0Z-x.jsonl", b"?\n", Meta())

    done = run("status")

    assert done.exit_code == 0
    assert "not JSON" in done.stderr
    assert "\t1\t0\t0\t0" in done.stdout


def test_a_barrier_names_what_is_not_at_a_target_and_ends_with_one(world):
    world.store("source").put("a", b"1", Meta())

    done = run("barrier", "r", "--timeout", "0s", "--json")

    assert done.exit_code == 1
    assert [(line["target"], line["key"]) for line in map(json.loads, done.stdout.splitlines())] == [
        ("target", "a"),
        ("other", "a"),
    ]
    assert "not at every target: 2 writes" in done.stderr


def test_a_barrier_ends_with_zero_once_all_is_there(world):
    world.store("source").put("a", b"1", Meta())
    assert run("reconcile", "r").exit_code == 0

    done = run("barrier", "r")

    assert done.exit_code == 0
    assert "every write that the source held is at every target" in done.stderr


def test_what_waits_in_the_queue_is_behind_and_a_database_is_not_made_by_looking(world):
    assert run("status").exit_code == 0
    assert not (world.folder / "relay.db").exists()
    task = Task("r", "source", "k", "target", "k")
    with closing(SqliteQueue(world.folder / "relay.db", Policy())) as jobs:
        jobs.enqueue([task_job(task)])

    done = run("status", "--json")

    assert [json.loads(line)["waiting"] for line in done.stdout.splitlines()] == [0, 1]


def test_a_webhook_is_told_when_an_alarm_is_raised_and_when_it_ends(world):
    with Receiver() as receiver:
        path = world.folder / "relay.toml"
        hook = f'webhook = "hook"\n[forwards.hook]\ntype = "webhook"\nurl = "{receiver.url}/alarms"\n'
        path.write_text(path.read_text() + hook)
        world.wrote(20)
        assert [run("status", "-q").exit_code, run("status", "-q").exit_code] == [1, 1]
        world.wrote(0, Outcome.COPIED)
        assert run("status", "-q").exit_code == 0

    assert [json.loads(request.body)["type"] for request in receiver.got] == [
        "io.bucketrelay.alarm.raised",
        "io.bucketrelay.alarm.ended",
    ]


def test_a_blown_fuse_is_shown(world):
    path = world.folder / "relay.toml"
    path.write_text(
        path.read_text().replace(
            'targets = ["target", "other"]', 'targets = ["target"]\ndeletes = "follow"\nmax_deletes = 0'
        )
    )
    world.store("source").put("a", b"1", Meta())
    run("reconcile", "r")
    world.store("source").delete("a")
    run("reconcile", "r")

    [line] = run("status", "--json").stdout.splitlines()

    assert json.loads(line)["fuse"] == "blown"
    assert "fuse blown" in run("status").stdout


def test_of_a_route_with_heartbeats_it_is_said_when_the_last_one_came_through(world):
    path = world.folder / "relay.toml"
    path.write_text(
        path.read_text().replace('source = "source"', 'source = "source"\nprobe = "5m"') + 'probe = "15m"\n'
    )
    assert "alarm: probe; no heartbeat yet" in run("status").stdout
    began = datetime.now(timezone.utc) - timedelta(minutes=3, seconds=2)
    pulse = Pulse(begun=began, last={"target": Heartbeat(began, 1.25, 0.5)})
    assert HeartbeatMarks(world.store("logs")).write("r", pulse)

    done, line = run("status"), json.loads(run("status", "--json").stdout.splitlines()[1])

    assert "up to date; heartbeat 3 min" in done.stdout
    assert "alarm: probe; no heartbeat yet" in done.stdout  # to the other target
    assert done.exit_code == 1
    assert (line["probe"]["created"], line["probe"]["deleted"], line["alarms"]) == (1.25, 0.5, [])
    assert line["probe"]["age"] > 180


def test_a_worker_tells_alarms_by_itself_and_so_does_a_function_s_housekeeping(world):
    with Receiver() as receiver:
        text = (world.folder / "relay.toml").read_text()
        hook = f'webhook = "hook"\n[forwards.hook]\ntype = "webhook"\nurl = "{receiver.url}/alarms"\n'
        (world.folder / "relay.toml").write_text(text + hook)
        world.wrote(20)

        run("worker", "--drain")
        by_worker = [json.loads(each.body)["subject"] for each in receiver.got]
        world.wrote(0, Outcome.COPIED)
        function = Process(world.folder, {})
        report = handle(
            {"trigger_type": "TIMER", "user_event": ""}, function.system(), cloud=None, seconds=60, invocation="i"
        )
        by_function = [json.loads(each.body)["type"] for each in receiver.got[len(by_worker) :]]

    assert by_worker == ["r/target"]
    assert by_function == ["io.bucketrelay.alarm.ended"]
    assert report.results == ()
