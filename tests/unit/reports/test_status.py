"""Where replication stands, from the lists: counts, causes, lag, and since when something is missing."""

import random
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bucketrelay.model import Meta, Outcome, Result
from bucketrelay.reports import list_line, lists
from bucketrelay.reports.reader import Reader
from bucketrelay.reports.status import Tally
from bucketrelay.reports.sums import Lag, Sums, cause_of, total
from bucketrelay.testing.memory import MemoryStore

NOW = datetime(2026, 11, 21, 9, 15, tzinfo=timezone.utc)
OK = Result("photos", "e", "created", "s3://a/k", "obs://b/k", "k", Outcome.COPIED, NOW, bytes=10, lag=1.0)
BAD = replace(OK, outcome=Outcome.FAILED, bytes=0, lag=None, error="obs://b/k: 503 (SlowDown): it may work later")


def at(result, minutes, **more):
    return replace(result, time=NOW + timedelta(minutes=minutes), **more)


def standing(results, since=None):
    tally = Tally(lambda result: "b", since)
    for result in results:
        tally.add(result)
    [only] = tally.standings()
    return only


def test_results_are_counted_by_their_outcome_with_their_bytes():
    seen = standing([OK, at(OK, 1, key="l"), at(OK, 2, key="m", outcome=Outcome.DELETED, bytes=0), at(BAD, 3, key="n")])

    assert (seen.copied, seen.deleted, seen.unchanged, seen.failed, seen.bytes) == (2, 1, 0, 1, 20)


def test_failures_of_one_kind_have_one_cause_whatever_the_object_is_called():
    other = at(BAD, 1, source="s3://a/in/x y", target="obs://b/in/x y", key="in/x y")
    other = replace(other, error=BAD.error.replace("obs://b/k", "obs://b/in/x y"))

    assert standing([BAD, other]).causes == {"503 (SlowDown): it may work later": 2}


@given(st.text(min_size=1, max_size=20), st.text(max_size=300))
def test_a_cause_is_one_short_text_for_any_key_and_error(key, error):
    assert len(cause_of(replace(BAD, key=key, error=error))) <= 160


def test_a_failure_waits_until_its_key_is_right():
    assert (standing([BAD]).waiting, standing([BAD]).oldest) == (1, NOW)
    assert (standing([BAD, at(OK, 1)]).waiting, standing([BAD, at(OK, 1)]).oldest) == (0, None)


def test_what_waits_has_waited_since_its_first_failure():
    assert standing([BAD, at(BAD, 5), at(BAD, 9)]).oldest == NOW


def test_a_key_that_was_right_and_fails_again_waits_since_then():
    assert standing([BAD, at(OK, 1), at(BAD, 7)]).oldest == NOW + timedelta(minutes=7)


@given(st.permutations([BAD, at(BAD, 2), at(OK, 3), at(OK, 5, key="l"), at(BAD, 6, key="l")]))
def test_what_waits_does_not_depend_on_the_order_in_which_lists_are_read(results):
    seen = standing(results)

    assert (seen.waiting, seen.failed, seen.copied) == (1, 3, 2)


MINUTES = st.integers(-9, 9)
RESULTS = st.builds(
    lambda key, outcome, minutes, seconds, write, lag, size: at(
        OK,
        minutes,
        key=key,
        outcome=outcome,
        seconds=60.0 * seconds,
        written=None if write is None or outcome not in WRONG else NOW + timedelta(minutes=write),
        lag=lag if outcome not in WRONG else None,
        bytes=size if outcome not in WRONG else 0,
        error=f"of {write}, after {seconds} minutes" if outcome in WRONG else "",
    ),
    st.sampled_from("abc"),
    st.sampled_from(Outcome),
    MINUTES,
    st.integers(0, 9),
    st.none() | MINUTES,
    st.none() | st.floats(0, 1e6),
    st.integers(0, 2**40),
)
WRONG = (Outcome.FAILED, Outcome.UNFINISHED)
CHANCES = st.randoms(use_true_random=False)


def shuffled(results, chance):
    return chance.sample(results, len(results))


def waiting(results):
    """By key, of which write its oldest failure is that no task has seen the end of, and which one ended last."""
    found = {}
    for key in sorted({each.key for each in results}):
        mine = [(each, each.time - timedelta(seconds=each.seconds)) for each in results if each.key == key]
        seen = max((began for each, began in mine if each.ok), default=None)
        wrong = [(each.time, each.written or began) for each, began in mine if not each.ok]
        left = [times for times in wrong if seen is None or min(times) > seen]
        if left:
            found[key] = min(write for _, write in left), max(left)
    return found


