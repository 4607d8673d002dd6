"""A source that is emptied, gone, closed or cut short: what may be deleted at the targets is what it says is deleted.

Over HTTP, with the functions' own entry and the stores' SDKs; the events are those of a mass deletion that may be none.
"""

import math
from dataclasses import replace

import pytest

from bucketrelay import config, wiring
from bucketrelay.drivers import function as entry
from bucketrelay.drivers.replay import replay_of
from bucketrelay.errors import Damaged, StoreUnavailable
from bucketrelay.wiring_stores import Stores
from bucketrelay_emulators.engine.faults import ALWAYS, Fault
from functions.test_answers import EVENTS, OBJECT
from functions.three_clouds import LOGS, SOURCE, TARGET, toml

KEYS = [f"in/{number}" for number in range(3)]
REMOVED = {"s3": "ObjectRemoved:Delete", "obs": "ObjectRemoved:Delete", "oci": "deleteobject"}


class Relay:
    """A route from one cloud to all, with a fuse; its copies are made already."""

    def __init__(self, clouds, cloud, most):
        self.clouds, self.cloud, self.view = clouds, cloud, clouds.views[cloud]
        for key in KEYS:
            self.view.write(SOURCE, key, OBJECT)
        self.system = self.made(most)
        assert all(result.ok for result in self.handle("created").results)

    def made(self, most):
        text = toml(self.clouds.views, self.cloud) + f"max_deletes = {most}\n"
        return wiring.system(config.load(text, {}), emit=lambda _: None)

    def handle(self, what, keys=KEYS):
        name = {} if what == "created" else {"name": REMOVED[self.cloud]}
        event = EVENTS[self.cloud](*keys, **name)
        return entry.handle(event, self.system, cloud=self.cloud, seconds=math.inf, invocation=what)

    def copies(self):
        return {scheme: view.keys(TARGET) for scheme, view in self.clouds.views.items()}


@pytest.fixture
def relay(clouds):
    made = []

    def start(cloud, most=1000):
        made.append(Relay(clouds, cloud, most))
        return made[-1]

    yield start
    for each in made:
        each.system.close()


def failures(report):
    return [result for result in report.results if not result.ok]


@pytest.mark.parametrize("cloud", EVENTS)
def test_an_emptied_source_takes_no_more_copies_along_than_the_fuse_lets_through(relay, cloud):
    mine = relay(cloud, most=2)
    for key in KEYS:
        mine.view.remove(SOURCE, key)
    held = failures(mine.handle("removed"))

    assert len(held) == 3 * len(KEYS) - 2
    assert all("max_deletes" in result.error and "the object was kept" in result.error for result in held)
    assert sum(map(len, mine.copies().values())) == len(held)
    assert sum("max_deletes" in line["error"] for line in mine.clouds.lists()["failed_object"]) == len(held)


def test_what_the_fuse_held_is_done_by_replay_once_somebody_says_go(relay):
    mine = relay("obs", most=0)
    for key in KEYS:
        mine.view.remove(SOURCE, key)
    held = failures(mine.handle("removed"))
    assert len(held) == 3 * len(KEYS)
    assert all(result.by_hand for result in held)
    assert set(map(len, mine.copies().values())) == {len(KEYS)}

    replay = replay_of(mine.system)
    again = [result for ended in replay.run(None, "", "replay-1") for result in ended.results]
    assert len(again) == 3 * len(KEYS)
    assert not any(result.ok for result in again)  # the fuse holds in replay, too
    done = [result for ended in replay.go(None, mine.system.routes[0].name, "replay-2") for result in ended.results]
    assert len(done) == 3 * len(KEYS)
    assert all(result.ok for result in done)
    assert not any(mine.copies().values())
    assert not mine.system.fuses.blown(mine.system.routes[0].name)


