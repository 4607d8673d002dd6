"""Who sends storage events, and how each writes a key: two tables, from which docs/events.md is made.

A record's form does not tell how its key is written: AWS encodes it as a form does, Ceph sends it as it is, and both
call it `s3.object.key`. The name in `eventSource` does tell, and records are read by that table. The other forms are
each one sender's, whose reader knows how it writes: their table is for the page.
"""

from collections.abc import Mapping
from typing import Literal

from bucketrelay.values import dataclass

KeyForm = Literal["raw", "encoded"]
# What the configuration says of a bucket's events: (scheme, bucket) → form; "*" stands for any bucket of the scheme.
EventKeys = Mapping[tuple[str, str], KeyForm]


@dataclass(frozen=True, slots=True)
class Sender:
    """A service whose events are read: how to know it, how it writes keys, where that stands."""

    name: str
    known_by: str  # a record's `eventSource` in small letters, or the shape of the event
    keys: KeyForm
    reference: str


RECORDS = (
    Sender("AWS S3", "aws:s3", "encoded", "S3 user guide, Event message structure"),
    Sender("Huawei OBS", "obs", "encoded", "OBS user manual obs_41_0045"),
    Sender("MinIO", "minio:s3", "encoded", "minio/minio#7665: encoded on purpose, slashes too"),
    Sender("RustFS", "rustfs:s3", "encoded", "rustfs/rustfs#2647: encoded on purpose"),
    Sender("Ceph RGW", "ceph:s3", "raw", "ceph: src/rgw/rgw_notify.cc puts the object's name as it is"),
    Sender("Scality Zenko, Artesca", "scality:s3", "raw", "scality/backbeat: the notification extension's transform"),
    Sender("NetApp StorageGRID", "sgws:s3", "encoded", "StorageGRID, Understand notifications: S3's format"),
)
FORMS = (
    Sender("EventBridge", "source aws.s3", "raw", "S3 user guide, EventBridge event message structure"),
    Sender("CloudTrail by EventBridge", "detail-type AWS API Call via CloudTrail", "raw", "CloudTrail, S3 data events"),
    Sender("S3 Batch Operations", "invocationSchemaVersion", "encoded", "S3 user guide, Invoke AWS Lambda"),
    Sender("Huawei EventGrid", "source HC.OBS.DWR", "encoded", "EventGrid, the trigger's Key_encode"),
    Sender("Oracle OCI", "eventType com.oraclecloud.objectstorage.…", "raw", "Oracle, Services that produce events"),
    Sender("Cloudflare R2", "account, action, bucket, object", "raw", "Cloudflare R2, Event notifications"),
    Sender("Backblaze B2", "events, eventType b2:…", "raw", "Backblaze, Event Notifications Reference Guide"),
    Sender("SeaweedFS", "key /buckets/…, event_type", "raw", "SeaweedFS wiki, Filer Notification Webhook"),
)
_KEYS = {sender.known_by: sender.keys for sender in RECORDS}


def keys_of(event_source: str) -> KeyForm:
    """How the sender of a record writes keys; a server that is not in the table is taken to do as S3 documents it."""
    return _KEYS.get(event_source.lower(), "encoded")


def form_from_config(event_keys: EventKeys, scheme: str, bucket: str) -> KeyForm | None:
    """What the configuration says of the events of *bucket*, which settles it; None where it says nothing."""
    return event_keys.get((scheme, bucket)) or event_keys.get((scheme, "*"))
