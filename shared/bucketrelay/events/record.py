"""The notification record: S3 made it, OBS took it over, MinIO and others speak it.

Reference: S3 user guide "Event message structure"; OBS user manual obs_41_0045. Only bucket and key can be relied on:
the test event built into FunctionGraph lacks `eventSource`, moto's records lack every id.
"""

import re

from bucketrelay.errors import BadEvent
from bucketrelay.events.fields import CHECK, at, described, hint, moment, shown, size
from bucketrelay.events.keys import Decode, form_decoded, place
from bucketrelay.model import Change, Cloud, ObjectEvent

_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})", re.ASCII)
# Servers that say in their records that they are not OBS.
_S3_ONLY = ("minio:", "ceph:")


def cloud_of(record: object, told: Cloud | None) -> tuple[Cloud, bool]:
    """Of which cloud a storage record is, and whether that is a guess.

    A part `obs` is OBS's. A part `s3` is what *told* says; an OBS record of version 2.0 calls itself `aws:s3`, so
    untold, one without a source, or of AWS with version 2.0 or lower or none, may be either's. AWS began with 2.0 and
    has sent 2.1 and later since 2018; versions are not white-listed, they reached 2.6.

    Raises:
        BadEvent: it is no storage record, or of another cloud than *told*.
    """
    source = hint(record, "eventSource")
    if at(record, "obs") is not None or (source == "OBS" and at(record, "s3") is not None):
        cloud: Cloud = "obs"
    elif at(record, "s3") is None:
        raise BadEvent(f"no part s3 or obs in {described(record)}; {CHECK}")
    elif source.startswith(_S3_ONLY) or told != "obs":
        cloud = "s3"
    else:
        cloud = "obs"
    if told not in (None, cloud):
        says = f" (its source says {shown(source)})" if source else ""
        raise BadEvent(f"another service's event: a record of {cloud}{says}, and this function serves {told}; {CHECK}")
    return cloud, cloud == "s3" and told is None and _may_be_obs(record, source)


def _may_be_obs(record: object, source: str) -> bool:
    if source and source != "aws:s3":
        return False
    version = _VERSION.match(hint(record, "eventVersion"))
    return not source or not version or (int(version[1]), int(version[2])) <= (2, 0)


def read(record: object, cloud: Cloud, *, cause: str = "", decode: Decode = form_decoded) -> ObjectEvent:
    """The event in a storage record; *cause* is the id of its envelope, for records without a request id."""
    part = "obs" if at(record, "obs") is not None else "s3"
    change = change_of(at(record, "eventName"))
    bucket, key = place(record, (part, "bucket", "name"), (part, "object", "key"), decode=decode, change=change)
    # Not the sequencer: it is absent from some events, "1" in all of EventGrid's, and the same in every duplicate.
    request = hint(record, "responseElements", "x-amz-request-id") or hint(
        record, "responseElements", "x-obs-request-id"
    )
    return ObjectEvent(
        cloud=cloud,
        bucket=bucket,
        key=key,
        change=change,
        time=moment(record, "eventTime"),
        cause=request or cause,
        size=size(record, part, "object", "size"),
    )


def change_of(name: object) -> Change:
    """What an event name says: `ObjectCreated:Put`, `s3:ObjectRemoved:Delete`, `LifecycleExpiration:Delete`.

    By prefix, since OBS test events say `ObjectCreated:PutObject` and EventGrid `ObjectCreated:PUT`. Other names are
    ignored; without one somebody should look, and CREATED asks for no more than that.
    """
    if name is None or name == "":
        return Change.CREATED
    if not isinstance(name, str):
        raise BadEvent(f"eventName is {described(name)}, not text; {CHECK}")
    name = name.removeprefix("s3:")
    if name.startswith("ObjectCreated"):
        return Change.CREATED
    # LifecycleExpiration is not among AWS's ObjectRemoved:* and is subscribed to on its own.
    return Change.REMOVED if name.startswith(("ObjectRemoved", "LifecycleExpiration")) else Change.IGNORED
