"""templates/sam as text: clean, safe behind every parameter, and both variants alike in what they share."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from templates import stacks
from templates.stacks import CODE, SAM, TEMPLATES

# What differs between the two: how events come into the queue.
OWN = {"EventQueuePolicy", "DeadLetterQueuePolicy", "Rule", "SourceBucket"}


@pytest.fixture(scope="module", params=TEMPLATES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def template(name):
    return stacks.read(name)


def lint(*paths):
    """What the command says of the files, and how it ends."""
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--include-checks", "I", "--", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_cfn_lint_finds_nothing():
    assert lint(*(SAM / name for name in TEMPLATES)) == (0, "")


@pytest.mark.slow
def test_cfn_lint_finds_nothing_when_the_archive_has_been_uploaded_and_no_rule_is_left_out(tmp_path):
    for name in TEMPLATES:
        text = (SAM / name).read_text(encoding="utf-8")
        text = text.replace("Code: ../../dist/s3_notifications.zip", "Code: {S3Bucket: code-bucket, S3Key: key}")
        text = re.sub(r"Metadata:\n  cfn-lint:\n(    .*\n)+", "", text)
        assert text.count("code-bucket") == 1
        assert "W3002" not in text
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert lint(*(tmp_path / name for name in TEMPLATES)) == (0, "")


@pytest.mark.slow
def test_cfn_lint_would_find_something(tmp_path):
    text = (SAM / "template.yaml").read_text(encoding="utf-8").replace("BatchSize: 10", "BatchSize: many")
    (tmp_path / "bad.yaml").write_text(text, encoding="utf-8")
    status, said = lint(tmp_path / "bad.yaml")
    assert status != 0
    assert "'many' is not of type 'integer'" in said


def test_a_message_stays_invisible_for_six_times_the_timeout_whatever_timeout_is_chosen(template):
    # cfn-lint compares literals only (E3505), and both are behind a Ref.
    timeouts, chosen = template["Mappings"]["Timeouts"], template["Parameters"]["FunctionTimeout"]
    queue = template["Resources"]["EventQueue"]["Properties"]
    assert template["Resources"]["Function"]["Properties"]["Timeout"] == {"Ref": "FunctionTimeout"}
    assert queue["VisibilityTimeout"] == {"Fn::FindInMap": ["Timeouts", {"Ref": "FunctionTimeout"}, "Visibility"]}
    assert set(chosen["AllowedValues"]) == set(timeouts)
    assert chosen["Default"] in timeouts
    for seconds, row in timeouts.items():
        assert 6 * int(seconds) <= row["Visibility"] <= 43200


def test_dead_letters_belong_to_the_queue_after_five_receives(template):
    redrive = template["Resources"]["EventQueue"]["Properties"]["RedrivePolicy"]
    assert redrive == {"deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}, "maxReceiveCount": 5}
    assert template["Resources"]["DeadLetterQueue"]["DeletionPolicy"] == "Retain"


def test_a_batch_is_answered_message_by_message_and_no_throttling_burns_receives(template):
    mapping = template["Resources"]["Mapping"]["Properties"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "MaximumConcurrency"}}
    limits = template["Parameters"]["MaximumConcurrency"]
    assert (limits["MinValue"], limits["MaxValue"]) == (2, 1000)


def test_every_permission_says_which_call_needs_it(name):
    lines = (SAM / name).read_text(encoding="utf-8").splitlines()
    permissions = [line.strip() for line in lines if re.match(r"\s+- (s3|sqs|logs|kms|lambda):\w+\b", line)]
    assert len(permissions) > 20
    assert [line for line in permissions if not re.search(r" # \S.{5,}", line)] == []


def test_no_permission_has_a_wildcard(template):
    granted = [s for role in ("Role", "CallItself") for s in stacks.statements(template, role)]
    assert [action for s in granted for action in s["Action"] if "*" in action] == []
    assert [s["Sid"] for s in granted if s["Resource"] == "*"] == []


def test_buckets_outlive_the_stack(template):
    buckets = [body for body in template["Resources"].values() if body["Type"] == "AWS::S3::Bucket"]
    assert len(buckets) == 3
    assert {body["DeletionPolicy"] for body in buckets} == {"Retain"}


def test_abandoned_uploads_are_removed_from_the_target_where_it_is_ours(template):
    target = template["Resources"]["TargetBucket"]
    assert target["Condition"] == "TargetIsOurs"
    (rule,) = target["Properties"]["LifecycleConfiguration"]["Rules"]
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}


def test_lifecycle_expirations_are_events_too():
    direct = stacks.read("template.yaml")["Resources"]["SourceBucket"]["Properties"]["NotificationConfiguration"]
    assert {row["Event"] for row in direct["QueueConfigurations"]} == {
        *("s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*")
    }
    rule = stacks.read("template-eventbridge.yaml")["Resources"]["Rule"]["Properties"]["EventPattern"]
    assert rule["detail-type"] == ["Object Created", "Object Deleted"]


def test_there_are_alarms_on_dead_letters_on_waiting_on_lag_and_on_failures(template):
    alarms = [body["Properties"] for body in template["Resources"].values() if body["Type"].endswith("::Alarm")]
    assert {alarm["MetricName"] for alarm in alarms} == {
        *("ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage", "lag", "failed")
    }
    assert {alarm["TreatMissingData"] for alarm in alarms} == {"notBreaching"}


def test_secrets_are_not_echoed(template):
    secret = {key: body for key, body in template["Parameters"].items() if re.search(r"(Access|Secret)Key$", key)}
    assert len(secret) == 2
    assert all(body["NoEcho"] for body in secret.values())


def test_both_variants_are_alike_in_what_they_share():
    direct, bridged = map(stacks.read, TEMPLATES)
    assert {key: body for key, body in direct["Resources"].items() if key not in OWN} == {
        key: body for key, body in bridged["Resources"].items() if key not in OWN
    }
    for part in ("Mappings", "Conditions", "Metadata"):
        assert direct[part] == bridged[part]
    assert set(direct["Parameters"]) == set(bridged["Parameters"])


def test_the_code_is_what_the_build_writes(template):
    path = (SAM / template["Resources"]["Function"]["Properties"]["Code"]).resolve()
    assert path == stacks.ROOT / "dist/s3_notifications.zip"
    assert stacks.packaged(TEMPLATES[0], CODE, "k")["Resources"]["Function"]["Properties"]["Code"]["S3Key"] == "k"
