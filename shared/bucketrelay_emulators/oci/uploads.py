"""Multipart uploads: create, put a part, list, commit, abort."""

from collections.abc import Mapping, Sequence

from bucketrelay_emulators.engine.engine import Bucket
from bucketrelay_emulators.engine.values import (
    InvalidPart,
    InvalidPartOrder,
    NoSuchKey,
    NoSuchUpload,
    OpenUpload,
    PreconditionFailed,
)
from bucketrelay_emulators.oci.wire import (
    Answer,
    Refusal,
    Request,
    answer_json,
    b64,
    check_md5,
    conditions,
    failed_condition,
    metadata,
    object_name,
    page_size,
    page_start,
    rfc3339,
    tier,
    write_headers,
)
from bucketrelay_emulators.server.messages import count

_IN_JSON = {
    "contentType": "content-type",
    "contentLanguage": "content-language",
    "contentEncoding": "content-encoding",
    "contentDisposition": "content-disposition",
    "cacheControl": "cache-control",
}
MOST_PARTS = 10_000


def create(bucket: Bucket, request: Request) -> Answer:
    """CreateMultipartUpload. Metadata names carry their `opc-meta-` here, and what does not is dropped."""
    details = request.json()
    name = object_name(str(details.get("object") or ""))
    _check_now(bucket, name, conditions(request.headers))
    headers = {header: str(details[field]) for field, header in _IN_JSON.items() if details.get(field) is not None}
    given = details.get("metadata") or {}
    if not isinstance(given, dict):
        raise Refusal(400, "CannotParseRequest", "metadata is no JSON object")
    user = metadata({str(key): str(value) for key, value in given.items()})
    upload = bucket.uploads.begin(name, headers, user, storage_class=tier(details.get("storageTier")))
    return answer_json(_describe(bucket, upload))


def put_part(bucket: Bucket, name: str, request: Request) -> Answer:
    """UploadPart."""
    number = count(request.query.get("uploadPartNum", ""))
    if number is None or not 1 <= number <= MOST_PARTS:
        raise Refusal(400, "InvalidParameter", f"uploadPartNum is a number from 1 to {MOST_PARTS}")
    check_md5(request.headers, request.body)
    try:
        part = bucket.uploads.put_part(name, _id(request), number, request.body)
    except NoSuchUpload as error:
        raise _no_upload(request) from error
    return Answer(200, {"etag": part.etag, "opc-content-md5": b64(part.md5)})


def parts(bucket: Bucket, name: str, request: Request) -> Answer:
    """ListMultipartUploadParts."""
    try:
        held = bucket.uploads.parts(name, _id(request))
    except NoSuchUpload as error:
        raise _no_upload(request) from error
    rows = [
        {"partNumber": part.number, "etag": part.etag, "md5": b64(part.md5), "size": len(part.body)} for part in held
    ]
    return _page(rows, request.query)


def uploads(bucket: Bucket, request: Request) -> Answer:
    """ListMultipartUploads."""
    return _page([_describe(bucket, upload) for upload in bucket.uploads.list()], request.query)


def commit(bucket: Bucket, name: str, request: Request, *, least: int = 0) -> Answer:
    """CommitMultipartUpload.

    Args:
        least: how small a part may be that is not the last.
    """
    asked, upload_id = conditions(request.headers), _id(request)
    chosen = _choose(request)
    try:
        sizes = {part.number: len(part.body) for part in bucket.uploads.parts(name, upload_id)}
        if any(sizes.get(number, least) < least for number, _ in chosen[:-1]):
            raise Refusal(400, "InvalidUploadPart", f"a part that is not the last has less than {least} bytes")
        obj = bucket.commit(
            name,
            upload_id,
            chosen,
            if_match=asked.get("if_match"),
            if_none_match=asked.get("if_none_match"),
        )
    except NoSuchUpload as error:
        raise _no_upload(request) from error
    except (InvalidPart, InvalidPartOrder) as error:
        raise Refusal(400, "InvalidUploadPart", f"the parts to commit are not those that are held: {error}") from error
    except PreconditionFailed as error:
        raise failed_condition(asked) from error
    return Answer(200, write_headers(obj))


def abort(bucket: Bucket, name: str, request: Request) -> Answer:
    """AbortMultipartUpload."""
    try:
        bucket.uploads.abort(name, _id(request))
    except NoSuchUpload as error:
        raise _no_upload(request) from error
    return Answer(204)


def _check_now(bucket: Bucket, name: str, asked: Mapping[str, str]) -> None:
    try:
        etag = bucket.get(name).etag
    except NoSuchKey:
        etag = ""
    if ("if_none_match" in asked and etag) or ("if_match" in asked and asked["if_match"] != etag):
        raise failed_condition(asked)


def _choose(request: Request) -> list[tuple[int, str]]:
    details = request.json()
    given, excluded = details.get("partsToCommit"), details.get("partsToExclude") or []
    if not isinstance(given, list) or not isinstance(excluded, list):
        raise Refusal(400, "CannotParseRequest", "partsToCommit is no list")
    try:
        chosen = sorted((int(part["partNum"]), str(part["etag"]).strip('"')) for part in given)
    except (KeyError, TypeError, ValueError) as error:
        raise Refusal(400, "CannotParseRequest", "a part has a partNum and an etag") from error
    return [(number, etag) for number, etag in chosen if number not in excluded]


def _describe(bucket: Bucket, upload: OpenUpload) -> dict[str, object]:
    return {
        "namespace": bucket.namespace,
        "bucket": bucket.name,
        "object": upload.key,
        "uploadId": upload.id,
        "timeCreated": rfc3339(upload.begun),
        "storageTier": upload.storage_class or "Standard",
    }


def _page(rows: Sequence[object], query: Mapping[str, str]) -> Answer:
    """A page, and in `opc-next-page` what to ask for next: here simply how many rows were given so far."""
    limit, start = page_size(query), page_start(query)
    more = {"opc-next-page": str(start + limit)} if start + limit < len(rows) else {}
    return answer_json(list(rows[start : start + limit]), headers=more)


def _id(request: Request) -> str:
    if not (found := request.query.get("uploadId", "")):
        raise Refusal(400, "InvalidParameter", "uploadId is missing")
    return found


def _no_upload(request: Request) -> Refusal:
    return Refusal(404, "NoSuchUpload", f"There is no multipart upload '{_id(request)}' of this object")
