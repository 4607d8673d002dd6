"""Both sides are compared, the difference is repaired, and the books close."""

import json

import pytest

from bucketrelay.errors import ConfigError, StoreUnavailable
from bucketrelay.model import Address, Deletes
from bucketrelay.testing.memory import MemoryStore


def _mixed(world):
    """A route that follows deletes, with one or more of everything."""
    world.route_with(deletes=Deletes.FOLLOW, exclude=("*.tmp",))
    for key in ("a", "b", "c", "gone"):
        world.source.write(key, key.encode())
    world.replicate("a", "b", "c", "gone")
    world.source.write("b", b"changed")
    world.source.write("c", b"C")  # as long as before
    world.source.remove("gone")
    world.source.write("new", b"new")
    world.source.write("x.tmp")
    world.target.write("y.tmp")
    world.target.write("somebody's", b"else")


def test_a_difference_is_repaired_and_the_books_close(world):
    _mixed(world)
    book = world.book()
    want = {"source_objects": 4, "target_objects": 5, "right": 1, "missing": 1, "different": 2, "surplus": 1, "kept": 1}
    assert {name: book[name] for name in want} == want
    assert (book["excluded"], book["failed"], book["repaired"], book["complete"]) == (1, 0, 4, True)
    assert book["bytes"] == len(b"changed" + b"C" + b"new")
    assert book["oldest"] == "2026-11-21T09:00:21Z"[:14] + book["oldest"][14:]
    assert {key: world.target.body(key) for key in world.source.keys() if key != "x.tmp"} == {
        "a": b"a",
        "b": b"changed",
        "c": b"C",
        "new": b"new",
    }
    assert world.target.body("gone") is None
    assert world.target.body("somebody's") == b"else"
    assert world.target.body("y.tmp") == b""
    again = world.counts()
    assert again == {
        "complete": True,
        "source_objects": 4,
        "target_objects": 5,
        "right": 4,
        "kept": 1,
        "excluded": 1,
    }


def test_check_reports_the_same_and_touches_nothing(world):
    _mixed(world)
    before = {key: world.target.info(key) for key in world.target.keys()}
    book = world.book(check=True)
    want = {"source_objects": 4, "target_objects": 5, "right": 1, "missing": 1, "different": 2, "surplus": 1, "kept": 1}
    assert {name: book[name] for name in want} == want
    assert book["repaired"] == 0
    assert {key: world.target.info(key) for key in world.target.keys()} == before
    assert world.listed() == {
        "missing": ["new"],
        "different": ["b", "c"],
        "surplus": ["gone"],
        "kept": ["somebody's"],
        "excluded": ["x.tmp"],
    }


def test_the_books_lie_in_the_log_store_with_a_line_for_each_key(world):
    _mixed(world)
    book = world.book()
    folder = f"reconcile/r/{book['time']}/"
    assert json.loads(world.log.body(f"{folder}books.json")) == [book]
    (missing,) = world.lists()["missing"]
    assert missing == {"key": "new", "target": "target", "target_key": "new", "size": 3, "why": missing["why"]}
    assert missing["why"]
    assert world.listed()["surplus"] == ["gone"]
    assert not [key for key in world.log.keys() if "bookmark" in key]
    assert [key for key in world.log.keys() if key.startswith("success_object/")]


def test_what_the_route_keeps_is_kept_and_not_asked_about(world):
    world.source.write("a")
    world.replicate("a")
    world.source.remove("a")
    world.target.calls.clear()
    assert world.counts() == {"complete": True, "target_objects": 1, "kept": 1}
    assert not [call for call in world.target.calls if call[0] == "look"]


def test_a_repair_that_fails_is_counted_as_failed_alone(world):
    for key in ("a", "b"):
        world.source.write(key, b"1")
    world.source.fail("fetch", StoreUnavailable("503"), times=9, key="b")
    book = world.book()
    assert (book["missing"], book["failed"], book["failed_there"], book["repaired"]) == (1, 1, 0, 1)
    assert book["complete"]
    assert world.lists()["failed"][0]["why"] == "503"
    assert world.listed() == {"missing": ["a"], "failed": ["b"]}
    assert [key for key in world.log.keys() if key.startswith("failed_object/")]


def test_deletes_past_the_fuse_are_surplus_and_told_and_the_books_close(world):
    world.route_with(deletes=Deletes.FOLLOW, max_deletes=2)
    keys = [f"k{n}" for n in range(5)]
    for key in keys:
        world.source.write(key)
    world.replicate(*keys)
    for key in keys:
        world.source.remove(key)
    begun = world.begin()
    (book,) = begun.run()
    counts = book.counts
    assert (counts.surplus, counts.undeleted, counts.failed, counts.repaired) == (5, 3, 0, 2)
    assert (book.complete, book.well) == (True, False)
    assert len(world.target.keys()) == 3
    listed = world.lists()
    assert [line["key"] for line in listed["surplus"]] == keys
    assert listed["failed"] == [line for line in listed["surplus"] if "fuse" in line["why"]]
    assert len(listed["failed"]) == 3


