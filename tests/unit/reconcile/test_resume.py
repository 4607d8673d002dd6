"""A run that is killed at any request goes on in the next, and the books are those of a run that nobody killed."""

from itertools import count

import pytest

from bucketrelay.deadline import Deadline
from bucketrelay.drivers.reconcile import run as runs
from bucketrelay.drivers.reconcile import span as spans
from bucketrelay.errors import OutOfTime, StoreUnavailable
from bucketrelay.model import Deletes
from reconcile_world import World


class Killed(BaseException):
    """What a process that is killed does not live to see: nobody's `except` is to catch it."""


def _filled(**kinds):
    """Thirty keys, some of them missing, changed, gone, kept or left out, and one whose copy fails."""
    world = World(**kinds).route_with(deletes=Deletes.FOLLOW, exclude=("*.tmp",))
    keys = [f"k{n:02}" for n in range(30)]
    for key in keys:
        world.source.write(key, key.encode())
    world.replicate(*keys[:20])
    for key in keys[2:20:6]:
        world.source.write(key, b"changed")
    for key in keys[4:20:6]:
        world.source.remove(key)
    world.source.write("k03.tmp")
    world.target.write("k07-somebody's")
    return world


def _kill_at(world, number, *, after):
    """Have the *number*-th request of any store be the last thing that the process does."""
    left = [number]

    def act():
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    for store in world.stores.values():
        for verb in ("put", "delete", "fetch", "look", "list", "copy_from"):
            store.arrange(verb, act, 10**9, None, after)


def _rested(world):
    for store in world.stores.values():
        store.orders.clear()


def _plain(book):
    return {name: value for name, value in book.items() if name not in ("time", "seconds", "complete")}


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(spans, "PAGE", 7)
    monkeypatch.setattr(spans, "ENOUGH", 3)
    monkeypatch.setattr("bucketrelay.drivers.reconcile.lines.ENOUGH", 300)


@pytest.mark.parametrize("check", [True, False], ids=["check", "repair"])
@pytest.mark.parametrize(
    ("kinds", "stride"),
    [
        pytest.param({}, 7, id="plain, at every seventh"),
        pytest.param({}, 1, id="plain", marks=pytest.mark.slow),
        pytest.param({"conditional": False, "versioned": True}, 1, id="versioned", marks=pytest.mark.slow),
    ],
)
def test_killed_at_any_request_the_next_run_has_the_same_books_and_lists(small_pages, check, kinds, stride):
    whole = _filled(**kinds)
    want, listed = _plain(whole.book(check=check)), whole.listed()
    assert want["missing"] == 10
    assert want["different"] == 3
    assert want["surplus"] == 3
    for number in count(1, stride):
        world = _filled(**kinds)
        _kill_at(world, number, after=number % 2 == 0)
        try:
            world.run(check=check)
        except Killed:
            pass
        else:
            break
        _rested(world)
        done = world.written()  # killed while it put its bookmark away: then the next run is one of its own
        (book,) = done or [world.book(check=check)]
        assert _plain(book) == want, number
        assert world.listed() == listed, number
        assert done or not [key for key in world.log.keys() if "bookmark" in key]
    assert number > (20 if check else 50)


def test_killed_again_and_again_it_still_comes_to_its_end(small_pages):
    want = _plain(_filled().book())
    world = _filled()
    for number in range(1, 200):
        _kill_at(world, 30 + number % 11, after=bool(number % 2))
        try:
            book = world.book()
        except Killed:
            _rested(world)
        else:
            break
    assert number > 3
    assert _plain(book) == want


def test_a_bookmark_is_written_at_least_once_a_page(small_pages):
    world = _filled()
    world.run(check=True)
    marks = [key for verb, key in world.log.calls if verb == "put" and "bookmark" in key and key.endswith("00000.json")]
    assert len(marks) >= 32 / 7


def test_out_of_time_the_books_are_not_complete_and_the_next_run_goes_on(small_pages):
    clock = iter(range(10**6))
    want = _plain(_filled().book())
    world, rounds = _filled(), 0
    while True:
        rounds += 1
        (book,) = world.begin(deadline=Deadline(25, now=lambda: next(clock))).run()
        if book.ended:
            break
        assert not book.complete
        assert not book.well
    assert rounds > 3
    assert _plain(book.members()) == want


def test_out_of_time_at_the_very_end_the_next_run_writes_the_books(monkeypatch):
    want = _plain(_filled().book())
    world = _filled()

    def late(*_):
        raise OutOfTime("over")

    with monkeypatch.context() as patch:
        patch.setattr(runs, "publish", late)
        (book,) = world.begin().run()
    assert (book.ended, book.complete, book.well, world.written()) == (False, False, False, None)
    assert _plain(world.book()) == want
    assert world.written()


def test_restart_forgets_where_it_was(small_pages):
    world = _filled()
    _kill_at(world, 20, after=True)
    with pytest.raises(Killed):
        world.run(check=True)
    _rested(world)
    assert [key for key in world.log.keys() if "bookmark" in key]
    begun = world.begin(check=True, restart=True)
    assert begun.plan.targets == [("target", [runs.ALL])]
    assert begun.mark(0, 0).after == ""


def test_another_question_is_another_reconciliation(small_pages):
    world = _filled()
    _kill_at(world, 20, after=True)
    with pytest.raises(Killed):
        world.run(check=True)
    _rested(world)
    assert world.begin(check=True, depth="listing").mark(0, 0).after == ""
    assert world.begin(check=True, prefix="k0").mark(0, 0).after == ""
    assert world.begin(check=True).mark(0, 0).after != ""


def test_a_bookmark_of_long_ago_is_forgotten(small_pages):
    world = _filled()
    _kill_at(world, 20, after=True)
    with pytest.raises(Killed):
        world.run(check=True)
    _rested(world)
    world.now.seconds = count(next(world.now.seconds) + 7 * 86_400)
    assert world.begin(check=True).mark(0, 0).after == ""


def test_two_at_once_do_not_spoil_each_others_books(small_pages):
    world = _filled()
    first, second = world.begin(check=True), world.begin(check=True)
    for each in (first, second):
        each.mark(0, 0)
    first.keep(0, 0, runs.Mark(after="k01", time=first.plan.time))
    first.keep(0, 0, runs.Mark(after="k02", time=first.plan.time))
    with pytest.raises(StoreUnavailable, match="another process reconciles the same"):
        second.keep(0, 0, runs.Mark(after="k99"))
    assert world.begin(check=True).mark(0, 0).after == "k02"


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"version":1}', b'{"version":2}', b'{"version":3}', b"\xff"])
@pytest.mark.parametrize("name", ["plan.json", "00-00000.json"])
def test_a_bookmark_that_nobody_can_read_is_said_and_the_run_begins_anew(small_pages, name, text):
    """As a schedule's run has to: nobody is there to say --restart."""
    want = _plain(_filled().book(check=True))
    world, complaints = _filled(), []
    _kill_at(world, 20, after=True)
    with pytest.raises(Killed):
        world.run(check=True)
    _rested(world)
    (damaged,) = [key for key in world.log.keys() if key.endswith(name)]
    world.log.write(damaged, text)
    world.beside["complain"] = complaints.append
    assert _plain(world.book(check=True)) == want
    assert [complaint.endswith(f"{name}: no bookmark of this version: begins anew") for complaint in complaints] == [
        True
    ]
