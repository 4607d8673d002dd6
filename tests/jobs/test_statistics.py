"""What the lists tell, in tables: the same numbers as by reading the lists, each list once, in both databases."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bucketrelay.database.postgres import Postgres
from bucketrelay.database.queries import migrations
from bucketrelay.database.sqlite import Sqlite
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.metrics import samples
from bucketrelay.drivers.status import Survey, Waiting
from bucketrelay.errors import StoreUnavailable
from bucketrelay.model import Meta, Outcome, Result
from bucketrelay.reports import list_line, lists
from bucketrelay.reports.status import Tally
from bucketrelay.statistics import collecting
from bucketrelay.statistics.collecting import Collector
from bucketrelay.statistics.tables import KEPT, ReadList, Statistics
from bucketrelay.testing.memory import MemoryStore
from postgres_server import new_schema
from thorough import examples

NOW = datetime(2026, 11, 21, 9, 15, tzinfo=timezone.utc)
OK = Result("photos", "e", "created", "s3://a/k", "obs://b/k", "k", Outcome.COPIED, NOW, bytes=10, lag=1.0)
BAD = replace(OK, outcome=Outcome.FAILED, bytes=0, lag=None, error="obs://b/k: 503 (SlowDown): it may work later")
DAY = timedelta(days=1)


@pytest.fixture(params=["sqlite", "postgres"])
def opened(request, tmp_path):
    """Makes as many users of one database as are wanted."""
    made = []
    url = new_schema(request.getfixturevalue("postgres_url")) if request.param == "postgres" else ""

    def one():
        steps = migrations("bucketrelay.statistics.sql", request.param)
        database = (
            Postgres(url, "…", "statistics", steps) if url else Sqlite(tmp_path / "relay.db", "statistics", steps)
        )
        made.append(Statistics(database, postgres=bool(url)))
        return made[-1]

    yield one
    for each in made:
        each.close()


class World:
    """A log store, and who collects from it; the time stands still until somebody moves it."""

    def __init__(self, opened):
        self.log, self.now, self.opened = MemoryStore(), NOW, opened
        self.collector = self.another()

    def another(self):
        return Collector(self.log, self.opened(), lambda _: "mirror", lambda: self.now)

    def wrote(self, *results, minutes=0.0, invocation="i"):
        return lists.write(self.log, results, invocation=invocation, now=NOW + timedelta(minutes=minutes))

    def standing(self, since=DAY):
        tally = self.collector.tally(self.now - since)
        [only] = tally.standings([("photos", "mirror")], self.now - since)
        return only

    def read(self):
        """The lists that were read since the last time that somebody asked."""
        names = [key for verb, key in self.log.calls if verb == "look"]
        self.log.calls.clear()
        return names


@pytest.fixture
def world(opened):
    return World(opened)


def at(result, minutes, **more):
    return replace(result, time=NOW + timedelta(minutes=minutes), **more)


def test_the_last_failure_that_is_told_is_one_that_no_task_has_made_good(world):
    """One of two failures began so early that a task after it has seen what it was about, though it ended last."""
    world.wrote(at(BAD, 4, error="obs://b/k: 403 (AccessDenied)"))
    world.wrote(at(BAD, 5, seconds=600), invocation="long")
    world.wrote(at(OK, 3), invocation="well")
    world.now += timedelta(minutes=6)

    for collector in (world.collector, world.another()):
        [told] = collector.tally(NOW - DAY).open()
        assert told.error == "obs://b/k: 403 (AccessDenied)"
    world.wrote(at(OK, 7), minutes=7)
    world.now += timedelta(minutes=2)
    assert list(world.collector.tally(NOW - DAY).open()) == []


def test_each_list_is_read_once_by_all_who_share_a_database(world):
    [first] = world.wrote(OK)
    assert world.standing().copied == 1
    assert world.read() == [first]
    [second] = world.wrote(at(OK, 1, key="l"), minutes=1, invocation="j")

    assert world.another().tally(NOW - DAY).total(("photos", "mirror")).outcomes["copied"] == 2
    assert world.read() == [second]
    assert (world.standing().copied, world.read()) == (2, [])


def test_two_who_collect_at_once_count_nothing_twice(world):
    for number in range(40):
        world.wrote(at(OK, number / 10, key=f"k{number}"), minutes=number / 10)
    two, barrier = [world.another(), world.another()], threading.Barrier(2)

    def collect(each):
        barrier.wait()
        each.collect()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(collect, two))

    assert (world.standing().copied, world.standing().bytes) == (40, 400)


def test_a_list_that_two_have_read_is_counted_by_the_first(world):
    mine, other = world.collector.statistics, world.opened()
    mine.begin(NOW - DAY)
    read = [ReadList("one", NOW, (OK,)), ReadList("two", NOW, (at(BAD, 1),))]

    assert mine.add(read[:1], NOW, lambda _: "mirror") == 1
    assert other.add(read, NOW, lambda _: "mirror") == 1
    assert mine.add(read, NOW, lambda _: "mirror") == 0
    assert (world.standing().copied, world.standing().failed, world.standing().waiting) == (1, 1, 1)


def test_a_list_that_comes_late_is_counted_once(world):
    world.wrote(OK, minutes=14)
    world.now = NOW + timedelta(minutes=15)
    assert world.standing().copied == 1
    world.wrote(at(OK, 2, key="slow"), minutes=2, invocation="slow")

    assert [world.standing().copied for _ in range(3)] == [2, 2, 2]


def test_a_list_of_a_machine_whose_clock_is_half_an_hour_behind_is_found(world):
    world.now = NOW + timedelta(minutes=60)
    world.wrote(OK, minutes=60)
    world.standing()
    world.wrote(at(OK, 30, key="behind"), minutes=30, invocation="behind")

    assert world.standing().copied == 1  # not looked for each time
    world.now += collecting._WIDELY
    assert world.standing().copied == 2


def test_a_list_of_a_machine_whose_clock_is_ahead_hides_none_of_now(world):
    world.wrote(at(OK, 600), minutes=600, invocation="ahead")
    world.standing()
    world.wrote(at(OK, 1, key="l"), minutes=1)
    world.now = NOW + timedelta(minutes=2)

    assert world.standing().copied == 2
    assert world.standing().copied == 2


def test_a_failed_list_that_replay_moves_is_counted_once_and_waits_until_its_key_is_right(world):
    [name] = world.wrote(BAD)
    assert world.standing().waiting == 1
    world.log.put(name.replace("failed_object/", "replayed_object/"), world.log.fetch(name, 9999).body, Meta())
    world.log.delete(name)
    assert (world.standing().failed, world.standing().waiting) == (1, 1)
    world.wrote(at(OK, 3), minutes=3)

    assert (world.standing().failed, world.standing().waiting) == (1, 0)


def test_a_list_that_cannot_be_read_now_is_read_the_next_time(world):
    world.wrote(at(OK, 1, key="l"), minutes=1)
    [name] = world.wrote(BAD)
    world.log.fail("look", StoreUnavailable("503: it may work later"), key=name)

    assert (world.standing().copied, world.standing().failed) == (1, 1)


def test_a_damaged_list_costs_the_others_nothing_and_is_named_as_long_as_it_counts(world):
    [bad] = world.wrote(BAD)
    world.log.put(bad, b"not a line\n", Meta())
    world.wrote(at(OK, 1), minutes=1)

    assert world.standing().copied == 1
    assert world.standing().copied == 1
    [words] = world.collector.unreadable
    assert bad in words


def test_what_the_time_was_not_enough_for_is_counted_the_next_time(world, monkeypatch):
    monkeypatch.setattr(collecting, "_AT_ONCE", 2)
    for number in range(6):
        world.wrote(at(OK, number, key=f"k{number}"), minutes=number)
    left = iter([1.0, 0.0])
    deadline = Deadline()
    deadline.__class__ = type("Two", (Deadline,), {"__slots__": (), "remaining": lambda _: next(left)})

    assert not world.collector.collect(deadline)
    assert len(world.read()) == 2
    assert world.collector.collect()
    assert len(world.read()) == 4
    assert world.standing().copied == 6


def test_what_was_done_long_ago_is_forgotten_and_still_in_the_total(world):
    world.wrote(OK, BAD)
    world.standing()
    world.now = NOW + KEPT + timedelta(hours=3)
    world.wrote(replace(OK, time=world.now, key="l"), minutes=KEPT.total_seconds() / 60 + 180)
    standing = world.standing(KEPT + DAY)

    assert (standing.copied, standing.failed, standing.waiting) == (1, 0, 0)
    total = world.collector.tally(world.now - DAY).total(("photos", "mirror"))
    assert (total.outcomes["copied"], total.outcomes["failed"]) == (2, 1)


KEYS = st.sampled_from(["a", "b", "ü\u202e<script>", "half \udc80", "nul \0 'quote\" %s :key"])
RESULTS = st.builds(
    lambda key, outcome, minutes, lag, seconds: replace(
        OK,
        key=key,
        outcome=outcome,
        time=NOW + timedelta(seconds=minutes),
        lag=lag if outcome is Outcome.COPIED else None,
        seconds=seconds,
        error="" if outcome not in (Outcome.FAILED, Outcome.UNFINISHED) else f"obs://b/{key}: 503",
    ),
    KEYS,
    st.sampled_from(Outcome),
    st.integers(-7200, 0),
    st.none() | st.floats(0, 1e5),
    st.floats(0, 100),
)


@given(st.lists(st.lists(RESULTS, min_size=1, max_size=5), min_size=1, max_size=8), st.integers(1, 8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(15))
@example([[BAD], [at(OK, -1)], [at(BAD, -3)]], 2)
@example([[at(BAD, -1)], [replace(BAD, seconds=100.0)], [at(OK, -1, seconds=5.0)]], 2)
def test_the_tables_say_what_the_lists_say(opened, some, cut):
    """Whenever the tables were brought up to date in between, and in whichever order results ended."""
    statistics = emptied(opened())
    log, now = MemoryStore(), NOW
    collector = Collector(log, statistics, lambda _: "mirror", lambda: now)
    lines = Survey((), log, lambda _: "mirror", lambda: now)
    for number, results in enumerate(some):
        lists.write(log, results, invocation=f"i{number}", now=NOW - timedelta(seconds=number * 20))
        if number % cut == 0:
            collector.collect()

    kept_lines = replace(lines, kept=lambda _: collector)
    assert said(kept_lines.lines(now - DAY)) == said(lines.lines(now - DAY))
    for since in (timedelta(hours=1), timedelta(minutes=10)):  # what waits since longer is known to the tables alone
        assert counts(kept_lines.lines(now - since)) == counts(lines.lines(now - since))
    kept, read = collector.tally(NOW - DAY), Tally(lambda _: "mirror")
    for results in some:
        for result in results:
            read.add(list_line.parse_line(list_line.line(result)))
    pair = ("photos", "mirror")
    assert kept.slices(pair) == read.slices(pair)
    assert by_key(kept.open()) == by_key(read.open())


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 14), st.lists(RESULTS, min_size=1, max_size=3)), max_size=6)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(10))
def test_the_tables_count_each_list_once_however_late_it_is_written(opened, some):
    """Within a quarter of an hour of its name, and after others that are named later."""
    log, now, read = MemoryStore(), NOW, Tally(lambda _: "mirror")
    collector = Collector(log, emptied(opened()), lambda _: "mirror", lambda: now)
    for number, (minutes, late, results) in enumerate(sorted(some, key=lambda each: each[0] + each[1])):
        now = NOW + timedelta(minutes=minutes + late)
        lists.write(log, results, invocation=f"i{number}", now=NOW + timedelta(minutes=minutes))
        collector.collect()
        for result in results:
            read.add(list_line.parse_line(list_line.line(result)))

    kept, pair = collector.tally(NOW - DAY), ("photos", "mirror")
    assert kept.total(pair).outcomes == read.total(pair).outcomes
    assert kept.slices(pair) == read.slices(pair)
    assert by_key(kept.open()) == by_key(read.open())


def emptied(statistics):
    """The tables with nothing in them."""
    statistics.database.run(
        lambda c: [c.execute(f"DELETE FROM relay_{t}") for t in ("statistics", "list", "done", "key")]
    )
    return statistics


def said(lines):
    """All that status, metrics and page say."""
    ([line], unreadable) = lines
    return line.members(), sorted(samples(line)), unreadable


def counts(lines):
    members, _, _ = said(lines)
    return {name: value for name, value in members.items() if name not in ("waiting", "oldest", "behind")}


def by_key(results):
    return sorted((result.time, result.key) for result in results)


def counted(log, work):
    log.calls.clear()
    work()
    return len(log.calls)


def asked_of(world, number, opened):
    """Requests of the log store for a status, after *number* lists of a day were collected."""
    for each in range(number):
        minutes = -1440 * each / number
        world.wrote(at(OK, minutes, key=f"k{each % 500}"), minutes=minutes, invocation=f"{each}")
    while not world.collector.collect():
        pass
    survey = Survey((), world.log, lambda _: "mirror", lambda: world.now, queued=lambda *_: Waiting())
    survey = replace(survey, kept=lambda _: world.another())
    lines = []
    asked = counted(world.log, lambda: lines.extend(survey.lines(NOW - DAY + timedelta(minutes=5))[0]))
    return asked, lines[0].standing.copied


def test_a_status_over_many_lists_asks_for_no_list_again(world, opened):
    asked, copied = asked_of(world, 500, opened)

    assert copied == 499  # the last of them is older than what is asked for
    assert asked <= 8


@pytest.mark.slow
def test_a_status_over_a_hundred_thousand_lists_asks_as_little(world, opened):
    asked, copied = asked_of(world, 100_000, opened)

    print(f"status over 100,000 lists: {asked} requests of the log store")
    assert copied > 99_000
    assert asked <= 8 + 3 * 2  # the lists of the last hour are listed, a thousand a page
