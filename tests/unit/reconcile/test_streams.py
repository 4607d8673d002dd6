"""A namespace that is large enough is cut, its spans are worked on side by side, and the books are the same."""

import pytest

from bucketrelay.drivers.reconcile import run as runs
from bucketrelay.drivers.reconcile import segments
from bucketrelay.drivers.reconcile import span as spans
from bucketrelay.errors import StoreUnavailable
from reconcile_world import World


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(spans, "PAGE", 10)
    monkeypatch.setattr(runs, "SPLIT_AFTER", 30)
    monkeypatch.setattr(segments, "PAGE", 10)


def _filled():
    world = World()
    for n in range(400):
        world.source.write(f"{n * 7919 % 400:03}", b"1")
    world.replicate(*(key for key in world.source.keys() if int(key) % 5))
    return world


def _plain(book):
    return {name: value for name, value in book.items() if name not in ("time", "seconds")}


@pytest.mark.parametrize("check", [True, False])
def test_in_spans_the_books_and_lists_are_those_of_one_stream(small, check):
    alone, together = _filled(), _filled()
    want = alone.book(check=check)
    begun = together.begin(check=check, streams=4)
    (book,) = begun.run()
    assert len(begun.plan.targets[0][1]) >= 4
    assert _plain(book.members()) == _plain(want)
    assert together.lists() == alone.lists()
    assert together.listed()["missing"] == [f"{n:03}" for n in range(0, 400, 5)]


def test_a_span_that_cannot_go_on_ends_the_run_and_the_next_one_goes_on_in_all(small):
    world = _filled()
    seen = iter(range(10**6))
    world.target.arrange("list", lambda: next(seen) == 4 and (_ for _ in ()).throw(StoreUnavailable("503")), 10**6)
    with pytest.raises(StoreUnavailable):
        world.run(streams=4)
    world.target.orders.clear()
    book = world.book(streams=4)
    assert (book["missing"], book["right"], book["complete"]) == (80, 320, True)
    assert world.listed()["missing"] == [f"{n:03}" for n in range(0, 400, 5)]
