"""Copies that OBS makes by itself: an upload of parts that it fetches, whatever the size.

Not CopyObject: a server that does not know its header would take it for the write of an empty object, and answer 200.
A part that was not copied is found out before anything is published.
"""

from urllib.parse import quote

from bucketrelay.abilities import Upload
from bucketrelay.clouds.documents import Document
from bucketrelay.clouds.huawei.fields import bare
from bucketrelay.clouds.huawei.requests import Given, Requests
from bucketrelay.clouds.server_copy import CopyPart
from bucketrelay.errors import CannotCopy
from bucketrelay.http.outcome import Effect
from bucketrelay.model import Address, ObjectInfo


def part_copier(requests: Requests, source: Address, info: ObjectInfo, url: str) -> CopyPart:
    """What lets the server fetch one part of *info*, an object of the bucket *source*.

    Args:
        requests: of the target.
        url: of the target's object.

    Raises:
        CannotCopy: OBS cannot be told of the source.
    """
    place = f"/{source.bucket}/{source.prefix}{info.key}"
    if "?versionId=" in place:
        raise CannotCopy(f"{url}: OBS cannot be told of a source with ?versionId= in its key: read it and write it")
    named = f"{requests.prefix}copy-source"
    # The condition is documented of CopyObject alone; where it is ignored, the look at the source before the commit
    # does its work.
    pinned = {named: quote(place, safe="/"), f"{named}-if-match": info.etag}

    def copy_part(upload: Upload, number: int, start: int, length: int) -> str:
        span = {f"{named}-range": f"bytes={start}-{start + length - 1}"} if length < info.size else {}
        given = Given({"partNumber": str(number), "uploadId": upload.id}, pinned | span)
        answer = requests.send("CopyPart", upload.key, Effect.REPEATABLE_WRITE, given)
        # A server that does not know copies takes the request for an empty part, and has nothing to say.
        return bare(Document(answer.body, "CopyPartResult", url).text("ETag")) if answer.body else ""

    return copy_part
