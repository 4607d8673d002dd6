"""How Object Storage speaks: requests taken apart, answers put together, refusals with Oracle's codes.

Sources: the SDK 2.189 (paths, headers, model attributes), the API reference of Object Storage, and a public probe of
the real service in 2026-08 for the codes of failed conditions and checksums.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import parse_qsl, unquote

from bucketrelay_emulators.engine.values import NONE, Obj
from bucketrelay_emulators.server.messages import count

CONTENT_HEADERS = ("content-type", "content-language", "content-encoding", "content-disposition", "cache-control")
META = "opc-meta-"
TIERS = ("Standard", "InfrequentAccess", "Archive")
METADATA_BYTES = (
    4000  # names with their prefix, and values; Oracle's "up to 4KB" is of buckets, objects are taken alike
)
NAME_BYTES = 1024


class Refusal(Exception):
    """An answer with an error code: {code, message} in JSON; without a body for HEAD."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] = NONE) -> None:
        self.status, self.code, self.headers = status, code, headers
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Request:
    """One request, its body read."""

    method: str
    target: str  # as it came, with the query
    headers: Mapping[str, str]  # names in lower case
    body: bytes = field(default=b"", repr=False)

    @property
    def segments(self) -> list[str]:
        """The path's segments, decoded one by one: a `%2F` in an object's name divides nothing."""
        return [unquote(part, errors="surrogateescape") for part in self._path.split("/")[1:] or [""]]

    @property
    def query(self) -> dict[str, str]:
        """The query's fields."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def _path(self) -> str:  # not by urlsplit, to which `//b` is a host, and `//[` an error
        return self.target.partition("?")[0]

    def json(self) -> dict[str, object]:
        """The body as a JSON object. Raises Refusal."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise Refusal(400, "CannotParseRequest", "the body is no JSON object")
        return value


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: NONE)
    body: bytes = field(default=b"", repr=False)


def answer_json(value: object, status: int = 200, headers: Mapping[str, str] = NONE) -> Answer:
    """An answer whose body is *value*."""
    return Answer(status, {"content-type": "application/json", **headers}, json.dumps(value).encode())


def refuse(refusal: Refusal) -> Answer:
    """The answer that says so."""
    if refusal.status == 304:
        return Answer(304, refusal.headers)
    return answer_json({"code": refusal.code, "message": str(refusal)}, refusal.status)


def rfc3339(time: datetime) -> str:
    """Milliseconds and Z, as listings have it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}Z"


def http_date(time: datetime) -> str:
    """As Last-Modified wants it."""
    return format_datetime(time, usegmt=True)


def b64(digest: str) -> str:
    """A hex digest in base64."""
    return base64.b64encode(bytes.fromhex(digest)).decode()


def digest_headers(obj: Obj, *, written: bool = False) -> dict[str, str]:
    """`opc-multipart-md5` of a multipart object; else `content-md5`, in the answer to a PUT `opc-content-md5`."""
    if obj.part_md5s:
        return {"opc-multipart-md5": multipart_md5(obj)}
    return {"opc-content-md5" if written else "content-md5": b64(obj.md5)}


def multipart_md5(obj: Obj) -> str:
    """The MD5 of the parts' MD5s in base64, and their number: `9Qn1eyou2yMiyOO9Bc7o1A==-12`."""
    return f"{base64.b64encode(hashlib.md5(b''.join(obj.part_md5s)).digest()).decode()}-{len(obj.part_md5s)}"


def write_headers(obj: Obj) -> dict[str, str]:
    """The headers of an answer to a write."""
    return {
        "etag": obj.etag,
        "last-modified": http_date(obj.modified),
        "version-id": obj.version,
        **digest_headers(obj, written=True),
    }


def object_headers(obj: Obj) -> dict[str, str]:
    """The headers of an answer to HEAD and GET, but for the length."""
    tier = obj.storage_class or "Standard"
    return {
        "content-type": "application/octet-stream",
        **obj.headers,
        **{META + name: value for name, value in obj.user.items()},
        "etag": obj.etag,
        "last-modified": http_date(obj.modified),
        "version-id": obj.version,
        "accept-ranges": "bytes",
        "storage-tier": tier,
        **({"archival-state": "Archived"} if tier == "Archive" else {}),
        **digest_headers(obj),
    }


def object_name(name: str) -> str:
    """The name, if it is one: 1 to 1024 bytes of UTF-8 without NUL, CR and LF. Raises Refusal."""
    try:
        length = len(name.encode())
    except UnicodeEncodeError as error:
        raise Refusal(400, "InvalidObjectName", "the object name is not UTF-8") from error
    if not 1 <= length <= NAME_BYTES or re.search(r"[\0\r\n]", name):
        raise Refusal(400, "InvalidObjectName", "an object name has 1 to 1024 bytes and no NUL, CR or LF")
    return name


def metadata(pairs: Mapping[str, str]) -> dict[str, str]:
    """User metadata without the prefix, from headers or from the JSON of a multipart upload. Raises Refusal."""
    if any(re.search(r"[\0\r\n]", name + value) for name, value in pairs.items()):
        raise Refusal(400, "InvalidMetadata", "metadata with NUL, CR or LF")
    named = {name.lower(): value for name, value in pairs.items() if name.lower().startswith(META)}
    if sum(len(name) + len(value.encode("utf-8", "surrogateescape")) for name, value in named.items()) > METADATA_BYTES:
        raise Refusal(400, "InvalidMetadata", f"more than {METADATA_BYTES} bytes of metadata")
    return {name[len(META) :]: value for name, value in named.items()}


def tier(value: object) -> str:
    """A storage tier as the engine keeps it. Raises Refusal."""
    if value is None:
        return ""
    if value not in TIERS:
        raise Refusal(400, "InvalidParameter", f"there is no storage tier {value!r}")
    return str(value)


def conditions(headers: Mapping[str, str]) -> dict[str, str]:
    """`if_match` and `if_none_match` of a write, as the engine takes them. Raises Refusal."""
    found = {
        name.replace("-", "_"): headers[name].strip('"') for name in ("if-match", "if-none-match") if name in headers
    }
    if found.get("if_none_match", "*") != "*":
        raise Refusal(400, "InvalidParameter", "the only value of If-None-Match of a write is *")
    return found


def failed_condition(asked: Mapping[str, str]) -> Refusal:
    """Which of the conditions did not hold, in the service's words."""
    if "if_none_match" in asked:
        return Refusal(412, "IfNoneMatchFailed", "The If-None-Match header value matches an existing resource.")
    return Refusal(412, "IfMatchFailed", "The If-Match header value does not match the ETag of the resource.")


def check_md5(headers: Mapping[str, str], body: bytes) -> None:
    """Raise Refusal if the body is not the one that Content-MD5 names."""
    if (said := headers.get("content-md5")) is None:
        return
    actual = base64.b64encode(hashlib.md5(body).digest()).decode()
    if actual != said:
        text = f"The computed MD5 of the request body ({actual}) does not match the Content-MD5 header ({said})"
        raise Refusal(400, "UnmatchedContentMD5", text)


def page_size(query: Mapping[str, str], most: int = 1000) -> int:
    """The `limit` of a listing. Raises Refusal."""
    number = count(query.get("limit", str(most)))
    if number is None or not 1 <= number <= most:
        raise Refusal(400, "InvalidParameter", f"limit is a number from 1 to {most}")
    return number


def page_start(query: Mapping[str, str]) -> int:
    """How many rows were given before this page. Raises Refusal."""
    if (number := count(query.get("page", "0"))) is None:
        raise Refusal(400, "InvalidParameter", "page is what opc-next-page said")
    return number