@pytest.mark.parametrize("cloud", ["obs", "oci"])
def test_a_source_bucket_that_is_gone_has_deleted_nothing(relay, cloud):
    mine = relay(cloud)
    mine.view.emulator.engine.delete_bucket(SOURCE, mine.view.namespace, force=True)
    try:
        failed = failures(mine.handle("removed"))
    finally:
        mine.view.create(SOURCE)

    assert len(failed) == 3 * len(KEYS)
    assert all("bucket" in result.error.lower() for result in failed)
    assert set(map(len, mine.copies().values())) == {len(KEYS)}


def test_an_s3_bucket_that_is_gone_has_deleted_nothing(relay):
    mine = relay("s3")
    for key in KEYS:
        mine.view.remove(SOURCE, key)
    mine.view.client.delete_bucket(Bucket=SOURCE)
    try:
        failed = failures(mine.handle("removed"))
    finally:
        mine.view.create(SOURCE)

    assert len(failed) == 3 * len(KEYS)
    assert all("NoSuchBucket" in result.error for result in failed)
    assert set(map(len, mine.copies().values())) == {len(KEYS)}


@pytest.mark.parametrize("cloud", ["obs", "oci"])
@pytest.mark.parametrize(
    "fault",
    [
        {"status": 403, "code": "AccessDenied"},
        {"status": 401, "code": "InvalidAccessKeyId"},
        {"status": 404, "code": "NoSuchBucket"},
        {"status": 404, "code": ""},
        {"status": 404, "code": "NotAuthorizedOrNotFound"},
        {"status": 500, "code": "InternalError"},
        {"status": 301, "code": "PermanentRedirect"},
        {"status": 410, "code": "Gone"},
        {"kind": "reset_before"},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_a_source_that_answers_anything_but_no_such_key_has_deleted_nothing(relay, cloud, fault):
    mine = relay(cloud)
    for key in KEYS:
        mine.view.remove(SOURCE, key)
    mine.system.close()
    text = toml(mine.clouds.views, cloud).replace("[stores.source]", "[stores.source]\nretries = 0")
    mine.system = wiring.system(config.load(text, {}), emit=lambda _: None)
    faults = mine.view.emulator.faults
    faults.order(Fault(operation="GetObject", key="in/*", times=ALWAYS, **fault))
    try:
        report = mine.handle("removed")
    finally:
        faults.clear()

    assert not any(result.outcome.value == "deleted" for result in report.results)
    assert len(failures(report)) == 3 * len(KEYS)
    assert set(map(len, mine.copies().values())) == {len(KEYS)}


@pytest.mark.parametrize("cloud", ["obs", "oci"])
@pytest.mark.parametrize("after", [0, 1, 40, 300])
def test_a_listing_that_is_cut_anywhere_raises_and_is_never_a_shorter_one(relay, cloud, after):
    mine = relay(cloud)
    mine.system.close()
    text = toml(mine.clouds.views, cloud).replace("[stores.source]", "[stores.source]\nretries = 0")
    stores = Stores(config.load(text, {}).stores, lambda: ("", "", ""))
    source = stores.get("source")
    assert [info.key for info in source.list()] == KEYS

    mine.view.emulator.faults.order(Fault(operation="ListObjects", kind="cut", after_bytes=after))
    with pytest.raises((StoreUnavailable, Damaged)):
        list(source.list())
    stores.close()


def test_a_failed_list_that_is_cut_is_set_aside_whole_and_its_good_lines_are_run(relay):
    mine = relay("obs", most=0)
    mine.view.remove(SOURCE, KEYS[0])
    mine.handle("removed", KEYS[:1])
    (name,) = (key for key in mine.clouds.views["s3"].keys(LOGS) if key.startswith("failed_object/"))
    cut = mine.clouds.views["s3"].read(LOGS, name).body[:-20]
    mine.clouds.views["s3"].write(LOGS, name, replace(OBJECT, body=cut))

    (ended,) = replay_of(mine.system).run(None, "", "replay")
    (said,) = ended.problems
    assert name in said
    assert len(ended.results) == 2  # of three lines, the last of which is cut
    aside = name.replace("failed_object/", "damaged_object/")
    assert mine.clouds.views["s3"].read(LOGS, aside).body == cut
    assert name not in mine.clouds.views["s3"].keys(LOGS)
