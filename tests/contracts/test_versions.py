"""The versions and delete markers of every cloud that keeps any, by real servers: moto's S3, and our OBS and OCI."""

import itertools
from dataclasses import dataclass
from itertools import groupby
from types import SimpleNamespace

import pytest
from oci.object_storage.models import UpdateBucketDetails

from bucketrelay.abilities import Taggable, Tagged, Version, Versioned
from bucketrelay.clouds.aws.store import s3_store
from bucketrelay.clouds.huawei.store import obs_store
from bucketrelay.clouds.huawei.versions import set_tags, versions_of
from bucketrelay.clouds.oracle.store import oci_store
from bucketrelay.clouds.oracle.versions import versions as oci_versions
from bucketrelay.database.queries import migrations
from bucketrelay.database.sqlite import Sqlite
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.inventory import Keeper, StoreFacts, sync_store
from bucketrelay.errors import Damaged, ObjectGone, StoreRefused, StoreUnavailable
from bucketrelay.http.messages import Answer
from bucketrelay.inventory.tables import Tables
from bucketrelay.model import Address, Meta
from bucketrelay_emulators.engine.faults import Fault
from bucketrelay_emulators.local_clouds import local_clouds

_numbers = itertools.count()
SCHEMES = ("s3", "obs", "oci")
emulated = pytest.mark.parametrize("scheme", ["obs", "oci"])


@dataclass
class Place:
    """A bucket of its own, and its user."""

    scheme: str
    cloud: object
    bucket: str
    made: list

    def store(self, prefix=""):
        if self.scheme == "s3":
            store = s3_store(Address("s3", self.bucket, prefix=prefix), **self.cloud.options)
        elif self.scheme == "obs":
            store = obs_store(
                Address("obs", self.bucket, prefix=prefix), **self.cloud.options, path_style=True, retries=0
            )
        else:
            address = Address("oci", self.bucket, self.cloud.namespace, prefix)
            store = oci_store(address, **self.cloud.options, retries=0)
        self.made.append(store)
        return store

    def keep_versions(self):
        """By the cloud's own SDK."""
        if self.scheme == "s3":
            wanted = {"Status": "Enabled"}
            self.cloud.client.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration=wanted)
        elif self.scheme == "obs":
            assert self.cloud.emulator.client().setBucketVersioning(self.bucket, "Enabled").status == 200
        else:
            details = UpdateBucketDetails(versioning="Enabled")
            self.cloud.emulator.client().update_bucket(self.cloud.namespace, self.bucket, details)

    def remove_version(self, key, version):
        if self.scheme == "s3":
            self.cloud.client.delete_object(Bucket=self.bucket, Key=key, VersionId=version)
        elif self.scheme == "obs":
            assert self.cloud.emulator.client().deleteObject(self.bucket, key, version).status == 204
        else:
            self.cloud.emulator.client().delete_object(self.cloud.namespace, self.bucket, key, version_id=version)

    def told(self):
        """What the cloud's own SDK lists: key, version, whether it is a delete marker."""
        if self.scheme == "s3":
            page = self.cloud.client.list_object_versions(Bucket=self.bucket)
            kinds = ((False, page.get("Versions", [])), (True, page.get("DeleteMarkers", [])))
            return sorted((row["Key"], row["VersionId"], marker) for marker, rows in kinds for row in rows)
        if self.scheme == "obs":
            body = self.cloud.emulator.client().listVersions(self.bucket).body
            kinds = ((False, body.versions), (True, body.markers))
            return sorted((row.key, row.versionId, marker) for marker, rows in kinds for row in rows)
        answer = self.cloud.emulator.client().list_object_versions(self.cloud.namespace, self.bucket)
        return sorted((row.name, row.version_id, row.is_delete_marker) for row in answer.data.items)


@pytest.fixture(scope="module")
def clouds():
    made = []
    with local_clouds() as clouds:
        yield clouds, made
        for store in made:  # the servers wait for the connections that are kept
            store.close()


@pytest.fixture
def place(clouds, scheme):
    bucket = f"versions-{next(_numbers)}"
    clouds[0][scheme].create(bucket)
    place = Place(scheme, clouds[0][scheme], bucket, clouds[1])
    place.keep_versions()
    return place


