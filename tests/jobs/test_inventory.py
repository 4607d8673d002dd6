"""The inventory, on a versioned S3 bucket of moto's and a plain one, in both databases.

The cases are those of COMS's own tests (app/tests/unit/services/sync.spec.js), and what was found wrong there.
"""

import contextlib
import json
import sqlite3
import uuid
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bucketrelay.clouds.aws.requests import Requests
from bucketrelay.clouds.local.store import LocalStore
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.inventory import Keeper, StoreFacts
from bucketrelay.drivers.inventory.jobs import InventorySync, inventory_kinds
from bucketrelay.errors import StoreRefused, StoreUnavailable
from bucketrelay.jobs.queue import Done, Job
from bucketrelay.jobs.sqlite import SqliteQueue
from bucketrelay.model import Address, Meta
from jobs.stock import Counting, Failing, Stock, both, coms, make
from thorough import examples

# Objects: syncObject.


def test_an_object_that_both_have_is_marked_as_seen_and_nothing_else(stock):
    stock.put()
    assert stock.sync().change.object is True
    number = stock.object()

    assert not stock.sync().changed
    assert stock.object() == number
    assert stock.ask('SELECT "lastSyncedDate" IS NOT NULL FROM object')[0][0]


@both
def test_an_object_that_the_store_alone_has_comes_into_the_tables(stock):
    version = stock.put("b/c.txt", b"12", ContentType="text/plain", Metadata={"owner": "ann"})

    stock.sync("b/c.txt")

    assert stock.ask("SELECT store, path, name, active FROM object") == [("photos", "b/c.txt", "c.txt", True)]
    assert stock.versions("b/c.txt") == [(version, True, False, "text/plain")]
    assert stock.words("metadata", "b/c.txt") == {"owner": "ann"}
    assert stock.ask("SELECT size FROM version") == [(2,)]


@both
def test_an_object_that_the_tables_alone_have_goes_with_its_words_that_nothing_else_says(stock):
    for key in ("a.txt", "b.txt"):
        stock.put(key, Metadata={"both": "yes", "of": key})
        stock.tag(key, both="1", of=key)
        stock.sync(key)
    version = stock.latest()[0]
    stock.delete(version=version)

    assert stock.sync().removed
    assert stock.paths() == ["b.txt"]
    assert (stock.count("version"), stock.count("tag"), stock.count("metadata")) == (1, 2, 2)
    assert stock.count("version_tag") == 2


def test_a_key_that_neither_has_leaves_no_trace(stock):
    assert not stock.sync("nothing.txt").changed
    assert stock.count("object") == 0


def test_an_object_of_no_bytes_is_one(stock):
    stock.put("empty", b"")

    stock.take()
    assert stock.paths() == ["empty"]


@both
def test_what_is_soft_deleted_stays_with_its_delete_marker_as_the_latest_version(stock):
    version = stock.put()
    stock.sync()
    marker = stock.delete()["VersionId"]

    assert stock.sync().changed
    assert sorted(stock.versions()) == sorted(
        [(version, False, False, "binary/octet-stream"), (marker, True, True, "")]
    )
    stock.delete(version=marker)
    stock.sync()
    assert stock.versions() == [(version, True, False, "binary/octet-stream")]


# The object's id.


def test_an_id_that_the_tag_says_and_nobody_has_is_kept(stock):
    number = str(uuid.uuid4())
    stock.put()
    stock.tag(coms_id=number)

    stock.sync()
    assert stock.object() == number


@pytest.mark.parametrize("said", ["not an id", ""])
def test_a_tag_that_is_no_id_gives_a_new_one(stock, said):
    stock.put()
    stock.tag(coms_id=said) if said else None

    stock.sync()
    assert uuid.UUID(stock.object()).version == 4
    assert stock.object() != said


@both
def test_an_id_that_another_object_has_gives_a_new_one(stock):
    number = str(uuid.uuid4())
    for key in ("a.txt", "copy.txt"):
        stock.put(key)
        stock.tag(key, coms_id=number)
        stock.sync(key)

    assert stock.object("a.txt") == number
    assert stock.object("copy.txt") != number


