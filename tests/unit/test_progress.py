"""How far long work has come: one implementation for every command that may take long."""

import io
import json
import math
import re

import pytest
from click.testing import CliRunner

from bucketrelay import config, wiring
from bucketrelay.cli import cli
from bucketrelay.commands.progress import FEW, Progress, with_progress
from bucketrelay.drivers import function as entry
from payloads.event_builders import records
from unit.test_replay import World


class Out(io.StringIO):
    def __init__(self, terminal=False):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal


class Clock:
    """A second later at each look."""

    def __init__(self, step=1.0):
        self.moment, self.step = 0.0, step

    def __call__(self):
        self.moment += self.step
        return self.moment


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    world = World(tmp_path)
    yield world
    world.obs.__exit__(None, None, None)


def event(count):
    parts = [{"obs": {"bucket": {"name": "src-bucket"}, "object": {"key": f"k{n}"}}} for n in range(count)]
    return records(*({**part, "eventName": "ObjectCreated:Put"} for part in parts))


def test_tasks_are_counted_with_how_many_there_are_and_what_is_left(world):
    out = Out(terminal=True)
    system = wiring.system(config.load(world.toml, {}), emit=lambda _: None)
    seen = with_progress(system, Progress("tasks", few=FEW, out=out, now=Clock()))
    entry.handle(event(30), seen, cloud="obs", seconds=math.inf, invocation="i")
    system.close()

    said = out.getvalue().split("\r")
    assert re.fullmatch(r"1 of some 60 tasks, 0 a second, \d+ \w+ left", said[1])  # of two targets
    assert re.fullmatch(r"60 tasks, 1 a second *", said[-3])
    assert said[-2].strip() == said[-1] == ""  # the terminal is left clean


def test_of_a_few_tasks_nobody_wants_to_know_how_far_they_are(world):
    out = Out(terminal=True)
    system = wiring.system(config.load(world.toml, {}), emit=lambda _: None)
    seen = with_progress(system, Progress("tasks", few=FEW, out=out, now=Clock()))
    entry.handle(event(FEW // 2), seen, cloud="obs", seconds=math.inf, invocation="i")
    system.close()

    assert out.getvalue() == ""


def test_what_is_said_beside_has_a_line_of_its_own():
    out = Out(terminal=True)
    progress = Progress("keys", out=out, now=Clock())
    progress.add(5)
    progress.beside(lambda words: out.write(f"{words}\n"))("a word")

    assert out.getvalue() == "\r5 keys, 2 a second\r                  \ra word\n"


@pytest.fixture
def hurried(monkeypatch):
    """Each look at the clock is half a minute after the last, as in work that takes long."""
    monkeypatch.setitem(Progress.__init__.__kwdefaults__, "now", Clock(30.0))


LINE = r"[\d,]+( of some [\d,]+)? {what}, \d+ a second(, [\d,]+ \w+ left)?"


def lines(done, what):
    return [line for line in done.stderr.splitlines() if re.fullmatch(LINE.format(what=what), line)]


def test_replicate_and_replay_say_how_far_they_are_unless_they_are_to_be_quiet(world, hurried):
    (world.folder / "event.json").write_text(json.dumps(event(15)))
    command = ["replicate", "--as", "obs", "event.json"]
    assert lines(CliRunner().invoke(cli, command), "tasks")
    assert lines(CliRunner().invoke(cli, ["-q", *command]), "tasks") == []

    world.fail(*(f"k{n}" for n in range(30)))
    assert lines(CliRunner().invoke(cli, ["replay"]), "tasks")


def test_inventory_and_worker_say_it_too(world, hurried):
    for number in range(30):
        world.write(f"k{number}")
    assert lines(CliRunner().invoke(cli, ["inventory", "source"]), "keys")
    assert "of some 30 keys" in CliRunner().invoke(cli, ["inventory", "source"]).stderr

    assert CliRunner().invoke(cli, ["reconcile", "r", "--enqueue"]).exit_code == 0
    drained = CliRunner().invoke(cli, ["worker", "--drain"])
    assert drained.exit_code == 0, drained.output
    assert any("of some 60 jobs" in line for line in lines(drained, "jobs"))
