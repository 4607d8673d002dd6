"""Failed lists and what becomes of them, step by step, in a log store that fails at each."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bucketrelay.core.delete_fuse import UNLIMITED
from bucketrelay.errors import StoreUnavailable
from bucketrelay.model import Address, Outcome, Result
from bucketrelay.reports import list_line, lists
from bucketrelay.reports.reader import Reader
from bucketrelay.reports.rerun import Rerun, Selection
from bucketrelay.routes import Route
from bucketrelay.testing.memory import MemoryStore

NOW = datetime(2026, 11, 21, 9, 15, tzinfo=timezone.utc)
NAME = "failed_object/2026/11/21/091400.000000Z-first.jsonl"
FAILED = Result("r", "event-1", "created", "s3://b/k", "s3://memory/k", "k", Outcome.FAILED, NOW, error="503")
EVERY = Selection(lambda line: True)


class World:
    def __init__(self, *results):
        self.log, self.asked = MemoryStore(), []
        self.again = Rerun(self.log, (Route("r", Address("s3", "b"), "s", ("t",)),), self, lambda: NOW)
        self.log.write(NAME, "".join(f"{list_line.line(result)}\n" for result in results).encode())

    @property
    def results(self):
        return self

    def urls(self, task):
        return f"s3://b/{task.key}", f"s3://memory/{task.target_key}"

    def run(self, tasks, deadline):
        self.asked += tasks
        return [replace(FAILED, key=task.key, outcome=Outcome.COPIED, error="") for task in tasks]

    def all(self, wanted=EVERY):
        return self.again.run([self.again.read(name) for name in list(self.again.names())], wanted, "again")

    def folders(self):
        return sorted({key.split("/")[0] for key in self.log.keys()})


def test_a_list_is_put_to_the_handled_ones_before_it_is_removed():
    world = World(FAILED)
    world.log.fail("put", StoreUnavailable("503"), key=NAME.replace("failed", "replayed"))
    (said,) = world.all().problems

    assert "it is handled" in said
    assert world.log.body(NAME)
    assert world.folders() == ["failed_object", "success_object"]


def test_the_new_list_is_written_before_anything_moves():
    world = World(FAILED)
    world.log.fail("put", StoreUnavailable("503"))
    with pytest.raises(StoreUnavailable):
        world.all()

    assert world.folders() == ["failed_object"]


def test_a_list_that_somebody_wrote_anew_meanwhile_is_not_removed():
    world = World(FAILED)
    world.log.arrange("put", lambda: world.log.write(NAME, b"anew"), key=NAME.replace("failed", "replayed"), after=True)
    world.all()

    assert world.log.body(NAME) == b"anew"


def test_other_lines_are_kept_as_they_were():
    other, gone = replace(FAILED, route="other", error="their own"), replace(FAILED, target="s3://gone/k")
    world = World(FAILED, other, gone)
    ended = world.all(Selection(lambda line: line.result.route == "r"))
    (name,) = world.again.names()

    assert [line.error for line in ended.lost] == ["the route r has no target s3://gone any more"]
    assert [line.result for line in world.again.read(name).lines] == [other, gone]


def test_what_is_left_of_a_list_is_counted_once_and_stays_byte_for_byte():
    world = World(FAILED)
    later = list_line.line(replace(FAILED, route="other")).replace("{", '{"of a later version": 1, ', 1).encode()
    world.log.write(NAME, f"{list_line.line(FAILED)}\n".encode() + later + b"\n")
    reader = Reader(world.log, NOW - timedelta(hours=1), lambda: NOW)
    before = list(reader.fresh())
    world.all(Selection(lambda line: line.result.route == "r"))
    (name,) = world.again.names()
    late = list(Reader(world.log, NOW - timedelta(hours=1), lambda: NOW).fresh())

    assert world.log.body(name) == later + b"\n"
    assert lists.time_of(name, lists.FAILED) == lists.time_of(NAME, lists.FAILED)
    assert [len([each for each in some if not each.ok]) for some in (before, list(reader.fresh()), late)] == [2, 0, 2]


def test_what_another_replay_has_handled_meanwhile_is_not_kept_twice():
    world = World(FAILED, replace(FAILED, route="other"))
    one, other = (world.again.read(NAME) for _ in range(2))
    world.again.run([one], Selection(lambda line: line.result.route == "r"), "one")
    left = list(world.again.names())
    world.again.run([other], Selection(lambda line: line.result.route == "r"), "other")

    assert list(world.again.names()) == left
    assert len(left) == 1


def test_a_list_in_which_nothing_is_wanted_stays_where_it_is():
    world = World(replace(FAILED, route="other"))
    world.log.calls.clear()
    world.again.run([world.again.read(NAME)], Selection(lambda line: False), "again")

    assert {verb for verb, _ in world.log.calls} <= {"look", "read"}


def test_the_fuse_is_told_where_somebody_has_said_go():
    world = World(FAILED)
    world.all(replace(EVERY, unlimited=True))

    assert [task.max_deletes for task in world.asked] == [UNLIMITED]


def test_a_list_that_is_gone_meanwhile_is_no_problem():
    world = World(FAILED)
    found = world.again.read(NAME)
    world.log.remove(NAME)

    assert world.again.run([found], EVERY, "again").problems == ()


EVENTS = [("created", 0), ("removed", 1), ("created", 2), ("removed", None)]


@given(st.permutations(EVENTS), st.integers(1, len(EVENTS)))
@example([("removed", 1), ("created", 0)], 1)
def test_of_a_keys_events_the_newest_counts_whichever_list_was_written_last(events, cut):
    """Who tried for long writes its list after that of a later event, of which a forward would never hear."""
    world = World()
    lines = [
        replace(
            FAILED, change=change, cause=f"{change} {at}", written=None if at is None else NOW - timedelta(hours=9 - at)
        )
        for change, at in events
    ]
    for number, some in enumerate((lines[:cut], lines[cut:])):
        name = NAME.replace("first", f"list-{number}")
        world.log.write(name, "".join(f"{list_line.line(each)}\n" for each in some).encode())
    world.all()

    newest = max(events, key=lambda event: -1 if event[1] is None else event[1])
    assert [(task.change.value, task.cause) for task in world.asked] == [(newest[0], f"{newest[0]} {newest[1]}")]
