"""COMS's cases that the tests of the inventory, the queue and `serve` do not have already, over the wire.

docs/coms.md says of every case of COMS's own tests, and of every defect that was found there, what ours does and which
test holds it to that.
"""

import re
import sqlite3
import threading
import uuid
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

import postgres_server
from bucketrelay.clouds.aws.store import s3_store
from bucketrelay.database import postgres as database_of_postgres
from bucketrelay.drivers.inventory import StoreFacts
from bucketrelay.drivers.worker.loop import Tunings, Worker, World
from bucketrelay.errors import RelayError
from bucketrelay.jobs.kinds import Ended, Kind
from bucketrelay.jobs.postgres import PostgresQueue
from bucketrelay.jobs.queue import Done, NewJob, Policy
from bucketrelay.jobs.sqlite import SqliteQueue
from bucketrelay.model import Address
from bucketrelay_emulators import Fault, FaultProxy
from bucketrelay_emulators.engine.faults import ALWAYS
from jobs.stock import MADE
from postgres_server import new_schema


@pytest.fixture(scope="module")
def proxy(s3):
    """What goes wrong on the way to S3, and what is asked of it."""
    with FaultProxy(s3.endpoint) as made:
        yield made


@pytest.fixture
def wire(s3, proxy):
    """A store as the inventory sees it, through the proxy."""
    proxy.faults.clear()

    def through(stock, *, coms_id=False):
        options = {**s3.options, "endpoint": proxy.endpoint, "retries": 0}
        store = s3_store(Address("s3", stock.bucket), **options)
        MADE.append(store)
        return StoreFacts("photos", store, coms_id=coms_id)

    return through


def asked(proxy, work):
    """The requests that *work* makes, in order."""
    proxy.requests.clear()
    work()
    return proxy.requests.operations()


# _deriveObjectId.


def test_an_id_that_another_object_has_is_replaced_in_the_tag_beside_the_others(stock, wire):
    number = str(uuid.uuid4())
    for key in ("a.txt", "copy.txt"):
        stock.put(key)
        stock.tag(key, coms_id=number, colour="red")
        stock.sync(key, facts=wire(stock, coms_id=True))

    assert stock.object("a.txt") == number
    assert stock.tags_held("copy.txt") == {"colour": "red", "coms-id": stock.object("copy.txt")}
    assert stock.object("copy.txt") != number


@pytest.mark.parametrize("fault", [{"status": 403}, {"status": 503}, {"kind": "reset_before"}], ids=str)
def test_where_the_tag_cannot_be_written_the_rows_are_right_and_the_error_is_told(stock, wire, proxy, fault):
    stock.put(Metadata={"owner": "ann"})
    stock.tag(colour="red")
    facts = wire(stock, coms_id=True)
    proxy.faults.order(Fault(operation="PutObjectTagging", times=ALWAYS, **fault))

    with pytest.raises(RelayError):
        stock.sync(facts=facts)

    number = stock.object()
    assert uuid.UUID(number).version == 4
    assert (stock.words("tag"), stock.words("metadata")) == ({"colour": "red"}, {"owner": "ann"})
    assert stock.tags_held() == {"colour": "red"}
    proxy.faults.clear()
    stock.sync(facts=facts)
    assert stock.tags_held() == {"colour": "red", "coms-id": number}
    assert stock.object() == number


def test_a_deleted_object_whose_versions_say_the_id_of_another_gets_a_new_one(stock, wire):
    number = str(uuid.uuid4())
    for key in ("a.txt", "gone.txt"):
        stock.put(key)
        stock.tag(key, coms_id=number)
    stock.delete("gone.txt")
    for key in ("a.txt", "gone.txt"):
        stock.sync(key, facts=wire(stock, coms_id=True))

    assert stock.object("a.txt") == number
    assert uuid.UUID(stock.object("gone.txt")).version == 4
    assert stock.object("gone.txt") != number


def test_a_deleted_object_none_of_whose_versions_says_an_id_gets_a_new_one_and_no_tag(stock, wire, proxy):
    stock.put(body=b"1")
    stock.put(body=b"2")
    stock.delete()

    requests = asked(proxy, lambda: stock.sync(facts=wire(stock, coms_id=True)))

    assert uuid.UUID(stock.object()).version == 4
    assert "PutObjectTagging" not in requests


# syncJob and syncObject.


def test_of_what_is_deleted_nothing_but_its_absence_is_asked(stock, wire, proxy):
    version = stock.put()
    facts = wire(stock, coms_id=True)
    stock.sync(facts=facts)
    stock.delete(version=version)

    requests = asked(proxy, lambda: stock.sync(facts=facts, depth="full"))

    assert requests == [
        "ListObjectVersions",
        "HeadObject",
        "GetObject",
    ]  # the last says what HEAD's 404 has no words for
    assert stock.paths() == []


