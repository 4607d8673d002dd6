"""The source's side out of an inventory: what it says is what counts, what it is not is said."""

import csv
import gzip
import hashlib
import io
import json
import random
from datetime import datetime, timedelta, timezone
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.drivers.reconcile import inventory_file
from bucketrelay.drivers.reconcile.inventory_file import Inventory, manifest
from bucketrelay.drivers.reconcile.sorted_file import SortedFile
from bucketrelay.drivers.reconcile.source_inventory import InventorySource, with_inventory
from bucketrelay.errors import BadEvent, ConfigError, Damaged
from bucketrelay.model import Address, Deletes, ObjectInfo

NOW = datetime(2026, 11, 21, 9, tzinfo=timezone.utc)
S3 = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, StorageClass"
OBS = "Bucket,Key,Size,LastModifiedDate,ETag,StorageClass,IsMultipartUploaded,ReplicationStatus,EncryptionStatus"
SOURCE = Address("s3", "source-bucket")


def _csv(rows):
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue().encode()


def _s3_rows(infos):
    return [
        (
            "source-bucket",
            quote_plus(i.key),
            "v",
            "true",
            "false",
            i.size,
            f"{i.modified:%Y-%m-%dT%H:%M:%S.000Z}",
            i.etag,
            "STANDARD",
        )
        for i in infos
    ]


def _write(folder, schema, files, kind="CSV"):
    listed = []
    for name, body in files.items():
        (folder / name).write_bytes(body)
        listed.append({"key": f"p/data/{name}", "size": len(body), "MD5checksum": hashlib.md5(body).hexdigest()})
    said = {
        "sourceBucket": "source-bucket",
        "destinationBucket": "arn:aws:s3:::inventories",
        "fileFormat": kind,
        "fileSchema": schema,
        "files": listed,
    }
    (folder / "manifest.json").write_text(json.dumps(said))
    return str(folder / "manifest.json")


def _shelf(world=None):
    return InventorySource({}, lambda name: None)


def _infos(world):
    return [world.source.info(key) for key in world.source.keys()]


def _run(world, place, folder, **wish):
    folder.mkdir(exist_ok=True)
    plain = world.wish(**wish)
    found = with_inventory(plain, place, _shelf(), world.route.source, folder)
    return world.counts(source=found.source, inventory=found.inventory, **wish)


def test_an_s3_inventory_stands_for_the_sources_listing(world, tmp_path):
    world.route_with(deletes=Deletes.FOLLOW)
    for key in ("a b", "a+b", "ä/文", "z", "gone", "late"):
        world.source.write(key, b"1")
    world.replicate("a b", "gone", "late")
    rows = _s3_rows(info for info in _infos(world) if info.key != "late")
    random.Random(1).shuffle(rows)
    rows.append(("source-bucket", "old", "v", "false", "false", 1, "2026-11-21T09:00:00.000Z", "e", "STANDARD"))
    rows.append(("source-bucket", "deleted", "v", "true", "true", "", "2026-11-21T09:00:00.000Z", "", ""))
    files = {
        "1.csv.gz": gzip.compress(_csv(rows[:3])) + gzip.compress(_csv(rows[3:5])),
        "2.csv.gz": gzip.compress(_csv(rows[5:])),
    }
    place = _write(tmp_path, S3, files)
    world.source.remove("gone")  # since the inventory
    world.source.calls.clear()
    book = _run(world, place, tmp_path / "work", check=True)
    assert "list" not in {verb for verb, _ in world.source.calls}
    # `late` was written after the inventory: the source itself has the last word before anything is surplus.
    assert (book["right"], book["missing"], book.get("surplus", 0)) == (3, 3, 0)
    book = _run(world, place, tmp_path / "work")
    assert book["repaired"] == 3
    assert world.target.keys() == sorted([*world.source.keys(), "gone"])


def test_an_obs_inventory_is_read_by_its_own_columns(tmp_path):
    rows = [("source-bucket", "a%20b", 5, "2026-11-21T09:00:00.123Z", '"e"', "STANDARD", "false", "", "")]
    (tmp_path / "manifest.json").write_bytes(b"")
    place = _write(tmp_path, OBS, {"1.csv": _csv(rows)})
    said = manifest((tmp_path / "manifest.json").read_bytes(), place)
    found = list(Inventory(said, _shelf().opener(place, ""), Address("obs", "source-bucket"), tmp_path).objects())
    assert found == [ObjectInfo("a b", 5, "e", NOW.replace(microsecond=123000))]