def _live(store):
    """A key that was written twice and deleted, one that came back, one that was written once."""
    for body in (b"1", b"22"):
        store.put("gone", body, Meta(content_type="text/plain", user={"n": str(len(body))}))
    store.delete("gone")
    store.put("here/a b", b"333", Meta())
    store.delete("here/a b")
    store.put("here/a b", b"4444", Meta())
    store.put("here/ü+%", b"5", Meta())


def _shape(versions):
    return [(version.key, version.marker, version.size, version.latest) for version in versions]


SHAPE = [
    ("gone", True, 0, True),
    ("gone", False, 2, False),
    ("gone", False, 1, False),
    ("here/a b", False, 4, True),
    ("here/a b", True, 0, False),
    ("here/a b", False, 3, False),
    ("here/ü+%", False, 1, True),
]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_all_versions_and_delete_markers_come_by_key_and_the_newest_first(place):
    store = place.store()
    assert isinstance(store, Versioned)
    assert list(store.versions()) == []
    _live(store)
    versions = list(store.versions())
    _by_second = place.scheme == "s3"  # moto tells whole seconds: within one only the latest has its place
    if _by_second:
        assert sorted(_shape(versions)) == sorted(SHAPE)
        assert [row for row in _shape(versions) if row[3]] == [row for row in SHAPE if row[3]]
    else:
        assert _shape(versions) == SHAPE
    assert sorted((version.key, version.version, version.marker) for version in versions) == place.told()
    assert all(version.version and version.modified for version in versions)
    assert all(bool(version.etag) is not version.marker for version in versions)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_stores_prefix_and_a_place_to_go_on_from_are_kept(place):
    _live(place.store())
    whole = list(place.store().versions())
    within = list(place.store("here/").versions())
    assert [f"here/{version.key}" for version in within] == [v.key for v in whole if v.key.startswith("here/")]
    assert [v.key for v in place.store().versions(after="gone")] == [v.key for v in whole if v.key > "gone"]
    assert [v.key for v in place.store("here/").versions("ü")] == ["ü+%"]
    assert {v.key for v in place.store("here/").versions(after="a b")} == {"ü+%"}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_version_is_looked_at_as_it_was_and_gone_when_it_was_removed(place):
    store = place.store()
    _live(store)
    old = next(version for version in store.versions() if (version.key, version.size) == ("gone", 1))
    info = store.look_version(old)
    assert (info.size, info.meta.content_type, dict(info.meta.user)) == (1, "text/plain", {"n": "1"})
    place.remove_version("gone", old.version)
    with pytest.raises((ObjectGone, StoreRefused)):
        store.look_version(old)
    assert [version.size for version in store.versions("gone")] == [0, 2]
    marker = next(version for version in store.versions("gone") if version.marker)
    place.remove_version("gone", marker.version)
    assert store.look("gone").size == 2
    assert _shape(store.versions("gone")) == [("gone", False, 2, True)]


@emulated
def test_versions_that_a_page_cuts_are_all_there(place, monkeypatch):
    """COMS went on at a key without its version: what lay behind the cut was taken for deleted."""
    monkeypatch.setattr("bucketrelay.clouds.huawei.versions.PAGE", "2")
    monkeypatch.setattr("bucketrelay.clouds.oracle.versions._PAGE", "2")
    store = place.store()
    _live(store)
    assert _shape(store.versions()) == SHAPE
    for _ in range(7):
        store.put("many", b"x", Meta())
    numbers = [version.version for version in store.versions("many")]
    assert len(set(numbers)) == len(numbers) == 7


@emulated
def test_a_bucket_that_keeps_none_has_one_version_of_each_object(clouds, scheme):
    bucket = f"versions-{next(_numbers)}"
    clouds[0][scheme].create(bucket)
    store = Place(scheme, clouds[0][scheme], bucket, clouds[1]).store()
    for body in (b"1", b"22"):
        store.put("a", body, Meta())
    (version,) = store.versions()
    assert (version.key, version.size, version.latest, version.marker) == ("a", 2, True, False)
    assert (version.version == "") is (scheme == "obs")
    assert store.look_version(version).size == 2


@emulated
@pytest.mark.parametrize("kind", ["cut", "error_in_200", "refuse"])
def test_an_answer_that_is_cut_or_an_error_is_never_taken_for_an_empty_bucket(place, kind):
    store = place.store()
    store.put("a", b"1", Meta())
    place.cloud.emulator.faults.order(Fault(kind=kind, operation="List*Versions", after_bytes=30))
    with pytest.raises((StoreUnavailable, Damaged)):
        list(store.versions())
    assert len(list(store.versions())) == 1


