"""The stack of templates/sam up in moto: source bucket → queue → Lambda's real runtime → target bucket.

Not in moto's CloudFormation, and done here as AWS would: the bucket's notifications and its versioning. Not checked by
moto at all: alarms, the queues' policies, the configuration of asynchronous calls.
"""

import itertools
import json

import pytest

from functions.runtimes import FunctionError
from templates import stacks
from templates.police import matches
from templates.stacks import ROOT, drive, up

pytestmark = [
    pytest.mark.slow,  # an archive built, a stack brought up and driven: three minutes
    pytest.mark.filterwarnings("ignore:Tried to parse AWS:UserWarning"),  # moto, of types that it does not make
]
_NUMBERS = itertools.count()
LARGE = bytes(range(256)) * 4096 * 17  # 17 MiB: three parts


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with stacks.aws(stacks.built(tmp_path_factory.mktemp("dist"))) as cloud:
        yield cloud


@pytest.fixture
def stack(cloud, tmp_path):
    """template.yaml, following deletes."""
    with up(cloud, "template.yaml", f"stack{next(_NUMBERS)}", tmp_path, Deletes="follow") as stack:
        wire(stack)
        yield stack


def wire(stack):
    """The notifications of the template, which moto's CloudFormation leaves out."""
    source = stacks.read("template.yaml")["Resources"]["SourceBucket"]["Properties"]
    rows = source["NotificationConfiguration"]["QueueConfigurations"]
    queues = [{"QueueArn": stack.arn("EventQueue"), "Events": [row["Event"]]} for row in rows]
    stack.aws.s3.put_bucket_notification_configuration(
        Bucket=stack.source, NotificationConfiguration={"QueueConfigurations": queues}
    )


def body(stack, key):
    return stack.aws.s3.get_object(Bucket=stack.target, Key=key)["Body"].read()


def test_an_object_in_the_source_bucket_is_in_the_target_when_the_queue_is_empty(stack):
    stack.aws.s3.put_object(Bucket=stack.source, Key="in/a b+ü%.txt", Body=b"words", ContentType="text/x-odd")

    assert {failed for _, failed in drive(stack)} == {0}

    held = stack.aws.s3.get_object(Bucket=stack.target, Key="in/a b+ü%.txt")
    assert (held["Body"].read(), held["ContentType"]) == (b"words", "text/x-odd")
    assert {line["outcome"] for line in stack.lines("success_object/")} <= {"copied", "unchanged"}
    assert stack.lines("failed_object/") == []


def test_an_object_deleted_in_the_source_bucket_is_deleted_in_the_target(stack):
    stack.aws.s3.put_object(Bucket=stack.source, Key="a", Body=b"words")
    drive(stack)
    assert stack.keys(stack.target) == ["a"]
    stack.aws.s3.delete_object(Bucket=stack.source, Key="a")
    drive(stack)
    assert stack.keys(stack.target) == []


def test_a_message_that_is_no_event_ends_in_the_dead_letter_queue_and_costs_its_neighbours_nothing(stack):
    for number in range(23):
        stack.aws.s3.put_object(Bucket=stack.source, Key=f"{number:02}", Body=b"words")
    stack.aws.sqs.send_message(QueueUrl=stack.resources["EventQueue"], MessageBody='{"poison": true}')

    batches = drive(stack)

    assert sum(failed for _, failed in batches) == 5  # maxReceiveCount
    assert stack.keys(stack.target) == [f"{number:02}" for number in range(23)]
    assert (stack.waiting("EventQueue"), stack.waiting("DeadLetterQueue")) == (0, 1)


def test_what_the_function_could_not_do_for_itself_is_handled_when_it_comes_back_from_the_dead_letters(stack):
    stack.aws.s3.put_object(Bucket=stack.source, Key="late", Body=b"words")
    drive(stack)
    stack.aws.s3.delete_object(Bucket=stack.target, Key="late")
    about = {"condition": "RetriesExhausted"}
    tell(stack, {"version": "1.0", "requestContext": about, "requestPayload": event(stack, "late", 5)})
    assert body(stack, "late") == b"words"


def event(stack, key, size):
    """As S3 tells it."""
    place = {"bucket": {"name": stack.source}, "object": {"key": key, "size": size}}
    record = {"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": place}
    return {"Records": [record]}


def tell(stack, message):
    stack.aws.sqs.send_message(QueueUrl=stack.resources["EventQueue"], MessageBody=json.dumps(message))
    drive(stack)


def test_the_daily_call_is_understood_and_permitted(stack):
    schedule = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}, "time": "2026-11-21T00:00:00Z"}
    assert stack.invoke(schedule) == {"tasks": 0, "bytes": 0}
    assert stack.aws.police.used == {("s3:ListBucket", f"arn:aws:s3:::{stack.log}")}


def small_objects(stack):
    """Tagged, of buckets with and without versions, created and deleted."""
    s3 = stack.aws.s3
    s3.put_object(Bucket=stack.source, Key="plain", Body=b"1", Tagging="a=b")
    drive(stack)
    s3.put_bucket_versioning(Bucket=stack.source, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=stack.source, Key="versioned", Body=b"2", Tagging="a=b")
    drive(stack)
    s3.put_bucket_versioning(Bucket=stack.source, VersioningConfiguration={"Status": "Suspended"})
    s3.delete_object(Bucket=stack.source, Key="plain", VersionId="null")
    drive(stack)


