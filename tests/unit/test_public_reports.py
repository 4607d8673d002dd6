"""Cases of public reports from the event to the copy, through the whole product: docs/field-reports.md names each."""

import gzip
from contextlib import closing

import pytest

from bucketrelay import config, wiring
from bucketrelay.clouds.huawei.store import obs_store
from bucketrelay.clouds.oracle.store import oci_store
from bucketrelay.drivers import function as entry
from bucketrelay.model import Address, Meta, Outcome
from bucketrelay.store import Abilities
from bucketrelay.testing.memory import MemoryStore
from bucketrelay_emulators.obs.emulator import ObsEmulator
from bucketrelay_emulators.oci.emulator import OciEmulator
from payloads.event_builders import record, records
from receivers import Oms
from unit.stores import test_field_reports as reports
from unit.stores.scripted import Answer
from unit.test_replay import World

opened, server, target = reports.opened, reports.server, reports.target


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.obs.__exit__(None, None, None)


def told(key, name="ObjectCreated:Put"):
    return {"obs": {"bucket": {"name": "src-bucket"}, "object": {"key": key}}, "eventName": name}


def handled(world, *events):
    """The outcomes at the first target, key by key."""
    text = world.toml.replace('"other"]', '"other"]\ndeletes = "follow"')
    with closing(wiring.system(config.load(text, {}), emit=lambda _: None)) as system:
        done = entry.handle(records(*events), system, cloud="obs", seconds=60, invocation="i").results
    return [(r.key, r.outcome, r.note) for r in done if "/target" in r.target]


def test_a_delete_marker_takes_the_copy_away(world):
    world.write("a")
    assert handled(world, told("a")) == [("a", Outcome.COPIED, "")]
    world.obs.engine.bucket("src-bucket").delete("a")

    assert handled(world, told("a", "ObjectRemoved:DeleteMarkerCreated")) == [("a", Outcome.DELETED, "")]
    assert not (world.folder / "target" / "a").exists()


def test_an_archived_object_fails_and_is_copied_once_it_was_restored(world):
    bucket = world.obs.engine.bucket("src-bucket")
    bucket.put("a", b"1", headers={}, storage_class="COLD")
    assert [outcome for _, outcome, _ in handled(world, told("a"))] == [Outcome.FAILED]
    bucket.put("a", b"1", headers={})  # as it reads while it is restored

    assert handled(world, told("a", "ObjectRestore:Completed")) == [("a", Outcome.COPIED, "")]


def test_a_key_the_keys_below_it_and_a_long_segment_go_to_a_directory(world):
    keys = ["a", "a/b", "a/", f"{'x' * 300}/y"]
    for key in keys:
        world.write(key, key.encode())
    assert {outcome for _, outcome, _ in handled(world, *map(told, keys))} == {Outcome.COPIED}

    with closing(wiring.system(config.load(world.toml, {}), emit=lambda _: None)) as system:
        held = system.store("target")
        assert {key: bytes(held.fetch(key, 1000).body) for key in keys} == {key: key.encode() for key in keys}


def test_a_removal_on_the_route_of_a_forward_is_unchanged_and_says_so(tmp_path):
    with Oms() as oms:
        text = f"""
log = "logs"
[stores.logs]
url = "file://{tmp_path}"
[stores.photos]
url = "s3://photos"
[[routes]]
name = "r"
source = "photos"
forward = "oms"
[forwards.oms]
type = "oms"
url = "{oms.url}{oms.path}"
access_key = "{oms.access_key}"
secret_key = "{oms.secret_key}"
"""
        removed = records(record("a", bucket="photos", eventName="ObjectRemoved:Delete"))
        with closing(wiring.system(config.load(text, {}), emit=lambda _: None)) as system:
            report = entry.handle(removed, system, cloud="s3", seconds=60, invocation="i")

    assert oms.asked == []
    assert [result.outcome for result in report.results] == [Outcome.UNCHANGED]
    assert "nobody was told" in report.results[0].note


PACKED = gzip.compress(b"text " * 100, mtime=0)


@pytest.fixture(params=["s3", "obs", "oci"])
def packed(request, server, opened):
    """A source with an object of bytes in gzip, which says so."""
    meta = Meta(content_type="text/plain", content_encoding="gzip")
    if request.param == "s3":
        answer = Answer(200, {**reports.HEADERS, "Content-Encoding": "gzip", "x-amz-tagging-count": "0"}, PACKED)
        server.will(answer, reports.head(answer))
        yield opened(server.url)
    elif request.param == "obs":
        with ObsEmulator() as cloud:
            cloud.create_bucket("b")
            keys = {"access_key": cloud.access_key, "secret_key": cloud.secret_key}
            with closing(obs_store(Address("obs", "b"), endpoint=cloud.endpoint, path_style=True, **keys)) as store:
                store.put("k", PACKED, meta)
                yield store
    else:
        with OciEmulator() as cloud:
            cloud.create_bucket("b")
            access = {"endpoint": cloud.endpoint, "config_file": cloud.config_file}
            with closing(oci_store(Address("oci", "b", "mytenancy"), **access)) as store:
                store.put("k", PACKED, meta)
                yield store


def test_bytes_in_gzip_arrive_as_they_were_and_say_so(packed, target):
    assert reports.converged(packed, target).outcome is Outcome.COPIED
    copied = target.look("k")
    assert bytes(target.fetch("k", 10_000).body) == PACKED
    assert copied.meta.content_encoding == "gzip"


def test_tags_that_a_get_does_not_count_and_a_head_does_travel(server, opened):
    target = MemoryStore(Address("obs", "target"), abilities=Abilities(tags=10))
    counted = reports.head(reports.one(x_amz_tagging_count="1"))
    server.will(reports.one(), Answer(200, body=reports.TAG), counted)
    done = reports.converged(opened(server.url), target)

    assert (done.outcome, done.degraded) == (Outcome.COPIED, ())
    assert target.tags(target.look("k")) == {"kind": "photo"}
