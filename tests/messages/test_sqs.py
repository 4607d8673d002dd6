"""Copies asked for by SQS: through `bucketrelay copier`, and through the functions that messages call."""

import base64
import json
import runpy
import threading
import time
from pathlib import Path

import pytest
from botocore.session import Session

from bucketrelay.drivers.messages.delivery import Letter
from bucketrelay.drivers.messages.sqs import Inbox, Outbox
from bucketrelay.errors import StoreUnavailable
from bucketrelay_emulators.local_clouds import local_s3
from messages.post import declare, taken
from messages.running import PATIENCE, running

FUNCTIONS = Path(__file__).parents[2] / "functions"
KEY, SECRET = "AKIASQS0000000000000", "sqs-secret/+="
STORES = """
[stores.staging]
url = "file://{folder}/staging"
[stores.main]
url = "file://{folder}/main"
[copier]
broker = "{broker}"
requests = "requests"
replies = "{replies}"
roots = {{ staging = "staging", main = "main" }}
"""


@pytest.fixture(scope="module")
def moto():
    with local_s3() as s3:  # moto's server, which has SQS too
        yield s3.endpoint


@pytest.fixture
def url(moto) -> str:
    return f"sqs://{KEY}:{SECRET.replace('/', '%2F').replace('+', '%2B')}@?region=us-east-1&endpoint={moto}"


@pytest.fixture
def client(moto):
    made = Session().create_client(
        "sqs", region_name="us-east-1", endpoint_url=moto, aws_access_key_id=KEY, aws_secret_access_key=SECRET
    )
    yield made
    made.close()


def received(client, queue: str, count: int, seconds: float = PATIENCE) -> list[dict]:
    where, found = client.create_queue(QueueName=queue)["QueueUrl"], []
    end = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < end:
        messages = client.receive_message(QueueUrl=where, MaxNumberOfMessages=10).get("Messages", ())
        if not messages:
            time.sleep(0.05)  # moto is in this very process: without a pause nobody else would get to run
        for message in messages:
            client.delete_message(QueueUrl=where, ReceiptHandle=message["ReceiptHandle"])
            found.append(json.loads(message["Body"]))
    return found


def copyto(source: str, target: str) -> str:
    parameters = {"source_root": "staging", "source_key": source, "target_root": "main", "target_key": target}
    return json.dumps({"action": "copyto", "parameters": parameters, "pass_through": {"id": source}})


@pytest.fixture
def folder(tmp_path) -> Path:
    for place in ("staging", "main"):
        (tmp_path / place).mkdir()
    (tmp_path / "staging" / "a").write_bytes(b"1")
    return tmp_path


def test_the_copier_reads_and_answers_by_sqs_in_bare_json(folder, url, client, name):
    queues = name("requests"), name("replies")
    where = client.create_queue(QueueName=queues[0])["QueueUrl"]
    for body in (copyto("a", "b"), copyto("no", "c"), "no JSON"):
        client.send_message(QueueUrl=where, MessageBody=body)
    told = STORES.format(folder=folder, broker=url, replies=queues[1]).replace('"requests"', f'"{queues[0]}"')
    (folder / "relay.toml").write_text(told)
    with running("copier", cwd=folder) as child:
        found = received(client, queues[1], 3)
        assert child.end() == 0, child.text
    assert sorted((said["status"], said.get("rclone_status")) for said in found if "raw_request" not in said) == [
        ("failure", 4),
        ("success", 0),
    ]
    assert [said["raw_request"] for said in found if "raw_request" in said] == ["no JSON"]
    assert (folder / "main" / "b").read_bytes() == b"1"