def test_a_new_id_is_written_into_the_tag_where_the_store_says_so_beside_the_others(stock):
    stock.put()
    stock.tag(colour="red")
    stock.sync()
    assert stock.tags_held() == {"colour": "red"}

    stock.sync(facts=coms(stock))

    assert stock.tags_held() == {"colour": "red", "coms-id": stock.object()}
    assert stock.words("tag") == {"colour": "red", "coms-id": stock.object()}


def test_an_object_with_ten_tags_gets_no_eleventh(stock):
    stock.put()
    stock.tag(**{f"t{n}": "x" for n in range(10)})

    stock.sync(facts=coms(stock))

    assert len(stock.tags_held()) == 10
    assert stock.object()


def test_a_deleted_object_has_the_id_that_its_newest_version_with_one_says(stock):
    number = str(uuid.uuid4())
    first = stock.put(body=b"1")
    stock.tag(version=first, coms_id=number)
    stock.put(body=b"2")
    stock.delete()

    stock.sync(facts=coms(stock))

    assert stock.object() == number


def test_the_latest_version_gets_the_objects_id_when_it_has_lost_it(stock):
    stock.put()
    stock.sync(facts=coms(stock))
    number = stock.object()
    stock.put(body=b"2")  # a new version has no tags

    stock.sync(facts=coms(stock))

    assert stock.tags_held() == {"coms-id": number}
    assert stock.object() == number


# Versions: syncVersions, of a bucket that keeps none.


def test_unversioned_an_object_has_one_version_without_an_id(plain):
    plain.put(ContentType="text/csv")
    plain.sync()

    assert plain.versions() == [(None, True, False, "text/csv")]


@both
def test_unversioned_the_version_changes_with_its_object(plain):
    plain.put(ContentType="text/csv")
    plain.sync()
    plain.put(body=b"22", ContentType="text/html")

    assert plain.sync().change.versions == 1
    assert plain.versions() == [(None, True, False, "text/html")]
    assert plain.count("version") == 1


def test_unversioned_nothing_changes_where_nothing_has(plain):
    plain.put()
    plain.sync()

    assert not plain.sync().changed


def test_unversioned_an_object_that_is_deleted_goes(plain):
    plain.put()
    plain.sync()
    plain.delete()

    assert plain.sync().removed
    assert plain.count("version") == 0


# … of one that keeps them.


def test_versioned_every_version_and_which_is_the_latest(stock):
    first, second, third = (stock.put(body=body, ContentType=f"text/{body.decode()}") for body in (b"1", b"2", b"3"))
    stock.sync()

    assert sorted(stock.versions()) == sorted(
        [(first, False, False, "text/1"), (second, False, False, "text/2"), (third, True, False, "text/3")]
    )


@both
def test_versioned_a_version_that_is_gone_goes_and_another_is_the_latest(stock):
    first, second = stock.put(body=b"1"), stock.put(body=b"2")
    stock.sync()
    stock.delete(version=second)

    assert stock.sync().change.versions == 2
    assert stock.latest() == [first]
    assert stock.count("version") == 1


def test_versioned_a_new_version_comes_and_exactly_one_is_the_latest(stock):
    stock.put(body=b"1")
    stock.sync()
    newest = stock.put(body=b"2")

    stock.sync()
    assert stock.latest() == [newest]


def test_versioned_nothing_changes_where_nothing_has(stock):
    stock.put(body=b"1")
    stock.put(body=b"2")
    stock.sync()

    assert not stock.sync().changed


# Tags and metadata: syncTags, syncMetadata.


@both
def test_tags_that_are_new_are_linked_and_those_that_are_gone_are_unlinked(stock):
    stock.put()
    stock.tag(a="1", b="2")
    stock.sync()
    assert stock.words("tag") == {"a": "1", "b": "2"}

    stock.tag(b="3", c="4")
    stock.sync()
    assert stock.words("tag") == {"b": "3", "c": "4"}
    assert stock.count("tag") == 2

    stock.client.delete_object_tagging(Bucket=stock.bucket, Key="a.txt")
    stock.sync()
    assert (stock.words("tag"), stock.count("tag")) == ({}, 0)


@both
def test_the_same_words_of_many_versions_are_one_row(stock):
    for key in ("a.txt", "b.txt"):
        stock.put(key, Metadata={"owner": "ann"})
        stock.tag(key, colour="red")
        stock.sync(key)

    assert (stock.count("tag"), stock.count("version_tag")) == (1, 2)
    assert (stock.count("metadata"), stock.count("version_metadata")) == (1, 2)


