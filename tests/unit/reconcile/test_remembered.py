"""A pair that was found right by asking is not asked about again while both listings show the same."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest

from bucketrelay.database.queries import migrations
from bucketrelay.database.sqlite import Sqlite
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.reconcile import span as spans
from bucketrelay.drivers.reconcile.jobs import reconcile_kind
from bucketrelay.drivers.reconcile.order import by_schedule
from bucketrelay.drivers.reconcile.remembered import BestEffortFaces, Remembered
from bucketrelay.errors import StoreRefused, StoreUnavailable
from bucketrelay.inventory.tables import Tables
from bucketrelay.jobs.queue import Done, Job
from bucketrelay.model import Deletes, Meta
from reconcile_world import World

KEYS = ("a", "b", "\U0001f4f7", "ä", "￿")


@pytest.fixture
def remembering(tmp_path):
    """A world whose ETags tell nothing, an hour after all writes, with tables to remember pairs in."""
    steps = migrations("bucketrelay.inventory.sql", "sqlite")
    tables = Tables(Sqlite(tmp_path / "relay.db", "inventory", steps), postgres=False)
    world = World()
    world.beside = {"faces": tables, "now": lambda: world.now() + timedelta(hours=1)}
    for key in KEYS:
        world.source.write(key, key.encode())
        world.replicate(key)
        _other_etag(world, key)
    yield world
    tables.close()


def _other_etag(world, key):
    """As of an object that was written in parts."""
    objects = world.target.bucket.objects
    objects[key] = replace(objects[key], etag="9" * 32 + "-2")


def _looks(world):
    return [call for store in (world.source, world.target) for call in store.calls if call[0] in ("look", "fetch")]


def _asked(world, **wish):
    """What the books say, and how many requests beside the listings were made for them."""
    for store in (world.source, world.target):
        store.calls.clear()
    return world.counts(**{"check": True, **wish}), len(_looks(world))


def test_the_second_time_nothing_is_asked(remembering):
    first, asked = _asked(remembering)
    again, never = _asked(remembering)
    assert first == again
    assert (first["right"], asked) == (5, 5)
    assert never == 0


def _edit_source(world):
    world.source.write("b", b"b", Meta(content_type="text/plain"))  # the bytes stay, and the ETag


def _edit_target(world):
    world.target.write("b", b"x")  # the size stays


@pytest.mark.parametrize("edit", [_edit_source, _edit_target])
def test_what_was_written_since_is_asked_about_and_nothing_else(remembering, edit):
    _asked(remembering)
    edit(remembering)
    book, asked = _asked(remembering)
    assert (book["right"], book["different"]) == (4, 1)
    assert 0 < asked <= 3
    remembering.source.write("b", b"c")
    remembering.replicate("b")
    assert _asked(remembering)[0]["right"] == 5


def test_at_every_other_depth_it_counts_for_nothing(remembering):
    _asked(remembering)
    assert _asked(remembering, depth="content")[1] > 0
    assert _asked(remembering, adopt=True, check=False)[1] > 0


def test_what_was_written_a_moment_ago_is_not_remembered(remembering):
    """A second write in the same second could look the same in a listing."""
    remembering.beside["now"] = remembering.now
    assert _asked(remembering)[1] == 5
    assert _asked(remembering)[1] == 5


def test_what_is_remembered_is_of_these_two_stores(remembering):
    _asked(remembering)
    moved = remembering.source.address
    remembering.route_with(source=replace(moved, endpoint="https://elsewhere"))
    assert _asked(remembering)[1] > 0


def test_what_differs_is_never_remembered(remembering):
    remembering.source.write("a", b"newer")
    for _ in range(2):
        book, asked = _asked(remembering)
        assert book["different"] == 1
    assert asked <= 2


def _rows(world):
    return list(world.beside["faces"].faces("r to target", "", "\U0010ffff"))


@pytest.mark.parametrize("page", [2, 1000])
def test_what_is_gone_from_both_sides_is_forgotten(remembering, monkeypatch, page):
    monkeypatch.setattr(spans, "PAGE", page)
    monkeypatch.setattr(spans, "WINDOW", 0)
    _asked(remembering)
    assert _rows(remembering) == ["a", "b", "ä", "￿", "\U0001f4f7"]
    for key in ("b", "￿", "\U0001f4f7"):
        remembering.source.remove(key)
        remembering.target.remove(key)
    assert _asked(remembering)[1] == 0
    assert _rows(remembering) == ["a", "ä"]


def test_nothing_is_forgotten_of_what_no_listing_has_shown(remembering):
    _asked(remembering)
    for key in ("b", "ä"):
        remembering.source.remove(key)
        remembering.target.remove(key)
    remembering.target.fail("list", StoreUnavailable("503"), times=9)
    with pytest.raises(StoreUnavailable):
        _asked(remembering)
    remembering.target.orders.clear()
    assert len(_rows(remembering)) == 5
    remembering.route_with(exclude=("a",))  # asked about no more
    _asked(remembering, prefix="ä", restart=True)
    assert _rows(remembering) == ["a", "b", "ä", "￿", "\U0001f4f7"]  # but for the key that is the prefix itself
    _asked(remembering, restart=True)
    assert _rows(remembering) == ["￿", "\U0001f4f7"]


def test_within_a_prefix_only_what_begins_with_it_is_forgotten(remembering):
    for key in ("p/a", "p/b", "q"):
        remembering.source.write(key, key.encode())
        remembering.replicate(key)
        _other_etag(remembering, key)
    _asked(remembering)
    for key in ("a", "p/a", "q"):
        remembering.source.remove(key)
        remembering.target.remove(key)
    assert _asked(remembering, prefix="p/")[1] == 0
    assert _rows(remembering) == ["a", "b", "p/b", "q", "ä", "￿", "\U0001f4f7"]


def test_more_that_is_gone_than_fits_into_one_answer_is_forgotten_bit_by_bit(remembering):
    faces = remembering.beside["faces"]
    _asked(remembering)
    faces.keep_faces("r to target", {f"aa{n:04}": "gone" for n in range(2500)})
    assert _asked(remembering)[1] == 0
    assert _rows(remembering) == ["a", "b", "ä", "￿", "\U0001f4f7"]


def test_keys_that_no_database_takes_are_asked_about_and_disturb_nobody(remembering):
    key = "b\0c"
    remembering.source.write(key, b"x")
    remembering.replicate(key)
    _other_etag(remembering, key)
    first, _ = _asked(remembering)
    assert (_asked(remembering), first["right"]) == ((first, 1), 6)
    assert len(_rows(remembering)) == 5
    of = Remembered(remembering.beside["faces"], "r to target", remembering.source.address, None, remembering.now)
    of.right((), "a\ud800", "b\ud800")  # of a folder whose names are no UTF-8
    of.end("b\ud800", "c\0")
    assert _rows(remembering) == ["a", "ä", "￿", "\U0001f4f7"]


class _Refusing:
    """A database whose disk is full, or that is gone."""

    def __getattr__(self, name):
        def refuse(*_):
            raise StoreRefused("relay.db: database or disk is full")

        return refuse


def test_a_database_that_refuses_costs_requests_and_is_said_once(remembering):
    complaints = []
    remembering.beside["faces"] = BestEffortFaces(_Refusing(), complaints.append)
    book, asked = _asked(remembering)
    assert (book["right"], book["complete"], asked) == (5, True, 5)
    assert complaints == ["no pair is remembered from here on: relay.db: database or disk is full"]


def _job(world, faces):
    """What a worker does with a job of a schedule."""
    kind = reconcile_kind(world.system, lambda _, __: nullcontext(faces))
    (ended,) = kind.run([Job(1, "reconcile", "r", "reconcile", {"route": "r"}, 0, 1, 0, "lease", 0.0)], Deadline())
    assert isinstance(ended.ending, Done)
    return ended.ending.result["books"][0]


def _function(world, faces):
    """What a function does with the event of a schedule."""
    by_schedule(world.system, "r", Deadline(), "i", lambda _, __: nullcontext(faces))


@pytest.mark.parametrize("run", [_job, _function])
def test_workers_and_functions_remember_too(remembering, run):
    for _ in range(3600):
        remembering.now()
    remembering.route_with(deletes=Deletes.FOLLOW)
    for asked in (5, 0):
        for store in (remembering.source, remembering.target):
            store.calls.clear()
        run(remembering, remembering.beside["faces"])
        assert len(_looks(remembering)) == asked
