"""A write that outlives its invocation and lands on a newer version: the next housekeeping puts the target right.

Real HTTP: an OBS server, which knows no conditional writes, behind a proxy that holds a request back.
"""

import json
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from bucketrelay import config, wiring
from bucketrelay.drivers import function as entry
from bucketrelay_emulators.engine.faults import Fault
from bucketrelay_emulators.obs.emulator import ObsEmulator
from bucketrelay_emulators.proxy import FaultProxy
from payloads.test_event_samples import SAMPLES

RECORD = {"obs": {"bucket": {"name": "source-bucket"}, "object": {"key": "k"}}, "eventName": "ObjectCreated:Put"}
EVENT = {"Records": [RECORD]}
CHILD = """
import json, sys
from bucketrelay import config, wiring
from bucketrelay.drivers import function as entry

system = wiring.system(config.load(sys.argv[1], {}), emit=lambda line: None)
entry.handle(json.loads(sys.argv[2]), system, cloud="obs", seconds=600, invocation="killed")
"""
TIMER = {**json.loads((SAMPLES / "obs-timer.json").read_text()), "user_event": ""}


class World:
    def __init__(self, stack):
        self.obs = stack.enter_context(ObsEmulator())
        self.proxy = stack.enter_context(FaultProxy(self.obs.endpoint))
        keys = f'access_key = "{self.obs.access_key}"\nsecret_key = "{self.obs.secret_key}"\npath_style = true\n'
        text = 'log = "logs"\n'
        for name, endpoint in (("source", self.obs), ("target", self.proxy), ("logs", self.obs)):
            self.obs.create_bucket(name + "-bucket")
            text += f'[stores.{name}]\nurl = "obs://{name}-bucket"\nendpoint = "{endpoint.endpoint}"\n{keys}'
        text += '[[routes]]\nname = "r"\nsource = "source"\ntargets = ["target"]\n[limits]\nmargin = 1\n'
        self.lines, self.closed, self.text = [], [], text
        self.system = wiring.system(config.load(text, {}), emit=self.lines.append)
        stack.callback(self.system.close)

    def bucket(self, name):
        return self.obs.engine.bucket(f"{name}-bucket")

    def write(self, body):
        self.bucket("source").put("k", body, headers={})

    def handle(self, seconds=60):
        def close():
            self.closed.append(1)
            self.system.close()

        system = replace(self.system, close=close)
        return entry.handle(EVENT, system, cloud="obs", seconds=seconds, invocation="i").results[0]

    def keep_house(self, **later):
        now = datetime.now(timezone.utc) + timedelta(**later)
        entry.handle(TIMER, replace(self.system, now=lambda: now), cloud="obs", seconds=60, invocation="timer")
        return json.loads(self.lines[-1])

    def markers(self):
        return [held.key for held in self.bucket("logs").list() if held.key.startswith("verify/")]

    def target(self):
        return self.bucket("target").get("k").body


@pytest.fixture
def world():
    with ExitStack() as stack:
        yield World(stack)


def landed(world, late):
    """The request that was held back, done by the server."""
    asked = len(world.obs.requests)
    late.set()
    world.obs.requests.wait(asked + 1)
    assert world.target() == b"version 1"


def test_a_put_that_hangs_past_the_invocation_and_lands_on_a_newer_version_is_put_right_by_the_next_housekeeping(world):
    late = threading.Event()
    world.proxy.faults.order(Fault(operation="PutObject", kind="delay", until=late))
    world.write(b"version 1")
    assert world.handle(seconds=2).outcome.value == "unfinished"
    assert len(world.markers()) == 1
    assert world.closed

    world.write(b"version 2")
    assert world.handle().outcome.value == "copied"
    assert world.target() == b"version 2"
    landed(world, late)

    assert world.keep_house(minutes=10)["verified"] == 0  # not due yet: the request might still be on its way
    assert world.target() == b"version 1"
    assert world.keep_house(hours=1)["verified"] == 1
    assert world.target() == b"version 2"
    assert world.markers() == []
    assert world.keep_house(hours=1)["verified"] == 0


def test_a_put_of_unknown_outcome_is_verified_too(world):
    world.proxy.faults.order(Fault(operation="PutObject", kind="reset_after"))
    world.write(b"version 1")
    assert world.handle().outcome.value == "failed"
    assert len(world.markers()) == 1
    said = world.keep_house(hours=1)

    assert (said["verified"], said["problems"]) == (1, [])
    assert world.markers() == []


def test_what_ended_well_leaves_no_marker(world):
    world.write(b"version 1")
    world.handle()

    assert world.markers() == []
    assert not world.closed


@pytest.mark.slow
def test_a_process_that_is_killed_while_its_put_hangs_has_left_a_marker_and_the_next_housekeeping_puts_it_right(world):
    late = threading.Event()
    world.proxy.faults.order(Fault(operation="PutObject", kind="delay", until=late))
    world.write(b"version 1")
    with subprocess.Popen([sys.executable, "-c", CHILD, world.text, json.dumps(EVENT)]) as child:
        while not world.markers():
            assert child.poll() is None
            time.sleep(0.05)
        child.kill()
    assert child.returncode == -signal.SIGKILL

    world.write(b"version 2")
    assert world.handle().outcome.value == "copied"
    landed(world, late)
    assert world.keep_house(hours=1)["verified"] == 1
    assert world.target() == b"version 2"
    assert world.markers() == []
