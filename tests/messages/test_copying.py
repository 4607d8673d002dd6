"""What becomes of a request in a worker: over a real queue in a file and real directories."""

import json
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from bucketrelay import config, wiring
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.messages.copying import Copying
from bucketrelay.drivers.messages.delivery import Delivery
from bucketrelay.drivers.messages.intake import COPY, REPLY, CopyIntake, letter_of
from bucketrelay.drivers.messages.letters import LetterSender
from bucketrelay.errors import StoreRefused, StoreUnavailable
from bucketrelay.jobs.queue import Done, Policy
from bucketrelay.jobs.sqlite import SqliteQueue
from bucketrelay.model import Outcome, Result
from jobs.rigs import SqliteRig

TOML = """
[stores.a]
url = "file://{folder}/a"
[stores.b]
url = "file://{folder}/b"
[queue]
attempts = 3
[copier]
broker = "amqp://nowhere"
requests = "in"
replies = "out"
roots = {{ a = "a", b = "b" }}
"""


class World:
    def __init__(self, folder: Path) -> None:
        for place in ("a", "b"):
            (folder / place).mkdir()
        self.folder = folder
        self.found = config.load(TOML.format(folder=folder), {}, folder)
        self.system = wiring.system(self.found, emit=lambda _: None)
        self.queue = SqliteQueue(folder / "relay.db", Policy(attempts=3, first=0.0))
        self.copying = Copying(
            self.queue, self.system.runner, self.system.store, {"a": "a", "b": "b"}, "out", 3, page=2
        )
        self.numbers = iter(range(1000))

    def ask(self, action: str, **parameters: object) -> None:
        names = ("key", "key") if action == "copyto" else ("prefix", "prefix")
        said = {"source_root": "a", "target_root": "b", **parameters}
        said |= {f"source_{names[0]}": said.pop("source"), f"target_{names[1]}": said.pop("target")}
        body = json.dumps({"action": action, "parameters": said, "pass_through": {"n": 1}}).encode()
        CopyIntake(self.queue, {"a": "a", "b": "b"}, "out", lambda: f"m{next(self.numbers)}")(Delivery(body))

    def work(self, **more: object) -> None:
        """As a worker does, until nothing is due."""
        kind = replace(self.copying, **more).kind
        while jobs := self.queue.claim(1, kinds={COPY}):
            self.queue.settle([(jobs[0], kind.run(jobs, Deadline())[0].ending)])

    def replies(self) -> list[dict]:
        jobs = self.queue.claim(100, kinds={REPLY})
        self.queue.settle([(job, Done()) for job in jobs])
        return [json.loads(letter_of(job.payload).body) for job in jobs]

    def close(self) -> None:
        self.system.close()
        self.queue.close()


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.close()


class Failing:
    """A runner whose tasks for some keys end badly."""

    def __init__(self, runner, keys: set[str], *, retryable: bool) -> None:
        self.runner, self.keys, self.retryable, self.asked = runner, keys, retryable, []

    def run(self, tasks, deadline):
        self.asked.append([task.key for task in tasks])
        results = self.runner.run([task for task in tasks if task.key not in self.keys], deadline)
        rest = iter(results)
        bad = {"outcome": Outcome.FAILED, "error": "the store is down", "retryable": self.retryable}
        return [next(rest) if task.key not in self.keys else _result(task, **bad) for task in tasks]


def _result(task, **more):
    source, target = f"file://{task.source}/{task.key}", f"file://{task.target}/{task.target_key}"
    now = datetime.now(timezone.utc)
    known = {"route": task.route, "cause": "", "change": "created", "key": task.key, "time": now}
    return Result(source=source, target=target, **known, **more)


def test_whoever_asks_last_has_the_key_whatever_was_there_before(world):
    """A request is an order, not a route: another source's copy, somebody's own object and a newer one are replaced."""
    for name in ("older", "newer"):
        (world.folder / "a" / name).write_bytes(name.encode())
    for name in ("newer", "older", "newer"):
        world.ask("copyto", source=name, target="same")
        world.work()
        assert (world.folder / "b" / "same").read_bytes() == name.encode()
    (world.folder / "b" / "same").write_bytes(b"somebody's own")
    world.ask("copyto", source="older", target="same")
    world.work()
    assert (world.folder / "b" / "same").read_bytes() == b"older"
    assert [reply["status"] for reply in world.replies()] == ["success"] * 4


