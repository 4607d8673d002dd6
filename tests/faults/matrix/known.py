"""Where a promise is not kept, and why. A cell that is named here must go wrong: mended, it has to leave this list."""

_EVERY = ("aws", "s3", "rclone", "obs", "oci")
_S3 = ("aws", "s3", "rclone")
_404 = "wrong: a followed delete is taken for done, though the target can be seen when it is asked the second time"
_EMPTY_200 = "wrong: an answer without any header of an object is taken for an object, and a delete is not followed"
_DOCUMENT = "wrong: the error document is published as the object"
_UNNOTICED = "not noticed: the server tells no checksum of the bytes that it sends"
_IN_PARTS = "noticed in what is fetched whole; not in parts, of which no server tells a checksum"
_SENT = "not noticed: no checksum is sent that this server compares"
_MOTO = "not noticed by moto, which compares no checksum; Amazon S3 does"
_BELIEVED = "wrong: an answer without an ETag is taken for a write that was done"
_LEAKS = "wrong: no result with the object's name, but the SDK's own error"


def _of(clouds: tuple[str, ...], words: str) -> dict[str, str]:
    return dict.fromkeys(clouds, words)


# By operation and fault, then by cloud: what is said of it in docs/fault-matrix.md.
WRONG: dict[tuple[str, str], dict[str, str]] = {
    ("look at the target", "answers 404 of something else"): _of(_EVERY, _404),
    ("look at the target", "answers 404 no such bucket"): _of(_EVERY, _404),
    ("look at the target", "answers 200 with an error inside"): _of((*_S3, "oci"), _EMPTY_200),
    ("fetch the source", "answers 200 with an error inside"): _of((*_S3, "oci"), _DOCUMENT),
    ("read a part", "answers 200 with an error inside"): _of((*_S3, "oci"), _DOCUMENT),
    ("fetch the source", "changes a byte of the answer"): _of(("s3", "rclone"), _UNNOTICED)
    | _of(("aws", "obs", "oci"), _IN_PARTS),
    ("read a part", "changes a byte of the answer"): _of(_EVERY, _UNNOTICED),
    ("put", "changes a byte of the request"): {"aws": _MOTO, "s3": _SENT, "rclone": _SENT},
    ("put a part", "changes a byte of the request"): {"aws": _MOTO, "s3": _SENT, "rclone": _SENT},
    ("put", "answers 200 with an error inside"): {"oci": _BELIEVED},
    ("commit", "answers 200 with an error inside"): {"oci": _BELIEVED},
    ("delete", "answers 200 with an error inside"): {"oci": "wrong: a document is taken for a delete that was done"},
    ("begin an upload", "answers 200 with an error inside"): {"oci": _LEAKS},
    ("put a part", "answers 200 with an error inside"): {"oci": _LEAKS},
    ("list parts", "answers 200 with an error inside"): {"oci": "wrong: the error names the bucket, not the object"},
    ("begin an upload", "changes a byte of the answer"): {"oci": _LEAKS},
    ("list parts", "changes a byte of the answer"): {"oci": _LEAKS},
    ("make sure that a target is there", "changes a byte of the answer"): {"obs": _LEAKS, "oci": _LEAKS},
}
