"""What AWS puts around and beside storage records: EventBridge, S3 Batch Operations, schedules.

References: S3 user guide "EventBridge event message structure", "Amazon S3 CloudTrail events" and "Invoking a Lambda
function from S3 Batch Operations"; EventBridge user guide "Schedule".
"""

import re
from typing import Any

from bucketrelay.errors import BadEvent
from bucketrelay.events.fields import CHECK, at, hint, moment, quote, size, text
from bucketrelay.events.keys import decode_form, place, raw
from bucketrelay.events.payload import Message
from bucketrelay.model import Change, ObjectEvent

# AWS's own example of a Batch Operations job names region and account in it: arn:aws:s3:us-east-1:0123456788:bucket
_BUCKET_ARN = r"arn:[^:]*:s3:[^:]*:[^:]*:([^/:]+)"
_CLOUDTRAIL = "AWS API Call via CloudTrail"
_REMOVED = ("Object Deleted",)
# S3 user guide, "EventBridge event types": about an object, and nothing that a copy could show.
_NO_CHANGE = (
    "Object Restore Initiated",
    "Object Restore Expired",
    "Object Storage Class Changed",
    "Object Access Tier Changed",
    "Object ACL Updated",
    "Object Tags Added",
    "Object Tags Deleted",
)
_READS = ("Get", "Head", "List", "Select")
_SETTINGS = ("PutObjectAcl", "PutObjectTagging", "DeleteObjectTagging", "RestoreObject", "PutObjectLockConfiguration")
_UNFINISHED = ("CreateMultipartUpload", "UploadPart", "UploadPartCopy", "AbortMultipartUpload")


def eventbridge(event: dict[str, Any]) -> ObjectEvent:
    """The event of EventBridge. Its key is sent as it is: decoding would make `a+b` into `a b`.

    A call that CloudTrail recorded is one of another form; any other detail-type with an object in it is a reason to
    look, such as "Object Restore Completed".
    """
    kind = text(event, "detail-type")
    if kind == _CLOUDTRAIL:
        return _cloudtrail(event)
    change = _change(kind, event)
    bucket, key = place(event, ("detail", "bucket", "name"), ("detail", "object", "key"), decode=raw, change=change)
    return ObjectEvent(
        cloud="s3",
        bucket=bucket,
        key=key,
        change=change,
        time=moment(event, "time"),
        cause=hint(event, "id"),
        size=size(event, "detail", "object", "size"),
        name=kind,
    )


def _change(kind: str, event: object) -> Change:
    if kind in _REMOVED:
        return Change.REMOVED
    known = kind == "Object Created"
    look = known or bool(hint(event, "detail", "object", "key"))
    return Change.CREATED if look and kind not in _NO_CHANGE else Change.IGNORED


def _cloudtrail(event: object) -> ObjectEvent:
    """A call of S3's interface, as CloudTrail tells it to EventBridge, and LocalStack before it knew S3's own events.

    Calls without a key (DeleteObjects names its keys in its body alone), that failed, or that changed no content ask
    for nothing.
    """
    name, parameters = hint(event, "detail", "eventName"), ("detail", "requestParameters")
    idle = (
        not name
        or name.startswith(_READS)
        or name in _SETTINGS
        or name in _UNFINISHED
        or at(event, "detail", "errorCode")
    )
    change = Change.REMOVED if name == "DeleteObject" else Change.CREATED
    if idle or not hint(event, *parameters, "key"):
        change = Change.IGNORED
    bucket, key = place(event, (*parameters, "bucketName"), (*parameters, "key"), decode=raw, change=change)
    return ObjectEvent(
        cloud="s3",
        bucket=bucket,
        key=key,
        change=change,
        time=moment(event, "detail", "eventTime") or moment(event, "time"),
        cause=hint(event, "detail", "eventID") or hint(event, "id"),
        name=name,
    )


def batch_task(task: object) -> Message:
    """One task of S3 Batch Operations: schema 1.0 names the bucket by its ARN, 2.0 by its name."""
    task_id = ""
    try:
        task_id = text(task, "taskId")
        named = {"bucket": _batch_bucket(task), "key": text(task, "s3Key")}
        bucket, key = place(named, ("bucket",), ("key",), decode=decode_form, change=Change.CREATED)
    except BadEvent as error:
        return Message(task_id, error=str(error))
    return Message(task_id, (ObjectEvent("s3", bucket, key, Change.CREATED, cause=task_id, name="Batch Operations"),))


def _batch_bucket(task: object) -> str:
    name = hint(task, "s3Bucket") or text(task, "s3BucketArn")
    if not name.startswith("arn:"):
        return name
    arn = re.fullmatch(_BUCKET_ARN, name)
    if not arn:
        raise BadEvent(f"{quote(name)} is not the ARN of a bucket; make the job's manifest name buckets; {CHECK}")
    return arn[1]