def test_a_target_that_cannot_be_asked_for_its_stamp_is_unclear_and_stays(world):
    world.route_with(deletes=Deletes.FOLLOW)
    world.target.write("a")
    world.target.fail("look", StoreUnavailable("503"), times=9)
    begun = world.begin()
    (book,) = begun.run()
    assert (book.counts.unclear, book.complete, book.well) == (1, True, False)
    assert world.target.body("a") == b""


def test_a_source_that_cannot_be_listed_ends_the_run_and_nothing_is_deleted(world):
    world.route_with(deletes=Deletes.FOLLOW)
    for key in ("a", "b", "c"):
        world.source.write(key)
    world.replicate("a", "b", "c")
    world.source.fail("list", StoreUnavailable("cut"), after=True, times=2)
    with pytest.raises(StoreUnavailable, match="cut"):
        world.run()
    assert len(world.target.keys()) == 3


def test_an_empty_answer_of_the_source_deletes_nothing(world):
    world.route_with(deletes=Deletes.FOLLOW)
    world.source.write("a")
    world.replicate("a")
    world.source.list = lambda prefix="", after="": iter(())
    with pytest.raises(Exception, match="is there: try again"):
        world.run()
    assert world.target.keys() == ["a"]


def test_mapping_both_ways_and_keys_that_the_route_could_not_have_written(world):
    world.route_with(strip_prefix="in/", add_prefix="2026/", include=("in/**",), exclude=("**/*.tmp",))
    for key in ("in/", "in/a", "in/b/c", "in/x.tmp", "out", "in"):
        world.source.write(key, b"1")
    for key in ("2026/", "2026/b/c", "2026/x.tmp", "2026/old", "2025/z", "a"):
        world.target.write(key, b"1")
    book = world.book(check=True)
    want = {"source_objects": 2, "target_objects": 2, "right": 1, "missing": 1, "kept": 1, "excluded": 1}
    assert {name: book[name] for name in want} == want
    assert world.lists()["kept"][0]["key"] == "in/old"
    assert world.lists()["missing"][0] == {**world.lists()["missing"][0], "key": "in/a", "target_key": "2026/a"}


def test_a_prefix_narrows_both_sides(world):
    world.route_with(strip_prefix="in/", add_prefix="out/")
    for key in ("in/2025/a", "in/2026", "in/2026/a", "in/2026/b", "in/2027"):
        world.source.write(key, b"1")
    for key in ("out/2025/z", "out/2026/b", "out/2026/z"):
        world.target.write(key, b"1")
    book = world.book(prefix="in/2026", check=True)
    assert (book["source_objects"], book["missing"], book["right"], book["kept"]) == (3, 2, 1, 1)
    assert world.book(prefix="in", check=True)["source_objects"] == 5
    with pytest.raises(ConfigError, match="takes only keys that begin with in/"):
        world.run(prefix="other")


def test_the_log_stores_own_folders_are_nobodys_business(world):
    world.stores["log"] = MemoryStore(
        Address("s3", "source-bucket", prefix="logs/"), bucket=world.source, now=world.now
    )
    world.source.write("a", b"1")
    world.source.write("logs/failed_object/1.jsonl")
    world.source.write("logs/mine", b"1")
    world.target.write("logs/failed_object/2.jsonl")
    book = world.book(check=True)
    assert (book["source_objects"], book["excluded"], book["missing"]) == (2, 0, 2)
    assert world.listed()["missing"] == ["a", "logs/mine"]


def test_each_target_has_a_book_of_its_own(world):
    world.route_with(targets=("target", "other"))
    world.source.write("a", b"1")
    world.replicate("a", target="other")
    books = world.run()
    assert [(book["target"], book["missing"], book["right"]) for book in books] == [("target", 1, 0), ("other", 0, 1)]
    (only,) = world.run(targets=("other",))
    assert only["target"] == "other"
    assert world.lists() == {}


def test_facing_routes_are_equal_without_a_copy(world):
    world.source.write("a", b"1")
    world.replicate("a")
    world.route_with(source=world.target.address, source_store="target", targets=("source",))
    assert world.counts(check=True) == {"complete": True, "source_objects": 1, "target_objects": 1, "right": 1}


def test_a_route_that_does_not_exist_or_has_nothing_to_compare_is_said_so(world):
    from bucketrelay.drivers.reconcile import order

    with pytest.raises(ConfigError, match="no route is named 'x'; there are: r"):
        order.wish(world.system, "x")
    with pytest.raises(ConfigError, match="--target z: no target of route r; there are: target"):
        order.wish(world.system, "r", ("z",))
    world.route_with(targets=(), forward="oms")
    with pytest.raises(ConfigError, match="tells oms of keys"):
        order.wish(world.system, "r")
