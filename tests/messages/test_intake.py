"""Mappings to rows: each message of a stream once, whoever reads it; and what happens where messages are lost."""

import json
from pathlib import Path

import pytest

import postgres_server
from bucketrelay.clouds.local.store import LocalStore
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.messages.archive import Archive as Tables
from bucketrelay.drivers.messages.delivery import Delivery
from bucketrelay.drivers.messages.intake import DATASET, ERROR, GAP, DatasetIntake
from bucketrelay.drivers.messages.syncing import Syncing
from bucketrelay.errors import StoreRefused
from bucketrelay.jobs.queue import Done
from bucketrelay.jobs.sqlite import SqliteQueue
from bucketrelay.model import Address, Meta
from messages.archive import Archive


@pytest.fixture
def queue(tmp_path):
    made = SqliteQueue(tmp_path / "relay.db")
    yield made
    made.close()


def mapping(offset: int | None, dataset: str = "EGA-SE-1", *ids: str) -> Delivery:
    body = {"type": "mapping", "dataset_id": dataset, "accession_ids": list(ids) or ["a"]}
    return Delivery(json.dumps(body).encode(), offset=offset)


def intake(queue, said: list[str] | None = None) -> DatasetIntake:
    return DatasetIntake(queue, "mapping_stream", "EGA-SE", "sda", (said if said is not None else []).append)


def keys(queue, *kinds: str) -> list[str]:
    jobs = queue.claim(100, kinds=set(kinds) or {DATASET, ERROR, GAP})
    queue.settle([(job, Done()) for job in jobs])
    return sorted(job.key for job in jobs)


def test_a_message_that_comes_again_after_its_job_is_done_makes_no_other(queue):
    for _ in range(3):
        intake(queue)(mapping(7))
        assert keys(queue) in (["mapping_stream/7"], [])
    assert intake(queue).position() == 7
    assert keys(queue) == []


def test_two_readers_of_one_stream_make_one_job_of_each_message(queue):
    one, two = intake(queue), intake(queue)
    for offset in range(3):
        one(mapping(offset))
        two(mapping(offset))
    assert keys(queue) == ["mapping_stream/0", "mapping_stream/1", "mapping_stream/2"]


def test_looking_for_the_position_leaves_none_behind(queue):
    assert intake(queue).position() is None
    assert intake(queue).position() is None
    intake(queue)(mapping(0))
    assert intake(queue).position() == 0


def test_messages_that_ask_for_nothing_make_no_job_and_no_gap(queue):
    said: list[str] = []
    take = intake(queue, said)
    take(mapping(0))
    take(mapping(1, "OTHER-1"))
    take(Delivery(b'{"type": "release", "dataset_id": "EGA-SE-1"}', offset=2))
    take(mapping(3))
    assert keys(queue) == ["mapping_stream/0", "mapping_stream/3"]
    assert said == []


def test_what_is_no_message_goes_to_the_error_queue_and_is_passed(queue):
    intake(queue)(Delivery(b"poison", offset=4, correlation="c"))
    (job,) = queue.claim(9, kinds={ERROR})
    assert (job.payload["exchange"], job.payload["key"], job.payload["correlation"]) == ("sda", "error", "c")
    assert json.loads(str(job.payload["body"]))["original-message"] == "poison"
    assert intake(queue).position() == 4


def test_messages_of_a_queue_have_names_of_their_own(queue):
    take = intake(queue)
    take(mapping(None))
    take(mapping(None))
    assert len(keys(queue)) == 2


def test_messages_that_are_lost_are_said_and_looked_for(queue):
    said: list[str] = []
    intake(queue, said)(mapping(3))
    intake(queue, said)(mapping(9))
    assert keys(queue, GAP) == ["mapping_stream/gap"]
    assert said == ["mapping_stream: after 3 came 9: looking for datasets that were never synced"]


def test_a_gap_syncs_the_datasets_that_lack_a_file_and_no_others(tmp_path, queue, postgres):
    archive = Archive(tmp_path, postgres_server.new_database(postgres))
    ids = archive.fill(4)
    archive.gather("EGA-SE-0001", ids[:2])
    archive.gather("EGA-SE-0002", ids[2:])
    archive.gather("OTHER-0003", ids)
    target = LocalStore(Address("file", str(tmp_path / "partner")))
    for path in list(archive.plain)[:2]:
        target.put(path, b"there", Meta())
    tables = Tables(archive.database, "the archive's database")
    nothing = dict.fromkeys(("runner", "open", "source", "tell"))
    syncing = Syncing(queue=queue, archive=tables, stores=lambda _: target, target="partner", **nothing)
    intake(queue)(mapping(0))
    intake(queue)(mapping(5))
    keys(queue, DATASET)
    (job,) = queue.claim(1, kinds={GAP})
    (ended,) = syncing.kinds[GAP].run([job], Deadline())
    assert ended.ending == Done({"datasets": 1})
    assert keys(queue, DATASET) == ["mapping_stream/before-5/EGA-SE-0002"]
    with pytest.raises(StoreRefused, match=r'relation "sda.files" does not exist'):
        Tables(postgres_server.new_database(postgres), "x").files(["a"])
    assert Path(tmp_path / "partner").exists()
    tables.close()


def test_next_means_next_to_the_first_start_also_after_a_restart(queue, tmp_path):
    first = intake(queue).beginning("next")
    queue.close()
    other = SqliteQueue(tmp_path / "relay.db")

    assert intake(other).beginning("next") == first
    assert intake(other).beginning("first") == "first"
    assert intake(other).position() is None
    other.close()
