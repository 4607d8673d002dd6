"""Bodies in `aws-chunked` form: blocks on their way to S3, with a checksum behind them or signatures between them.

Over TLS the body is unsigned, and a CRC-32 that is made as the blocks pass stands behind it: S3 compares it before it
takes the body. Over plain HTTP each chunk is signed. Sources: Amazon S3 API reference, "Signature Calculations …
Transferring Payload in Multiple Chunks" and "… Including trailing headers".
"""

import hashlib
import zlib
from binascii import b2a_base64

from bucketrelay.clouds.aws.sign import Signed
from bucketrelay.store import BLOCK, Stream, Write

TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
_CHUNK = 1024 * 1024  # bytes; at least 8 KiB are asked for, and a fixed size makes the whole length known
_SIGNED_CHUNK = BLOCK  # its hash goes before it, so it is held
_LAST = b"0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
_SIGNATURE = ";chunk-signature=" + 64 * "0"


def with_trailer(body: Stream) -> Stream:
    """The body with its CRC-32 behind it."""

    def pour(write: Write) -> None:
        crc = at = 0

        def write_chunk(block: memoryview) -> None:
            nonlocal crc, at
            crc = zlib.crc32(block, crc)
            while len(block):
                within = at % _CHUNK
                if not within:
                    size = min(_CHUNK, body.length - at)
                    write(memoryview(f"{size:x}\r\n".encode() if not at else f"\r\n{size:x}\r\n".encode()))
                piece = block[: _CHUNK - within]
                write(piece)
                at += len(piece)
                block = block[len(piece) :]

        body.pour(write_chunk)
        end = b"\r\n" if at else b""
        total = b2a_base64(crc.to_bytes(4, "big"), newline=False)
        write(memoryview(end + b"0\r\nx-amz-checksum-crc32:" + total + b"\r\n\r\n"))

    return Stream(_length(body.length, _CHUNK, "", len(_LAST)), pour)


def sign_chunks(body: Stream, request: Signed) -> Stream:
    """The body with each chunk signed, going on from the signature of the request that it goes with."""

    def pour(write: Write) -> None:
        chunks = _Signing(request, write)
        body.pour(chunks.take)
        chunks.end()

    end = len(f"0{_SIGNATURE}\r\n\r\n")
    return Stream(_length(body.length, _SIGNED_CHUNK, _SIGNATURE, end), pour)


class _Signing:
    """Blocks of any size in, signed chunks of one size out."""

    def __init__(self, request: Signed, write: Write) -> None:
        self._request, self._write = request, write
        self._before, self._held = request.seed, bytearray()

    def take(self, block: memoryview) -> None:
        if not self._held and len(block) == _SIGNED_CHUNK:
            self._chunk(block)
            return
        while len(block):
            piece = block[: _SIGNED_CHUNK - len(self._held)]
            self._held += piece
            block = block[len(piece) :]
            if len(self._held) == _SIGNED_CHUNK:
                self._flush()

    def end(self) -> None:
        if self._held:
            self._flush()
        self._chunk(memoryview(b""))

    def _flush(self) -> None:
        held, self._held = self._held, bytearray()
        self._chunk(memoryview(held))

    def _chunk(self, data: memoryview) -> None:
        self._before = self._request.chunk(self._before, hashlib.sha256(data).hexdigest())
        self._write(memoryview(f"{len(data):x};chunk-signature={self._before}\r\n".encode()))
        if len(data):
            self._write(data)
        self._write(memoryview(b"\r\n"))


def _length(length: int, chunk: int, extension: str, end: int) -> int:
    """Bytes of a body in chunks of this size."""
    whole, rest = divmod(length, chunk)
    around = whole * len(f"{chunk:x}{extension}\r\n\r\n")
    return length + around + (len(f"{rest:x}{extension}\r\n\r\n") if rest else 0) + end
