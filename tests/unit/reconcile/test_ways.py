"""Differences handed on: to functions by SQS, to S3 Batch Operations by a manifest; each message one that they read."""

import json
from contextlib import closing
from dataclasses import replace

import pytest
from botocore.session import Session

from bucketrelay import events
from bucketrelay.clouds.aws.sqs import Queue
from bucketrelay.deadline import Deadline
from bucketrelay.drivers import function as entry
from bucketrelay.drivers.reconcile.manifest import job, put_whole, row_of
from bucketrelay.drivers.reconcile.ways import SendOn, write_down
from bucketrelay.errors import StoreRefused, StoreUnavailable
from bucketrelay.model import Address, Deletes
from bucketrelay.store import Abilities
from bucketrelay.testing.memory import MemoryStore
from bucketrelay_emulators.local_clouds import local_s3

ODD = ["a b", "a+b", "a%20b", 'q"uote,comma', "ä/文字", "new\nline"]


def _differing(world, count=0):
    world.route_with(deletes=Deletes.FOLLOW)
    for key in [*ODD, *(f"k{n:04}" for n in range(count))]:
        world.source.write(key, b"1")
    world.source.write("gone", b"1")
    world.replicate("gone")
    world.source.remove("gone")


def test_messages_carry_every_task_in_the_shape_that_functions_read(world):
    _differing(world, 250)
    texts = []
    book = world.book(repair=SendOn(texts.extend), way="sqs")
    assert (book["queued"], book["missing"], book["surplus"], book["repaired"]) == (257, 256, 1, 0)
    assert book["complete"]
    assert all(len(text) <= 24_000 for text in texts)
    assert world.target.keys() == ["gone"]
    records = [{"messageId": str(n), "eventSource": "aws:sqs", "body": text.decode()} for n, text in enumerate(texts)]
    report = entry.handle({"Records": records}, world.system, cloud="s3", seconds=60, invocation="i")
    assert report.answer() == {"batchItemFailures": []}
    assert world.target.keys() == world.source.keys()


def test_what_rotted_under_its_stamp_is_copied_anew_by_the_function_too(world):
    world.source.write("a", b"right")
    world.replicate("a")
    held = world.target.bucket.objects["a"]
    world.target.bucket.objects["a"] = replace(held, body=b"wrong", etag="rotted")
    assert world.counts(check=True).get("different", 0) == 0  # its stamp says that all is well
    texts = []
    assert world.book(repair=SendOn(texts.extend), way="sqs", depth="content")["queued"] == 1
    records = [{"messageId": "1", "eventSource": "aws:sqs", "body": texts[0].decode()}]
    report = entry.handle({"Records": records}, world.system, cloud="s3", seconds=60, invocation="i")
    assert report.answer() == {"batchItemFailures": []}
    assert world.target.body("a") == b"right"


def test_what_no_queue_took_is_sent_by_the_next_run(world):
    _differing(world)

    def refuse(texts):
        raise StoreUnavailable("503")

    with pytest.raises(StoreUnavailable):
        world.run(repair=SendOn(refuse), way="sqs")
    texts = []
    assert world.book(repair=SendOn(texts.extend), way="sqs")["queued"] == 7


@pytest.fixture(scope="module")
def server():
    with local_s3() as s3:  # moto's server, which has SQS too
        yield s3.endpoint


@pytest.fixture(scope="module")
def client(server):
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "s"}
    with closing(Session().create_client("sqs", region_name="eu-west-1", endpoint_url=server, **keys)) as made:
        yield made