def test_a_message_that_could_not_be_handled_is_not_deleted(url, client, name):
    queue, stop, seen = name("q"), threading.Event(), []
    where = client.create_queue(QueueName=queue, Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
    client.send_message(QueueUrl=where, MessageBody="x")

    def handle(delivery):
        seen.append(delivery.body)
        if len(seen) == 1:
            raise StoreUnavailable("the database is down")
        stop.set()

    Inbox(url, queue).run(handle, stop)
    assert seen == [b"x", b"x"]
    assert received(client, queue, 1, seconds=0.5) == []


def test_nobody_who_answers_is_said_without_the_secret(url):
    dead = url.rpartition("=")[0] + "=http://127.0.0.1:9"
    with pytest.raises(StoreUnavailable, match="try again later") as caught:
        Outbox(dead).send(Letter(b"x", "q"))
    assert SECRET not in str(caught.value)


class Context:
    function_name = aws_request_id = "r-1"
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:f"

    def get_remaining_time_in_millis(self):
        return 30_000

    def getRemainingTimeInMilliSeconds(self):  # noqa: N802 — FunctionGraph's name
        return 30_000

    def getRequestID(self):  # noqa: N802 — as above
        return "r-1"

    def __getattr__(self, name):
        return lambda *_: ""


def handler(monkeypatch, function: str, told: str):
    monkeypatch.setenv("BUCKETRELAY_TOML", told)
    return runpy.run_path(str(FUNCTIONS / function))["handler"]


def sqs_event(*bodies: str, times: int = 1) -> dict:
    records = [
        {
            "messageId": f"m-{number}",
            "body": body,
            "attributes": {"ApproximateReceiveCount": str(times)},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:requests",
        }
        for number, body in enumerate(bodies)
    ]
    return {"Records": records}


def test_lambda_answers_requests_that_come_by_sqs(monkeypatch, folder, url, client, name):
    replies = name("replies")
    handle = handler(monkeypatch, "s3_notifications/app.py", STORES.format(folder=folder, broker=url, replies=replies))
    event = sqs_event(copyto("a", "b"), copyto("no", "c"), "no JSON")
    assert handle(event, Context()) == {"batchItemFailures": []}
    found = received(client, replies, 3)
    assert sorted(said["status"] for said in found) == ["failure", "failure", "success"]
    assert (folder / "main" / "b").read_bytes() == b"1"


def test_what_may_work_later_comes_again_by_sqs_and_is_answered_the_last_time(monkeypatch, folder, url, client, name):
    replies = name("replies")
    told = STORES.format(folder=folder, broker=url, replies=replies)
    away = '"s3://there"\nendpoint = "http://127.0.0.1:9"\nretries = 0\naccess_key = "a"\nsecret_key = "b"'
    told = told.replace(f'"file://{folder}/main"', away)
    handle = handler(monkeypatch, "s3_notifications/app.py", told)
    assert handle(sqs_event(copyto("a", "b")), Context()) == {"batchItemFailures": [{"itemIdentifier": "m-0"}]}
    assert received(client, replies, 1, seconds=0.5) == []
    assert handle(sqs_event(copyto("a", "b"), times=4), Context()) == {"batchItemFailures": []}
    (said,) = received(client, replies, 1)
    assert (said["status"], said["rclone_status"]) == ("failure", 5)


def test_events_of_other_queues_are_events_as_before(monkeypatch, folder, url, name):
    handle = handler(monkeypatch, "s3_notifications/app.py", STORES.format(folder=folder, broker=url, replies="r"))
    event = sqs_event('{"Event": "s3:TestEvent"}')
    event["Records"][0]["eventSourceARN"] = "arn:aws:sqs:us-east-1:000000000000:events"
    assert handle(event, Context()) in ({"batchItemFailures": []}, {"batchItemFailures": [{"itemIdentifier": "m-0"}]})


@pytest.mark.parametrize("function", ["s3_notifications/app.py", "obs_trigger/index.py"])
def test_functions_answer_requests_that_come_by_rabbitmq(monkeypatch, folder, amqp, name, function):
    replies = name("replies")
    declare(amqp, replies)
    handle = handler(monkeypatch, function, STORES.format(folder=folder, broker=amqp, replies=replies))
    if "app" in function:
        told = {"messageId": "m", "correlationId": None}
        rows = [
            {"basicProperties": told, "redelivered": False, "data": base64.b64encode(body.encode()).decode()}
            for body in (copyto("a", "b"), "no JSON")
        ]
        event = {"eventSource": "aws:rmq", "rmqMessagesByQueue": {"requests::/": rows}}
    else:
        event = {"trigger_type": "RABBITMQ", "records": [{"messages": [copyto("a", "b"), "no JSON"], "exchange": "e"}]}
    assert handle(event, Context()) == {"requests": 2}
    found = [json.loads(message.body) for message in taken(amqp, replies, 2)]
    assert [said["status"] for said in found] == ["success", "failure"]
    assert (folder / "main" / "b").read_bytes() == b"1"
