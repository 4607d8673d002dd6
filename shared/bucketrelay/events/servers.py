"""Events of servers that speak S3 but send forms of their own: Cloudflare R2, Backblaze B2, SeaweedFS.

References: Cloudflare R2 "Event notifications"; Backblaze "Event Notifications Reference Guide"; SeaweedFS wiki "Filer
Notification Webhook" and weed/notification/webhook/types.go. None of them encodes keys.
"""

from datetime import datetime, timedelta, timezone
from typing import Any

from bucketrelay.errors import BadEvent
from bucketrelay.events.fields import CHECK, at, describe, hint, moment, quote, size, text
from bucketrelay.events.keys import place, raw
from bucketrelay.model import Change, ObjectEvent

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_R2_REMOVED = ("DeleteObject", "LifecycleDeletion")
_BUCKETS = "/buckets/"
_UPLOADS = ".uploads"  # where SeaweedFS keeps the parts of unfinished uploads, inside the bucket


def r2(event: dict[str, Any]) -> ObjectEvent:
    """A message of Cloudflare R2, as its queue holds it."""
    action = text(event, "action")
    change = Change.REMOVED if action in _R2_REMOVED else Change.CREATED
    bucket, key = place(event, ("bucket",), ("object", "key"), decode=raw, change=change)
    return ObjectEvent(
        cloud="s3",
        bucket=bucket,
        key=key,
        change=change,
        time=moment(event, "eventTime"),
        size=size(event, "object", "size"),
        name=action,
    )


def b2(event: object, *, cause: str) -> ObjectEvent | None:
    """One of the events in a webhook call of Backblaze B2; None for its test event."""
    kind = text(event, "eventType")
    if kind.startswith("b2:TestEvent"):
        return None
    # Hiding a file makes it invisible to whoever asks by name, as a delete marker does.
    gone = kind.startswith(("b2:ObjectDeleted", "b2:HideMarker")) or kind.endswith(":Hide")
    change = Change.REMOVED if gone else Change.CREATED
    bucket, key = place(event, ("bucketName",), ("objectName",), decode=raw, change=change)
    return ObjectEvent(
        cloud="s3",
        bucket=bucket,
        key=key,
        change=change,
        time=_milliseconds(size(event, "eventTimestamp")),
        cause=hint(event, "eventId") or cause,
        size=size(event, "objectSize"),
        name=kind,
    )


def _milliseconds(since: int | None) -> datetime | None:
    try:
        return None if since is None else _EPOCH + timedelta(milliseconds=since)
    except OverflowError:
        return None


def seaweedfs(event: dict[str, Any]) -> tuple[ObjectEvent, ...]:
    """A call of SeaweedFS's webhook: `{"key": "/buckets/B/K", "event_type": "create"}`.

    A rename is two events, since two keys changed. What lies outside of /buckets, a directory and the parts of
    unfinished uploads are no objects.
    """
    kind, path = text(event, "event_type"), text(event, "key")
    if kind not in ("create", "update", "delete", "rename"):
        raise BadEvent(f"event_type {quote(kind)} is none of create, update, delete, rename; {CHECK}")
    change = Change.REMOVED if kind in ("delete", "rename") else Change.CREATED
    first = _weed(path, change, kind, is_object=not _is_directory(event))
    if kind != "rename":
        return (first,)
    new = _new_path(event, path)
    return (first, _weed(new, Change.CREATED, kind, is_object=not _is_directory(event)))


def _weed(path: str, change: Change, kind: str, *, is_object: bool) -> ObjectEvent:
    bucket, _, key = path.removeprefix(_BUCKETS).partition("/")
    ours = is_object and path.startswith(_BUCKETS) and key.partition("/")[0] != _UPLOADS and bool(key)
    fields = {"bucket": bucket, "key": key}
    bucket, key = place(fields, ("bucket",), ("key",), decode=raw, change=change if ours else Change.IGNORED)
    return ObjectEvent(cloud="s3", bucket=bucket, key=key, change=change if ours else Change.IGNORED, name=kind)


def _entry(event: object, which: str) -> object:
    # protobuf's own JSON writes newEntry, Go's encoding/json new_entry
    head, _, tail = which.partition("_")
    return at(event, "message_data", which) or at(event, "message_data", head + tail.capitalize())


def _is_directory(event: object) -> bool:
    entry = _entry(event, "new_entry") or _entry(event, "old_entry")
    return (at(entry, "is_directory") or at(entry, "isDirectory")) is True


def _new_path(event: object, path: str) -> str:
    parent = hint(event, "message_data", "new_parent_path") or hint(event, "message_data", "newParentPath")
    name = hint(_entry(event, "new_entry"), "name")
    if not name:
        raise BadEvent(f"a rename without the new name: message_data is {describe(at(event, 'message_data'))}; {CHECK}")
    return f"{parent or path.rpartition('/')[0]}/{name}"