def test_tags_are_each_versions_own(stock):
    first = stock.put(body=b"1")
    stock.tag(version=first, of="first")
    stock.put(body=b"2")
    stock.sync()

    assert stock.words("tag") == {}
    assert stock.ask("SELECT key, value FROM tag") == [("of", "first")]


def test_tags_are_always_looked_at_and_metadata_only_where_a_version_is_new_or_has_changed(stock):
    stock.put()
    counting = StoreFacts("photos", Counting(stock.facts.store))
    stock.sync(facts=counting)
    assert sorted(counting.store.calls) == ["look_version", "tags", "versions"]

    counting.store.calls.clear()
    stock.sync(facts=counting)
    assert sorted(counting.store.calls) == ["tags", "versions"]

    counting.store.calls.clear()
    stock.sync(facts=counting, depth="full")
    assert sorted(counting.store.calls) == ["look_version", "tags", "versions"]


def test_a_delete_marker_has_neither_tags_nor_metadata_and_is_asked_for_none(stock):
    stock.put()
    stock.delete()
    stock.sync(depth="full")

    assert sum(marker for _, _, marker, _ in stock.versions()) == 1
    assert stock.words("tag") == {}


@pytest.mark.parametrize(
    ("depth", "has"),
    [
        ("object", ("", {}, {})),
        ("versions", ("text/plain", {}, {})),
        ("tags", ("text/plain", {"t": "1"}, {})),
        ("metadata", ("text/plain", {"t": "1"}, {"m": "2"})),
        ("full", ("text/plain", {"t": "1"}, {"m": "2"})),
    ],
)
def test_each_depth_has_what_stands_before_it_too(stock, depth, has):
    stock.put(ContentType="text/plain", Metadata={"m": "2"})
    stock.tag(t="1")

    stock.sync(depth=depth)

    assert (stock.versions()[0][3], stock.words("tag"), stock.words("metadata")) == has


def test_at_the_depth_of_objects_what_is_known_of_versions_stays_known(stock):
    stock.put(body=b"1")
    stock.put(body=b"2")
    stock.sync(depth="full")

    stock.sync(depth="object")
    assert stock.count("version") == 2


# What COMS gets wrong.


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ("look", StoreRefused("403")),
        ("versions", StoreUnavailable("500")),
        ("look_version", StoreUnavailable("timeout")),
        ("tags", StoreRefused("403")),
    ],
)
def test_an_error_of_the_store_removes_nothing_and_changes_nothing(stock, error, request_):
    """COMS takes any error of HeadObject for absence (defect 1)."""
    stock.put(body=b"1")
    stock.tag(a="1")
    stock.sync(depth="full")
    before = [stock.ask(f"SELECT * FROM {table}") for table in ("version", "tag", "version_tag")]
    stock.delete(version=stock.latest()[0]) if request_ == "look" else stock.put(body=b"2")

    with pytest.raises(type(error)):
        stock.sync(facts=StoreFacts("photos", Failing(stock.facts.store, error, request_)), depth="full")

    assert [stock.ask(f"SELECT * FROM {table}") for table in ("version", "tag", "version_tag")] == before


def test_a_bucket_that_is_gone_is_not_an_empty_one(stock):
    from bucketrelay.clouds.aws.store import s3_store

    stock.put()
    stock.sync()
    endpoint = stock.client.meta.endpoint_url
    gone = s3_store(Address("s3", "gone"), endpoint=endpoint, region="us-east-1", access_key="test", secret_key="x")

    with pytest.raises(StoreRefused):
        stock.sync(facts=StoreFacts("photos", gone))
    with pytest.raises(StoreRefused):
        stock.take(facts=StoreFacts("photos", gone))
    assert stock.paths() == ["a.txt"]


def test_tags_are_never_written_back_from_a_failed_read(stock):
    """COMS takes a failed read for no tags, and writes back the id alone (defect 2)."""
    stock.put()
    stock.tag(precious="yes")
    failing = Failing(stock.facts.store, StoreUnavailable("503"), "tags")

    with pytest.raises(StoreUnavailable):
        stock.sync(facts=coms(stock, store=failing))
    assert stock.tags_held() == {"precious": "yes"}


