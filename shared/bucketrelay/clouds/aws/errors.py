"""How S3 says no: its error codes, and what to do about them. The one place that knows them.

Sources: "Error responses" of the Amazon S3 API reference; the compatible servers' own habits as noted at each line.
"""

from collections.abc import Mapping
from types import MappingProxyType

from bucketrelay.clouds.aws.documents import error_of
from bucketrelay.errors import StoreRefused
from bucketrelay.http.messages import Answer
from bucketrelay.http.outcome import Dialect, Meaning, Refusal

_CODES: Mapping[Meaning, tuple[str, ...]] = {
    Meaning.BUSY: (
        "SlowDown",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "SlowDownRead",  # MinIO
        "SlowDownWrite",
    ),
    # RequestTimeout: "Your socket connection to the server was not read from or written to within the timeout period".
    Meaning.LATER: ("RequestTimeout", "OperationAborted", "RestoreAlreadyInProgress"),
    Meaning.UNCLEAR: ("InternalError",),
    Meaning.DAMAGED: (
        "BadDigest",
        "InvalidDigest",
        "XAmzContentSHA256Mismatch",
        "XAmzContentChecksumMismatch",
        "IncompleteBody",
    ),
    # 409 ConditionalRequestConflict: another write of the key ended first ("Conditional requests", S3 user guide).
    Meaning.CHANGED: ("PreconditionFailed", "ConditionalRequestConflict"),
    Meaning.RANGE: ("InvalidRange",),
    Meaning.GONE: ("NoSuchKey", "NoSuchVersion"),
    Meaning.NO_UPLOAD: ("NoSuchUpload",),
    Meaning.ELSEWHERE: (
        "PermanentRedirect",
        "TemporaryRedirect",
        "Redirect",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
    ),
    Meaning.ARCHIVED: ("InvalidObjectState",),
    Meaning.SKEWED: ("RequestTimeTooSkewed", "RequestExpired"),
    Meaning.LACKING: ("NotImplemented",),
    # 404s and 409s for which neither a retry nor another look helps.
    Meaning.REFUSED: (
        "NoSuchBucket",
        "NoSuchAccessPoint",
        "BucketAlreadyExists",
        "BucketAlreadyOwnedByYou",
        "BucketNotEmpty",
        "InvalidBucketState",
        "MethodNotAllowed",
    ),
}
_REMEDIES = {
    "NoSuchBucket": "create the bucket or mend the store's url",
    "NoSuchAccessPoint": "mend the access point's ARN in the store's url",
    "InvalidBucketName": "mend the store's url",
    "InvalidAccessKeyId": "check access_key; temporary keys also need their session_token",
    "SignatureDoesNotMatch": "check secret_key and region",
    "ExpiredToken": "the credentials have expired: renew session_token or let the function use its role",
    "TokenRefreshRequired": "the credentials have expired: renew session_token or let the function use its role",
    "InvalidToken": "renew session_token or let the function use its role",
    "RequestTimeTooSkewed": "set this machine's clock",
    "RequestExpired": "set this machine's clock",
    "InvalidObjectState": "the object is archived: restore it, then replay",
    "MetadataTooLarge": "the store holds at most 2 KB of user metadata",
    "EntityTooLarge": "the object is larger than the store takes",
    "KeyTooLongError": "rename the object: a key has at most 1,024 bytes",
    "QuotaExceeded": "raise the bucket's quota",
    "NotImplemented": "the server does not support this request",
    "RequestPayer": "the bucket's requesters pay: set request_payer = true",
}
_FORBIDDEN = (
    "grant s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload and s3:ListBucket (without the last"
    " a missing key answers 403), for tags s3:GetObjectTagging, s3:GetObjectVersionTagging and s3:PutObjectTagging, for"
    " an acl s3:PutObjectAcl, and for KMS kms:Decrypt and kms:GenerateDataKey"
)
DIALECT = Dialect(
    MappingProxyType({code: told for told, codes in _CODES.items() for code in codes}),
    MappingProxyType(_REMEDIES),
    _FORBIDDEN,
)


def refusal_of(answer: Answer) -> tuple[Refusal, str]:
    """What an answer that is an error says, and what to do if the bucket is elsewhere."""
    told = error_of(answer.body) if answer.body else {}
    message = " ".join(told.get("Message", "").split())[:300]
    refusal = Refusal(answer.status, told.get("Code", ""), message, answer.headers)
    return refusal, elsewhere(answer.headers, told.get("Region", ""))


def elsewhere(headers: Mapping[str, str], region: str) -> str:
    """What to do about a bucket that is elsewhere; "" where the answer does not say where."""
    region = headers.get("x-amz-bucket-region") or region
    return f'set region = "{region}"' if region else ""


def is_bare(error: StoreRefused) -> bool:
    """Whether it is an answer to HEAD that says nothing but its status."""
    cause = error.__cause__
    if not isinstance(cause, Refusal) or cause.code:
        return False
    return cause.status in (400, 401, 403) or (
        cause.status in (301, 307) and "x-amz-bucket-region" not in cause.headers
    )
