"""A heartbeat between stand-ins of two clouds, by the events that they send, as a schedule and as a worker bring it."""

import queue
import threading
from contextlib import closing
from dataclasses import replace

import pytest

from bucketrelay import config, wiring, wiring_jobs, wiring_status
from bucketrelay.drivers.function import handle
from bucketrelay.routes.probes import is_probe
from bucketrelay_emulators.local_clouds import local_obs, local_oci, store_table

ROUTE = """
[[routes]]
name = "all"
source = "source"
targets = ["near", "far"]
include = ["in/**/*.jpg"]
strip_prefix = "in/"
add_prefix = "copies/"
deletes = "{deletes}"
max_deletes = 0
probe = "1m"
[alarms]
probe = "3m"
"""


@pytest.fixture(scope="module")
def clouds():
    with local_obs() as obs, local_oci() as oci:
        for bucket in ("source-bucket", "near-bucket", "log-bucket"):
            obs.create(bucket)
        oci.create("far-bucket")
        yield {"obs": obs, "oci": oci}


@pytest.fixture(params=["follow", "keep"])
def configured(clouds, request, tmp_path):
    """The configuration; the buckets are empty."""
    obs, oci = clouds["obs"], clouds["oci"]
    places = {"source": (obs, "source-bucket"), "near": (obs, "near-bucket"), "logs": (obs, "log-bucket")}
    for cloud, bucket in (*places.values(), (oci, "far-bucket")):
        for key in cloud.keys(bucket):
            cloud.remove(bucket, key)
    tables = "".join(store_table(name, *place) for name, place in places.items()) + store_table(
        "far", oci, "far-bucket"
    )
    database = f'[queue]\nurl = "sqlite:///{tmp_path}/relay.db"\n'
    return config.load(f'log = "logs"\n{tables}{ROUTE.format(deletes=request.param)}{database}', {})


def invoked(system, told):
    """What the bucket's trigger does with all that it is told."""
    while True:
        try:
            event = told.get_nowait()
        except queue.Empty:
            return
        if event["Records"][0]["obs"]["bucket"]["name"] == "source-bucket":
            handle(event, system, cloud="obs", seconds=60, invocation="trigger").answer()


def standing(settings, system):
    lines, unreadable = wiring_status.survey(settings, system).lines(system.now())
    assert unreadable == []
    return {line.standing.target: line for line in lines}


def left(clouds):
    places = [("obs", bucket) for bucket in ("source-bucket", "near-bucket", "log-bucket")] + [("oci", "far-bucket")]
    return [key for cloud, bucket in places for key in clouds[cloud].keys(bucket) if is_probe(key)]


def test_by_the_schedule_of_a_function(clouds, configured):
    with closing(wiring.system(configured, emit=lambda _: None)) as system:
        assert [line.alarms for line in standing(configured, system).values()] == [("probe",), ("probe",)]
        told = clouds["obs"].emulator.events
        timed = replace(system, sleep=lambda _: invoked(system, told))

        handle({"trigger_type": "TIMER", "user_event": ""}, timed, cloud=None, seconds=60, invocation="timer")

        lines = standing(configured, system)
        assert left(clouds) == []
        follows = configured.routes[0].deletes.value == "follow"
        assert [(line.alarms, line.heartbeat.deleted is not None) for line in lines.values()] == [((), follows)] * 2
        assert lines["far"].members()["probe"]["created"] >= 0
        logs = [key for key in clouds["obs"].keys("log-bucket") if not key.startswith("marks/probe/")]
        assert logs == []  # no list, and no claim of the fuse, which would have held every delete


def test_by_a_worker_that_runs_nothing_else(clouds, configured):
    told = clouds["obs"].emulator.events
    with (
        closing(wiring.system(configured, emit=lambda _: None)) as system,
        closing(wiring_jobs.queue(configured.queue)) as jobs,
    ):
        other = wiring.system(configured, emit=lambda _: None)
        timed = replace(system, sleep=lambda _: invoked(other, told))
        worker = wiring_jobs.worker(configured, timed, jobs, say=lambda _: None)
        seen = threading.Thread(target=worker.run, kwargs={"drain": True})
        seen.start()
        seen.join(60)

        assert not seen.is_alive()
        assert left(clouds) == []
        assert all(line.heartbeat for line in standing(configured, system).values())
        other.close()
