"""OBS's operations on one object."""

import re
from typing import Any
from urllib.parse import unquote

from bucketrelay_emulators.engine.engine import Obj
from bucketrelay_emulators.obs.call import Call, conditions
from bucketrelay_emulators.obs.signature import Refusal
from bucketrelay_emulators.obs.xml import document, iso, read, text_of
from bucketrelay_emulators.server.messages import Reply

_RANGE = re.compile(r"bytes=([0-9]{0,19})-([0-9]{0,19})")
_MAX_TAGS = 10
_ARCHIVED = frozenset({"COLD", "DEEP_ARCHIVE"})


def put_object(call: Call) -> Reply:
    """PUT. OBS has no conditional PUT: If-Match and If-None-Match are ignored here, as there."""
    headers = call.content_headers()
    if days := call.own("expires"):  # not HTTP's Expires: delete the object after so many days
        headers["x-obs-expires"] = days
    written = call.bucket.put(
        call.key, call.body(), headers, call.user(), tags=call.tags(), storage_class=call.storage_class()
    )
    return Reply(200, b"", {"ETag": f'"{written.etag}"', **call.version(written)})


def get_object(call: Call) -> Reply:
    """GET, with Range and conditions."""
    obj = call.obj()
    if (verdict := conditions(call.incoming.headers, obj)) != 200:
        return _unmet(call, obj, verdict)
    if obj.storage_class in _ARCHIVED:
        raise Refusal(403, "InvalidObjectState", "The operation is not valid for the object's storage class")
    told = call.describe(obj)
    span = span_of(call.header("range"), len(obj.body))
    if span is None:
        return Reply(200, obj.body, told)
    start, end = span
    told["Content-Range"] = f"bytes {start}-{end - 1}/{len(obj.body)}"
    # A test may have put something there that computes its bytes when they are asked for: an object larger than memory.
    whole: Any = obj.body
    return Reply(206, memoryview(whole)[start:end] if isinstance(whole, bytes) else whole[start:end], told)


def head_object(call: Call) -> Reply:
    """HEAD: the same headers, no body, and so no error code."""
    obj = call.obj()
    if (verdict := conditions(call.incoming.headers, obj)) != 200:
        return _unmet(call, obj, verdict)
    return Reply(200, b"", {**call.describe(obj), "Content-Length": str(len(obj.body))})


def delete_object(call: Call) -> Reply:
    """DELETE: 204 whether or not there was such an object; of a version, for good."""
    if version := call.query("versionId"):
        gone = call.bucket.delete_version(call.key, version)
        told = {f"{call.prefix}version-id": version}
        return Reply(204, b"", told | ({f"{call.prefix}delete-marker": "true"} if gone and not gone.obj else {}))
    call.bucket.delete(call.key)
    return Reply(204)


def copy_object(call: Call) -> Reply:
    """PUT with x-*-copy-source, within this server."""
    source = copy_source(call)
    replace = (call.own("metadata-directive") or "COPY") == "REPLACE"
    written = call.bucket.put(
        call.key,
        source.body,
        call.content_headers() if replace else source.headers,
        call.user() if replace else source.user,
        tags=source.tags,
        storage_class=call.storage_class() if call.own("storage-class") else source.storage_class,
        kind="Copy",
    )
    return document("CopyObjectResult", [("LastModified", iso(written.modified)), ("ETag", f'"{written.etag}"')])


def copy_source(call: Call) -> Obj:
    """The object that x-*-copy-source names, where its conditions hold."""
    path = unquote((call.own("copy-source") or "").partition("?versionId=")[0])
    bucket, slash, key = path.removeprefix("/").partition("/")
    if not slash or not key:
        raise Refusal(400, "InvalidArgument", "The copy source must be /bucket/key.")
    source = call.engine.bucket(bucket).get(key)
    if conditions(call.incoming.headers, source, prefix=f"{call.prefix}copy-source-") != 200:
        raise Refusal(412, "PreconditionFailed", "At least one of the preconditions you specified did not hold.")
    if source.storage_class in _ARCHIVED:
        raise Refusal(403, "InvalidObjectState", "The operation is not valid for the object's storage class")
    return source


def set_metadata(call: Call) -> Reply:
    """PUT ?metadata: REPLACE drops what is not named, REPLACE_NEW keeps the content headers that are not named."""
    old = call.bucket.get(call.key)
    given = call.content_headers()
    headers = given if call.own("metadata-directive") == "REPLACE" else {**old.headers, **given}
    storage = call.storage_class() if call.own("storage-class") else None
    call.bucket.amend(call.key, headers=headers, user=call.user(), storage_class=storage)
    return Reply(200)


def get_tagging(call: Call) -> Reply:
    """GET ?tagging."""
    obj = call.obj()
    tags = [("Tag", [("Key", name), ("Value", value)]) for name, value in obj.tags.items()]
    return document("Tagging", [("TagSet", tags)])


def put_tagging(call: Call) -> Reply:
    """PUT ?tagging: replaces all tags."""
    tree = read(call.body(), "Tagging")
    tags = {text_of(tag, "Key"): text_of(tag, "Value") for tag in tree.iter("Tag")}
    if len(tags) > _MAX_TAGS:
        raise Refusal(400, "InvalidTag", f"An object can have at most {_MAX_TAGS} tags.")
    call.bucket.amend(call.key, tags=tags, version=call.obj().version)
    return Reply(200)


def delete_tagging(call: Call) -> Reply:
    """DELETE ?tagging."""
    call.bucket.amend(call.key, tags={}, version=call.obj().version)
    return Reply(204)


def span_of(text: str | None, size: int) -> tuple[int, int] | None:
    """What `bytes=…` means for a body of *size* bytes, as [start, end); None for no or no understandable range.

    Raises:
        Refusal: 416, the range begins behind the end; so does every range of an empty object.
    """
    found = _RANGE.fullmatch(text or "")
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if first and last and int(last) < int(first):
        return None
    if start >= size:
        raise Refusal(416, "InvalidRange", "The requested range cannot be satisfied.")
    return start, end


def _unmet(call: Call, obj: Obj, verdict: int) -> Reply:
    if verdict == 304:
        told = call.describe(obj)
        return Reply(304, b"", {name: told[name] for name in ("ETag", "Last-Modified")})
    raise Refusal(412, "PreconditionFailed", "At least one of the preconditions you specified did not hold.")
