"""An object's bytes on their way, in whichever cloud: what an answer to a GET must be like, and where its body goes.

And how OBS and OCI are sent bytes that they compare with an MD5.
"""

import hashlib
from binascii import b2a_base64
from collections.abc import Callable, Mapping

from bucketrelay.bodies import Held, md5_of
from bucketrelay.errors import Damaged, OutcomeUnknown, SourceChanged, StoreUnavailable
from bucketrelay.http.messages import Answer, Head, Into
from bucketrelay.http.messages import Body as Sent
from bucketrelay.http.outcome import Effect
from bucketrelay.model import NOTHING, ObjectInfo
from bucketrelay.store import Body, Stream, Write


class Unchanged(Exception):
    """An answer with the version that was known: of a server that ignores If-None-Match. `headers` are the answer's."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = headers
        super().__init__("the known version")


def unexpected_304(effect: Effect, url: str) -> StoreUnavailable:
    """What to raise for a 304 to a request that has no condition, or is no question at all."""
    kind = OutcomeUnknown if effect is Effect.PUBLISHING_WRITE else StoreUnavailable
    return kind(f"{url}: answered 304, which was not asked for: check endpoint and proxy")


class Piece:
    """The bytes of an object that are asked for; the `receive` of a request, once for each attempt.

    Args:
        url: of the object, for errors.
        describe: makes the ObjectInfo of an answer's head; raises where it describes no object.
        length: how many bytes are wanted, of a whole object (`start` 0, no `of`) at most.
        start: of the first of them in the object.
        of: the version that is wanted.
        unless: an ETag; an answer with it raises Unchanged.
        write: takes the bytes in blocks; without it they are held, in `body`.
    """

    def __init__(
        self,
        url: str,
        describe: Callable[[Head], ObjectInfo],
        length: int,
        *,
        start: int = 0,
        of: ObjectInfo | None = None,
        unless: str = "",
        write: Write | None = None,
    ) -> None:
        self._url, self._describe, self._length, self._start = url, describe, length, start
        self._of, self._unless, self._write = of, unless, write
        self.info: ObjectInfo
        self.body = bytearray()

    def __call__(self, head: Head) -> Into:
        """See `http.messages.Receive`.

        Raises:
            SourceChanged: it is another version.
            Damaged: its bytes are not those that were asked for.
            Unchanged: it is the known version.
        """
        self.info = info = self._describe(head)
        if self._unless and info.etag == self._unless:
            raise Unchanged(head.headers)
        if self._of is not None and self._of.etag and info.etag != self._of.etag:  # a server that ignores If-Match
            raise SourceChanged(f"{self._url}: overwritten since it was looked at: look again")
        length = self._expected_length(head, info)
        if self._write is not None:
            return Into(self._write, length, once=True)
        self.body = Held(length)
        return Into(memoryview(self.body))

    def _expected_length(self, head: Head, info: ObjectInfo) -> int:
        """How many bytes to take. Raises Damaged where the answer has others."""
        first, last = span_of(head.headers, info.size)
        length = self._length if self._of else min(self._length, info.size)
        if first != self._start or last - first + 1 < length:
            raise Damaged(
                f"{self._url}: asked for {self._length} bytes from {self._start}, answered something else: start over"
            )
        return length


def span_of(headers: Mapping[str, str], size: int) -> tuple[int, int]:
    """The first and the last byte of the answer's body in the object. Raises Damaged where it makes no sense."""
    header = headers.get("content-range", "")
    if not header:
        return 0, size - 1
    first, _, last = header.removeprefix("bytes ").partition("/")[0].partition("-")
    if not (first.isascii() and first.isdigit() and last.isascii() and last.isdigit() and len(header) < 80):
        return -1, -1
    return int(first), int(last)


def md5_of_stream(body: Stream) -> tuple[Stream, Callable[[], str]]:
    """The same stream; and what gives the MD5, in hexadecimal, of what it handed over the last time."""
    digest = hashlib.md5(usedforsecurity=False)

    def pour(write: Write) -> None:
        nonlocal digest
        digest = hashlib.md5(usedforsecurity=False)

        def both(block: memoryview) -> None:
            digest.update(block)
            write(block)

        body.pour(both)

    def hexdigest() -> str:
        return digest.hexdigest()

    return Stream(body.length, pour), hexdigest


def send_with_md5(
    send: Callable[[Body, Mapping[str, str]], Answer], body: Sent, told: Callable[[Answer], str | None]
) -> tuple[Answer, bool]:
    """The answer to a request with an object's bytes; and whether the MD5 that it tells, if any, is theirs.

    Bytes go with their MD5, so that the server stores nothing that was damaged on the way.

    Args:
        send: makes the request with this body and these headers beside its own.
        told: the MD5 in an answer, in hexadecimal.
    """
    if isinstance(body, Stream):
        watched, digest = md5_of_stream(body)
        answer = send(watched, NOTHING)
        return answer, told(answer) in (None, digest())
    assert isinstance(body, bytes | bytearray), "an object's bytes"
    md5 = b2a_base64(md5_of(body), newline=False).decode()
    return send(body, {"content-md5": md5}), True
