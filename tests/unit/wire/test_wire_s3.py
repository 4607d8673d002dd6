"""S3: the notification document over the wire, on moto and on a server that keeps it to the byte."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bucketrelay.clouds.aws.access import Access
from bucketrelay.clouds.aws.bucket import S3Cloud
from bucketrelay.clouds.bucket import CREATED, EXPIRED, REMOVED, ChangedMeanwhile, Need, Overlap, Unwirable, Wish
from bucketrelay.errors import RelayError, StoreRefused
from bucketrelay.model import Address
from unit.wire.conftest import SECRET

QUEUE = "arn:aws:sqs:us-east-1:123456789012:wire-relay"
NEED = Need(5.0, 128 << 20)
THEIRS = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b'<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">\n'
    b"  <EventBridgeConfiguration/>\n"
    b"  <!-- of the photo team --><TopicConfiguration><Id>th\xc3\xbcmbs</Id><Topic>arn:aws:sns:us-east-1:1:t</Topic>"
    b"<Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>Prefix</Name><Value>a%2Bb/</Value></FilterRule>"
    b"</S3Key></Filter></TopicConfiguration>\n"
    b'  <VectorConfiguration mode="new"><Index>of a service that no SDK knows</Index></VectorConfiguration>\n'
    b"</NotificationConfiguration>"
)


def access(endpoint):
    return Access(endpoint, "us-east-1", "test", SECRET, retries=0)


@pytest.fixture
def bucket(moto):
    client = moto.client("s3")
    client.create_bucket(Bucket="wire-source")
    yield client
    client.delete_bucket(Bucket="wire-source")


@pytest.fixture
def cloud(moto, bucket):
    made = S3Cloud(Address("s3", "wire-source", prefix="in/"), access(moto.endpoint))
    yield made
    made.close()


class Keeper(BaseHTTPRequestHandler):
    """Answers ?notification with what was put there, byte for byte."""

    def do_GET(self):
        self.reply(self.server.document)

    def do_PUT(self):
        self.server.document = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.puts += 1
        self.reply(b"")

    def reply(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def keeper():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Keeper)
    server.document, server.puts = THEIRS, 0
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    server.cloud = S3Cloud(Address("s3", "b", prefix="in/"), access(f"http://127.0.0.1:{server.server_address[1]}"))
    yield server
    server.cloud.close()
    server.shutdown()
    thread.join()
    server.server_close()


def wire(cloud, wish):
    plan = cloud.plan(wish)
    cloud.carry_out(plan)
    return plan


def test_foreign_notifications_are_the_same_bytes_on_the_wire_after_wiring_and_undoing(keeper):
    (step,) = wire(keeper.cloud, Wish("r", "queue", QUEUE)).steps
    wired = keeper.document
    ours = wired.replace(THEIRS.removesuffix(b"\n</NotificationConfiguration>"), b"", 1)

    assert step.verb == "add"
    assert ours.startswith(b"<QueueConfiguration><Id>bucketrelay-r</Id>")
    assert wired.replace(ours, b"\n</NotificationConfiguration>") == THEIRS
    wire_again = keeper.cloud.plan(Wish("r", "queue", QUEUE))
    assert wire_again.steps == ()
    keeper.cloud.carry_out(keeper.cloud.plan_undo("r"))
    assert keeper.document == THEIRS


def test_a_plan_alone_writes_nothing(keeper):
    keeper.cloud.plan(Wish("r", "queue", QUEUE))
    keeper.cloud.plan_undo("r")

    assert (keeper.document, keeper.puts) == (THEIRS, 0)


def test_what_somebody_changed_since_the_plan_is_not_written_over(keeper):
    plan = keeper.cloud.plan(Wish("r", "queue", QUEUE))
    keeper.document = theirs = THEIRS.replace(b"a%2Bb/", b"c/")

    with pytest.raises(ChangedMeanwhile, match="run it again"):
        keeper.cloud.carry_out(plan)
    assert (keeper.document, keeper.puts) == (theirs, 0)


def test_event_bridge_is_switched_on_beside_the_rest_and_never_off(keeper):
    keeper.document = THEIRS.replace(b"<EventBridgeConfiguration/>", b"")
    (step,) = wire(keeper.cloud, Wish("r", "event_bridge")).steps

    assert step.verb == "enable"
    assert keeper.document.count(b"<EventBridgeConfiguration>") == 1
    assert wire(keeper.cloud, Wish("r", "event_bridge")).steps == ()
    assert keeper.cloud.wiring().targets == ("EventBridge",)
    undo = keeper.cloud.plan_undo("r")
    assert undo.steps == ()
    assert "EventBridge stays on" in undo.notes[0]


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("queue", QUEUE),
        ("topic", "arn:aws:sns:us-east-1:123456789012:wire-relay"),
        ("function", "arn:aws:lambda:us-east-1:123456789012:function:wire-relay"),
    ],
)
def test_each_kind_of_target_is_wired_on_the_real_dialect_once(cloud, bucket, kind, target):
    theirs = {
        "Id": "theirs",
        "TopicArn": "arn:aws:sns:us-east-1:123456789012:t",
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "out/"}]}},
    }
    bucket.put_bucket_notification_configuration(
        Bucket="wire-source", NotificationConfiguration={"TopicConfigurations": [theirs]}
    )
    wire(cloud, Wish("r", kind, target))
    said = bucket.get_bucket_notification_configuration(Bucket="wire-source")
    rules = [rule for name, some in said.items() if name.endswith("Configurations") for rule in some]
    (ours,) = [rule for rule in rules if rule["Id"] == "bucketrelay-r"]

    assert [rule for rule in rules if rule["Id"] == "theirs"] == [theirs]
    assert target in ours.values()
    assert ours["Events"] == ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"]
    assert ours["Filter"]["Key"]["FilterRules"] == [{"Name": "prefix", "Value": "in/"}]
    assert cloud.plan(Wish("r", kind, target)).steps == ()
    assert cloud.wiring().events == {CREATED, REMOVED, EXPIRED}
    assert cloud.wiring().targets == (target,)
    cloud.carry_out(cloud.plan_undo("r"))
    assert cloud.wiring().targets == ()
    assert cloud.plan_undo("r").steps == ()


def test_another_target_replaces_only_ours(cloud):
    wire(cloud, Wish("r", "queue", QUEUE))
    (step,) = wire(cloud, Wish("r", "queue", f"{QUEUE}-2")).steps

    assert step.verb == "replace"
    assert cloud.wiring().targets == (f"{QUEUE}-2",)


def test_a_second_route_of_the_same_bucket_and_target_needs_nothing_more(cloud):
    wire(cloud, Wish("r", "queue", QUEUE))
    second = cloud.plan(Wish("r2", "queue", QUEUE))

    assert second.steps == ()
    assert "has these events already" in second.notes[0]
    with pytest.raises(Overlap, match="bucketrelay-r:"):
        cloud.plan(Wish("r2", "queue", f"{QUEUE}-2"))


@pytest.mark.parametrize("target", ["relay", "arn:aws:sns:us-east-1:1:relay", f"{QUEUE}.fifo"])
def test_what_is_no_queue_that_s3_can_send_to_is_said_before_anything_is_asked(target):
    cloud = S3Cloud(Address("s3", "wire-source"), access("http://127.0.0.1:9"))
    with pytest.raises(Unwirable):
        cloud.plan(Wish("r", "queue", target))


def test_a_refusal_says_what_the_target_must_allow(cloud):
    with pytest.raises(StoreRefused, match=r"sqs:SendMessage .* s3\.amazonaws\.com"):
        wire(cloud, Wish("r", "queue", "arn:aws:sqs:eu-west-1:123456789012:far"))  # moto too wants the bucket's region


def test_a_missing_bucket_is_an_error_and_no_empty_document(moto):
    cloud = S3Cloud(Address("s3", "no-such-bucket"), access(moto.endpoint))
    try:
        with pytest.raises(RelayError, match="NoSuchBucket"):
            cloud.plan(Wish("r", "queue", QUEUE))
        assert cloud.greet().trouble == "bucket"
    finally:
        cloud.close()


def test_versioning_and_the_rule_for_abandoned_uploads_are_read(cloud, bucket):
    assert (cloud.versioning(), cloud.sweeps()) == (False, False)
    bucket.put_bucket_versioning(Bucket="wire-source", VersioningConfiguration={"Status": "Enabled"})
    _sweep(bucket, "other/")
    assert (cloud.versioning(), cloud.sweeps()) == (True, False)
    _sweep(bucket, "in/")
    assert cloud.sweeps()
    _sweep(bucket, "in/", status="Disabled")
    assert not cloud.sweeps()


def _sweep(bucket, prefix, status="Enabled"):
    rule = {"ID": "sweep", "Status": status, "Filter": {"Prefix": prefix}}
    rule["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": 7}
    bucket.put_bucket_lifecycle_configuration(Bucket="wire-source", LifecycleConfiguration={"Rules": [rule]})


@pytest.fixture
def function(moto):
    """A function that a queue feeds, deployed as it ought to be."""
    role = moto.client("iam").create_role(RoleName="wire-relay", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    lambdas, sqs = moto.client("lambda"), moto.client("sqs")
    lambdas.create_function(
        FunctionName="wire-relay",
        Runtime="python3.13",
        Role=role,
        Handler="app.handler",
        Timeout=60,
        MemorySize=512,
        Code={"ZipFile": b"PK\x05\x06" + bytes(18)},
    )
    sqs.create_queue(QueueName="wire-dead")
    policy = '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:wire-dead","maxReceiveCount":5}'
    url = sqs.create_queue(QueueName="wire-relay", Attributes={"VisibilityTimeout": "360", "RedrivePolicy": policy})
    mapping = lambdas.create_event_source_mapping(
        EventSourceArn=QUEUE, FunctionName="wire-relay", FunctionResponseTypes=["ReportBatchItemFailures"]
    )
    yield lambdas, sqs, url["QueueUrl"], mapping["UUID"]
    lambdas.delete_event_source_mapping(UUID=mapping["UUID"])
    lambdas.delete_function(FunctionName="wire-relay")
    sqs.delete_queue(QueueUrl=url["QueueUrl"])
    moto.client("iam").delete_role(RoleName="wire-relay")


def test_a_function_behind_a_queue_as_it_ought_to_be_has_no_finding(cloud, function):
    facts = cloud.facts([QUEUE], NEED)

    assert len(facts) == 5
    assert all(fact.ok for fact in facts), facts


def test_each_limit_that_does_not_suit_is_found(cloud, function):
    lambdas, sqs, url, mapping = function
    lambdas.update_function_configuration(FunctionName="wire-relay", Timeout=5, MemorySize=128)
    lambdas.update_event_source_mapping(UUID=mapping, FunctionResponseTypes=[])
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "10", "RedrivePolicy": ""})
    bad = " ".join(fact.remedy for fact in cloud.facts([QUEUE], NEED) if fact.ok is False)

    for word in ("ReportBatchItemFailures", "timeout", "256 MB", "VisibilityTimeout to 30", "dead-letter"):
        assert word in bad


def test_a_function_that_is_called_directly_is_asked_for_its_limits(cloud, function):
    facts = cloud.facts(["arn:aws:lambda:us-east-1:123456789012:function:wire-relay"], NEED)

    assert [fact.ok for fact in facts] == [True, True]


def test_targets_that_are_gone_or_cannot_be_asked_are_said_so(cloud):
    facts = cloud.facts([f"{QUEUE}-gone", "EventBridge", "arn:aws:sns:us-east-1:1:t"], NEED)

    assert [fact.ok for fact in facts] == [False, False, None, None]
    assert not any(SECRET in f"{fact}" for fact in facts)
