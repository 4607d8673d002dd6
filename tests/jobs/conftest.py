"""A PostgreSQL for the tests of this folder, and the inventories of buckets."""

import contextlib
import sqlite3

import psycopg
import pytest

import postgres_server
from bucketrelay.database.postgres import Postgres
from bucketrelay.database.queries import migrations
from bucketrelay.database.sqlite import Sqlite
from bucketrelay.inventory.tables import Tables
from jobs.stock import MADE, make
from postgres_server import new_schema


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory):
    """The URL of a server where databases may be made."""
    with postgres_server.shared(tmp_path_factory) as url:
        yield url


@pytest.fixture(scope="module")
def s3():
    """An S3 for a module's buckets."""
    from bucketrelay_emulators.local_clouds import local_clouds

    with local_clouds() as clouds:
        yield clouds["s3"]
        while MADE:  # the server waits for the connections that are kept
            MADE.pop().close()


@pytest.fixture
def tables(request, tmp_path):
    if getattr(request, "param", "sqlite") == "sqlite":
        path = tmp_path / "relay.db"
        made = Tables(Sqlite(path, "inventory", migrations("bucketrelay.inventory.sql", "sqlite")), postgres=False)

        def ask(query):
            with contextlib.closing(sqlite3.connect(path)) as connection:
                return [tuple(row) for row in connection.execute(query).fetchall()]

    else:
        url = new_schema(request.getfixturevalue("postgres_url"))
        steps = migrations("bucketrelay.inventory.sql", "postgres")
        made = Tables(Postgres(url, "postgresql://…", "inventory", steps), postgres=True)

        def ask(query):
            with psycopg.connect(url) as connection:
                return connection.execute(query).fetchall()

    yield made, ask
    made.close()


@pytest.fixture
def stock(s3, tables):
    """Of a bucket that keeps versions."""
    return make(s3, tables, versioned=True)


@pytest.fixture
def plain(s3, tables):
    """Of one that keeps none."""
    return make(s3, tables, versioned=False)
