"""The tables: made by whoever comes first, brought from every earlier version to the newest, never from a newer one."""

import contextlib
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from bucketrelay.database import postgres, sqlite
from bucketrelay.database.queries import migrations
from bucketrelay.errors import StoreRefused, StoreUnavailable
from bucketrelay.jobs.postgres import PostgresQueue
from bucketrelay.jobs.queue import Counts, NewJob
from bucketrelay.jobs.sqlite import SqliteQueue
from messages.small_disk import small_disk
from postgres_server import new_schema

# Room, and the package that has its SQL.
ROOMS = [
    ("queue", "bucketrelay.jobs.sql"),
    ("inventory", "bucketrelay.inventory.sql"),
    ("statistics", "bucketrelay.statistics.sql"),
]
VERSIONS = [
    (room, package, version) for room, package in ROOMS for version in range(len(migrations(package, "sqlite")) + 1)
]


def sqlite_tables(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return sorted(
            connection.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
        )


def postgres_tables(url):
    with psycopg.connect(url) as connection:
        columns = connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns "
            "WHERE table_schema = current_schema() ORDER BY table_name, column_name"
        ).fetchall()
        query = "SELECT replace(indexdef, current_schema(), '') FROM pg_indexes WHERE schemaname = current_schema()"
        return columns, sorted(connection.execute(query).fetchall())


@pytest.mark.parametrize(("room", "package", "version"), VERSIONS)
def test_an_sqlite_file_of_any_earlier_version_becomes_the_newest(tmp_path, room, package, version):
    steps = migrations(package, "sqlite")
    for name, course in (("fresh", [steps]), ("old", [steps[:version], steps])):
        with contextlib.closing(sqlite3.connect(tmp_path / name, isolation_level=None)) as connection:
            for some in filter(None, course):
                sqlite.migrate(connection, room, some)

    assert sqlite_tables(tmp_path / "old") == sqlite_tables(tmp_path / "fresh")


@pytest.mark.parametrize(("room", "package", "version"), VERSIONS)
def test_a_postgresql_database_of_any_earlier_version_becomes_the_newest(postgres_url, room, package, version):
    steps = migrations(package, "postgres")
    fresh, old = new_schema(postgres_url), new_schema(postgres_url)
    for url, course in ((fresh, [steps]), (old, [steps[:version], steps])):
        with psycopg.connect(url) as connection:
            for some in filter(None, course):
                postgres.migrate(connection, room, some)

    assert postgres_tables(old) == postgres_tables(fresh)


@pytest.mark.parametrize(("room", "package"), ROOMS)
def test_both_databases_are_of_the_same_version(room, package):
    assert [step.number for step in migrations(package, "sqlite")] == [
        step.number for step in migrations(package, "postgres")
    ]


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path):
    good, *_ = migrations("bucketrelay.jobs.sql", "sqlite")
    bad = type(good)(2, "CREATE TABLE half (id INTEGER);\nCREATE TABLE relay_job (id INTEGER);\n")
    with contextlib.closing(sqlite3.connect(tmp_path / "relay.db", isolation_level=None)) as connection:
        sqlite.migrate(connection, "queue", [good])
        with pytest.raises(sqlite3.OperationalError, match="already exists"):
            sqlite.migrate(connection, "queue", [good, bad])
        assert not connection.in_transaction

    assert "half" not in dict(sqlite_tables(tmp_path / "relay.db"))


def test_tables_of_a_newer_version_are_left_alone(tmp_path, postgres_url):
    url, path = new_schema(postgres_url), tmp_path / "relay.db"
    for queue in (SqliteQueue(path), PostgresQueue(url, "…")):
        queue.enqueue([])
        queue.now()
        queue.close()
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE relay_schema SET version = 99")
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE relay_schema SET version = 99")

    for queue in (SqliteQueue(path), PostgresQueue(url, "…")):
        with pytest.raises(StoreRefused, match="version 99, made by a newer bucketrelay"):
            queue.claim(1)


def test_many_who_come_first_at_once_make_the_tables_once(tmp_path, postgres_url):
    url = new_schema(postgres_url)
    barrier = threading.Barrier(4)

    def begin(make):
        queue = make()
        barrier.wait()
        new = queue.enqueue([NewJob("q", "a", "task")]).new
        queue.close()
        return new

    for make in (lambda: SqliteQueue(tmp_path / "relay.db"), lambda: PostgresQueue(url, "…")):
        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(begin, [make] * 4)) == 1


def test_a_file_that_is_no_database_is_not_touched(tmp_path):
    path = tmp_path / "relay.db"
    path.write_text("these are my notes, and no database; " * 40)

    with pytest.raises(StoreRefused, match=r"relay\.db: file is not a database"):
        SqliteQueue(path).now()
    assert path.read_text().startswith("these are my notes")


def test_a_disk_without_room_for_the_tables_is_named_as_what_it_is(tmp_path):
    """SQLite undoes the transaction by itself then: to undo it again was the error that people were shown."""
    with small_disk(tmp_path, "64k") as grow:
        queue = SqliteQueue(tmp_path / "relay.db")
        with pytest.raises(StoreUnavailable, match="full: make room on the disk"):
            queue.counts()
        grow("4m")
        assert queue.counts() == Counts()
        queue.close()


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(StoreRefused, match=r"nowhere/relay\.db: unable to open.*folder"):
        SqliteQueue(tmp_path / "nowhere" / "relay.db").now()


def test_a_file_that_another_process_keeps_is_asked_again_later(tmp_path, monkeypatch):
    path = tmp_path / "relay.db"
    queue = SqliteQueue(path)
    monkeypatch.setattr(sqlite, "_PATIENCE", 0.05)
    queue.now()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="another process"):
            queue.enqueue([NewJob("q", "a", "task")])
        other.execute("ROLLBACK")
    assert queue.enqueue([NewJob("q", "a", "task")]).new == 1
    queue.close()


def test_a_wrong_password_and_a_missing_database_are_refusals_without_the_password(postgres_url):
    url = postgres_url.replace("relay@", "relay:s3cr3t-in-url@") if "relay@" in postgres_url else postgres_url

    with pytest.raises(StoreRefused, match=r"no_such_database.*does not exist") as caught:
        PostgresQueue(url.rpartition("/")[0] + "/no_such_database", "postgresql://…").now()
    assert "s3cr3t" not in str(caught.value)


def test_a_server_that_does_not_answer_is_asked_again_and_then_named():
    waits = []
    database = postgres.Postgres(
        "postgresql://relay@127.0.0.1:1/relay",
        "postgresql://127.0.0.1:1/relay",
        "queue",
        migrations("bucketrelay.jobs.sql", "postgres"),
        waits.append,
    )

    with pytest.raises(StoreUnavailable, match=r"postgresql://127.0.0.1:1/relay: .*refused"):
        database.run(lambda cursor: cursor.execute("SELECT 1"))
    assert waits == sorted(waits)
    assert len(waits) == 6


def test_without_psycopg_it_is_said_what_to_install(monkeypatch):
    import sys

    from bucketrelay import wiring_jobs, wiring_tables
    from bucketrelay.config import Secret
    from bucketrelay.config.values import QueueConfig
    from bucketrelay.errors import ConfigError

    monkeypatch.setitem(sys.modules, "psycopg", None)
    found = QueueConfig(Secret("postgresql://relay@db/relay"))
    for make in (wiring_jobs.queue, wiring_tables.tables):
        with pytest.raises(ConfigError, match=r"bucketrelay\[postgres\]"):
            make(found)
