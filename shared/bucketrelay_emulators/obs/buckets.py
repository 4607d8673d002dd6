"""OBS's operations on buckets, and on many objects at once."""

from collections.abc import Iterator

from bucketrelay_emulators.engine.engine import Bucket, Obj
from bucketrelay_emulators.obs.call import Call
from bucketrelay_emulators.obs.signature import Refusal
from bucketrelay_emulators.obs.xml import Node, decode, document, encode, iso, read, text_of
from bucketrelay_emulators.server.messages import Reply

_PAGE = 1000
_OWNER: Node = ("Owner", [("ID", "28a70000000000000000000000000001")])


def api_version(call: Call) -> Reply:
    """HEAD ?apiversion, unsigned: how SDKs find out which dialect the server speaks."""
    if call.bucket_name:
        call.engine.bucket(call.bucket_name)
    return Reply(200, b"", {"x-obs-api": "3.0"})


def list_buckets(call: Call) -> Reply:
    """GET on the service."""
    nodes = [("Bucket", [("Name", b.name), ("CreationDate", iso(b.created))]) for b in call.engine.buckets()]
    return document("ListAllMyBucketsResult", [_OWNER, ("Buckets", nodes)])


def create_bucket(call: Call) -> Reply:
    """PUT on a bucket; 409 if there is one."""
    call.engine.create_bucket(call.bucket_name)
    return Reply(200, b"", {"Location": f"/{call.bucket_name}"})


def head_bucket(call: Call) -> Reply:
    """HEAD on a bucket."""
    call.engine.bucket(call.bucket_name)
    return Reply(200, b"", {f"{call.prefix}bucket-location": "cn-north-4"})


def delete_bucket(call: Call) -> Reply:
    """DELETE on a bucket; 409 while it holds objects."""
    call.engine.delete_bucket(call.bucket_name)
    return Reply(204)


def list_objects(call: Call) -> Reply:
    """GET on a bucket: prefix, marker, max-keys, delimiter, encoding-type."""
    limit = call.number("max-keys", _PAGE, 0, 1 << 31)
    prefix, marker, delimiter = call.query("prefix"), call.query("marker"), call.query("delimiter")
    found: list[Obj | str] = []
    more = False
    for item in _group(call.bucket, prefix, marker, delimiter):
        if len(found) >= min(limit, _PAGE):
            more = limit > 0
            break
        found.append(item)
    encoding = call.query("encoding-type") or None
    nodes: list[Node] = [
        ("Name", call.bucket_name),
        ("Prefix", encode(prefix, encoding)),
        ("Marker", encode(marker, encoding)),
        ("MaxKeys", min(limit, _PAGE)),
        ("IsTruncated", "true" if more else "false"),
    ]
    nodes += [("Delimiter", encode(delimiter, encoding))] if delimiter else []
    nodes += [("EncodingType", encoding)] if encoding else []
    nodes += [("NextMarker", encode(_name(found[-1]), encoding))] if more else []
    nodes += [_entry(item, encoding) for item in found if isinstance(item, Obj)]
    nodes += [("CommonPrefixes", [("Prefix", encode(i, encoding))]) for i in found if isinstance(i, str)]
    return document("ListBucketResult", nodes)


def delete_objects(call: Call) -> Reply:
    """POST ?delete: up to 1,000 keys, each answered for itself."""
    if call.header("content-md5") is None:
        raise Refusal(400, "InvalidRequest", "Missing required header for this request: Content-MD5")
    tree = read(call.body(), "Delete")
    encoding = tree.findtext("EncodingType")
    keys = [decode(text_of(entry, "Key"), encoding) for entry in tree.iter("Object")]
    if not 1 <= len(keys) <= _PAGE:
        raise Refusal(400, "MalformedXML", "The XML you provided was not well-formed: 1 to 1,000 objects are wanted.")
    for key in keys:
        call.bucket.delete(key)
    quiet = tree.findtext("Quiet") == "true"
    nodes: list[Node] = [("EncodingType", encoding)] if encoding else []
    nodes += [] if quiet else [("Deleted", [("Key", encode(key, encoding))]) for key in keys]
    return document("DeleteResult", nodes)


def _group(bucket: Bucket, prefix: str, marker: str, delimiter: str) -> Iterator[Obj | str]:
    """Objects, and keys up to the delimiter once for all that share them, after *marker*, ascending."""
    last = ""
    for obj in bucket.list(prefix, marker):
        head, cut, _ = obj.key[len(prefix) :].partition(delimiter) if delimiter else (obj.key, "", "")
        if not cut:
            yield obj
            continue
        group = prefix + head + cut
        if group not in (last, marker):  # a page that ended with this group must not be followed by it
            last = group
            yield group


def _name(item: Obj | str) -> str:
    return item if isinstance(item, str) else item.key


def _entry(obj: Obj, encoding: str | None) -> Node:
    return (
        "Contents",
        [
            ("Key", encode(obj.key, encoding)),
            ("LastModified", iso(obj.modified)),
            ("ETag", f'"{obj.etag}"'),
            ("Size", len(obj.body)),
            _OWNER,
            ("StorageClass", obj.storage_class or "STANDARD"),
        ],
    )