def test_what_may_work_later_is_tried_again_and_the_last_failure_is_the_answer(world):
    (world.folder / "a" / "x").write_bytes(b"1")
    runner = Failing(world.system.runner, {"x"}, retryable=True)
    world.ask("copyto", source="x", target="y")
    world.work(runner=runner)
    (reply,) = world.replies()
    assert (len(runner.asked), reply["rclone_status"], reply["message"]) == (
        2,
        5,
        "Unknown copying error: the store is down",
    )


def test_what_will_never_work_is_answered_at_once(world):
    runner = Failing(world.system.runner, {"x"}, retryable=False)
    world.ask("copyto", source="x", target="y")
    world.work(runner=runner)
    assert (len(runner.asked), world.replies()[0]["rclone_status"]) == (1, 1)


def test_a_request_that_kills_every_worker_is_answered_in_the_end(world):
    world.ask("copyto", source="x", target="y")
    for _ in range(2):  # each claims it, and is never heard of again
        assert len(world.queue.claim(1, kinds={COPY})) == 1
        SqliteRig(world.folder / "relay.db").later(Policy().lease + 1)
    world.work()
    (reply,) = world.replies()
    assert (reply["status"], reply["rclone_status"]) == ("failure", 5)
    assert "killed or fell silent" in reply["message"]


def test_a_copy_goes_page_by_page_and_counts_what_failed(world):
    for number in range(5):
        (world.folder / "a" / "in").mkdir(exist_ok=True)
        (world.folder / "a" / "in" / f"{number}").write_bytes(b"12")
    runner = Failing(world.system.runner, {"in/1"}, retryable=False)
    world.ask("copy", source="in", target="out", progress=True)
    world.work(runner=runner)
    *between, last = world.replies()
    assert [said["status"] for said in between] == ["progress"] * 3
    assert (last["copied"], last["failed"], last["bytes"], last["status"]) == (4, 1, 8, "failure")
    assert last["message"].endswith("1 objects could not be copied; the first: the store is down")
    assert runner.asked == [["in/0", "in/1"], ["in/2", "in/3"], ["in/4"]]


def test_a_page_is_tried_again_for_what_failed_alone(world, monkeypatch):
    monkeypatch.setattr("bucketrelay.drivers.messages.copying._PAUSE", 0.0)
    for number in range(3):
        (world.folder / "a" / f"{number}").write_bytes(b"1")
    runner = Failing(world.system.runner, {"1"}, retryable=True)
    world.ask("copy", source="", target="")
    world.work(runner=runner)
    (reply,) = world.replies()
    assert runner.asked == [["0", "1"], ["1"], ["1"]]
    assert (reply["status"], reply["rclone_status"], reply["copied"], reply["failed"]) == ("failure", 5, 1, 1)


def test_a_listing_that_is_refused_is_the_answer(world):
    (world.folder / "a").rmdir()
    world.ask("copy", source="in", target="out")
    world.work()
    (reply,) = world.replies()
    assert (reply["status"], reply["copied"]) == ("failure", 0)
    assert "there is no such directory" in reply["message"]


def test_a_root_that_has_left_the_configuration_is_unknown(world):
    world.ask("copyto", source="x", target="y")
    world.work(roots={"a": "a"})
    assert world.replies()[0]["message"] == "Unrecognized root was provided."


class Sender:
    def __init__(self, *trouble) -> None:
        self.trouble, self.sent, self.closed = list(trouble), [], 0

    def send(self, letter) -> None:
        if self.trouble and (error := self.trouble.pop(0)):
            raise error
        self.sent.append(letter.body)

    def close(self) -> None:
        self.closed += 1


def test_letters_wait_for_the_broker_and_are_never_given_up(world):
    for number in range(3):
        world.ask("copyto", source="", target=f"{number}")
    sender = Sender(None, StoreUnavailable("away"), *[StoreRefused("no permission")] * 20)
    postman = LetterSender(world.queue, REPLY, sender, lambda _: None)
    assert postman.once() == (1, "away")
    for _ in range(20):
        assert postman.once() == (0, "no permission")
    assert postman.once() == (2, "")
    assert len(sender.sent) == 3
    assert world.queue.counts().dead == 0
