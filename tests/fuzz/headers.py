"""What the stores answer about an object, as headers: sizes, times, ranges, metadata, checksums."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from bucketrelay.clouds.aws import fields as s3_wire
from bucketrelay.clouds.huawei import fields as obs_wire
from bucketrelay.clouds.huawei import listings as obs_listings
from bucketrelay.clouds.oracle import fields as oci_wire
from bucketrelay.core import digest
from bucketrelay.errors import Damaged, RelayError
from bucketrelay.http.pace import seconds
from bucketrelay.http.post import Retry
from bucketrelay.model import ObjectInfo
from fuzz import made
from fuzz.carried import carried
from fuzz.mutate import DATES, DIGITS
from fuzz.target import Target

_DATE = "Sat, 21 Nov 2026 09:15:00 GMT"
_MD5 = "d41d8cd98f00b204e9800998ecf8427e"
OBS = {
    "etag": f'"{_MD5}"',
    "last-modified": _DATE,
    "content-length": "7",
    "content-range": "bytes 0-6/1024",
    "content-type": "text/plain",
    "x-obs-version-id": "null",
    "x-obs-meta-%c3%a9": "%E6%BC%A2",
    "x-amz-meta-bucketrelay": "1;0123456789ab;fedcba987654;7;;e;;",
    "x-obs-storage-class": "WARM",
    "x-obs-tagging-count": "2",
}
OCI = {
    "etag": "5c1b8a3e-0000",
    "last-modified": _DATE,
    "content-length": "7",
    "content-range": "bytes 0-6/1024",
    "content-md5": "1B2M2Y8AsgTpgAmY7PhCfg==",
    "content-type": "text/plain",
    "opc-meta-name": "=?UTF-8?B?w6k=?=",
    "storage-tier": "Standard",
}
S3 = {
    "etag": f'"{_MD5}"',
    "last-modified": _DATE,
    "content-length": "7",
    "content-range": "bytes 0-6/1024",
    "content-type": "text/plain",
    "content-encoding": "aws-chunked,gzip",
    "x-amz-version-id": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
    "x-amz-meta-name": "=?UTF-8?B?w6k=?= =?utf-8?q?=C3=A9?=",
    "expires": _DATE,
    "x-amz-tagging-count": "2",
    "x-amz-checksum-type": "FULL_OBJECT",
    "x-amz-checksum-crc32": "AAAAAA==",
    "x-amz-storage-class": "STANDARD_IA",
}
ENTRY = {
    "name": "in/a",
    "size": 7,
    "etag": "e",
    "md5": "1B2M2Y8AsgTpgAmY7PhCfg==",
    "timeModified": "2026-11-21T09:15:00.123Z",
}
CODED = (
    *(
        "=?UTF-8?B?w6k=?=",
        "=?unicode_escape?q?=5Cud800?=",
        "=?utf-7?q?+2AA-?=",
        "=?punycode?q?a-?=",
        "=?idna?q?xn--a?=",
    ),
    *("=?rot13?q?a?=", "=?utf-16?b?AA?=", "=?undefined?q?a?=", "=?x?b?====?=", "%ED%A0%80", "W/"),
)


def _held(info: ObjectInfo) -> None:
    """What the core relies on."""
    assert info.size >= -1
    assert info.modified is None or info.modified.tzinfo is not None
    if info.modified:
        int(info.modified.timestamp())
    assert info.meta.tag_count >= 0
    carried(info.meta)


def _latin(headers: Mapping[str, Any]) -> dict[str, Any]:
    """As they come."""
    return {name: _latin_1(value) if isinstance(value, str) else value for name, value in headers.items()}


def _latin_1(text: str) -> str:
    return text.encode("latin-1", "replace").decode("latin-1")


def _obs(headers: dict[str, str]) -> None:
    headers = _latin(headers)
    size = obs_wire.total(headers)
    assert size is None or size >= 0
    _held(obs_wire.info_of("k", headers, size or 0))


def _oci(headers: dict[str, str]) -> None:
    headers = _latin(headers)
    oci_wire.range_of(headers)
    _held(oci_wire.info_of("k", headers))


def _s3(headers: dict[str, str]) -> None:
    headers = _latin(headers)
    part = s3_wire.range_of(headers)
    assert part is None or part[0] >= 0
    info = s3_wire.info_of("k", headers, digest=True)
    _held(info)
    assert "aws-chunked" not in info.meta.content_encoding.lower()


def _not_modified(headers: dict[str, str]) -> None:
    _held(s3_wire.info_of_304("k", headers))


def _entry(entry: Any) -> None:
    if not isinstance(entry, dict):
        return  # looked at before
    info = oci_wire.info_of_entry(entry, "k")
    _held(info)
    assert info.size >= 0


def _times(text: str) -> None:
    found = s3_wire.listed_time(text)
    assert found is None or found.utcoffset() is not None


def _words(text: str) -> None:
    text = _latin_1(text)
    for wire in (s3_wire, oci_wire):
        read = wire.decode_word(text)
        assert read.encode() is not None
        assert wire.decode_word(wire.encode_word(read)) == read
    obs_wire._decode(text)


def _date(text: str) -> None:
    for found in (obs_listings.moment_of(text), obs_wire.info_of("k", {"last-modified": text}, 0).modified):
        assert found is None or found.utcoffset() is not None
    asked = seconds(text)
    assert asked is None or 0 <= asked < 1e12
    assert 0 <= Retry().pause(3, asked) < 1e12


def _sums(given: dict[str, str]) -> None:
    try:
        digest.check_whole(b"abc", given, "s3://b/k")
    except Damaged:
        return


_NUMBERS = (*DIGITS, "bytes 0-0/", "/*", "-")

TARGETS = (
    Target(
        "obs headers",
        _obs,
        lambda: [OBS],
        lambda: made.headers([*OBS, "expires"], CODED),
        (RelayError,),
        (*OBS, *CODED, *_NUMBERS),
        hostile=lambda size: [
            {**OBS, name: value * size}
            for name, value in (
                ("content-length", "9"),
                ("content-range", "9"),
                ("last-modified", "1 "),
                ("x-obs-meta-a", "%41"),
                ("last-modified", "("),
            )
        ],
    ),
    Target(
        "oci headers",
        _oci,
        lambda: [OCI],
        lambda: made.headers(list(OCI), CODED),
        (RelayError,),
        (*OCI, *CODED, *_NUMBERS),
        hostile=lambda size: [
            {**OCI, name: value * size}
            for name, value in (
                ("content-length", "9"),
                ("content-range", "9"),
                ("last-modified", "1 "),
                ("content-md5", "A"),
                ("opc-meta-a", "=?a?b?A?= "),
                ("opc-meta-a", "=?"),
            )
        ],
    ),
    Target(
        "s3 headers",
        _s3,
        lambda: [S3],
        lambda: made.headers(list(S3), (*CODED, "aws-chunked", "AWS-Chunked, gzip")),
        (RelayError,),
        (*S3, *CODED, *_NUMBERS),
        hostile=lambda size: [
            {**S3, name: value * size}
            for name, value in (
                ("content-length", "9"),
                ("content-range", "9"),
                ("last-modified", "1 "),
                ("content-encoding", "aws-chunked,"),
                ("x-amz-meta-a", "=?a?b?A?= "),
                ("x-amz-tagging-count", "9"),
            )
        ],
    ),
    Target(
        "not modified",
        _not_modified,
        lambda: [{name: OBS[name] for name in ("etag", "last-modified")}],
        lambda: made.headers(("etag", "last-modified"), DATES),
        (RelayError,),
        DATES,
    ),
    Target(
        "oci listing",
        _entry,
        lambda: [ENTRY],
        lambda: st.dictionaries(st.sampled_from(list(ENTRY)), made.json_values(tuple(ENTRY)), max_size=5),
        (RelayError,),
        tuple(ENTRY),
        typed=False,
    ),
    Target(
        "metadata words",
        _words,
        lambda: list(CODED),
        lambda: made.texts(("=?", "?=", "?q?", "?b?", *CODED)),
        (),
        CODED,
        hostile=lambda size: [
            "=?a?b?A?= " * (size // 10),
            "=?utf-8?q?" + "=41" * (size // 3) + "?=",
            "=?" * (size // 2),
            "=?a?b?" + "A" * size,
        ],
    ),
    Target(
        "dates",
        _date,
        lambda: [_DATE, *DATES],
        lambda: made.texts((*DATES, "Sat,", "21", "Nov", "GMT", "+2300"), (" ", ":")),
        (),
        DATES,
        hostile=lambda size: [
            "1 " * (size // 2),
            "(" * size,
            ":" * size,
            "9" * size,
            "Sat, 21 Nov 2026 " + "9" * size + ":15:00 GMT",
        ],
        quick=200,
    ),
    Target(
        "s3 times",
        _times,
        lambda: ["2026-11-21T09:15:00.000Z", "2026-11-21T09:15:00Z", "2026-02-30T25:61:61.123456789Z"],
        lambda: made.texts(("2026-", "11", "T09:", "15:00", ".1", "Z"), ("-", ":")),
        (),
        ("2026-11-21T09:15:00", ".123456789", "Z", *DIGITS),
        hostile=lambda size: ["2026-11-21T09:15:00." + "9" * size + "Z", "2" * size],
    ),
    Target(
        "checksums",
        _sums,
        lambda: [{"md5": _MD5, "crc32": "AAAAAA==", "sha256": "é"}],
        lambda: made.headers(("md5", "crc32", "crc64nvme", "sha1", "sha256", "sha512")),
        (),
        ("md5", "crc32", "crc64nvme"),
    ),
)
