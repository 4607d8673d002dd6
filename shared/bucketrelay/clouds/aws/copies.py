"""Copies by S3's own server."""

from collections.abc import Mapping
from urllib.parse import quote

from bucketrelay.abilities import Upload
from bucketrelay.clouds.aws.answers import copied_part, parse_publish
from bucketrelay.clouds.aws.fields import full_key, quote_etag
from bucketrelay.clouds.aws.requests import Given, Requests
from bucketrelay.http.outcome import Effect, Refusal
from bucketrelay.model import ObjectInfo
from bucketrelay.store import MiB, Store, Written
from bucketrelay.values import dataclass

# CopyObject takes 5 GB, but answers when it is done: what is larger than this would keep us waiting past the timeout.
AT_ONCE = 256 * MiB
# REPLACE also where there is no tag, for to copy tags needs the permission to read them.
_REPLACED = {"x-amz-metadata-directive": "REPLACE", "x-amz-tagging-directive": "REPLACE"}


@dataclass(frozen=True, slots=True)
class Copying:
    """One copy: its requests to the target, each pinned to the source's version.

    Args:
        url: of the target.
    """

    requests: Requests
    source: Store
    info: ObjectInfo
    key: str
    url: str

    @property
    def _pin(self) -> dict[str, str]:
        full = full_key(self.source.address.prefix, self.info.key, self.url)
        return {
            "x-amz-copy-source": quote(f"{self.source.address.bucket}/{full}", safe="/-_.~:"),
            "x-amz-copy-source-if-match": quote_etag(self.info.etag),
        }

    def whole(self, headers: Mapping[str, str]) -> Written:
        """CopyObject with these headers in place of the source's metadata."""
        sent = {**self._pin, **_REPLACED, **headers}
        return self.requests.document(
            "CopyObject", self.key, Effect.PUBLISHING_WRITE, "CopyObject", parse_publish, Given(headers=sent)
        )

    def part(self, upload: Upload, number: int, start: int, length: int) -> str:
        """UploadPartCopy; the part's ETag. A range is refused where the source has no more than 5 MB."""
        whole = length >= self.info.size
        span = {} if whole else {"x-amz-copy-source-range": f"bytes={start}-{start + length - 1}"}
        query = [("partNumber", str(number)), ("uploadId", upload.id)]
        given = Given(query, {**self._pin, **span})
        return copied_part(self.requests.send("UploadPartCopy", self.key, Effect.REPEATABLE_WRITE, given))


def no_bucket(error: BaseException) -> bool:
    """Whether a bucket is missing, which no other way of copying would mend."""
    return isinstance(error.__cause__, Refusal) and error.__cause__.code == "NoSuchBucket"