def test_metadata_is_read_anew_where_the_version_was_modified(plain, wire, proxy):
    plain.put(body=b"1", Metadata={"a": "1", "b": "2"})
    facts = wire(plain)
    plain.sync(facts=facts)
    plain.put(body=b"22", Metadata={"b": "3", "c": "4"})

    first = asked(proxy, lambda: plain.sync(facts=facts))
    second = asked(proxy, lambda: plain.sync(facts=facts))

    assert (first.count("HeadObject"), second.count("HeadObject")) == (1, 0)
    assert plain.words("metadata") == {"b": "3", "c": "4"}
    assert (plain.count("metadata"), plain.count("version_metadata")) == (2, 2)


def test_no_access_list_is_asked_for_and_none_can_fail(stock, wire, proxy):
    """COMS asks for it at each object; the tables have no column `public`."""
    stock.put()
    facts = wire(stock, coms_id=True)
    proxy.faults.order(Fault(operation="GetObjectAcl", status=403, times=ALWAYS))

    requests = [asked(proxy, lambda: stock.sync(facts=facts, depth="full")) for _ in range(2)]

    assert not [name for some in requests for name in some if "Acl" in name]
    assert stock.paths() == ["a.txt"]


# syncVersions, syncTags.


def test_a_type_that_alone_has_changed_is_noticed(plain, wire):
    """The bytes, and so the ETag, are the same; by `full` also where the time of the write is."""
    facts = wire(plain)
    plain.put(body=b"1", ContentType="text/csv")
    plain.sync(facts=facts)
    plain.put(body=b"1", ContentType="text/html")

    plain.sync(facts=facts, depth="full")
    assert plain.versions() == [(None, True, False, "text/html")]


def test_what_the_tables_say_otherwise_than_the_store_is_put_right(stock, wire):
    version = stock.put(body=b"12", ContentType="text/plain")
    facts = wire(stock)
    stock.sync(facts=facts)
    right = stock.ask('SELECT etag, size, "lastModifiedDate", "isLatest" FROM version')
    stock.tables.database.run(
        lambda cursor: cursor.execute(
            """UPDATE version SET etag = 'other', size = 1, "lastModifiedDate" = '', "isLatest" = 0"""
        )
    )

    assert stock.sync(facts=facts).change.versions == 1
    assert stock.ask('SELECT etag, size, "lastModifiedDate", "isLatest" FROM version') == right
    assert stock.versions() == [(version, True, False, "text/plain")]


def test_only_the_latest_version_gets_the_id_and_only_where_it_has_not_got_it(stock, wire, proxy):
    first = stock.put(body=b"1")
    stock.tag(version=first, of="first")
    second = stock.put(body=b"2")
    facts = wire(stock, coms_id=True)

    requests = [asked(proxy, lambda: stock.sync(facts=facts)) for _ in range(2)]

    assert [some.count("PutObjectTagging") for some in requests] == [1, 0]
    tags = {
        version: stock.client.get_object_tagging(Bucket=stock.bucket, Key="a.txt", VersionId=version)["TagSet"]
        for version in (first, second)
    }
    assert tags[first] == [{"Key": "of", "Value": "first"}]
    assert tags[second] == [{"Key": "coms-id", "Value": stock.object()}]


def test_of_a_delete_marker_neither_tags_nor_metadata_are_asked_for(stock, wire, proxy):
    stock.put()
    facts = wire(stock, coms_id=True)
    stock.sync(facts=facts)
    stock.delete()

    requests = asked(proxy, lambda: stock.sync(facts=facts))

    assert requests == ["ListObjectVersions", "GetObjectTagging"]  # the tags of the older version
    assert sorted(marker for _, _, marker, _ in stock.versions()) == [False, True]


# Defects 1 and 2, by what a server answers.

WRONG = [{"status": 403}, {"status": 500}, {"status": 503}, {"kind": "reset_before"}]


@pytest.mark.parametrize("operations", [["HeadObject", "GetObject"], ["ListObjectVersions"]], ids=" and ".join)
@pytest.mark.parametrize("fault", WRONG, ids=str)
def test_only_no_such_key_removes_an_object(stock, wire, proxy, operations, fault):
    """COMS takes an error of HeadObject for absence (defect 1)."""
    version = stock.put()
    facts = wire(stock)
    stock.sync(facts=facts)
    stock.delete(version=version)
    for operation in operations:
        proxy.faults.order(Fault(operation=operation, times=ALWAYS, **fault))

    with pytest.raises(RelayError):
        stock.sync(facts=facts)
    assert stock.paths() == ["a.txt"]

    proxy.faults.clear()
    stock.sync(facts=facts)
    assert stock.paths() == []