@both
def test_keys_are_compared_byte_by_byte(stock):
    """COMS looks for `%path%` without regard to case, and takes the first (defect 3)."""
    keys = ["a.txt", "data.txt", "A.txt", "a_txt", "a%txt", "%", "_"]
    for key in keys:
        stock.put(key)
    stock.take()
    numbers = {key: stock.object(key.replace("'", "''")) for key in keys}
    stock.client.delete_object(Bucket=stock.bucket, Key="a.txt", VersionId=stock.latest("a.txt")[0])
    stock.sync("a.txt")

    assert stock.paths() == sorted(set(keys) - {"a.txt"}, key=str.encode)
    assert len(set(numbers.values())) == len(keys)


def test_versions_on_both_sides_of_a_pages_edge_are_all_there(stock, monkeypatch):
    """COMS goes on at a key without its version, and takes what lay behind the edge for absent (defect 4)."""
    versions = {stock.put(body=str(n).encode()) for n in range(7)}
    stock.put("b.txt")
    document, pages = Requests.document, []

    def small(self, operation, key, effect, name, read, given):
        if operation == "ListObjectVersions":
            pages.append(given.query)
            given = given._replace(query=sorted([*given.query, ("max-keys", "2")], key=lambda pair: pair[0]))
        return document(self, operation, key, effect, name, read, given)

    monkeypatch.setattr(Requests, "document", small)
    stock.take()

    assert len(pages) == 4
    assert {row[0] for row in stock.versions()} == versions
    assert len(stock.latest()) == 1
    assert stock.paths() == ["a.txt", "b.txt"]


def test_a_file_that_is_called_as_a_folder_is_neither(s3, tables, tmp_path):
    """COMS tells the two by `includes` (defect 5)."""
    stock = make(s3, tables, versioned=False)
    for key in ("docs", "docs/a", "docs-old/a", "x/docs", "docs/sub/b"):
        stock.put(key)
    queue = SqliteQueue(tmp_path / "queue.db")
    sync = InventorySync(stock.keeper, lambda _: stock.facts, queue)

    assert sync.store("photos", "docs/", recursive=False).new == 1
    assert [job.key for job in queue.claim(10)] == ["docs/a"]
    assert sync.store("photos", recursive=False).new == 1
    assert [job.key for job in queue.claim(10)] == ["docs"]
    queue.close()


def test_the_same_key_of_two_stores_is_two_objects_and_two_jobs(s3, tables, tmp_path):
    """COMS drops all but one (defect 6)."""
    one, two = make(s3, tables, versioned=False), make(s3, tables, versioned=False)
    facts = {"one": StoreFacts("one", one.facts.store), "two": StoreFacts("two", two.facts.store)}
    for stock in (one, two):
        stock.put()
    queue = SqliteQueue(tmp_path / "queue.db")
    sync = InventorySync(one.keeper, facts.__getitem__, queue)

    assert (sync.store("one").new, sync.store("two").new) == (1, 1)
    kinds = inventory_kinds(one.keeper, facts.__getitem__)
    for job in queue.claim(10):
        assert kinds[job.kind].run([job], Deadline())[0].ending == Done({"changed": True})
    assert one.ask("SELECT store, path FROM object ORDER BY store") == [("one", "a.txt"), ("two", "a.txt")]
    two.delete()
    one.keeper.sync(facts["two"], "a.txt", "full")
    assert one.ask("SELECT store, path FROM object") == [("one", "a.txt")]
    queue.close()


def test_asked_for_twice_a_key_is_one_job_and_the_answer_says_so(s3, tables, tmp_path):
    stock = make(s3, tables, versioned=False)
    for n in range(5):
        stock.put(f"{n}")
    queue = SqliteQueue(tmp_path / "queue.db")
    sync = InventorySync(stock.keeper, lambda _: stock.facts, queue)

    first, second = sync.store("photos"), sync.store("photos")
    assert (first.new, first.already, second.new, second.already) == (5, 0, 0, 5)
    queue.close()


