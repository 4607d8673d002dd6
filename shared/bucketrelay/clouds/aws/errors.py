"""What botocore raises, as the errors of bucketrelay. The one place that knows S3's error codes.

Sources: "Error responses" of the Amazon S3 API reference; `botocore.exceptions`; the compatible servers' own habits as
noted at each line.
"""

from collections.abc import Mapping
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
    """304: still the version of If-None-Match. `headers` are the answer's, in lower case."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = headers
        super().__init__("304")


class NoSuchUpload(ObjectGone):
    """There is no such multipart upload."""


class Unsaid(StoreRefused):
    """A 404 that does not say whether the key or the bucket is missing, as every HEAD's."""


class OutOfRange(SourceChanged):
    """416: the object is smaller than the range asked for."""


class NotImplementedThere(StoreRefused):
    """501: the server knows that it does not know the header or the call."""


# Answers which say that nothing was done. A gateway's bare 503 does not: the server behind it may be at work.
THROTTLED = frozenset(
    {
        "SlowDown",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        "TooManyRequestsException",
    }
    | {"RequestLimitExceeded", "BandwidthLimitExceeded", "RequestTimeout", "OperationAborted"}
)
_BUSY = frozenset({"SlowDown", "Throttling", "ThrottlingException", "TooManyRequests", "RequestLimitExceeded"})
# Python's words, and urllib3's, which compares the host's name itself. Nothing has been sent by then.
_UNTRUSTED = ("CERTIFICATE_VERIFY_FAILED", "doesn't match", "no appropriate subjectAltName")
_DAMAGED = frozenset(
    {"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "IncompleteBody", "XAmzContentChecksumMismatch"}
)
_REGION = frozenset(
    {
        "301",
        "PermanentRedirect",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
        "TemporaryRedirect",
    }
)
_REMEDIES = {
    "NoSuchBucket": "create the bucket or mend the store's url",
    "InvalidBucketName": "mend the store's url",
    "InvalidAccessKeyId": "check access_key",
    "SignatureDoesNotMatch": "check secret_key and region",
    "ExpiredToken": "the credentials have expired: renew session_token or let the function use its role",
    "InvalidToken": "renew session_token or let the function use its role",
    "RequestTimeTooSkewed": "set this machine's clock",
    "InvalidObjectState": "the object is archived: restore it, then replay",
    "MetadataTooLarge": "the store holds at most 2 KB of user metadata",
    "EntityTooLarge": "the object is larger than the store takes",
    "KeyTooLongError": "rename the object: a key has at most 1,024 bytes",
    "QuotaExceeded": "raise the bucket's quota",
    "NotImplemented": "the server does not support this request",
}
_FORBIDDEN = (
    "grant s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload and s3:ListBucket (without the last"
    " a missing key answers 403), for tags s3:GetObjectTagging, s3:GetObjectVersionTagging and s3:PutObjectTagging, for"
    " an acl s3:PutObjectAcl, and for KMS kms:Decrypt and kms:GenerateDataKey"
)


def answer_of(error: BaseException) -> Mapping[str, Any]:
    """The parsed answer that came with botocore's ClientError; empty for other errors."""
    answer: Mapping[str, Any] = getattr(error, "response", None) or {}
    return answer


def code_of(answer: Mapping[str, Any]) -> str:
    """S3's error code; the HTTP status as text where the answer had no body."""
    return str(answer.get("Error", {}).get("Code", ""))


def status_of(answer: Mapping[str, Any]) -> int:
    """The HTTP status; 0 if there is none."""
    return int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def undone(status: int, code: str) -> bool:
    """Whether a failed write's answer says that nothing was done."""
    return status == 429 or code in THROTTLED or 400 <= status < 500


def translated(error: Exception, url: str, *, write: bool = False) -> Exception:
    """What to raise for *error*, in terms of what the caller can do; *error* itself where it is none of botocore's.

    Args:
        url: of the object or the store.
        write: the request publishes or deletes: a lost answer leaves its outcome unknown.
    """
    from botocore.exceptions import ClientError  # noqa: PLC0415 - the SDK loads with the first client

    if isinstance(error, ClientError):
        return _answered(error.response, url, write=write)
    return _unanswered(error, url, write=write)


def _answered(answer: Mapping[str, Any], url: str, *, write: bool) -> Exception:
    status, code = status_of(answer), code_of(answer)
    said = f"{url}: {code} ({status}): {answer.get('Error', {}).get('Message', '')}".rstrip(": ")
    if status == 304:
        return NotModified(answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}))
    if code in _REGION or (status in (301, 307, 308)):
        return StoreRefused(f"{said}: the bucket is in another region: {_region(answer)}")
    if code in _DAMAGED and status < 500:
        return Damaged(f"{said}: what arrived there is not what was sent: start over")
    if status >= 500 or status in (408, 429) or code in THROTTLED:
        headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        return _unwilling(status, code, said, seconds(headers.get("retry-after", "")), write=write)
    return _refused(status, code, said, write=write)


