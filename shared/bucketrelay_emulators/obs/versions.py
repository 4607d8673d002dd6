"""OBS's listing of versions and delete markers (API reference, ListObjects with `versions`)."""

from collections.abc import Sequence

from bucketrelay_emulators.engine.versions import Held
from bucketrelay_emulators.obs.call import Call
from bucketrelay_emulators.obs.signature import Refusal
from bucketrelay_emulators.obs.xml import Node, document, encode, iso
from bucketrelay_emulators.server.messages import Reply

_PAGE = 1000
_OWNER: Node = ("Owner", [("ID", "28a70000000000000000000000000001")])


def list_versions(call: Call) -> Reply:
    """GET ?versions on a bucket: prefix, key-marker, version-id-marker, max-keys, encoding-type."""
    limit = min(call.number("max-keys", _PAGE, 1, 1 << 31), _PAGE)
    prefix, key, version = call.query("prefix"), call.query("key-marker"), call.query("version-id-marker")
    if call.query("delimiter"):
        raise Refusal(501, "NotImplemented", "no delimiter in a listing of versions here")
    rest = _behind(call.bucket.versions(prefix), key, version)
    page, more = rest[:limit], len(rest) > limit
    encoding = call.query("encoding-type") or None
    nodes: list[Node] = [
        ("Name", call.bucket_name),
        ("Prefix", encode(prefix, encoding)),
        ("KeyMarker", encode(key, encoding)),
        ("VersionIdMarker", version),
    ]
    if more:
        last = page[-1][0]
        nodes += [("NextKeyMarker", encode(last.key, encoding)), ("NextVersionIdMarker", last.name)]
    nodes += [("MaxKeys", limit), ("IsTruncated", "true" if more else "false")]
    nodes += [("EncodingType", encoding)] if encoding else []
    return document("ListVersionsResult", [*nodes, *(_entry(held, encoding, latest=latest) for held, latest in page)])


def _behind(every: Sequence[tuple[Held, bool]], key: str, version: str) -> Sequence[tuple[Held, bool]]:
    """What comes behind both markers. A version that is none of that key's does not take effect."""
    if not key:
        return every
    at = next((n for n, (held, _) in enumerate(every) if held.key.encode() > key.encode()), len(every))
    named = (n + 1 for n, (held, _) in enumerate(every) if (held.key, held.name) == (key, version))
    return every[next(named, at) :]


def _entry(held: Held, encoding: str | None, *, latest: bool) -> Node:
    told: list[Node] = [
        ("Key", encode(held.key, encoding)),
        ("VersionId", held.name),
        ("IsLatest", "true" if latest else "false"),
        ("LastModified", iso(held.modified)),
    ]
    if held.obj is None:
        return ("DeleteMarker", [*told, _OWNER])
    told += [("ETag", f'"{held.obj.etag}"'), ("Size", len(held.obj.body)), _OWNER]
    return ("Version", [*told, ("StorageClass", held.obj.storage_class or "STANDARD")])