def large_objects(stack, far):
    """Copied within S3, at once and after one attempt in vain; in parts to *far*, after uploads begun before."""
    s3, police = stack.aws.s3, stack.aws.police
    s3.put_object(Bucket=stack.source, Key="at once", Body=LARGE)
    drive(stack)
    police.changes = 1
    s3.put_object(Bucket=stack.source, Key="large", Body=LARGE)
    drive(stack)
    checkpoints = {path: json.loads(said) for path, said in police.checkpoints.items()}
    (path, said) = next(row for row in checkpoints.items() if (row[1]["store"], row[1]["key"]) == ("target2", "large"))
    for changed in ({}, {"of": "another version"}):
        s3.delete_object(Bucket=far, Key="large")
        left = {**said, "upload": s3.create_multipart_upload(Bucket=far, Key="large")["UploadId"], **changed}
        s3.put_object(Bucket=stack.log, Key=path.split("/", 2)[2], Body=json.dumps(left))
        tell(stack, event(stack, "large", len(LARGE)))


def test_the_role_may_do_with_buckets_what_the_function_asks_for_and_nothing_else(cloud, tmp_path):
    police, far = cloud.police, "far-away"
    cloud.s3.create_bucket(Bucket=far)
    # another name of the same server: not to be reached by a copy within S3, so the bytes come through the function
    url = f"s3://{far}?endpoint={cloud.endpoint.replace('127.0.0.1', 'localhost')}&access_key=far&secret_key=away"
    with up(cloud, "template.yaml", "permitted", tmp_path, Deletes="follow", TargetUrls=url) as stack:
        wire(stack)
        small_objects(stack)
        large_objects(stack, far)
        assert stack.lines("failed_object/") == []
        assert body(stack, "large") == cloud.s3.get_object(Bucket=far, Key="large")["Body"].read() == LARGE

    granted = [(statement, action) for statement in police.statements for action in statement["Action"]]
    unused = [
        (statement["Sid"], action)
        for statement, action in granted
        if action.startswith("s3:")
        and not any(action == asked and matches(statement["Resource"], of) for asked, of in police.used)
    ]
    assert [asked for asked in police.used if not police.allows(asked)] == []
    assert unused == []


@pytest.mark.parametrize("lacking", ["ListTarget", "WriteTarget", "ReadSource", "KeepLists"])
def test_without_a_permission_nothing_is_reported_as_done(stack, lacking):
    police = stack.aws.police
    police.statements = [statement for statement in police.statements if statement["Sid"] != lacking]
    stack.aws.s3.put_object(Bucket=stack.source, Key="a", Body=b"words")
    if lacking == "KeepLists":  # the lists cannot be written: the invocation fails as a whole
        with pytest.raises(FunctionError, match="403"):
            drive(stack)
        return
    drive(stack)
    assert stack.waiting("DeadLetterQueue") > 0
    assert {line["outcome"] for line in stack.lines("failed_object/")} == {"failed"}
    assert all("403" in line["error"] or "AccessDenied" in line["error"] for line in stack.lines("failed_object/"))


def test_the_deployed_function_is_what_the_template_says(stack):
    function = stack.function
    assert (function["Handler"], function["Runtime"], function["Timeout"]) == ("app.handler", "python3.12", 300)
    assert (ROOT / "functions/s3_notifications/app.py").exists()
    assert function["Environment"]["Variables"] == {
        "RELAY_SOURCE": f"s3://{stack.source}",
        "RELAY_TARGETS": f"s3://{stack.target} ",
        "RELAY_LOG": f"s3://{stack.log}",
        "RELAY_DELETES": "follow",
        "TARGET_ACCESS_KEY": "",
        "TARGET_SECRET_KEY": "",
    }
    asked = {"QueueUrl": stack.resources["EventQueue"], "AttributeNames": ["All"]}
    queue = stack.aws.sqs.get_queue_attributes(**asked)["Attributes"]
    assert int(queue["VisibilityTimeout"]) == 6 * function["Timeout"]
    redrive = json.loads(queue["RedrivePolicy"])
    assert (redrive["deadLetterTargetArn"], redrive["maxReceiveCount"]) == (stack.arn("DeadLetterQueue"), 5)
    assert [mapping["EventSourceArn"] for mapping in stack.mappings] == [stack.arn("EventQueue")]


def test_the_variant_by_eventbridge_replicates_too(cloud, tmp_path):
    with up(cloud, "template-eventbridge.yaml", "by-eventbridge", tmp_path) as stack:
        cloud.s3.put_bucket_notification_configuration(
            Bucket=stack.source, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        for key in ("a+b.txt", "c%2Bd.txt"):  # EventBridge does not encode keys
            cloud.s3.put_object(Bucket=stack.source, Key=key, Body=b"words")
        cloud.s3.create_bucket(Bucket="somebody-elses")
        cloud.s3.put_bucket_notification_configuration(
            Bucket="somebody-elses", NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        cloud.s3.put_object(Bucket="somebody-elses", Key="not ours", Body=b"words")
        assert {failed for _, failed in drive(stack)} == {0}
        assert stack.keys(stack.target) == ["a+b.txt", "c%2Bd.txt"]


@pytest.mark.parametrize("template", stacks.TEMPLATES)
def test_a_stack_for_buckets_that_exist_makes_none_and_leaves_other_targets_to_their_urls(cloud, tmp_path, template):
    name = f"existing{len(template)}"
    given = {f"Create{kind}Bucket": "false" for kind in ("Source", "Target", "Log")}
    url = "obs://there?access_key=${TARGET_ACCESS_KEY}&secret_key=${TARGET_SECRET_KEY}"
    with up(cloud, template, name, tmp_path, TargetBucketName="", TargetUrls=url, **given) as stack:
        assert {"SourceBucket", "TargetBucket", "LogBucket"}.isdisjoint(stack.resources)
        assert stack.function["Environment"]["Variables"]["RELAY_TARGETS"] == f" {url}"
        sids = {statement["Sid"] for statement in cloud.police.statements}
        assert {"ListTarget", "WriteTarget", "DecryptSource", "EncryptTarget"}.isdisjoint(sids)
