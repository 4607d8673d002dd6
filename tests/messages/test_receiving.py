"""The receiving end: what `bucketrelay serve` answers to the archive's senders, and what its pipeline is told."""

import json
import re

import httpx
import pytest

from messages.post import channel, taken
from messages.running import running
from messages.world import SECRETS, until

SERVE = """
[serve]
user = "sync"
password = "${REMOTE_PW}"
"""
USER = ("sync", SECRETS["REMOTE_PW"])
FILES = [{"filepath": f"in/{n}.c4gh", "file_id": f"SYNC-123-0000{n}", "sha256": "ab" * 32} for n in (1, 2)]
DATASET = {"dataset_id": "SYNC-001-12345", "dataset_files": FILES, "user": "someone@example.org"}


@pytest.fixture
def queues(world, name) -> dict[str, str]:
    """What the pipeline reads."""
    made = {}
    with channel(world.broker) as ch:
        for key in ("ingest", "accession", "mappings"):
            made[key] = name(key)
            ch.queue_declare(made[key], durable=True, auto_delete=False)
            ch.queue_bind(made[key], world.exchange, key)
    return made


@pytest.fixture
def served(world):
    (world.folder / "relay.toml").write_text((world.folder / "relay.toml").read_text() + SERVE)
    with running("serve", "--listen", "127.0.0.1:0", cwd=world.folder, environ=SECRETS) as child:
        child.says("listening on")
        url = re.search(r"http://127\.0\.0\.1:\d+", child.text)[0]
        with httpx.Client(base_url=url, auth=USER, verify=False) as client:
            yield client


def bodies(world, queue: str, count: int) -> list[dict]:
    return [json.loads(message.body) for message in taken(world.broker, queue, count)]


def test_a_dataset_is_published_once_and_its_mapping_when_all_files_are_known(world, queues, served):
    assert served.get("/ready").status_code == 200
    assert served.post("/dataset", json=DATASET).status_code == 200
    assert served.post("/dataset", json=DATASET).status_code == 200
    with running("worker", cwd=world.folder, environ=SECRETS) as worker:
        ingest, accession = bodies(world, queues["ingest"], 2), bodies(world, queues["accession"], 2)
        assert [said["filepath"] for said in ingest] == ["in/1.c4gh", "in/2.c4gh"]
        assert [said["accession_id"] for said in accession] == ["SYNC-123-00001", "SYNC-123-00002"]
        assert accession[0]["decrypted_checksums"] == [{"type": "sha256", "value": "ab" * 32}]
        world.archive.add("SYNC-123-00001", "in/1.c4gh", b"1")
        assert served.post("/dataset", json=DATASET).status_code == 200
        assert taken(world.broker, queues["mappings"], 1, seconds=2) == []
        world.archive.add("SYNC-123-00002", "in/2.c4gh", b"2")
        (mapping,) = bodies(world, queues["mappings"], 1)
        assert mapping == {
            "type": "mapping",
            "dataset_id": "SYNC-001-12345",
            "accession_ids": ["SYNC-123-00001", "SYNC-123-00002"],
        }
        assert taken(world.broker, queues["ingest"], 1, seconds=1) == []
        assert worker.end() == 0


def test_what_is_no_dataset_is_refused_with_its_reason_and_strangers_without(world, queues, served):
    answer = served.post("/dataset", json={**DATASET, "user": "four"})
    assert (answer.status_code, answer.json()["error"]) == (
        400,
        "error on JSON validation: user: must be a text of at least 5 characters",
    )
    assert served.post("/dataset", json=DATASET, auth=("sync", "wrong")).status_code == 401
    assert served.post("/metadata", json={"dataset_id": "SYNC-001-12345", "metadata": {"a": 1}}).status_code == 200
    assert served.post("/metadata", json={"dataset_id": "SYNC-001-12345"}).status_code == 400


@pytest.mark.slow
def test_without_a_broker_the_answer_is_503_and_nothing_is_half_done(world, queues, served, broker):
    broker.stop()
    try:
        assert served.post("/dataset", json=DATASET).status_code == 503
        assert served.get("/ready").status_code == 503
    finally:
        broker.start()
    until(lambda: served.get("/ready").status_code == 200)
    assert served.post("/dataset", json=DATASET).status_code == 200
    with running("worker", cwd=world.folder, environ=SECRETS) as worker:
        assert len(bodies(world, queues["ingest"], 2)) == 2
        assert worker.end() == 0