@given(st.lists(RESULTS, max_size=20), CHANCES)
@example([at(BAD, 4), at(BAD, 5, seconds=600.0), at(OK, 3)], random.Random(4))  # which leaves them as they are
def test_in_whatever_order_results_come_the_same_waits_and_the_same_failure_is_told(results, chance):
    tally = tallied(*shuffled(results, chance))
    told = {each.key: (each.time, each.written or each.time - timedelta(seconds=each.seconds)) for each in tally.open()}
    found = waiting(results)

    assert told == {key: last for key, (_, last) in found.items()}
    for seen in tally.standings():
        assert (seen.waiting, seen.oldest) == (len(found), min((oldest for oldest, _ in found.values()), default=None))


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 600)), min_size=65, max_size=200), MINUTES, CHANCES)
@example([(5, 40), (3, 45), *[(5, 46 + number) for number in range(99)]], 1, random.Random(1))
def test_a_write_that_fails_however_often_hides_none_of_the_others(tries, right, chance):
    failures = [at(BAD, ended, written=NOW + timedelta(minutes=write)) for write, ended in tries]
    results = shuffled([*failures, at(OK, right)], chance)
    found = waiting(results)
    [seen] = tallied(*results).standings()

    assert (seen.waiting, seen.oldest) == (len(found), min((oldest for oldest, _ in found.values()), default=None))
    assert [each.time for each in tallied(*results).open()] == [last[0] for _, last in found.values()]


@given(st.lists(RESULTS, max_size=20), CHANCES, st.lists(st.integers(0, 20), max_size=3))
def test_sums_are_the_same_in_any_order_and_however_they_are_cut(results, chance, cuts):
    mixed, places = shuffled(results, chance), [0, *sorted(cuts), len(results)]
    parts = [summed(mixed[start:end]) for start, end in pairwise(places)]

    assert total(shuffled(parts, chance)) == summed(results)
    assert tallied(*mixed).standings() == tallied(*results).standings()
    assert tallied(*mixed).slices(("photos", "b")) == tallied(*results).slices(("photos", "b"))


def summed(results):
    sums = Sums()
    for result in results:
        sums.add(result)
    return sums


@given(st.lists(st.integers(0, 250), max_size=30), CHANCES)
def test_more_causes_than_are_named_are_counted_all_the_same(numbers, chance):
    causes = [*numbers, *range(190)]
    failures = [replace(BAD, error="x" * number) for number in causes]
    parts = [summed(failures[: len(numbers)]), summed(shuffled(failures[len(numbers) :], chance))]

    assert total(shuffled(parts, chance)).causes.total() == len(causes)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 14), RESULTS), max_size=12))
def test_each_list_is_told_of_once_though_it_is_written_after_others_that_are_named_later(some):
    """Within a quarter of an hour of its name."""
    log = MemoryStore()
    reader = Reader(log, NOW - timedelta(hours=1), lambda: NOW + timedelta(hours=1))
    for number, (minutes, _, result) in enumerate(sorted(some, key=lambda each: each[0] + each[1])):
        written(log, [result], minutes=minutes, invocation=f"{number}")
        assert [list_line.line(each) for each in reader.fresh()] == [list_line.line(result)]

    assert list(reader.fresh()) == []


def test_a_failure_of_before_it_was_right_does_not_wait_though_it_is_read_last():
    assert standing([at(BAD, 5), at(OK, 3), BAD]).oldest == NOW + timedelta(minutes=5)


def test_what_waits_has_waited_since_its_write_where_the_list_tells_when_that_was():
    write = NOW - timedelta(minutes=3)

    assert standing([replace(BAD, written=write), at(BAD, 5, written=write)]).oldest == write


def test_a_failure_for_a_write_that_was_seen_to_be_right_tells_of_nothing_that_is_missing():
    again = at(BAD, 7, written=NOW - timedelta(minutes=1))  # the event of a write comes once more
    later = at(BAD, 7, written=NOW + timedelta(minutes=2))

    assert standing([OK, again]).waiting == 0
    assert standing([OK, later]).oldest == NOW + timedelta(minutes=2)
    assert standing([at(OK, 3, seconds=120.0), later]).oldest == NOW + timedelta(minutes=2)  # it had begun before


def tallied(*results):
    tally = Tally(lambda result: "b")
    for result in results:
        tally.add(result)
    return tally