@pytest.mark.parametrize("fault", WRONG, ids=str)
def test_no_tag_is_written_where_the_tags_could_not_be_read(stock, wire, proxy, fault):
    """COMS writes the id back alone (defect 2)."""
    stock.put()
    stock.tag(precious="yes")
    facts = wire(stock, coms_id=True)
    proxy.faults.order(Fault(operation="GetObjectTagging", times=ALWAYS, **fault))

    def sync():
        with pytest.raises(RelayError):
            stock.sync(facts=facts)

    assert "PutObjectTagging" not in asked(proxy, sync)
    assert stock.tags_held() == {"precious": "yes"}
    assert stock.count("object") == 0


# Defect 7: what a job costs with the queue's length.


def new_jobs(count, first=0):
    return (NewJob("inventory of photos", f"{n:08}", "inventory", {"key": f"{n:08}"}) for n in range(first, count))


def test_a_job_costs_as_much_in_a_long_queue_as_in_a_short_one(tmp_path):
    """COMS counts all rows before each job (defect 7). Here by the steps of SQLite's machine."""

    def steps(count):
        queue = SqliteQueue(tmp_path / f"{count}.db")
        queue.enqueue(new_jobs(count))
        taken = [0]

        def step():
            taken[0] += 1

        with queue._database.reading() as cursor:
            cursor.connection.set_progress_handler(step, 1)
        for _ in range(10):
            (job,) = queue.claim(1)
            queue.settle([(job, Done())])
        queue.close()
        return taken[0]

    short, long = steps(50), steps(20_000)
    assert long < 1.5 * short


def test_a_job_reads_as_many_rows_of_a_long_queue_as_of_a_short_one(postgres_url):
    """The same on PostgreSQL, by what the server says that it has read."""

    def rows_read(count):
        url = new_schema(postgres_url)
        queue = PostgresQueue(url, "postgresql://…")
        queue.enqueue(new_jobs(count))
        queue.close()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ANALYZE relay_job")
        before = _rows_read(url)
        for _ in range(10):
            (job,) = queue.claim(1)
            queue.settle([(job, Done())])
        queue.close()  # a server's process tells what it has counted when it ends, at the latest
        return _rows_read(url) - before

    short, long = rows_read(50), rows_read(5000)
    assert long < short + 500  # fifty times 10 rows, and not ten times 5,000