def test_who_asks_for_a_store_of_any_size_is_answered_in_time(s3, tables, tmp_path):
    """What was not enqueued by then is one job, and nothing is forgotten."""
    stock = make(s3, tables, versioned=False)
    for n in range(9):
        stock.put(f"{n}")
    queue, seconds = SqliteQueue(tmp_path / "queue.db"), count()
    # Each look at the clock takes eight seconds, and each of the nine keys is one look: too long for all in any case.
    sync = InventorySync(
        stock.keeper, lambda _: stock.facts, queue, lambda: Deadline(60, now=lambda: float(next(seconds) * 8))
    )

    asked = sync.store("photos").new
    jobs = queue.claim(100)
    assert 1 < asked < 9 + 1
    assert len(jobs) == asked
    assert [job.key for job in jobs if job.kind == "inventory-store"] == ["photos"]
    kinds = inventory_kinds(stock.keeper, lambda _: stock.facts)
    for job in jobs:
        kinds[job.kind].run([job], Deadline())
    assert stock.paths() == [f"{n}" for n in range(9)]
    queue.close()


def test_what_the_inventory_alone_has_is_asked_for_too(s3, tables, tmp_path):
    stock = make(s3, tables, versioned=False)
    stock.put()
    stock.sync()
    stock.delete()
    queue = SqliteQueue(tmp_path / "queue.db")

    assert InventorySync(stock.keeper, lambda _: stock.facts, queue).store("photos").new == 1
    queue.close()


@both
def test_what_is_remembered_of_pairs_is_found_by_bytes_and_replaced(tables):
    tables, _ = tables
    faces = {key: f"face of {key}" for key in ("a", "b", "￿", "\U0001f4f7")}  # in UTF-16 the last two change places
    tables.keep_faces("r to t", faces)
    tables.keep_faces("other", {"a": "another"})
    assert tables.faces("r to t", "", "\U0001f4f7") == faces
    assert tables.faces("r to t", "a", "￿") == {key: faces[key] for key in ("b", "￿")}
    tables.keep_faces("r to t", {"a": "new"})
    assert tables.faces("r to t", "", "a") == {"a": "new"}
    tables.drop_faces("r to t", ["a", "b", "never there"])
    assert list(tables.faces("r to t", "", "\U0001f4f7")) == ["￿", "\U0001f4f7"]
    assert tables.faces("other", "", "b") == {"a": "another"}
    tables.keep_faces("many", {f"{n:04}": "" for n in range(1500)})
    assert list(tables.faces("many", "0099", "9")) == [f"{n:04}" for n in range(100, 1100)]  # no more at once


# A whole store.


@both
def test_a_store_is_taken_stock_of_and_only_what_differs_is_touched(stock):
    for n in range(20):
        stock.put(f"in/{n:02}", str(n).encode())
    first, _ = stock.take("versions")
    stock.put("in/03", b"new bytes")
    stock.put("in/99")
    stock.client.delete_object(Bucket=stock.bucket, Key="in/05", VersionId=stock.latest("in/05")[0])
    counting = StoreFacts("photos", Counting(stock.facts.store))
    second, _ = stock.take("versions", facts=counting)

    assert first.members() == {**first.members(), "objects": 20, "new": 20, "complete": True}
    assert second.members() == {**second.members(), "objects": 20, "new": 1, "changed": 1, "removed": 1, "right": 18}
    # A listing; in/03's new version and in/99 were looked at, in/05 was listed and asked for before it was removed.
    assert sorted(counting.store.calls) == ["look", "look_version", "look_version", "tags", "versions", "versions"]


def test_a_prefix_of_the_store_and_one_of_the_command_are_both_kept_to(s3, tables):
    stock = make(s3, tables, versioned=True, prefix="team/")
    for key in ("team/in/a", "team/out/b", "other/c", "team"):
        stock.put(key)
    stock.take()
    assert stock.paths() == ["in/a", "out/b"]

    for key in ("team/in/a", "team/out/b"):
        for version in stock.latest(key.removeprefix("team/")):
            stock.client.delete_object(Bucket=stock.bucket, Key=key, VersionId=version)
    stock.take(prefix="in/")
    assert stock.paths() == ["out/b"]


def test_one_key_that_fails_costs_the_others_nothing(stock):
    for key in ("a.txt", "b.txt", "c.txt"):
        stock.put(key)
    real = stock.facts.store.look_version

    class OneFails(Counting):
        def look_version(self, version):
            if version.key == "b.txt":
                raise StoreUnavailable("503")
            return real(version)

    found, said = stock.take(facts=StoreFacts("photos", OneFails(stock.facts.store)))

    assert (found.new, found.failed, found.complete) == (2, 1, False)
    assert stock.paths() == ["a.txt", "c.txt"]
    assert len(said) == 1
    assert "b.txt" in said[0]