def _unwilling(status: int, code: str, said: str, after: float | None, *, write: bool) -> RelayError:
    busy = status in (429, 503) or code in _BUSY
    if status == 501:
        return NotImplementedThere(f"{said}: {_REMEDIES['NotImplemented']}")
    if write and not undone(status, code):
        text = f"{said}: the write may have happened: look before believing either"
        return OutcomeUnknown(text, busy=busy, after=after)
    return StoreUnavailable(f"{said}: try again later", busy=busy, after=after)


def _refused(status: int, code: str, said: str, *, write: bool) -> RelayError:
    if status in (409, 412) and code in ("PreconditionFailed", "ConditionalRequestConflict", "412"):
        changed = TargetChanged if write else SourceChanged
        return changed(f"{said}: somebody wrote it since it was looked at: look again")
    if status == 416:
        return OutOfRange(f"{said}: the object is smaller than it was: look again")
    if code == "NoSuchUpload":
        return NoSuchUpload(f"{said}: begin again")
    if code in ("NoSuchKey", "NoSuchVersion"):
        return ObjectGone(f"{said}: look again")
    if status == 404 and code != "NoSuchBucket":
        return Unsaid(
            f"{said}: the answer does not say whether the key or the bucket is missing: check the store's url"
        )
    remedy = _REMEDIES.get(code) or (_FORBIDDEN if status == 403 else "mend the configuration or the object")
    return StoreRefused(f"{said}: {remedy}")


def _region(answer: Mapping[str, Any]) -> str:
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region = headers.get("x-amz-bucket-region") or answer.get("Error", {}).get("Region")
    return f'set region = "{region}"' if region else "set the store's region"


def _unanswered(error: Exception, url: str, *, write: bool) -> Exception:
    from botocore import exceptions as sdk  # noqa: PLC0415 - the SDK loads with the first client
    from botocore.parsers import ResponseParserError  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - what botocore lets through while a body is read

    said = f"{url}: {error}"
    if isinstance(error, sdk.SSLError) and any(words in str(error) for words in _UNTRUSTED):
        return StoreRefused(f"{said}: check endpoint, or set ca_file to the authority's certificate")
    if isinstance(error, sdk.IncompleteReadError | sdk.FlexibleChecksumError | sdk.ChecksumError) and not write:
        return Damaged(f"{said}: start over")
    if unsent(error):
        return StoreUnavailable(f"{said}: check endpoint and network, then try again")
    if isinstance(error, sdk.InvalidRegionError | sdk.UnknownEndpointError):  # which are ValueErrors; nothing was sent
        return StoreRefused(f"{said}: mend the store's region and endpoint")
    # The last four: the SDK makes an int of whatever x-amz-tagging-count says, and takes any XML for what it asked for.
    if isinstance(
        error,
        sdk.HTTPClientError
        | sdk.ConnectionError
        | sdk.IncompleteReadError
        | sdk.ChecksumError
        | sdk.FlexibleChecksumError
        | ResponseParserError
        | HTTPError
        | OSError
        | ValueError
        | TypeError
        | KeyError
        | AttributeError,
    ):
        if write:
            return OutcomeUnknown(f"{said}: no answer to a write: look before believing either")
        return StoreUnavailable(f"{said}: try again later")
    if isinstance(error, sdk.BotoCoreError):
        return StoreRefused(f"{said}: set access_key and secret_key, a profile or a role, and mend the configuration")
    return error


def unsent(error: Exception) -> bool:
    """Whether a request failed before any of it reached the server."""
    from botocore import exceptions as sdk  # noqa: PLC0415 - the SDK loads with the first client

    return isinstance(
        error,
        sdk.EndpointConnectionError
        | sdk.ConnectTimeoutError
        | sdk.ProxyConnectionError
        | sdk.CredentialRetrievalError
        | sdk.MetadataRetrievalError,
    )
