"""Bodies of objects: bytes that are handed over in blocks, and blocks that are held as bytes after all."""

import hashlib

from bucketrelay.errors import Damaged
from bucketrelay.store import BLOCK, Body, Stream, Write


class Held(bytearray):
    """The bytes of an object as they came, which nobody changes once all are there; and their MD5, once asked for.

    It is asked for three times: for the stamp, to compare with what the source's store says, and for the target's to
    compare. To compute it takes longer than all else that is done with a megabyte but TLS.
    """

    __slots__ = ("md5",)
    md5: bytes


def md5_of(content: bytes | bytearray) -> bytes:
    """The MD5 of an object's bytes, computed once where these are `Held`."""
    known: bytes | None = getattr(content, "md5", None)
    if known is None:
        known = hashlib.md5(content, usedforsecurity=False).digest()
        if isinstance(content, Held):
            content.md5 = known
    return known


def pour_bytes(content: bytes | bytearray, write: Write) -> None:
    """Hand *content* over in blocks."""
    with memoryview(content) as view:
        for start in range(0, len(view), BLOCK):
            write(view[start : start + BLOCK])


def gather(body: Body) -> bytes | bytearray:
    """The bytes of *body*, for a store that needs them all at once. Raises Damaged where a stream is not its length."""
    if not isinstance(body, Stream):
        return body
    content = bytearray()
    body.pour(content.extend)
    if len(content) != body.length:
        raise Damaged(f"{len(content)} bytes came instead of {body.length}, and nothing was written: start over")
    return content
