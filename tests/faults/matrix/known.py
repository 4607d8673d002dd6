"""Where a promise is not kept, and why. A cell named here must go wrong, and just so: mended, it has to leave."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """What a broken promise says of itself (a part of it), and what docs/fault-matrix.md says of it."""

    says: str
    words: str


_UNNOTICED = Known("the target holds b'", "not noticed: the server tells no checksum of the bytes that it sends")
_MOTO = Known("the target holds", "not noticed by moto, which compares no checksum; Amazon S3 does")


def _of(clouds: tuple[str, ...], known: Known) -> dict[str, Known]:
    return dict.fromkeys(clouds, known)


# By operation and fault, then by cloud.
WRONG: dict[tuple[str, str], dict[str, Known]] = {
    ("fetch the source", "changes a byte of the answer"): _of(("s3", "rclone"), _UNNOTICED),
    ("read a part", "changes a byte of the answer"): _of(("s3", "rclone"), _UNNOTICED),
    ("put", "changes a byte of the request"): {"aws": _MOTO, "s3": _MOTO},
    ("put a part", "changes a byte of the request"): {"aws": _MOTO, "s3": _MOTO},
}
