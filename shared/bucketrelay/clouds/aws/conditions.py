"""Conditional writes on servers that may or may not honour conditions.

AWS documents If-Match and If-None-Match on PutObject and CompleteMultipartUpload. Other servers honour both, one of
two, or accept the header and overwrite (`rclone serve s3`; moto ignores If-Match on CompleteMultipartUpload alone). So
elsewhere the first conditional write of each operation finds out.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from bucketrelay.clouds.aws.errors import NoSuchUpload, NotImplementedThere
from bucketrelay.clouds.aws.fields import quoted
from bucketrelay.errors import ObjectGone, TargetChanged
from bucketrelay.store import Absent, Expect

_IMPOSSIBLE = quoted("bucketrelay-no-object-has-this-etag")


class Conditions:
    """Publishing writes under a condition, and what is known of the server.

    Args:
        call: `call(operation, key, parameters, write=True)` sends one request.
        documented: the server is known to honour conditions.
    """

    def __init__(self, call: Callable[..., dict[str, Any]], *, documented: bool) -> None:
        self._call = call
        self._documented = documented
        self._found: dict[str, bool] = {}  # by operation
        self._probing = threading.Lock()

    def honoured(self, operation: str) -> bool:
        """Whether *operation* is known to enforce a condition."""
        return self._found.get(operation, self._documented)

    def write(self, operation: str, key: str, asked: Mapping[str, Any], expect: Expect) -> Mapping[str, Any]:
        """A write that publishes, under *expect* where the server enforces it."""
        if expect is not None and not self._documented and operation not in self._found:
            with self._probing:
                if operation not in self._found and (done := self._probe(operation, key, asked)):
                    return done
        if expect is None or not self.honoured(operation):
            return self._call(operation, key, asked, write=True)
        condition = {"IfNoneMatch": "*"} if isinstance(expect, Absent) else {"IfMatch": quoted(expect.etag)}
        try:
            return self._call(operation, key, {**asked, **condition}, write=True)
        except NoSuchUpload:
            raise
        except ObjectGone as error:  # If-Match on a missing key is 404, not 412
            raise TargetChanged(f"{error}: it was deleted") from error

    def _probe(self, operation: str, key: str, asked: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Send the very write with a condition that cannot hold.

        A refusal proves that conditions are honoured. An acceptance proves that they are not, and then the wanted write
        is done, as unconditionally as this server does every write: its answer is returned. Whether a server that
        honours If-Match honours If-None-Match too is not proven by this, only likely.
        """
        try:
            done = self._call(operation, key, {**asked, "IfMatch": _IMPOSSIBLE}, write=True)
        except NoSuchUpload:
            raise
        except (TargetChanged, ObjectGone):
            self._found[operation] = True
            return None
        except NotImplementedThere:
            self._found[operation] = False
            return None
        self._found[operation] = False
        return done