def test_a_listing_that_is_cut_removes_nothing(stock):
    for n in range(10):
        stock.put(f"{n}")
    stock.take()

    class Cut(Counting):
        def versions(self, prefix="", after=""):
            for number, version in enumerate(self._store.versions(prefix, after)):
                if number == 3:
                    raise StoreUnavailable("the connection was cut")
                yield version

    with pytest.raises(StoreUnavailable):
        stock.take(facts=StoreFacts("photos", Cut(stock.facts.store)))
    assert len(stock.paths()) == 10


def test_an_empty_listing_of_what_is_there_removes_nothing(stock):
    stock.put()
    stock.take()

    class Blind(Counting):
        def versions(self, prefix="", after=""):
            return iter(())

    found, said = stock.take(facts=StoreFacts("photos", Blind(stock.facts.store)))
    assert (found.failed, stock.paths()) == (1, ["a.txt"])
    assert "was not listed" in said[0]


def test_a_directory_has_an_inventory_too(tables, tmp_path):
    made, ask = tables
    folder = tmp_path / "files"
    folder.mkdir()
    store = LocalStore(Address("file", str(folder)))
    store.put("in/a.txt", b"1", Meta(content_type="text/plain", user={"owner": "ann"}))
    stock = Stock(None, "", StoreFacts("files", store), made, ask)

    stock.take("full")
    assert stock.paths() == ["in/a.txt"]
    store.delete("in/a.txt")
    stock.take("full")
    assert stock.paths() == []


def test_a_job_that_names_nothing_dies_with_a_reason(tables):
    made, _ = tables
    kinds = inventory_kinds(Keeper(made), lambda name: None)
    job = Job(1, "q", "k", "inventory", {"store": 1}, 0, 1, 0, "l", 0.0)

    assert "by hand" in kinds["inventory"].run([job], Deadline())[0].ending.error


@both
def test_what_docs_inventory_md_shows_of_sql_runs(stock):
    """The queries of the page, on tables with something in them."""
    import re
    from pathlib import Path

    stock.put(ContentType="text/plain", Metadata={"owner": "ann"})
    stock.tag(colour="red")
    stock.put("b.txt")
    stock.delete("b.txt")
    stock.take("full")
    page = (Path(__file__).parents[2] / "docs" / "inventory.md").read_text()
    queries = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)

    assert len(queries) >= 3
    for query in queries:
        for statement in filter(None, (part.strip() for part in query.split(";"))):
            assert stock.ask(statement), statement


KEYS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@settings(max_examples=examples(60))
@given(st.lists(st.tuples(KEYS, st.booleans(), st.booleans())))
def test_two_sorted_streams_meet_key_by_key(keys):
    from bucketrelay.drivers.inventory.whole import _side_by_side

    unique = {key: (listed, known) for key, listed, known in keys if listed or known}
    ordered = sorted(unique, key=str.encode)
    listing = ((key, []) for key in ordered if unique[key][0])
    pages = ((key, []) for key in ordered if unique[key][1])

    met = [(key, a is not None, b is not None) for key, a, b in _side_by_side(listing, pages)]
    assert met == [(key, *unique[key]) for key in ordered]


def test_the_command_brings_a_store_up_to_date(s3, tmp_path, monkeypatch):
    from jobs.world import World

    for name in ("BUCKETRELAY_TOML", "BUCKETRELAY_CONFIG", "RELAY_SOURCE", "RELAY_TARGETS", "RELAY_LOG"):
        monkeypatch.delenv(name, raising=False)
    world = World(tmp_path, s3)
    world.write("a.txt", "taken/stock/of.txt")

    done = world.run("inventory", "photos", "--json", "--prefix", "taken/stock/")
    assert (done.returncode, json.loads(done.stdout)["new"]) == (0, 1)
    queued = world.run("inventory", "photos", "--enqueue", "--json")
    assert json.loads(queued.stdout)["enqueued"] >= 2
    assert world.run("worker", "--drain").returncode == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "relay.db")) as connection:
        assert {"a.txt", "taken/stock/of.txt"} <= {row[0] for row in connection.execute("SELECT path FROM object")}
    assert world.run("inventory", "nowhere").returncode == 2
