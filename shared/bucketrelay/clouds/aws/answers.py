"""What S3's answers are read for beside an object's bytes: what became of a write, an upload's id, tags."""

from binascii import b2a_base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bucketrelay.clouds.aws.documents import NoDocument, children, read, texts
from bucketrelay.clouds.aws.fields import bare, version_of
from bucketrelay.http.faults import Malformed
from bucketrelay.http.messages import Answer
from bucketrelay.store import Written

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def has_etag(answer: Answer) -> None:
    """Raise Malformed where a write is answered without an ETag: by a proxy, perhaps, and not by the store."""
    if not bare(answer.headers.get("etag", "")):
        raise Malformed("an answer without an ETag: check endpoint and proxy")


def parse_put(answer: Answer) -> Written:
    """What an answer to PutObject says."""
    return Written(bare(answer.headers.get("etag", "")), version_of(answer.headers))


def parse_publish(root: "Element", answer: Answer) -> Written:
    """What the document says that answers a commit or a copy."""
    if not (etag := etag_inside(root, answer)):
        raise NoDocument("an answer without an ETag: check endpoint and proxy")
    return Written(etag, version_of(answer.headers))


def parse_commit(root: "Element", answer: Answer) -> Written:
    """What the document says that answers a commit. Ceph (16.2) leaves its ETag empty: then it is "" here, too."""
    fields = texts(root)
    if not fields.get("ETag") and not fields.get("Key"):
        raise NoDocument("an answer without an ETag: check endpoint and proxy")
    return Written(bare(fields.get("ETag", "")), version_of(answer.headers))


def etag_inside(root: "Element", answer: Answer) -> str:
    """The ETag that a document says, "" for none."""
    del answer
    return bare(texts(root).get("ETag", ""))


def copied_part(answer: Answer) -> str:
    """The ETag of a part that the server has copied; "" where it took the request for one to write nothing."""
    if b"<CopyPart" not in answer.body:
        return ""
    return etag_inside(read(answer.body, "CopyPart"), answer)


def upload_id(root: "Element", answer: Answer) -> str:
    """The id that InitiateMultipartUploadResult says."""
    del answer
    if not (value := texts(root).get("UploadId", "")):
        raise NoDocument("an answer without an upload's id: check endpoint and proxy")
    return value


def tags_inside(root: "Element", answer: Answer) -> Mapping[str, str]:
    """The tags that Tagging says."""
    del answer
    tags = {}
    for each in children(root, "TagSet"):
        for tag in children(each, "Tag"):
            told = texts(tag)
            if "Key" not in told or "Value" not in told:
                raise NoDocument("a tag without a name or a value: check endpoint and proxy")
            tags[told["Key"]] = told["Value"]
    return tags


def base64(digest: bytes) -> str:
    """As headers have it."""
    return b2a_base64(digest, newline=False).decode()
