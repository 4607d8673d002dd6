"""How OBS says no: its error codes. What follows from each, `http.outcome` says.

Sources: OBS API reference, "Error codes"; FunctionGraph and OMS speak otherwise, see `invoke.py`.
"""

import re
from types import MappingProxyType

from bucketrelay.http.messages import Answer
from bucketrelay.http.outcome import Dialect, Meaning, Refusal

_CODES = {
    "BadDigest": Meaning.DAMAGED,
    "IncompleteBody": Meaning.DAMAGED,
    "InvalidDigest": Meaning.DAMAGED,
    "InvalidObjectState": Meaning.ARCHIVED,
    "MethodNotAllowed": Meaning.REFUSED,
    "NoSuchBucket": Meaning.REFUSED,
    "NoSuchKey": Meaning.GONE,
    "NoSuchUpload": Meaning.NO_UPLOAD,
    "NoSuchVersion": Meaning.GONE,
    "NotImplemented": Meaning.LACKING,
    "OperationAborted": Meaning.LATER,  # another operation on the object is under way; this one was not done
    "RequestLimitExceeded": Meaning.BUSY,
    "RequestTimeTooSkewed": Meaning.SKEWED,
    "RequestTimeout": Meaning.LATER,  # "the socket was not read or written in time": it did not arrive, as at S3
    "ServerBusy": Meaning.BUSY,
    "SlowDown": Meaning.BUSY,
    "TooManyRequests": Meaning.BUSY,
    "XAmzContentSHA256Mismatch": Meaning.DAMAGED,
    **dict.fromkeys(("BucketAlreadyExists", "BucketNotEmpty", "InvalidBucketState"), Meaning.REFUSED),  # each is a 409
}
_REMEDIES = {
    "NoSuchBucket": "create the bucket, or mend the store's url and endpoint",
    "InvalidBucketName": "mend the store's url",
    "InvalidAccessKeyId": "check access_key; temporary keys also need their session_token",
    "SignatureDoesNotMatch": "check secret_key",
    "InvalidSecurity": "the temporary keys are wrong or have expired: renew session_token, or use an agency",
    "ExpiredToken": "the temporary keys have expired: renew session_token, or use an agency",
    "VirtualHostDomainRequired": "set path_style = false: this endpoint wants the bucket in the host name",
    "MetadataTooLarge": "OBS holds at most 8 KB of user metadata",
    "EntityTooLarge": "the object is larger than OBS takes",
    "KeyTooLong": "rename the object: a key has at most 1,024 bytes",
    "KeyTooLongError": "rename the object: a key has at most 1,024 bytes",
    "InsufficientStorageSpace": "raise the bucket's quota",
}
DIALECT = Dialect(
    MappingProxyType(_CODES),
    MappingProxyType(_REMEDIES),
    forbidden="grant it to the access key or the function's agency",
    elsewhere="set the store's endpoint to that region's",
)
_CODE = rb"<Code>\s*([^<]*?)\s*</Code>"
_MESSAGE = rb"<Message>([^<]*)</Message>"
_ENDPOINT = rb"<Endpoint>([^<]*)</Endpoint>"
_LONGEST = 500  # characters of a server's own words


def refusal_of(answer: Answer) -> tuple[Refusal, str]:
    """An answer that is an error, and at which address the bucket is if it says so.

    By search, not by a parser: what a proxy answers need be no XML, and no object's bytes are read here.
    """
    code, message, endpoint = (_first_match(pattern, answer.body) for pattern in (_CODE, _MESSAGE, _ENDPOINT))
    elsewhere = f"set the store's endpoint to that of {endpoint}" if endpoint else ""
    return Refusal(answer.status, code, message, answer.headers), elsewhere


def _first_match(pattern: bytes, body: bytes) -> str:
    match = re.search(pattern, body)
    text = match[1].decode("utf-8", "replace") if match else ""
    if "&" in text:
        from html import unescape  # 2 ms, of a table of HTML's names

        text = unescape(text)
    return " ".join("".join(c if c.isprintable() else " " for c in text[:_LONGEST]).split())
