"""OBS's multipart uploads."""

from collections.abc import Sequence
from itertools import islice

from bucketrelay_emulators.engine.engine import OpenUpload
from bucketrelay_emulators.obs.call import Call
from bucketrelay_emulators.obs.objects import copy_source, span_of
from bucketrelay_emulators.obs.signature import Refusal
from bucketrelay_emulators.obs.xml import Malformed, Node, document, encode, iso, read, text_of
from bucketrelay_emulators.server.messages import Reply

_PAGE = 1000
_MAX_PARTS = 10_000


def initiate(call: Call) -> Reply:
    """POST ?uploads."""
    upload = call.bucket.uploads.begin(
        call.key, call.content_headers(), call.user(), tags=call.tags(), storage_class=call.storage_class()
    )
    nodes = [*_about(call), ("UploadId", upload.id)]
    return document("InitiateMultipartUploadResult", nodes)


def upload_part(call: Call) -> Reply:
    """PUT ?partNumber&uploadId."""
    part = call.bucket.uploads.put_part(call.key, call.query("uploadId"), _number(call), call.body())
    return Reply(200, b"", {"ETag": f'"{part.etag}"'})


def copy_part(call: Call) -> Reply:
    """PUT ?partNumber&uploadId with x-*-copy-source."""
    source = copy_source(call)
    start, end = span_of(call.own("copy-source-range"), len(source.body)) or (0, len(source.body))
    part = call.bucket.uploads.put_part(call.key, call.query("uploadId"), _number(call), source.body[start:end])
    return document("CopyPartResult", [("LastModified", iso(part.modified)), ("ETag", f'"{part.etag}"')])


def list_parts(call: Call) -> Reply:
    """GET ?uploadId: max-parts, part-number-marker."""
    limit = min(call.number("max-parts", _PAGE, 1, 1 << 31), _PAGE)
    marker = call.number("part-number-marker", 0, 0, _MAX_PARTS)
    held = [part for part in call.bucket.uploads.parts(call.key, call.query("uploadId")) if part.number > marker]
    page = held[:limit]
    nodes: list[Node] = [
        *_about(call),
        ("UploadId", call.query("uploadId")),
        ("StorageClass", "STANDARD"),
        ("PartNumberMarker", marker),
        ("NextPartNumberMarker", page[-1].number if page else 0),
        ("MaxParts", limit),
        ("IsTruncated", "true" if len(held) > limit else "false"),
    ]
    for part in page:
        about: list[Node] = [
            ("PartNumber", part.number),
            ("LastModified", iso(part.modified)),
            ("ETag", f'"{part.etag}"'),
            ("Size", len(part.body)),
        ]
        nodes.append(("Part", about))
    return document("ListPartsResult", nodes)


def complete(call: Call) -> Reply:
    """POST ?uploadId with the list of parts; every part but the last must have the minimum size."""
    tree = read(call.body(), "CompleteMultipartUpload")
    try:
        chosen = [(int(text_of(part, "PartNumber")), text_of(part, "ETag").strip('"')) for part in tree.iter("Part")]
    except ValueError as error:
        raise Malformed("a PartNumber is no number") from error
    _check_sizes(call, chosen)
    written = call.bucket.commit(call.key, call.query("uploadId"), chosen)
    nodes: list[Node] = [("Location", f"/{call.bucket_name}/{call.key}"), *_about(call), ("ETag", f'"{written.etag}"')]
    return document("CompleteMultipartUploadResult", nodes)


def abort(call: Call) -> Reply:
    """DELETE ?uploadId."""
    call.bucket.uploads.abort(call.key, call.query("uploadId"))
    return Reply(204)


def list_uploads(call: Call) -> Reply:
    """GET ?uploads: prefix, key-marker, upload-id-marker, max-uploads."""
    encoding = call.query("encoding-type") or None
    limit = min(call.number("max-uploads", _PAGE, 1, 1 << 31), _PAGE)
    begun = call.bucket.uploads.list(call.query("prefix"))
    rest = _behind(begun, call.query("key-marker"), call.query("upload-id-marker"))
    page = list(islice(rest, limit))
    more = len(rest) > limit
    nodes: list[Node] = [
        ("Bucket", call.bucket_name),
        ("KeyMarker", encode(call.query("key-marker"), encoding)),
        ("UploadIdMarker", call.query("upload-id-marker")),
        ("MaxUploads", limit),
        ("IsTruncated", "true" if more else "false"),
    ]
    nodes += [("EncodingType", encoding)] if encoding else []
    nodes += [("NextKeyMarker", encode(page[-1].key, encoding)), ("NextUploadIdMarker", page[-1].id)] if more else []
    for upload in page:
        about = [("Key", encode(upload.key, encoding)), ("UploadId", upload.id), ("Initiated", iso(upload.begun))]
        nodes.append(("Upload", about))
    return document("ListMultipartUploadsResult", nodes)


def _behind(uploads: Sequence[OpenUpload], key: str, upload_id: str) -> list[OpenUpload]:
    later = [upload for upload in uploads if upload.key.encode() > key.encode()]
    same = [upload for upload in uploads if upload.key == key] if key and upload_id else []
    position = [upload.id for upload in same].index(upload_id) + 1 if upload_id in {u.id for u in same} else len(same)
    return same[position:] + later


def _about(call: Call) -> list[Node]:
    encoding = call.query("encoding-type") or None
    nodes: list[Node] = [("Bucket", call.bucket_name), ("Key", encode(call.key, encoding))]
    return nodes + ([("EncodingType", encoding)] if encoding else [])


def _number(call: Call) -> int:
    return call.number("partNumber", 0, 1, _MAX_PARTS)


def _check_sizes(call: Call, chosen: Sequence[tuple[int, str]]) -> None:
    sizes = {part.number: len(part.body) for part in call.bucket.uploads.parts(call.key, call.query("uploadId"))}
    if any(sizes.get(number, call.min_part) < call.min_part for number, _ in chosen[:-1]):
        raise Refusal(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed object size.")
