"""What a server that is not AWS's can do is found out by the first request that needs it.

Conditions: AWS documents If-Match and If-None-Match on PutObject and CompleteMultipartUpload. Other servers honour
both, one of two, or accept the header and overwrite (`rclone serve s3`; moto ignores If-Match on
CompleteMultipartUpload alone).

Tags: some refuse an object with tags (Cloudflare R2: 501, Backblaze B2: 400).
"""

import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from bucketrelay.clouds.aws.fields import quote_etag
from bucketrelay.errors import ObjectGone, StoreRefused, TargetChanged
from bucketrelay.http.outcome import Lacking, NoSuchUpload, Refusal
from bucketrelay.store import Absent, Expect

T = TypeVar("T")
_IMPOSSIBLE = {"if-match": quote_etag("bucketrelay-no-object-has-this-etag")}
_TAGS = "x-amz-tagging"
_UNKNOWN_HEADER = frozenset({"InvalidArgument", "InvalidRequest", "UnsupportedHeader", "NotImplemented"})


class Conditions:
    """Publishing writes under a condition, and what is known of the server.

    Args:
        documented: the server is known to honour conditions.
    """

    def __init__(self, *, documented: bool) -> None:
        self._documented = documented
        self._found: dict[str, bool] = {}  # by operation
        self._probing = threading.Lock()
        self._bare: bool | None = None  # whether ETags are compared without their quotes; None: not known yet

    def honoured(self, operation: str) -> bool:
        """Whether *operation* is known to enforce a condition."""
        return self._found.get(operation, self._documented)

    def write(self, operation: str, call: Callable[[Mapping[str, str]], T], expect: Expect) -> T:
        """A write that publishes, under *expect* where the server enforces it.

        Args:
            operation: its name, as servers differ from one to the other.
            call: sends it once, with these headers more.
        """
        if expect is not None and not self._documented and operation not in self._found:
            with self._probing:
                if operation not in self._found and (done := self._probe(operation, call)) is not None:
                    return done
        if expect is None or not self.honoured(operation):
            return call({})
        try:
            return call({"if-none-match": "*"}) if isinstance(expect, Absent) else self._if_match(call, expect.etag)
        except NoSuchUpload:
            raise
        except ObjectGone as error:  # If-Match on a missing key is 404, not 412
            raise TargetChanged(f"{error}: it was deleted") from error

    def _if_match(self, call: Callable[[Mapping[str, str]], T], etag: str) -> T:
        """A write on the condition that *etag* is still there, written as this server compares it.

        Ceph (16.2) compares the header of a PUT with the bare ETag: quoted, as HTTP wants it, it is never equal, and
        every overwrite would be refused for good. Either way it is a condition, so trying the other does no harm.
        """
        try:
            done = call({"if-match": etag if self._bare else quote_etag(etag)})
        except TargetChanged as error:
            compared = isinstance(error.__cause__, Refusal) and error.__cause__.status == 412
            if self._documented or self._bare is not None or not compared:
                raise
            done = call({"if-match": etag})
            self._bare = True
            return done
        self._bare = bool(self._bare)
        return done

    def _probe(self, operation: str, call: Callable[[Mapping[str, str]], T]) -> T | None:
        """Send the very write with a condition that cannot hold.

        A refusal proves that conditions are honoured. An acceptance proves that they are not, and then the wanted write
        is done, as unconditionally as this server does every write: its answer is returned. Whether a server that
        honours If-Match honours If-None-Match too is not proven by this, only likely.
        """
        try:
            done = call(_IMPOSSIBLE)
        except NoSuchUpload:
            raise
        except (TargetChanged, ObjectGone):
            self._found[operation] = True
            return None
        except Lacking:
            self._found[operation] = False
            return None
        self._found[operation] = False
        return done


class Tagging:
    """Whether the server takes objects with tags.

    A refusal of an object with tags may have another reason. So the task is begun anew without them, and only where
    that succeeds were they the reason; else tags are never suspected again.
    """

    def __init__(self, *, documented: bool) -> None:
        self._documented = documented
        self._suspect: str | None = None  # the key whose tags were refused
        self._innocent = False
        self.taken = True

    def write(self, key: str, headers: Mapping[str, str], call: Callable[[], T]) -> T:
        """Send a write with *headers*.

        Raises:
            TargetChanged: its tags seem to be the reason of a refusal: the next attempt is to be without them.
        """
        try:
            done = call()
        except StoreRefused as error:
            if self._suspect == key and _TAGS not in headers:
                self.taken, self._innocent, self._suspect = True, True, None
            if self._documented or self._innocent or _TAGS not in headers or not _about_a_header(error):
                raise
            self.taken, self._suspect = False, key
            raise TargetChanged(f"{error}: perhaps for its tags: look again, and do without them") from error
        if self._suspect == key:
            self._suspect = None
        return done


def _about_a_header(error: StoreRefused) -> bool:
    cause = error.__cause__
    return isinstance(error, Lacking) or (
        isinstance(cause, Refusal) and cause.status == 400 and cause.code in _UNKNOWN_HEADER
    )