def test_a_parquet_inventory_needs_no_schema_in_its_manifest(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.table(
        {
            "bucket": ["source-bucket"] * 3,
            "key": ["b%20c", "a", "x"],  # as they are: nothing is encoded here
            "is_latest": [True, True, False],
            "is_delete_marker": [False, False, False],
            "size": [1, 2, 3],
            "last_modified_date": pa.array([NOW] * 3, pa.timestamp("ms")),
            "e_tag": ["e", "f", "g"],
        }
    )
    parquet.write_table(table, tmp_path / "t")
    place = _write(tmp_path, "message s3.inventory {…}", {"1.parquet": (tmp_path / "t").read_bytes()}, "Parquet")
    said = manifest((tmp_path / "manifest.json").read_bytes(), place)
    found = list(Inventory(said, _shelf().opener(place, ""), SOURCE, tmp_path).objects())
    assert found == [ObjectInfo("b%20c", 1, "e", NOW), ObjectInfo("a", 2, "f", NOW)]


def test_by_url_the_files_are_in_the_manifests_own_bucket(world, tmp_path):
    world.source.write("a", b"1")
    body = gzip.compress(_csv(_s3_rows(_infos(world))))
    files = [{"key": "ops/inv/data/1.csv.gz", "size": len(body)}]
    said = {"fileFormat": "CSV", "fileSchema": S3, "destinationBucket": "arn:aws:s3:::logs", "files": files}
    world.log.write("inv/data/1.csv.gz", body)
    world.log.write("inv/2026/manifest.json", json.dumps(said).encode())
    shelf = InventorySource({"log": world.log.address}, lambda name: world.stores[name])
    found = with_inventory(world.wish(), "s3://logs/ops/inv/2026/manifest.json", shelf, SOURCE, tmp_path)
    side = found.source(world.begin().plan.targets[0][1][0], lambda _: False)
    assert side.more()
    assert side.rests == ["a"]
    with pytest.raises(ConfigError, match="no configured store reaches it: add one for the bucket other"):
        shelf.manifest("s3://other/manifest.json")
    with pytest.raises(ConfigError, match="there is no such object"):
        shelf.manifest("s3://logs/ops/nothing/manifest.json")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fileFormat": "ORC"}, "have it written as CSV or Parquet"),
        ({"fileSchema": "Bucket, Key"}, "lacks size: add it"),
        ({"files": "x"}, "no manifest of an inventory"),
        ({"files": []}, "has no file, which is not the same as an empty bucket"),
    ],
)
def test_what_is_no_manifest_is_said_to_be_none(world, tmp_path, change, said):
    place = _write(tmp_path, S3, {"1.csv": b""})
    members = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps({**members, **change}))
    with pytest.raises(BadEvent, match=said):
        with_inventory(world.wish(), place, _shelf(), SOURCE, tmp_path)


ROW = ("source-bucket", "a", "v", "true", "false", 1, "2026-11-21T09:00:00.000Z", "e", "STANDARD")


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        (gzip.compress(_csv([ROW] * 50))[:-20], BadEvent, "ends too soon|no CSV"),
        (b"\x1f\x8bxxxx", BadEvent, "no CSV"),
        (b"\xff\xfe", BadEvent, "no CSV"),
        (_csv([ROW[:3]]), BadEvent, "line 1: 3 columns"),
        (_csv([(*ROW[:5], "many", *ROW[6:])]), BadEvent, "no number"),
        (_csv([("another", *ROW[1:])]), BadEvent, "an inventory of the bucket 'another'"),
        (b"x" * 5_000_000, BadEvent, "a line of more than"),
    ],
)
def test_what_is_no_file_of_an_inventory_is_said_to_be_none(world, tmp_path, body, error, said):
    place = _write(tmp_path, S3, {"1.csv": body})
    with pytest.raises(error, match=said):
        with_inventory(world.wish(), place, _shelf(), SOURCE, tmp_path)


def test_a_file_that_is_not_what_the_manifest_says_is_damaged(world, tmp_path):
    place = _write(tmp_path, S3, {"1.csv": _csv([ROW])})
    (tmp_path / "1.csv").write_bytes(_csv([ROW]).replace(b"a", b"b"))
    with pytest.raises(Damaged):
        with_inventory(world.wish(), place, _shelf(), SOURCE, tmp_path)


def test_a_name_in_a_manifest_never_leads_out_of_its_folder(world, tmp_path):
    (tmp_path / "secret").write_bytes(_csv([ROW]))
    inside = tmp_path / "in" / "day"
    inside.mkdir(parents=True)
    place = _write(inside, S3, {"1.csv": b""})
    members = json.loads((inside / "manifest.json").read_text())
    (inside / "manifest.json").write_text(json.dumps({**members, "files": [{"key": "../../secret"}]}))
    with pytest.raises(ConfigError, match="No such file"):
        with_inventory(world.wish(), place, _shelf(), SOURCE, tmp_path)


@given(st.lists(st.tuples(st.text(min_size=1, max_size=3), st.integers(0, 9))), st.text(max_size=3))
def test_sorted_on_disk_is_sorted_in_memory(tmp_path_factory, rows, after):
    folder = tmp_path_factory.mktemp("sorted")
    infos = [ObjectInfo(key, n, "e", NOW + timedelta(seconds=n)) for key, n in rows]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bucketrelay.drivers.reconcile.sorted_file._RUN", 3)
        patch.setattr("bucketrelay.drivers.reconcile.sorted_file._STEP", 2)
        held = SortedFile(infos, folder)
    newest = {info.key: info for info in sorted(infos, key=lambda info: info.modified)}
    want = [newest[key] for key in sorted(newest) if key > after]
    assert list(held.listing(after)) == want


@given(st.binary(max_size=200))
def test_any_bytes_are_a_manifest_or_refused(body):
    try:
        found = manifest(body, "x")
    except BadEvent:
        pass
    else:
        assert found.format in ("CSV", "PARQUET")


def test_a_cell_longer_than_any_key_is_refused(tmp_path):
    (tmp_path / "1.csv").write_bytes(b"bucket," + b"k" * (2 << 20) + b",5\n")
    with pytest.raises(BadEvent, match=r"1\.csv: no CSV \(field larger"):
        list(inventory_file._csv(tmp_path / "1.csv", ("bucket", "key", "size"), "1.csv"))


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_or_refused(tmp_path_factory, body):
    path = tmp_path_factory.mktemp("rows") / "1.csv"
    path.write_bytes(body)
    try:
        for row in inventory_file._csv(path, ("bucket", "key", "size"), "1.csv"):
            assert set(row) == {"bucket", "key", "size"}
    except BadEvent:
        pass
