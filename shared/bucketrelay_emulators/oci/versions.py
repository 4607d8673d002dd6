"""ListObjectVersions: versions and delete markers, page by page."""

from bucketrelay_emulators.engine.engine import Bucket
from bucketrelay_emulators.engine.versions import Held
from bucketrelay_emulators.oci.objects import fields_of, summary
from bucketrelay_emulators.oci.wire import Answer, Refusal, Request, answer_json, page_size, page_start, rfc3339


def listing(bucket: Bucket, request: Request) -> Answer:
    """Ascending by name, of one name the newest first. Which is the latest is not told, as the service has it."""
    query = request.query
    if query.get("delimiter"):
        raise Refusal(400, "InvalidParameter", "no delimiter in a listing of versions here")
    fields, limit, done = fields_of(query.get("fields", "name")), page_size(query), page_start(query)
    after, start, end = (query.get(name, "").encode() for name in ("startAfter", "start", "end"))
    every = [
        held
        for held, _ in bucket.versions(query.get("prefix", ""))
        if held.key.encode() > after and held.key.encode() >= start and (not end or held.key.encode() < end)
    ]
    following = {"opc-next-page": str(done + limit)} if len(every) > done + limit else {}
    return answer_json({"items": [_entry(held, fields) for held in every[done : done + limit]]}, headers=following)


def _entry(held: Held, fields: set[str]) -> dict[str, object]:
    told = {"versionId": held.version, "isDeleteMarker": held.obj is None}
    if held.obj is not None:
        return {**summary(held.obj, fields), **told}
    moment = rfc3339(held.modified)
    times = {name: moment for name in ("timeCreated", "timeModified") if name.lower() in fields}
    return {"name": held.key, **times, **told}
