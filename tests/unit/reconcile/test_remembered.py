"""A pair that was found right by asking is not asked about again while both listings show the same."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bucketrelay.database.queries import migrations
from bucketrelay.database.sqlite import Sqlite
from bucketrelay.inventory.tables import Tables
from bucketrelay.model import Meta
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