@pytest.fixture(autouse=True)
def environ(monkeypatch):
    """Where a queue is looked for, and with which keys: what a function has around it."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")


def test_an_sqs_queue_takes_them_all_ten_in_a_request(client, server):
    url = client.create_queue(QueueName="events")["QueueUrl"]
    queue = Queue(url.replace(url.rpartition("/")[0].rpartition("/")[0], server))
    texts = [json.dumps({"n": n}).encode() for n in range(23)]
    queue.send(texts)
    queue.close()
    bodies = []
    while found := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        bodies += [message["Body"] for message in found]
        for message in found:
            client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert sorted(bodies) == sorted(text.decode() for text in texts)


def test_a_queue_that_is_not_there_is_one_clear_line(client, server):
    queue = Queue(f"{server}/123456789012/nothing")
    with pytest.raises(StoreRefused, match="check the queue's URL"):
        queue.send([b"1"])
    queue.close()
    for url, said in (
        ("https://sqs.eu-west-1.amazonaws.com/1/q.fifo", "FIFO"),
        ("sqs://q", "no URL of an SQS queue"),
        ("https://host/q", "no URL of an SQS queue"),
    ):
        with pytest.raises(StoreRefused, match=said):
            Queue(url)


def test_a_queue_without_a_server_is_tried_again_later():
    queue = Queue("http://127.0.0.1:9/123456789012/q")
    with pytest.raises(StoreUnavailable):
        queue.send([b"1"])
    queue.close()


# The manifest.


def _batch_event(rows):
    """What S3 Batch Operations send for rows of a manifest: the key as it stands there."""
    tasks = [
        {"taskId": str(n), "s3Key": key, "s3VersionId": None, "s3Bucket": bucket}
        for n, (bucket, key) in enumerate(row.split(",") for row in rows)
    ]
    return {"invocationSchemaVersion": "2.0", "invocationId": "i", "job": {"id": "j"}, "tasks": tasks}


def test_a_manifest_names_every_difference_as_batch_operations_read_it(world):
    _differing(world, 30)
    book = world.book(repair=write_down, way="manifest", manifest="batch/m.csv")
    rows = world.log.body("batch/m.csv").decode().split("\n")
    assert (book["queued"], rows[-1]) == (37, "")
    parsed = events.parse(_batch_event(rows[:-1]), cloud="s3")
    assert sorted(event.key for event in parsed.events) == sorted([*world.source.keys(), "gone"])
    assert {event.bucket for event in parsed.events} == {"source-bucket"}
    report = entry.handle(_batch_event(rows[:-1]), world.system, cloud="s3", seconds=60, invocation="i")
    assert {row["resultCode"] for row in report.answer()["results"]} == {"Succeeded"}
    assert world.target.keys() == world.source.keys()
    assert "manifest" not in world.listed()


def test_the_jobs_parameters_are_those_of_the_api(world):
    from botocore.session import Session as Sdk
    from botocore.validate import ParamValidator

    world.log.write("m.csv", b"b,k\n")
    said = job(world.log.address, world.log.info("m.csv"), count=1)
    shape = Sdk().get_service_model("s3control").operation_model("CreateJob").input_shape
    assert not ParamValidator().validate(said, shape).has_errors()
    assert said["Manifest"]["Location"]["ObjectArn"] == "arn:aws:s3:::logs/ops/m.csv"


@pytest.mark.parametrize(
    ("realm", "partition"), [("", "aws"), ("aws", "aws"), ("aws-cn", "aws-cn"), ("host:9000", "aws")]
)
def test_a_job_names_the_buckets_of_the_log_stores_own_partition(world, realm, partition):
    world.log.write("m.csv", b"b,k\n")
    said = job(replace(world.log.address, endpoint=realm), world.log.info("m.csv"), count=1)
    assert said["Manifest"]["Location"]["ObjectArn"] == f"arn:{partition}:s3:::logs/ops/m.csv"
    assert said["Report"]["Bucket"] == f"arn:{partition}:s3:::logs"


def test_a_long_manifest_is_written_in_parts(monkeypatch):
    log = MemoryStore(abilities=Abilities(min_part=1))
    monkeypatch.setattr("bucketrelay.drivers.reconcile.manifest._PART", 100)
    for lengths in ([], [5], [100], [99, 1, 1], [60] * 10):
        pieces = [bytes([n]) * length for n, length in enumerate(lengths, 65)]
        put_whole(log, "m", iter(pieces))
        assert log.body("m") == b"".join(pieces)
    assert [verb for verb, _ in log.calls].count("commit") == 2


def test_a_row_has_the_stores_prefix_and_no_character_that_csv_would_mind():
    row = row_of(Address("s3", "b", prefix="in/"))
    assert row('a b+c,"d"\n') == "b,in/a%20b%2Bc%2C%22d%22%0A"
    assert write_down([1, 2], Deadline()) == [None, None]
