"""Where a promise is not kept, and why. A cell named here must go wrong, and just so: mended, it has to leave."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """What a broken promise says of itself (a part of it), and what docs/fault-matrix.md says of it."""

    says: str
    words: str


_S3 = ("aws", "s3", "rclone")
_EVERY = (*_S3, "obs", "oci")
_DONE = "and the task said it was done"
_404 = Known(_DONE, "wrong: a followed delete is taken for done, though a second, surer look shows the target")
_NO_URL = Known("the error does not name the object", "wrong: the error names the key, but not the store")
_NO_KEY = Known("the error does not name the object", "wrong: the error names the bucket, but not the key")
_NO_OBJECT = Known(_DONE, "wrong: an answer without any header of an object is taken for one; no delete is followed")
_DOCUMENT = Known("the target holds b'{", "wrong: the error document is published as the object")
_UNNOTICED = Known("the target holds b'", "not noticed: the server tells no checksum of the bytes that it sends")
_IN_PARTS = Known("(in parts)", "noticed in what is fetched whole; not in parts, of which no server tells a checksum")
_SENT = Known("the target holds b'", "not noticed: no checksum is sent that this server compares")
_MOTO = Known("the target holds", "not noticed by moto, which compares no checksum; Amazon S3 does")
_WRITTEN = Known(_DONE, "wrong: an answer without an ETag is taken for a write that was done")
_DELETED = Known(_DONE, "wrong: an answer with a document is taken for a delete that was done")
_LEAKS = Known("no result, but ", "wrong: no result that names the object, but the SDK's own error")


def _of(clouds: tuple[str, ...], known: Known) -> dict[str, Known]:
    return dict.fromkeys(clouds, known)


# By operation and fault, then by cloud.
WRONG: dict[tuple[str, str], dict[str, Known]] = {
    ("look at the target", "answers 404 of something else"): _of(_EVERY, _404),
    ("look at the target", "answers 404 no such bucket"): _of(_EVERY, _404),
    ("look at the target", "answers 404 no such key or upload"): _of(_EVERY, _404),
    ("look at the target", "answers 200 with an error inside"): _of(_S3, _NO_URL) | {"oci": _NO_OBJECT},
    ("fetch the source", "answers 200 with an error inside"): _of(_S3, _NO_URL) | {"oci": _DOCUMENT},
    ("read a part", "answers 200 with an error inside"): _of(_S3, _NO_URL) | {"oci": _DOCUMENT},
    ("look at the source again", "answers 200 with an error inside"): _of(_S3, _NO_URL),
    ("make sure that a target is there", "answers 200 with an error inside"): _of(_S3, _NO_URL),
    ("fetch the source", "changes a byte of the answer"): _of(("s3", "rclone"), _UNNOTICED)
    | _of(("aws", "obs", "oci"), _IN_PARTS),
    ("read a part", "changes a byte of the answer"): _of(_EVERY, _UNNOTICED),
    ("put", "changes a byte of the request"): {"aws": _MOTO, "s3": _SENT, "rclone": _SENT},
    ("put a part", "changes a byte of the request"): {"aws": _MOTO, "s3": _SENT, "rclone": _SENT},
    ("put", "answers 200 with an error inside"): {"oci": _WRITTEN},
    ("commit", "answers 200 with an error inside"): {"oci": _WRITTEN},
    ("delete", "answers 200 with an error inside"): {"oci": _DELETED},
    ("begin an upload", "answers 200 with an error inside"): {"oci": _LEAKS},
    ("put a part", "answers 200 with an error inside"): {"oci": _LEAKS},
    ("list parts", "answers 200 with an error inside"): {"oci": _NO_KEY},
    ("begin an upload", "changes a byte of the answer"): {"oci": _LEAKS},
    ("list parts", "changes a byte of the answer"): {"oci": _LEAKS},
    ("make sure that a target is there", "changes a byte of the answer"): {"obs": _LEAKS, "oci": _LEAKS},
}
