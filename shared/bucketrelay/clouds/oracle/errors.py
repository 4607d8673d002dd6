"""What the SDK raises, as the errors of bucketrelay. The one place that knows Object Storage's error codes.

Sources: "API Errors" of Oracle's documentation; `oci/exceptions.py` 2.189; a public probe of the real service
(2026-08) for IfMatchFailed, IfNoneMatchFailed, UnmatchedContentMD5 and BucketNotFound.
"""

from collections.abc import Mapping
from json import JSONDecodeError
from typing import Any

from bucketrelay.errors import (
    Damaged,
    ObjectGone,
    OutcomeUnknown,
    RelayError,
    SourceChanged,
    StoreRefused,
    StoreUnavailable,
    TargetChanged,
)
from bucketrelay.http.pace import seconds


class NotModified(Exception):
    """304, which the SDK raises: still the version of If-None-Match. `headers` are the answer's."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = headers
        super().__init__("304")


class NoSuchUpload(ObjectGone):
    """There is no such multipart upload."""


class Unsaid(StoreRefused):
    """A 404 that does not say whether the key or the bucket is missing, as every HEAD's."""


class OutOfRange(SourceChanged):
    """416: the object is smaller than the range asked for."""


# 503s which say that nothing was done. A gateway's bare 503 does not: the service behind it may be at work.
_THROTTLED = frozenset({"TooManyRequests", "ServiceUnavailable", "SlowDown"})
_NOT_FOUND = frozenset({"BucketNotFound", "NamespaceNotFound", "NotAuthorizedOrNotFound"})
_DAMAGED = frozenset({"UnmatchedContentMD5", "InvalidUploadPart", "InvalidUploadPartETag"})
_REMEDIES = {
    "BucketNotFound": "the bucket does not exist, or no policy lets us see it: check the store's url and the policies",
    "NamespaceNotFound": "check the namespace in the store's url",
    "NotAuthorizedOrNotFound": "it does not exist, or no policy lets us see it: check the store's url and the policies",
    "NotAuthenticated": "check user, tenancy, fingerprint, key_file and the clock",
    "NotRestored": "the object is archived: restore it, then replay",
}


def undone(error: Exception) -> bool:
    """Whether a request surely did nothing: it never left, or the service said that it was too busy."""
    if (status := getattr(error, "status", None)) is not None:
        return status == 429 or (status == 503 and getattr(error, "code", None) in _THROTTLED)
    return _unsent(_chain(error))


def translated(error: Exception, url: str, *, write: bool = False, upload: bool = False) -> Exception:
    """What to raise instead of *error*; *error* itself where it is nothing of the SDK's or the network's.

    Args:
        error: what the SDK raised.
        url: of the object, for the text.
        write: it was a request that publishes or deletes: no answer means that its outcome is unknown.
        upload: it was about a multipart upload: what is not found is the upload.
    """
    if isinstance(error, RelayError | NotModified):
        return error
    if hasattr(error, "status") and hasattr(error, "code"):
        return _answered(error, url, write=write, upload=upload)
    return _unanswered(error, url, write=write)


def _answered(error: Any, url: str, *, write: bool, upload: bool) -> Exception:
    status, code = int(error.status), str(error.code or "")
    if status == 304:
        return NotModified(error.headers)
    text = " ".join(str(error.message or "").split())
    said = f"{url}: {status} {code}: {text} (opc-request-id {error.request_id})".replace(" : ", " ")
    if status in (408, 409, 429) or status >= 500:
        return _trouble(error, said, write=write)
    if status == 404:
        return _missing(code, said, upload=upload)
    if status == 412:
        changed = TargetChanged if write else SourceChanged
        return changed(f"{said}: somebody wrote it since it was looked at: look again")
    if status == 416:
        return OutOfRange(f"{said}: the object is smaller than it was: look again")
    if code in _DAMAGED:
        return Damaged(f"{said}: nothing was written: start over")
    forbidden = "grant the permission, then replay" if status == 403 else "mend the configuration or the object"
    return StoreRefused(f"{said}: {_REMEDIES.get(code, _REMEDIES['NotAuthenticated'] if status == 401 else forbidden)}")


def _trouble(error: Any, said: str, *, write: bool) -> RelayError:
    if error.code == "NotRestored":
        return StoreRefused(f"{said}: {_REMEDIES['NotRestored']}")
    if error.status == 501:
        return StoreRefused(f"{said}: the service does not do that: check the endpoint")
    busy, after = error.status in (429, 503), seconds(str((error.headers or {}).get("retry-after", "")))
    if write and error.status != 409 and not undone(error):
        text = f"{said}: the write may have happened: look before believing either"
        return OutcomeUnknown(text, busy=busy, after=after)
    return StoreUnavailable(f"{said}: try again later", busy=busy, after=after)


def _missing(code: str, said: str, *, upload: bool) -> RelayError:
    if code in _NOT_FOUND:
        return StoreRefused(f"{said}: {_REMEDIES[code]}")
    if code and upload:  # which code the service has for an upload that is not there is not documented
        return NoSuchUpload(f"{said}: begin again")
    if code in ("ObjectNotFound", "ObjectVersionNotFound"):
        return ObjectGone(f"{said}: look again")
    return Unsaid(f"{said}: the answer does not say whether the key or the bucket is missing: check the store's url")


def _unanswered(error: Exception, url: str, *, write: bool) -> Exception:
    from oci._vendor.requests.exceptions import RequestException  # noqa: PLC0415  the SDK loads with the first client
    from urllib3 import exceptions as http  # noqa: PLC0415  likewise

    chain = _chain(error)
    said = f"{url}: {type(chain[-1]).__name__}: {' '.join(str(chain[-1]).split())[:300]}"
    if any("CERTIFICATE_VERIFY_FAILED" in str(cause) for cause in chain):
        return StoreRefused(f"{said}: if the server's certificate is your own authority's, set ca_file")
    if any(isinstance(cause, http.IncompleteRead) for cause in chain) and not write:
        return Damaged(f"{said}: start over")
    if _unsent(chain):
        return StoreUnavailable(f"{said}: check endpoint, region and network, then try again")
    unreadable = UnicodeDecodeError | JSONDecodeError | RecursionError  # JSON nested a hundred thousand times
    if isinstance(error, RequestException | http.HTTPError | OSError | unreadable):
        if write:
            return OutcomeUnknown(f"{said}: no answer to a write: look before believing either")
        return StoreUnavailable(f"{said}: try again later")
    return error


def _unsent(chain: list[BaseException]) -> bool:
    from urllib3 import exceptions as http  # noqa: PLC0415  the SDK loads with the first client

    # NewConnectionError includes names that cannot be resolved. urllib3 calls a proxy that does not answer ProxyError.
    never = (http.NewConnectionError, http.ConnectTimeoutError, http.ProxyError)
    return any(isinstance(cause, never) for cause in chain)


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what it was made of, outermost first: the SDK and requests wrap by argument, urllib3 by reason."""
    found: list[BaseException] = []
    todo: list[object] = [error]
    while todo:
        cause = todo.pop(0)
        if isinstance(cause, BaseException) and not any(cause is known for known in found):
            found.append(cause)
            todo += [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]
    return found
