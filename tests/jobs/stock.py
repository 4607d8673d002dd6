"""A bucket of moto's, its inventory in either database, and a user's view of both: for the tests of the inventory."""

import uuid
from dataclasses import dataclass

import pytest

from bucketrelay.deadline import Deadline
from bucketrelay.drivers.inventory import Keeper, StoreFacts, sync_store
from bucketrelay.inventory.tables import Tables
from bucketrelay.model import Address

MADE = []


@dataclass
class Stock:
    """A bucket, its inventory, and a user's view of both."""

    client: object
    bucket: str
    facts: StoreFacts
    tables: Tables
    ask: object  # runs SQL

    @property
    def keeper(self):
        return Keeper(self.tables)

    def sync(self, key="a.txt", depth="metadata", facts=None):
        return self.keeper.sync(facts or self.facts, key, depth)

    def take(self, depth="metadata", prefix="", facts=None):
        said = []
        found = facts or self.facts
        stock = sync_store(self.keeper, found, prefix, depth, deadline=Deadline(), complain=said.append)
        return stock, said

    def put(self, key="a.txt", body=b"1", **more):
        return self.client.put_object(Bucket=self.bucket, Key=key, Body=body, **more).get("VersionId")

    def delete(self, key="a.txt", version=None):
        named = {"VersionId": version} if version else {}
        return self.client.delete_object(Bucket=self.bucket, Key=key, **named)

    def tag(self, key="a.txt", version=None, **tags):
        named = {"VersionId": version} if version else {}
        found = {"TagSet": [{"Key": name.replace("_", "-"), "Value": value} for name, value in tags.items()]}
        self.client.put_object_tagging(Bucket=self.bucket, Key=key, Tagging=found, **named)

    def tags_held(self, key="a.txt"):
        found = self.client.get_object_tagging(Bucket=self.bucket, Key=key)["TagSet"]
        return {tag["Key"]: tag["Value"] for tag in found}

    def paths(self):
        return [row[0] for row in self.ask("SELECT path FROM object ORDER BY path")]

    def object(self, key="a.txt"):
        rows = self.ask(f"SELECT id FROM object WHERE path = '{key}'")
        return rows[0][0] if rows else None

    def versions(self, key="a.txt"):
        return self.ask(
            'SELECT version."s3VersionId", version."isLatest", version."deleteMarker", version."mimeType" FROM version '
            f"JOIN object ON object.id = version.\"objectId\" WHERE object.path = '{key}'"
        )

    def words(self, kind, key="a.txt"):
        """Tags, or metadata, of the latest version."""
        query = """SELECT word.key, word.value FROM {kind} AS word
            JOIN version_{kind} AS link ON link."{kind}Id" = word.id
            JOIN version ON version.id = link."versionId" JOIN object ON object.id = version."objectId"
            WHERE version."isLatest" AND object.path = '{key}'"""
        return dict(self.ask(query.format(kind=kind, key=key)))

    def count(self, table):
        return self.ask(f"SELECT count(*) FROM {table}")[0][0]

    def latest(self, key="a.txt"):
        return [row[0] for row in self.versions(key) if row[1]]


both = pytest.mark.parametrize("tables", ["sqlite", "postgres"], indirect=True)  # where SQL may differ


def make(s3, tables, *, versioned, prefix=""):
    from bucketrelay.clouds.aws.store import s3_store

    bucket = f"stock-{uuid.uuid4().hex[:12]}"
    s3.create(bucket)
    if versioned:
        s3.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    store = s3_store(Address("s3", bucket, prefix=prefix), **s3.options)
    MADE.append(store)
    return Stock(s3.client, bucket, StoreFacts("photos", store), *tables)


class Around:
    """A store around another: all that has no method here is the other's.

    Its members are attributes: since Python 3.12 `isinstance` sees no ability that `__getattr__` alone knows of.
    """

    def __init__(self, store):
        self._store = store
        for name in [name for name in dir(store) if not name.startswith("_") and not hasattr(type(self), name)]:
            setattr(self, name, self._member(name, getattr(store, name)))

    def _member(self, name, member):
        return member


class Failing(Around):
    """The store of a bucket where some requests fail."""

    def __init__(self, store, error, *names):
        self._error, self._names = error, names
        super().__init__(store)

    def _member(self, name, member):
        return self._fail if name in self._names else member

    def _fail(self, *_, **__):
        raise self._error


class Counting(Around):
    def __init__(self, store):
        self.calls = []
        super().__init__(store)

    def _member(self, name, member):
        if not callable(member):
            return member

        def call(*given, **more):
            self.calls.append(name)
            return member(*given, **more)

        return call


def coms(stock, **more):
    return StoreFacts("photos", more.get("store", stock.facts.store), coms_id=True)
