"""What status says of lag, held against what the stores remember: every write's way, and moments in the midst of it."""

from datetime import timedelta
from typing import NamedTuple

import pytest

from observed.lag import Course, Lines
from observed.world import START, World, route


class Seen(NamedTuple):
    """What came of a course."""

    lags: int
    within: int  # of the lags: those that err by a second at most
    hidden: int  # looks that missed a write whose event had been handled
    overstated: int  # looks that told more than what nobody had said was there


def look_at(course):
    """The figures of a course, printed for people."""
    observer = course.run()
    errors = observer.errors(course.results())
    told = Lines(course.lines())
    moments = [(observer.behind(each), each.behind, observer.at_most(each, told)) for each in course.moments]
    hidden = sum(said < least - 1 for least, said, _ in moments)
    overstated = sum(said > most + 1 for _, said, most in moments)
    within = sum(error <= 1 for error in errors)
    print(
        f"\n{course.writes:,} writes: {len(errors):,} lags told, {within / len(errors):.4%} within 1 s, "
        f"the worst by {max(errors):.3f} s; {len(moments):,} looks at what is behind: {hidden} hid a write, "
        f"{overstated} told of one that was there"
    )
    for line in course.world.survey().lines(START)[0]:
        lags = observer.lags(line.standing.route, line.standing.target)
        true = lags[len(lags) // 2], lags[int(len(lags) * 0.99)], lags[-1]
        words = " ".join(f"{seconds:.1f}" for seconds in true)
        print(f"{line.standing.route} to {line.standing.target}: {line.standing.lag}; the stores say {words}")
        assert (line.behind, line.waiting) == (0.0, 0)
    return Seen(len(errors), within, hidden, overstated)


def test_lag_and_what_is_behind_are_as_the_stores_remember_them():
    seen = look_at(Course(1, 100, moments=6, keys=30))

    assert seen.lags > 100
    assert seen.within >= 0.999 * seen.lags
    assert (seen.hidden, seen.overstated) == (0, 0)


@pytest.fixture(scope="module")
def ten_thousand():
    return look_at(Course(1, 10_000, moments=200))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_lag_of_ten_thousand_writes_is_as_the_stores_remember_it_and_no_write_is_hidden(ten_thousand):
    assert ten_thousand.lags > 10_000
    assert ten_thousand.within >= 0.999 * ten_thousand.lags
    assert ten_thousand.hidden == 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.xfail(
    strict=True, reason="13 of 600 looks tell 3 to 34 s too much, while a target is away: not yet known why"
)
def test_nor_is_more_told_than_what_nobody_has_said_is_there(ten_thousand):
    assert ten_thousand.overstated == 0


def test_an_idle_hour_has_no_lag_and_its_heartbeats_are_none():
    world = World(2, (route("photos", "a", "b", "c", probe=300.0), route("on", "b", "d")), every=300.0)
    for number in range(5):
        world.write("a", f"k{number}")
    world.sleep(60.0)
    before = {line.standing.target: line.standing for line in world.survey().lines(START)[0]}

    for _ in range(60):
        world.sleep(60.0)
        lines = world.survey().lines(START)[0]
        assert [(line.behind, line.waiting, line.alarms) for line in lines] == [(0.0, 0, ())] * 3
        assert {line.standing.target: line.standing for line in lines} == before
    assert all(line.heartbeat.time > world.now() - timedelta(seconds=400) for line in lines if line.probed)
