"""What OBS and its SDK say when something goes wrong, as the errors of bucketrelay. The one place that knows the codes.

Sources: OBS API reference, "Error codes"; the SDK's `client.py`, which raises whatever a socket raises, and a bare
`Exception` of its own.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException

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


class NeverSent(Exception):
    """No connection came about: whatever the request was, it did not happen."""


class OutOfRange(SourceChanged):
    """416: the range begins behind the object's end."""


class Archived(StoreRefused):
    """The object is there, but in a storage class that cannot be read."""


class Bare404(StoreRefused):
    """A 404 without a code, as under every HEAD: the key may be missing, or the whole bucket."""


_BUSY = frozenset({"SlowDown", "ServerBusy", "RequestLimitExceeded", "TooManyRequests"})
_THROTTLED = _BUSY | {"OperationAborted"}  # 409: another operation on the object is under way; this one was not done
_DAMAGED = frozenset({"BadDigest", "InvalidDigest", "IncompleteBody", "RequestTimeout", "XAmzContentSHA256Mismatch"})
_REMEDIES = {
    "NoSuchBucket": "create the bucket, or mend the store's url and endpoint",
    "InvalidBucketName": "mend the store's url",
    "InvalidAccessKeyId": "check access_key; temporary keys also need their session_token",
    "SignatureDoesNotMatch": "check secret_key",
    "InvalidSecurity": "the temporary keys are wrong or have expired: renew session_token, or use an agency",
    "RequestTimeTooSkewed": "set this machine's clock",
    "VirtualHostDomainRequired": "set path_style = false: this endpoint wants the bucket in the host name",
    "InvalidObjectState": "the object is archived: restore it, then replay",
    "MetadataTooLarge": "OBS holds at most 8 KB of user metadata",
    "EntityTooLarge": "the object is larger than OBS takes",
    "KeyTooLong": "rename the object: a key has at most 1,024 bytes",
    "KeyTooLongError": "rename the object: a key has at most 1,024 bytes",
    "InsufficientStorageSpace": "raise the bucket's quota",
    "NotImplemented": "the server does not support this request",
}
_FORBIDDEN = (
    "grant obs:object:GetObject, PutObject, DeleteObject, AbortMultipartUpload and ListMultipartUploadParts and"
    " obs:bucket:ListBucket (without the last a missing key answers 403), for tags obs:object:GetObjectTagging,"
    " GetObjectVersionTagging and PutObjectTagging, to the access key or the function's agency"
)


@contextmanager
def translated(url: str, *, write: bool = False) -> Iterator[None]:
    """Turn what the SDK raises into our errors.

    Args:
        url: of the object or the store, for the message.
        write: the request publishes or deletes: a lost answer leaves its outcome unknown.
    """
    try:
        yield
    except NeverSent as error:
        raise _unsent(url, error) from error
    except (OSError, HTTPException, UnicodeDecodeError) as error:
        raise _unanswered(url, error, write=write) from error
    except Exception as error:
        if type(error) is not Exception:  # ours, or a mistake; the SDK's own have no class
            raise
        raise _unanswered(url, error, write=write) from error


def refusal(
    status: int, code: str, message: str, url: str, *, write: bool = False, after: float | None = None
) -> RelayError:
    """What to raise for an answer that is an error; *code* is "" where it had no body, *after* its Retry-After."""
    said = ": ".join(part for part in (url, f"{code or 'no code'} ({status})", message) if part)
    if status >= 500 or status in (408, 429) or code in _THROTTLED:
        return _unwilling(status, code, said, after, write=write)
    if 300 <= status < 400:
        return StoreRefused(f"{said}: the bucket is in another region: set the store's endpoint to that region's")
    if code in _DAMAGED:
        return Damaged(f"{said}: what arrived there is not what was sent: start over")
    return _refused(status, code, said, write=write)


def _unwilling(status: int, code: str, said: str, after: float | None, *, write: bool) -> RelayError:
    busy = status in (429, 503) or code in _BUSY
    if status == 501:
        return StoreRefused(f"{said}: {_REMEDIES['NotImplemented']}")
    if write and status >= 500 and code not in _THROTTLED:
        # API reference: after a 500 or 503 the write may or may not have happened.
        text = f"{said}: the write may have happened: look before believing either"
        return OutcomeUnknown(text, busy=busy, after=after)
    return StoreUnavailable(f"{said}: try again later", busy=busy, after=after)


def _refused(status: int, code: str, said: str, *, write: bool) -> RelayError:
    if status == 412:
        return (TargetChanged if write else SourceChanged)(
            f"{said}: somebody wrote it since it was looked at: look again"
        )
    if status == 416:
        return OutOfRange(f"{said}: the object is smaller than it was: look again")
    if code == "NoSuchUpload":
        return ObjectGone(f"{said}: begin the upload again")
    if code in ("NoSuchKey", "NoSuchVersion"):
        return ObjectGone(f"{said}: look again")
    if status == 404 and not code:
        return Bare404(f"{said}: it does not say whether the key or the bucket is missing: check the store's url")
    remedy = _REMEDIES.get(code) or (_FORBIDDEN if status == 403 else "mend the configuration or the object")
    return (Archived if code == "InvalidObjectState" else StoreRefused)(f"{said}: {remedy}")


def _unsent(url: str, error: NeverSent) -> RelayError:
    if isinstance(error.__cause__, ssl.SSLCertVerificationError):
        why = "its certificate is not trusted, or names another host: check endpoint, or set ca_file to its authority's"
        return StoreRefused(f"{url}: {error}: {why}")
    return StoreUnavailable(f"{url}: {error}: check endpoint and network, then try again")


def _unanswered(url: str, error: Exception, *, write: bool) -> RelayError:
    said = f"{url}: {str(error) or type(error).__name__}"
    if write:
        return OutcomeUnknown(f"{said}: no answer to a write: look before believing either")
    return StoreUnavailable(f"{said}: try again later")
