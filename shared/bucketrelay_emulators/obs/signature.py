"""OBS's header signatures, recomputed from the request as it came.

Source: OBS API reference, "Authentication of Signature in a Header".

Two dialects: `Authorization: OBS ak:signature` with `x-obs-` headers, and `AWS ak:signature` with `x-amz-` headers.
Both are HMAC-SHA1 over method, Content-MD5, Content-Type, Date, the dialect's own headers and the resource.
"""

import base64
import email.utils
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote

from bucketrelay_emulators.server.messages import Incoming

SKEW = timedelta(minutes=15)
# Query parameters that name another resource than the object or bucket itself; all others are not signed.
_SUBRESOURCES = frozenset(
    {
        "acl",
        "append",
        "attname",
        "backtosource",
        "cors",
        "customdomain",
        "delete",
        "deletebucket",
        "directcoldaccess",
        "encryption",
        "inventory",
        "length",
        "lifecycle",
        "location",
        "logging",
        "metadata",
        "modify",
        "name",
        "notification",
        "obscompresspolicy",
        "object-lock",
        "orchestration",
        "partnumber",
        "policy",
        "policystatus",
        "position",
        "publicaccessblock",
        "quota",
        "rename",
        "replication",
        "requestpayment",
        "response-cache-control",
        "response-content-disposition",
        "response-content-encoding",
        "response-content-language",
        "response-content-type",
        "response-expires",
        "restore",
        "retention",
        "storageclass",
        "storagepolicy",
        "storageinfo",
        "tagging",
        "torrent",
        "truncate",
        "uploadid",
        "uploads",
        "versionid",
        "versioning",
        "versions",
        "website",
        "x-image-process",
        "x-image-save-bucket",
        "x-image-save-object",
        "x-obs-security-token",
    }
)  # in lower case


@dataclass(frozen=True, slots=True)
class Credential:
    """A key pair, with the token that temporary ones must show."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Refusal(Exception):
    """Why a request is not let in."""

    status: int
    code: str
    message: str


def dialect(headers: Mapping[str, str]) -> str:
    """The prefix of the headers that this client speaks: `x-amz-` or `x-obs-`; answers use the same."""
    if headers.get("authorization", "").startswith("AWS "):
        return "x-amz-"
    return "x-obs-"


def check(incoming: Incoming, bucket_in_host: str, credentials: Mapping[str, Credential], now: datetime) -> Credential:
    """The credential that signed the request.

    Args:
        bucket_in_host: the bucket's name where it is part of the host name, else "".
        now: the server's time.

    Raises:
        Refusal: the status, code and message that OBS answers.
    """
    scheme, _, rest = incoming.headers.get("authorization", "").partition(" ")
    access_key, _, signature = rest.partition(":")
    if scheme not in ("OBS", "AWS") or not signature:
        raise Refusal(403, "AccessDenied", "Anonymous access is forbidden for this operation")
    if (known := credentials.get(access_key)) is None:
        raise Refusal(403, "InvalidAccessKeyId", "The OBS Access Key Id you provided does not exist in our records.")
    _check_date(incoming.headers, now)
    wanted = sign(incoming, bucket_in_host, known.secret_key)
    if not hmac.compare_digest(wanted.encode(), signature.encode()):
        raise Refusal(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method.",
        )
    if known.token != incoming.headers.get(f"{dialect(incoming.headers)}security-token", ""):
        raise Refusal(403, "InvalidSecurity", "The provided security token is missing, unknown or expired.")
    return known


def _check_date(headers: Mapping[str, str], now: datetime) -> None:
    said = headers.get(f"{dialect(headers)}date") or headers.get("date", "")
    try:
        apart = abs(now - email.utils.parsedate_to_datetime(said))
    except (TypeError, ValueError) as error:
        raise Refusal(403, "AccessDenied", "OBS authentication requires a valid Date or x-obs-date header") from error
    if apart > SKEW:
        text = "The difference between the request time and the current time is too large."
        raise Refusal(403, "RequestTimeTooSkewed", text)


def sign(incoming: Incoming, bucket_in_host: str, secret_key: str) -> str:
    """The signature, in Base64, that this request ought to carry."""
    text = string_to_sign(incoming, bucket_in_host)
    return base64.b64encode(hmac.new(secret_key.encode(), text.encode(), hashlib.sha1).digest()).decode()


def string_to_sign(incoming: Incoming, bucket_in_host: str) -> str:
    """What is signed."""
    headers, prefix = incoming.headers, dialect(incoming.headers)
    own = sorted((name, value) for name, value in headers.items() if name.startswith(prefix))
    lines = [
        incoming.method,
        headers.get("content-md5", ""),
        headers.get("content-type", ""),
        "" if f"{prefix}date" in headers else headers.get("date", ""),
        *(f"{name}:{value.strip()}" for name, value in own),
        _resource(incoming, bucket_in_host, prefix),
    ]
    return "\n".join(lines)


def _resource(incoming: Incoming, bucket_in_host: str, prefix: str) -> str:
    path = f"/{bucket_in_host}{incoming.path}" if bucket_in_host else incoming.path
    signed = sorted(
        (name, value)
        for name, value in incoming.query.items()
        if name.lower() in _SUBRESOURCES or name.lower().startswith(prefix)
    )
    query = "&".join(quote(name) if value is None else f"{quote(name)}={value}" for name, value in signed)
    return f"{path}?{query}" if query else path
