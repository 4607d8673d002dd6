"""The notification record: S3 made it, OBS took it over, MinIO and others speak it.

Reference: S3 user guide "Event message structure" and "Supported event types"; OBS user manual obs_41_0045. Only bucket
and key can be relied on: the test event built into FunctionGraph lacks `eventSource`, moto's records lack every id.
"""

import re
from functools import partial

from bucketrelay.errors import BadEvent
from bucketrelay.events.fields import CHECK, at, describe, hint, moment, quote, size
from bucketrelay.events.keys import RAW_REMEDY, Decode, decode_form, place, raw
from bucketrelay.events.reading import Reading
from bucketrelay.events.senders import keys_of
from bucketrelay.model import Change, Cloud, ObjectEvent

_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})", re.ASCII)
_AWS = "aws:s3"  # what OBS calls itself, too, in records of version 2.0; every other name is a server's own
_CREATED = ("ObjectCreated", "ObjectRestore:Completed")  # what came out of the archive can be copied now
# LifecycleExpiration is not among AWS's ObjectRemoved:* and is subscribed to on its own; Ceph calls it ObjectLifecycle.
_REMOVED = ("ObjectRemoved", "LifecycleExpiration", "ObjectLifecycle:Expiration")
# Of an object, and nothing about it that a copy could show. Any other name is a reason to look.
NO_CHANGE = (
    "ObjectTagging",
    "ObjectAcl",
    "ObjectAccessed",
    "ObjectRestore:Post",
    "ObjectRestore:Delete",
    "ReducedRedundancyLostObject",
    "Replication",
    "ObjectReplication",
    "LifecycleTransition",
    "ObjectLifecycle:Transition",
    "IntelligentTiering",
    "BucketCreated",
    "BucketRemoved",
    "TestEvent",
)


def cloud_of(record: object, told: Cloud | None) -> tuple[Cloud, bool]:
    """Of which cloud a storage record is, and whether that is a guess.

    A part `obs` is OBS's. A part `s3` is what *told* says; an OBS record of version 2.0 calls itself `aws:s3`, so
    untold, one without a source, or of AWS with version 2.0 or lower or none, may be either's. AWS began with 2.0 and
    has sent 2.1 and later since 2018; versions are not white-listed, they reached 2.6.

    Raises:
        BadEvent: it is no storage record, or of another cloud than *told*.
    """
    source = hint(record, "eventSource").lower()  # OTC's own test event says `obs`
    if at(record, "obs") is not None or (source == "obs" and at(record, "s3") is not None):
        cloud: Cloud = "obs"
    elif at(record, "s3") is None:
        raise BadEvent(f"no part s3 or obs in {describe(record)}; {CHECK}")
    elif source not in ("", _AWS) or told != "obs":
        cloud = "s3"
    else:
        cloud = "obs"
    if told not in (None, cloud):
        says = f" (its source says {quote(hint(record, 'eventSource'))})" if source else ""
        raise BadEvent(f"another service's event: a record of {cloud}{says}, and this function serves {told}; {CHECK}")
    return cloud, cloud == "s3" and told is None and _may_be_obs(record, source)


def _may_be_obs(record: object, source: str) -> bool:
    if source not in ("", _AWS):
        return False
    version = _VERSION.match(hint(record, "eventVersion"))
    return not source or not version or (int(version[1]), int(version[2])) <= (2, 0)


def read(record: object, cloud: Cloud, reading: Reading, *, decode: Decode | None = None) -> ObjectEvent:
    """The event in a storage record.

    Args:
        reading: the cause, for records without a request id, and what the configuration says of keys.
        decode: how the key is written, where the envelope knows better than the record.
    """
    part = "obs" if at(record, "obs") is not None else "s3"
    change = change_of(at(record, "eventName"))
    # An unknown name may be of something that is no object: then it has no key, and there is nothing to look at.
    if change is Change.CREATED and not _is_known(record) and not hint(record, part, "object", "key"):
        change = Change.IGNORED
    decode = decode or _decoding(record, cloud, hint(record, part, "bucket", "name"), reading)
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
        cause=request or reading.cause,
        size=size(record, part, "object", "size"),
        name=hint(record, "eventName"),
    )


def _decoding(record: object, cloud: Cloud, bucket: str, reading: Reading) -> Decode:
    """OBS encodes the keys of all its records; how an S3 server writes them is its own choice, or its store's word."""
    if cloud == "s3" and reading.keys("s3", bucket, keys_of(hint(record, "eventSource"))) == "raw":
        return raw
    return partial(decode_form, remedy=RAW_REMEDY) if cloud == "s3" else decode_form


def _is_known(record: object) -> bool:
    name = hint(record, "eventName").removeprefix("s3:")
    return not name or name.startswith((*_CREATED, *_REMOVED))


def change_of(name: object) -> Change:
    """What an event name says: `ObjectCreated:Put`, `s3:ObjectRemoved:Delete`, `LifecycleExpiration:Delete`.

    By prefix, since OBS test events say `ObjectCreated:PutObject` and EventGrid `ObjectCreated:PUT`. What is known to
    change nothing is ignored. Of another name, or none, somebody should look, and CREATED asks for no more than that.
    """
    if name is None or name == "":
        return Change.CREATED
    if not isinstance(name, str):
        raise BadEvent(f"eventName is {describe(name)}, not text; {CHECK}")
    name = name.removeprefix("s3:")
    if name.startswith(_REMOVED):
        return Change.REMOVED
    return Change.IGNORED if name.startswith(NO_CHANGE) else Change.CREATED
