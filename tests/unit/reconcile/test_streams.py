"""A namespace that is large enough is cut, its spans are worked on side by side, and the books are the same."""

import pytest

from bucketrelay.abilities import Columns
from bucketrelay.drivers.reconcile import segments
from bucketrelay.drivers.reconcile import span as spans
from bucketrelay.drivers.reconcile import streams as how_many
from bucketrelay.drivers.reconcile.compare import ALL, Span, side
from bucketrelay.drivers.reconcile.streams import SPLIT_AFTER, Streams
from bucketrelay.errors import StoreUnavailable
from bucketrelay.testing.memory import MemoryStore
from reconcile_world import World


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(spans, "PAGE", 10)
    monkeypatch.setattr(how_many, "SPLIT_AFTER", 30)
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


class _Clocks:
    """A stream that takes so long for a thousand pairs, and computes for so much of that."""

    def __init__(self, busy, most=8):
        self.wall = self.cpu = 0.0
        self.busy = busy
        self.streams = Streams(most, sure=False, wall=lambda: self.wall, cpu=lambda: self.cpu)

    def cut_at(self, first, end):
        """After how many pairs it is cut; None where it is not up to *end*."""
        for compared in range(first, end + 1, 1000):
            if self.streams.enough(compared):
                return compared
            self.wall, self.cpu = self.wall + 1, self.cpu + self.busy
        return None


@pytest.mark.parametrize(("busy", "streams"), [(0.0, 8), (0.05, 8), (0.25, 4), (0.5, 2), (0.6, 2)])
def test_a_stream_that_waits_is_cut_into_as_many_as_there_is_time_for(busy, streams):
    clocks = _Clocks(busy)
    assert clocks.cut_at(0, SPLIT_AFTER) == SPLIT_AFTER
    assert clocks.streams.wanted == streams


@pytest.mark.parametrize("busy", [0.7, 1.0, 1.3])
def test_a_stream_that_keeps_the_process_busy_is_not_cut_until_it_waits(busy):
    clocks = _Clocks(busy)
    assert clocks.cut_at(0, 4 * SPLIT_AFTER) is None
    clocks.busy = 0.1  # the server has become slower
    assert clocks.cut_at(4 * SPLIT_AFTER + 1000, 10 * SPLIT_AFTER) is not None


def test_a_run_that_goes_on_is_cut_as_soon_as_it_is_seen_to_wait():
    assert _Clocks(0.1).cut_at(3 * SPLIT_AFTER, 10 * SPLIT_AFTER) == 3 * SPLIT_AFTER + SPLIT_AFTER // 10


def test_what_somebody_has_said_is_done_whatever_the_clocks_say():
    streams = Streams(3, wall=lambda: pytest.fail("asked"), cpu=lambda: pytest.fail("asked"))
    assert not streams.enough(SPLIT_AFTER - 1)
    assert streams.enough(SPLIT_AFTER)
    assert streams.wanted == 3


def test_one_stream_that_is_busy_goes_to_the_end_of_its_listing(small, monkeypatch):
    monkeypatch.setattr(Streams, "enough", lambda _, compared: compared < 0)
    world = _filled()
    begun = world.begin(check=True, streams=4)
    (book,) = begun.run()
    assert begun.plan.targets[0][1] == [ALL]
    assert (book.counts.missing, book.counts.right, book.ended) == (80, 320, True)


def test_nothing_is_read_ahead_behind_a_span():
    listed = []

    class Pages(MemoryStore):
        """A store that lists page by page."""

        def pages(self, prefix="", after=""):
            for start in range(0, 50, 5):
                keys = [f"{n:03}" for n in range(start, start + 5)]
                listed.extend(keys)
                yield Columns(keys, [1] * 5, ["e"] * 5, [None] * 5)

    found = side(Pages(), "", Span("", "012"))
    while found.more():
        found.next()
    assert listed == [f"{n:03}" for n in range(15)]