def _rows_read(url):
    """Rows of the table and entries of its indexes, since the beginning."""
    query = (
        "SELECT (SELECT coalesce(sum(seq_tup_read), 0) FROM pg_stat_user_tables "
        "WHERE relname = 'relay_job' AND schemaname = current_schema()) + "
        "(SELECT coalesce(sum(idx_tup_read), 0) FROM pg_stat_user_indexes "
        "WHERE relname = 'relay_job' AND schemaname = current_schema())"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        last = -1
        while True:
            connection.execute("SELECT pg_stat_clear_snapshot(), pg_sleep(0.2)")
            (read,) = connection.execute(query).fetchone()
            if read == last:
                return int(read)
            last = read


# Defect 8: the queue itself fails.


def test_a_worker_that_cannot_claim_says_so_and_goes_on_when_the_database_is_back(monkeypatch):
    """COMS's reads the id of a job that it has not got, and the process ends (defect 8)."""
    monkeypatch.setattr(database_of_postgres, "_PAUSES", (0.01,))
    said, done = [], []
    spoken, finished = threading.Event(), threading.Event()

    def say(words):
        said.append(words)
        spoken.set()

    def run(jobs, deadline):
        del deadline
        done.extend(job.key for job in jobs)
        finished.set()
        return [Ended(Done())] * len(jobs)

    with postgres_server.server() as server:
        queue = PostgresQueue(server.database(), "postgresql://relay@…")
        queue.now()
        world = World(record=lambda _: None, say=say)
        worker = Worker(queue, {"inventory": Kind(run)}, Policy(), world, Tunings(threads=2, poll=0.05, gather=0.05))
        server.stop()
        thread = threading.Thread(target=worker.run)
        thread.start()
        assert spoken.wait(30)
        assert thread.is_alive()
        server.start()
        queue.enqueue(new_jobs(1))
        assert finished.wait(30)
        worker.stop()
        thread.join(30)
        assert queue.counts().pending + queue.counts().running == 0
        queue.close()
    assert done == ["00000000"]
    assert said[0].startswith("postgresql://relay@…: ")


# Defect 9: nothing to be enqueued.


def test_an_empty_list_leaves_no_transaction_and_no_connection_behind_on_postgresql(postgres_url):
    """COMS's connection is neither committed nor given back (defect 9)."""
    url = f"{new_schema(postgres_url)}&application_name=coms-{uuid.uuid4().hex[:8]}"
    name = url.rpartition("=")[2]
    queue = PostgresQueue(url, "postgresql://…")
    queue.now()
    for _ in range(20):
        assert queue.enqueue([]) == queue.enqueue(iter(())) == type(queue.enqueue([]))(0, 0)

    with psycopg.connect(postgres_url, autocommit=True) as connection:
        query = "SELECT state FROM pg_stat_activity WHERE application_name = %s"
        states = [row[0] for row in connection.execute(query, (name,)).fetchall()]
    assert states == ["idle"]
    queue.close()


def test_an_empty_list_leaves_no_transaction_behind_on_sqlite(tmp_path):
    queue = SqliteQueue(tmp_path / "relay.db")
    queue.now()
    assert queue.enqueue([]).ids == ()

    with closing(sqlite3.connect(tmp_path / "relay.db", timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        other.execute("ROLLBACK")
    queue.close()


# Defect 10: GET that changes something.


def test_no_get_of_ours_changes_anything(tmp_path, s3, monkeypatch):
    """COMS's own paths do, for its clients' sake (defect 10): a token that may look is not enough for those."""
    from jobs.test_serve import Opened, waiting
    from jobs.world import World as Configured

    for name in ("BUCKETRELAY_TOML", "BUCKETRELAY_CONFIG", "RELAY_SOURCE", "RELAY_TARGETS", "RELAY_LOG"):
        monkeypatch.delenv(name, raising=False)
    world = Configured(tmp_path, s3)
    world.write("a.jpg")
    with Opened(world) as client:
        paths = ["/events", "/sync/photos", "/sync/photos/a.jpg", "/reconcile/photos", "/replay"]
        answers = {path: [client.request(verb, path).status_code for verb in ("GET", "HEAD")] for path in paths}
        served = [path for path, verbs in client.get("/openapi.json").json()["paths"].items() if "get" in verbs]
        for path in served:
            if not path.startswith("/api/v1/") or path.endswith("status"):
                client.get(re.sub(r"{\w+}", "1", path))
        assert waiting(world) == []

    assert set(map(tuple, answers.values())) == {(405, 405)}


def test_a_token_that_may_look_does_not_get_comss_gets_to_work(tmp_path, s3, monkeypatch):
    from jobs.test_serve import READ, SECRETS, Opened, bearer, waiting
    from jobs.world import World as Configured

    for name in ("BUCKETRELAY_TOML", "BUCKETRELAY_CONFIG", "RELAY_SOURCE", "RELAY_TARGETS", "RELAY_LOG"):
        monkeypatch.delenv(name, raising=False)
    world = Configured(tmp_path, s3)
    world.write("a.jpg")
    world.configure(more=f'{SECRETS}coms_default = "photos"\n')
    with Opened(world) as client:
        paths = ["/api/v1/sync", "/api/v1/bucket/photos/sync", "/api/v1/object/x/sync"]
        for verb in ("GET", "HEAD"):
            assert [client.request(verb, path, headers=bearer(READ)).status_code for path in paths] == [403] * 3
        assert waiting(world) == []
        assert client.get("/api/v1/sync", headers=bearer("a-token-that-may-change")).status_code == 202
    assert waiting(world)


# The page.

PAGE = Path(__file__).parents[2] / "docs" / "coms.md"
FOLDER = Path(__file__).parent


def test_the_page_of_comss_cases_names_tests_that_there_are():
    page = PAGE.read_text()
    tests = set(re.findall(r"`(test_\w+)`", page))
    texts = [file.read_text() for file in FOLDER.parent.rglob("test_*.py")]
    known = {name for text in texts for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)}

    assert len(tests) > 40
    assert tests <= known, sorted(tests - known)


def test_the_page_has_a_test_for_every_case_and_every_defect():
    rows = [line for line in PAGE.read_text().splitlines() if re.match(r"\| (?:\d+\.|`)", line)]
    without = [row for row in rows if not re.search(r"`test_\w+`", row) and "not here" not in row]
    defects = [int(number) for number in re.findall(r"^\| (\d+)\. ", PAGE.read_text(), re.MULTILINE)]

    assert without == []
    assert defects == list(range(1, 12))
