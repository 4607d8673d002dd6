"""Objects: PUT, GET, HEAD, DELETE and listings."""

import re
from collections.abc import Mapping

from bucketrelay_emulators.engine.engine import Bucket
from bucketrelay_emulators.engine.values import NoSuchKey, Obj, PreconditionFailed
from bucketrelay_emulators.oci.wire import (
    CONTENT_HEADERS,
    Answer,
    Refusal,
    Request,
    answer_json,
    b64,
    check_md5,
    conditions,
    failed_condition,
    http_date,
    metadata,
    multipart_md5,
    object_headers,
    object_name,
    page_size,
    rfc3339,
    tier,
    write_headers,
)

_RANGE = re.compile(r"bytes=([0-9]{0,19})-([0-9]{0,19})$")
_FIELDS = ("name", "size", "etag", "timecreated", "md5", "timemodified", "storagetier", "archivalstate")


def no_object(bucket: Bucket, name: str) -> Refusal:
    """The service's words for an object that is not there."""
    return Refusal(404, "ObjectNotFound", f"The object '{name}' was not found in the bucket '{bucket.name}'")


def no_version(name: str) -> Refusal:
    """The service's words for a version that is not there, or is a delete marker."""
    return Refusal(404, "ObjectVersionNotFound", f"The object '{name}' has no such version")


def put(bucket: Bucket, name: str, request: Request) -> Answer:
    """PutObject."""
    check_md5(request.headers, request.body)
    asked = conditions(request.headers)
    headers = {n: request.headers[n] for n in CONTENT_HEADERS if n in request.headers}
    try:
        obj = bucket.put(
            object_name(name),
            request.body,
            headers,
            metadata(request.headers),
            storage_class=tier(request.headers.get("storage-tier")),
            if_match=asked.get("if_match"),
            if_none_match=asked.get("if_none_match"),
        )
    except PreconditionFailed as error:
        raise failed_condition(asked) from error
    return Answer(200, write_headers(obj))


def get(bucket: Bucket, name: str, request: Request) -> Answer:
    """GetObject and HeadObject; whoever sends the answer to HEAD leaves the body out."""
    obj = _find(bucket, name, request)
    headers = {**object_headers(obj), **_overrides(request.query)}
    if request.method == "HEAD":
        return Answer(200, headers, obj.body)
    if obj.storage_class == "Archive":
        raise Refusal(409, "NotRestored", f"The object '{name}' is archived: restore it before you read it")
    span = _span(request.headers.get("range", ""), len(obj.body))
    if span is None:
        return Answer(200, headers, obj.body)
    start, end = span
    headers["content-range"] = f"bytes {start}-{end - 1}/{len(obj.body)}"
    return Answer(206, headers, obj.body[start:end])


def delete(bucket: Bucket, name: str, request: Request) -> Answer:
    """DeleteObject. An object that is not there is 404 whatever was asked of its ETag."""
    asked = conditions(request.headers)
    if version := request.query.get("versionId"):
        if bucket.delete_version(name, version) is None:
            raise no_version(name)
        return Answer(204, {"version-id": version})
    try:
        removed = bucket.delete(name, if_match=asked.get("if_match"))
    except PreconditionFailed as error:
        _find(bucket, name, Request("HEAD", "", {}))
        raise failed_condition(asked) from error
    if removed is None:
        raise no_object(bucket, name)
    return Answer(204, {"version-id": removed.version})


def listing(bucket: Bucket, request: Request) -> Answer:
    """ListObjects: names alone unless `fields` asks for more."""
    query = request.query
    fields = fields_of(query.get("fields", "name"))
    prefix, end, delimiter = query.get("prefix", ""), query.get("end", ""), query.get("delimiter", "")
    if delimiter not in ("", "/"):
        raise Refusal(400, "InvalidParameter", "the only delimiter is /")
    found = bucket.list(prefix, query.get("startAfter", ""), start=query.get("start", ""))
    objects: list[dict[str, object]] = []
    folders: dict[str, None] = {}
    following = None
    limit = page_size(query)
    for obj in found:
        if end and obj.key.encode() >= end.encode():
            break
        folder = _folder(obj.key, prefix, delimiter)
        if folder in folders:
            continue
        if len(objects) + len(folders) == limit:
            following = obj.key
            break
        if folder:
            folders[folder] = None
        else:
            objects.append(summary(obj, fields))
    extra = ({"prefixes": list(folders)} if delimiter else {}) | ({"nextStartWith": following} if following else {})
    return answer_json({"objects": objects, **extra})


def _find(bucket: Bucket, name: str, request: Request) -> Obj:
    version = request.query.get("versionId")
    try:
        obj = bucket.version(name, version).obj if version else bucket.get(name)
    except NoSuchKey as error:
        raise (no_version(name) if version else no_object(bucket, name)) from error
    if obj is None:
        raise no_version(name)
    if (wanted := request.headers.get("if-match")) and wanted.strip('"') not in ("*", obj.etag):
        raise failed_condition({"if_match": wanted})
    if request.headers.get("if-none-match", "").strip('"') == obj.etag:
        raise Refusal(304, "NotModified", "", {"etag": obj.etag, "last-modified": http_date(obj.modified)})
    return obj


def _overrides(query: Mapping[str, str]) -> dict[str, str]:
    """`httpResponseContentType` and its like: what a caller wants to be told instead."""
    names = {f"http-response-{name}": name for name in (*CONTENT_HEADERS, "expires")}
    asked = {re.sub(r"[A-Z]", lambda m: "-" + m[0].lower(), name): value for name, value in query.items()}
    return {names[name]: value for name, value in asked.items() if name in names}


def _span(header: str, size: int) -> tuple[int, int] | None:
    """From and up to which byte; None for all. What is no single range is ignored (RFC 7233). Raises Refusal: 416."""
    match = _RANGE.match(header)
    if not match or match[0] == "bytes=-":
        return None
    if not match[1]:
        start, end = max(0, size - int(match[2])), size
    else:
        start, end = int(match[1]), min(size, int(match[2]) + 1 if match[2] else size)
    if start >= size or start >= end:
        raise Refusal(416, "InvalidRange", f"the object has {size} bytes")
    return start, end


def fields_of(text: str) -> set[str]:
    """The fields that a listing is asked for. Raises Refusal."""
    names = {name.strip().lower() for name in text.split(",")}
    if unknown := names - set(_FIELDS):
        raise Refusal(400, "InvalidParameter", f"there is no field {sorted(unknown)}")
    return names


def _folder(key: str, prefix: str, delimiter: str) -> str:
    rest = key[len(prefix) :]
    return prefix + rest[: rest.index(delimiter) + 1] if delimiter and delimiter in rest else ""


def summary(obj: Obj, fields: set[str]) -> dict[str, object]:
    """An object in a listing."""
    storage = obj.storage_class or "Standard"
    every = {
        "name": obj.key,
        "size": len(obj.body),
        "etag": obj.etag,
        "md5": multipart_md5(obj) if obj.part_md5s else b64(obj.md5),
        "timeCreated": rfc3339(obj.modified),
        "timeModified": rfc3339(obj.modified),
        "storageTier": storage,
        "archivalState": "Archived" if storage == "Archive" else None,
    }
    return {name: value for name, value in every.items() if name == "name" or name.lower() in fields}