def test_what_is_open_is_the_last_failure_of_each_key_that_is_not_right():
    other = at(BAD, 2, error="obs://b/k: 403: grant it")
    tally = tallied(BAD, other, at(BAD, 1, key="l"), at(OK, 3, key="l"), at(BAD, 1, route="scans"))

    assert list(tally.open("photos")) == [other]
    assert [result.route for result in tally.open(cause="503 (SlowDown): it may work later")] == ["scans"]
    assert list(tally.open(target="c")) == []


def test_a_key_that_became_right_is_open_no_more_whatever_is_read_first():
    assert list(tallied(at(OK, 3), BAD).open()) == []
    assert list(tallied(BAD, at(OK, 3)).open()) == []


def test_time_is_cut_into_slices_with_the_greatest_lag_of_each():
    tally = tallied(OK, at(OK, 1, lag=9.0), at(BAD, 2), at(OK, 7))
    start = int(NOW.timestamp())

    assert tally.slices(("photos", "b")) == [(start, 2, 1, 9.0), (start + 300, 1, 0, 1.0)]
    assert tally.slices(("photos", "c")) == []


def test_lag_is_told_by_median_99th_percentile_and_greatest():
    seen = standing([at(OK, n, key=str(n), lag=float(n + 1)) for n in range(200)])

    assert seen.lag == Lag(100.0, 198.0, 200.0)


def test_what_ended_before_is_not_counted_and_still_waits():
    seen = standing([at(BAD, -60), at(OK, 1, key="l")], since=NOW)

    assert (seen.failed, seen.copied, seen.waiting) == (0, 1, 1)


def written(log, results, minutes=0, invocation="i"):
    return lists.write(log, results, invocation=invocation, now=NOW + timedelta(minutes=minutes))


def test_lists_are_read_once_as_they_grow():
    log = MemoryStore()
    reader = Reader(log, NOW - timedelta(hours=1))
    written(log, [OK])
    assert list(reader.fresh()) == [OK]
    assert list(reader.fresh()) == []
    written(log, [BAD], minutes=2)
    assert list(reader.fresh()) == [BAD]


def test_both_lists_of_an_invocation_are_read():
    log = MemoryStore()
    assert len(written(log, [OK, BAD])) == 2

    assert sorted(result.outcome for result in Reader(log, NOW - timedelta(hours=1)).fresh()) == ["copied", "failed"]


def test_a_list_that_is_named_earlier_and_written_later_is_read_too():
    log = MemoryStore()
    reader = Reader(log, NOW - timedelta(hours=1))
    written(log, [OK], minutes=5)
    list(reader.fresh())
    written(log, [BAD], minutes=3, invocation="slow")

    assert list(reader.fresh()) == [BAD]


def test_a_failed_list_that_replay_has_moved_is_not_counted_twice():
    log = MemoryStore()
    reader = Reader(log, NOW - timedelta(hours=1))
    [name] = written(log, [BAD])
    list(reader.fresh())
    log.put(name.replace("failed_object/", "replayed_object/"), log.fetch(name, 9999).body, Meta())
    log.delete(name)

    assert list(reader.fresh()) == []


def test_a_failed_list_that_was_moved_before_anybody_read_it_is_read_where_it_is():
    log = MemoryStore()
    [name] = written(log, [BAD])
    log.put(name.replace("failed_object/", "replayed_object/"), log.fetch(name, 9999).body, Meta())
    log.delete(name)

    assert list(Reader(log, NOW - timedelta(hours=1)).fresh()) == [BAD]


def test_lists_of_before_are_passed_over():
    log = MemoryStore()
    written(log, [BAD], minutes=-120)

    assert list(Reader(log, NOW - timedelta(hours=1)).fresh()) == []


def test_a_damaged_list_costs_the_others_nothing_and_is_named():
    log = MemoryStore()
    [bad] = written(log, [BAD])
    log.put(bad, b"not a line\n", Meta())
    written(log, [OK], minutes=1)
    reader = Reader(log, NOW - timedelta(hours=1))

    assert list(reader.fresh()) == [OK]
    assert len(reader.unreadable) == 1
    assert bad in reader.unreadable[0]


@pytest.mark.parametrize("name", ["failed_object/readme.txt", "failed_object/2026/13/41/999999.jsonl"])
def test_what_is_no_list_is_passed_over(name):
    log = MemoryStore()
    log.put(name, b"hello", Meta())
    reader = Reader(log, NOW - timedelta(hours=1))

    assert (list(reader.fresh()), reader.unreadable) == ([], [])
