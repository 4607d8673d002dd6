"""What AWS puts around and beside storage records: EventBridge, S3 Batch Operations, schedules.

References: S3 user guide "EventBridge event message structure" and "Invoking a Lambda function from S3 Batch
Operations"; EventBridge user guide "Schedule".
"""

import re
from typing import Any

from bucketrelay.errors import BadEvent
from bucketrelay.events.fields import CHECK, hint, moment, shown, size, text
from bucketrelay.events.keys import form_decoded, place, raw
from bucketrelay.events.payload import Message
from bucketrelay.model import Change, ObjectEvent

_BUCKET_ARN = re.compile(r"arn:[^:]*:s3:::([^/]+)")
_CHANGES = {"Object Created": Change.CREATED, "Object Deleted": Change.REMOVED}


def eventbridge(event: dict[str, Any]) -> ObjectEvent:
    """The event of EventBridge. Its key is sent as it is: decoding would make `a+b` into `a b`."""
    change = _CHANGES.get(text(event, "detail-type"), Change.IGNORED)
    bucket, key = place(event, ("detail", "bucket", "name"), ("detail", "object", "key"), decode=raw, change=change)
    return ObjectEvent(
        cloud="s3",
        bucket=bucket,
        key=key,
        change=change,
        time=moment(event, "time"),
        cause=hint(event, "id"),
        size=size(event, "detail", "object", "size"),
    )


def batch_task(task: object) -> Message:
    """One task of S3 Batch Operations: schema 1.0 names the bucket by its ARN, 2.0 by its name."""
    task_id = ""
    try:
        task_id = text(task, "taskId")
        named = {"bucket": _batch_bucket(task), "key": text(task, "s3Key")}
        bucket, key = place(named, ("bucket",), ("key",), decode=form_decoded, change=Change.CREATED)
    except BadEvent as error:
        return Message(task_id, error=str(error))
    return Message(task_id, (ObjectEvent("s3", bucket, key, Change.CREATED, cause=task_id),))


def _batch_bucket(task: object) -> str:
    name = hint(task, "s3Bucket") or text(task, "s3BucketArn")
    if not name.startswith("arn:"):
        return name
    arn = _BUCKET_ARN.fullmatch(name)
    if not arn:
        raise BadEvent(f"{shown(name)} is not the ARN of a bucket; make the job's manifest name buckets; {CHECK}")
    return arn[1]