_HEAD = "<ListVersionsResult><Name>b</Name>"
_ROW = "<Version><Key>a</Key><VersionId>1</VersionId><Size>x</Size></Version>"


@pytest.mark.parametrize(
    "text",
    [
        "<html>a proxy</html>",
        "",
        "<ListVersionsResult><Name>other</Name><IsTruncated>false</IsTruncated></ListVersionsResult>",
        f"{_HEAD}</ListVersionsResult>",  # nothing says whether it is the last
        f"{_HEAD}<IsTruncated>true</IsTruncated></ListVersionsResult>",  # nor where it goes on
        f"{_HEAD}<IsTruncated>false</IsTruncated>{_ROW}</ListVersionsResult>",
        f"{_HEAD}<IsTruncated>false</IsTruncated><Version><Key>a</Key></Version></ListVersionsResult>",
        "<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated></ListBucketResult>",  # it knows no versions
    ],
)
def test_what_is_no_page_of_obs_is_said_to_be_none(text):
    with pytest.raises(StoreUnavailable):
        versions_of(text.encode(), "b", "obs://b")


@pytest.mark.parametrize(
    "items", ["", "[]", "{}", '{"items":3}', '{"items":[3]}', '{"items":[{"name":"a"}]}', "<html>"]
)
def test_what_is_no_page_of_oci_is_said_to_be_none(items):
    requests = SimpleNamespace(send=lambda *_: Answer(200, {}, items.encode()))
    with pytest.raises(StoreUnavailable):
        list(oci_versions(requests, Address("oci", "b", "ns"), "", ""))


def test_a_listing_of_oci_that_names_the_same_next_page_again_ends():
    requests = SimpleNamespace(send=lambda *_: Answer(200, {"opc-next-page": "1"}, b'{"items":[]}'))
    with pytest.raises(StoreUnavailable, match="same next page"):
        list(oci_versions(requests, Address("oci", "b", "ns"), "", ""))


@pytest.mark.parametrize("scheme", ["obs"])
def test_tags_of_a_version_are_its_own_and_are_written_to_obs_itself_alone(place):
    store = place.store()
    store.put("a", b"1", Meta(tags={"colour": "red"}))
    store.put("a", b"2", Meta(tags={"colour": "blue"}))
    new, old = (store.look_version(version) for version in store.versions("a"))
    assert isinstance(store, Tagged)
    assert (dict(store.tags(new)), dict(store.tags(old))) == ({"colour": "blue"}, {"colour": "red"})
    set_tags(store._requests, old, {"a&b": "<ü>"})
    assert (dict(store.tags(new)), dict(store.tags(old))) == ({"colour": "blue"}, {"a&b": "<ü>"})
    assert isinstance(store, Taggable)
    with pytest.raises(StoreRefused, match="leave out coms_id"):  # by its path style it is none of Huawei's
        store.set_tags(new, {})


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_inventory_has_versions_and_delete_markers_of_every_cloud(place, tmp_path):
    store, tables = place.store(), _tables(tmp_path)
    _live(store)
    facts, keeper = StoreFacts("photos", store), Keeper(tables)
    stock = sync_store(keeper, facts, "", "metadata", deadline=Deadline())
    assert (stock.objects, stock.new, stock.failed) == (3, 3, 0)
    held = {key: {(row.version, row.marker, row.latest) for row in rows} for key, rows in tables.pages("photos", "")}
    listed = {
        key: {(version.version, version.marker, version.latest) for version in some}
        for key, some in groupby(store.versions(), key=lambda version: version.key)
    }
    assert held == listed
    assert sync_store(keeper, facts, "", "versions", deadline=Deadline()).right == 3
    for version in list(store.versions("gone")):
        place.remove_version("gone", version.version)
    assert sync_store(keeper, facts, "", "versions", deadline=Deadline()).removed == 1
    assert "gone" not in dict(tables.pages("photos", ""))
    tables.close()


def _tables(folder):
    steps = migrations("bucketrelay.inventory.sql", "sqlite")
    return Tables(Sqlite(folder / "relay.db", "inventory", steps), postgres=False)


def test_of_two_versions_of_one_moment_the_first_told_is_the_latest():
    from bucketrelay.clouds.versions import by_age

    same = [Version("a", number, latest=False) for number in "12"]
    assert sorted(same, key=by_age) == same
