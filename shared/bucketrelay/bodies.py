"""Bodies of objects: bytes that are handed over in blocks, and blocks that are held as bytes after all."""

from bucketrelay.errors import Damaged
from bucketrelay.store import BLOCK, Body, Stream, Write


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
