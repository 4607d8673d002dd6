"""`overwrite = "ours"`, over HTTP on three clouds: what no route wrote stays, and only a person is asked."""

import json
from contextlib import ExitStack

import pytest

from bucketrelay import config, wiring
from bucketrelay.drivers import function as entry
from functions.three_clouds import SOURCE, TARGET, toml


@pytest.fixture
def world(clouds):
    text = toml(clouds.views, "obs") + 'overwrite = "ours"\n'
    with ExitStack() as stack:
        system = wiring.system(config.load(text, {}), emit=lambda line: None)
        stack.callback(system.close)
        yield clouds, system


def handle(system):
    record = {"obs": {"bucket": {"name": SOURCE}, "object": {"key": "k"}}, "eventName": "ObjectCreated:Put"}
    report = entry.handle({"Records": [record]}, system, cloud="obs", seconds=60, invocation="i")
    return report, {result.target.partition(":")[0]: result.outcome.value for result in report.results}


def test_a_foreign_object_stays_on_each_cloud_and_the_platform_is_not_told(world):
    clouds, system = world
    clouds.views["obs"].write(SOURCE, "k", b"the route's")
    for view in clouds.views.values():
        view.write(TARGET, "k", b"somebody's")
    report, outcomes = handle(system)

    assert outcomes == dict.fromkeys(("s3", "obs", "oci"), "failed")
    assert report.answer()["failed"] == 3  # an answer, and no exception: nothing is brought again
    assert [view.read(TARGET, "k").body for view in clouds.views.values()] == [b"somebody's"] * 3
    held = clouds.lists()["failed_object"]
    assert len(held) == 3
    assert all("no route wrote" in line["error"] for line in held), json.dumps(held)

    for view in clouds.views.values():
        view.remove(TARGET, "k")
    _, outcomes = handle(system)
    assert outcomes == dict.fromkeys(("s3", "obs", "oci"), "copied")
    clouds.views["obs"].write(SOURCE, "k", b"the route's, newer")
    _, outcomes = handle(system)
    assert outcomes == dict.fromkeys(("s3", "obs", "oci"), "copied")
    assert [view.read(TARGET, "k").body for view in clouds.views.values()] == [b"the route's, newer"] * 3
