"""How Object Storage says no: its error codes. What follows from each, `http.outcome` says.

Sources: "API Errors" of Oracle's documentation; `oci/exceptions.py` 2.189; a public probe of the real service
(2026-08) for IfMatchFailed, IfNoneMatchFailed, UnmatchedContentMD5 and BucketNotFound.
"""

import json
from types import MappingProxyType

from bucketrelay.http.messages import Answer
from bucketrelay.http.outcome import Dialect, Meaning, Refusal

# A bucket in another region is not there, either.
_NOT_SEEN = "no policy lets us see it: check the store's url and region, and the policies"
_CODES = {
    "BucketNotFound": Meaning.REFUSED,
    "InvalidUploadPart": Meaning.DAMAGED,
    "InvalidUploadPartETag": Meaning.DAMAGED,
    "NamespaceNotFound": Meaning.REFUSED,
    "NotAuthenticated": Meaning.SKEWED,  # or the key is wrong: which, the answer's Date tells
    "NotAuthorizedOrNotFound": Meaning.REFUSED,
    "NotRestored": Meaning.ARCHIVED,
    "ObjectNotFound": Meaning.GONE,
    "ObjectVersionNotFound": Meaning.GONE,
    # 503s which say that nothing was done. A gateway's bare 503 does not: the service behind it may be at work.
    "ServiceUnavailable": Meaning.BUSY,
    "SlowDown": Meaning.BUSY,
    "TooManyRequests": Meaning.BUSY,
    "UnmatchedContentMD5": Meaning.DAMAGED,
}
_REMEDIES = {
    "BucketNotFound": f"the bucket does not exist, or {_NOT_SEEN}",
    "NamespaceNotFound": "check the namespace in the store's url",
    "NotAuthenticated": "check user, tenancy, fingerprint, key_file and the clock",
    "NotAuthorizedOrNotFound": f"it does not exist, or {_NOT_SEEN}",
}
DIALECT = Dialect(MappingProxyType(_CODES), MappingProxyType(_REMEDIES), elsewhere="set the store's region or endpoint")
_LONGEST = 500  # characters of a server's own words


def refusal_of(answer: Answer) -> tuple[Refusal, str]:
    """An answer that is an error; the service does not say where else a bucket might be."""
    try:
        told = json.loads(answer.body) if answer.body else {}
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        told = {}
    told = told if isinstance(told, dict) else {}
    message = _line(told.get("message"))
    if request := _line(answer.headers.get("opc-request-id")):
        message = f"{message} (opc-request-id {request})".strip()
    return Refusal(answer.status, _line(told.get("code")), message, answer.headers), ""


def _line(text: object) -> str:
    words = text[:_LONGEST].encode("utf-8", "replace").decode() if isinstance(text, str) else ""
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())
