"""What services answer over HTTP, read by the adapters with their SDKs; and forwards."""

import json
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime, timezone
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from bucketrelay.abilities import Upload
from bucketrelay.clouds.huawei import invoke as huawei
from bucketrelay.deadline import Deadline
from bucketrelay.errors import RelayError
from bucketrelay.forward.oms import _verdicts
from bucketrelay.http.messages import Answer as Received
from bucketrelay.http.outcome import NotModified
from bucketrelay.http.pace import Pace
from bucketrelay.http.post import Answer, Post, Retry
from bucketrelay.model import Address, Meta, ObjectInfo
from fuzz import made
from fuzz.carried import carried
from fuzz.documents import LISTING, NOTIFICATION, RULE, TAGS
from fuzz.headers import CODED, OBS, OCI
from fuzz.mutate import DATES, DIGITS
from fuzz.raw import OneAnswer
from fuzz.target import Target

Said = tuple[str, int, dict[str, str], bytes]  # what is asked for; status, headers and body of the answer
_INFO = ObjectInfo("in/a", 7, "e", version="v")
_UPLOAD = Upload("in/a", "u")
_MD5 = OBS["etag"]
_open = ExitStack()


def close() -> None:
    """Close what was opened for these targets."""
    _open.close()
    for made_ in (_server, _s3, _obs, _oci):
        made_.cache_clear()


class _Clock:
    """Time that passes where somebody waits, and nowhere else."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def _pace() -> Pace:
    clock = _Clock()
    return Pace(now=lambda: clock.now, sleep=clock.sleep)


@cache
def _server() -> OneAnswer:
    server = OneAnswer()
    _open.callback(server.close)
    return server


@cache
def _s3() -> tuple[Any, Any]:
    from bucketrelay.clouds.aws.access import Access
    from bucketrelay.clouds.aws.bucket import S3Cloud
    from bucketrelay.clouds.aws.store import s3_store

    place = {"endpoint": _server().url, "region": "eu-central-1", "access_key": "AK", "secret_key": "SK"}
    access = Access(**place, path_style=True, retries=0)
    return _kept(s3_store(Address("s3", "b"), **place, retries=0, pace=_pace()), S3Cloud(Address("s3", "b"), access))


@cache
def _obs() -> tuple[Any, Any]:
    from bucketrelay.clouds.huawei.bucket import ObsCloud
    from bucketrelay.clouds.huawei.credentials import access_of
    from bucketrelay.clouds.huawei.store import obs_store

    place = {"endpoint": _server().url, "access_key": "AK", "secret_key": "SK", "path_style": True, "retries": 0}
    address = Address("obs", "b")
    return _kept(obs_store(address, **place, pace=_pace()), ObsCloud(address, access_of(place)))


@cache
def _oci() -> tuple[Any, Any]:
    from bucketrelay.clouds.oracle.bucket import OciCloud
    from bucketrelay.clouds.oracle.credentials import access_of
    from bucketrelay.clouds.oracle.store import oci_store
    from bucketrelay_emulators.oci.emulator import TENANCY, USER
    from bucketrelay_emulators.oci.sign import fingerprint, pem, private_key

    key = private_key("fuzz")
    folder = _open.enter_context(tempfile.TemporaryDirectory())
    Path(folder, "key.pem").touch(mode=0o600)
    Path(folder, "key.pem").write_text(pem(key))
    who = {
        "user": USER,
        "tenancy": TENANCY,
        "fingerprint": fingerprint(key.public_key()),
        "key_file": f"{folder}/key.pem",
    }
    place = {"region": "us-phoenix-1", "endpoint": _server().url, "auth": "api_key", "retries": 0, **who}
    address = Address("oci", "b", "n")
    return _kept(oci_store(address, **place, pace=_pace()), OciCloud(address, access_of(place), "c"))


def _kept(*opened: Any) -> Any:
    for each in opened:
        _open.callback(each.close)
    return opened


_STORE: Mapping[str, Callable[[Any], Any]] = {
    "look": lambda store: store.look("in/a"),
    "glance": lambda store: store.look("in/a", trust_bare_404=True),
    "fetch": lambda store: store.fetch("in/a", 7),
    "refetch": lambda store: store.fetch("in/a", 7, unless="e"),
    "read": lambda store: store.read(_INFO, 0, 7),
    "list": lambda store: list(islice(store.list("in/"), 100)),
    "tags": lambda store: store.tags(_INFO) if hasattr(store, "tags") else None,
    "put": lambda store: store.put("in/a", b"1234567", Meta()),
    "begin": lambda store: store.begin("in/a", Meta()),
    "put_part": lambda store: store.put_part(_UPLOAD, 1, b"1234567"),
    "parts": lambda store: list(islice(store.parts(_UPLOAD), 100)),
    "commit": lambda store: store.commit(_UPLOAD, ()),
    "uploads": lambda store: list(islice(store.uploads(), 100)),
    "delete": lambda store: store.delete("in/a"),
}
_CLOUD: Mapping[str, Callable[[Any], Any]] = {
    "greet": lambda cloud: abs(_NOW - (cloud.greet().date or _NOW)),  # as doctor compares the clocks
    "versioning": lambda cloud: cloud.versioning(),
    "sweeps": lambda cloud: cloud.sweeps(),
    "wired": lambda cloud: cloud.wiring(),
}
_NOW = datetime(2026, 11, 21, 9, 15, tzinfo=timezone.utc)


def _asked(opened: Callable[[], tuple[Any, Any]]) -> Callable[[Said], None]:
    def call(said: Said) -> None:
        what, status, headers, body = said
        store, cloud = opened()
        server = _server()
        server.will(
            abs(status) % 400 + 200, {n: v for n, v in headers.items() if n and n.lower() != "connection"}, body
        )
        try:
            found = _CLOUD[what](cloud) if what in _CLOUD else _STORE.get(what, _STORE["look"])(store)
        finally:
            assert not server.endless, "asks on and on"
        for info in found if isinstance(found, list) else [getattr(found, "info", found)]:
            if isinstance(info, ObjectInfo):
                assert info.size >= -1
                carried(info.meta)

    return call


def _xml(root: str, inside: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><{root}>{inside}</{root}>'.encode()


_ERROR = _xml("Error", "<Code>SlowDown</Code><Message>try again</Message><RequestId>1</RequestId>")
_PARTS = _xml(
    "ListPartsResult",
    "<Bucket>b</Bucket><Key>in/a</Key><UploadId>u</UploadId><IsTruncated>false</IsTruncated><NextPartNumberMarker>1"
    '</NextPartNumberMarker><Part><PartNumber>1</PartNumber><ETag>"e"</ETag><Size>7</Size>'
    "<LastModified>2026-11-21T09:15:00.000Z</LastModified></Part>",
)
_UPLOADS = _xml(
    "ListMultipartUploadsResult",
    "<Bucket>b</Bucket><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated><NextKeyMarker>in%2Fa</NextKeyMarker>"
    "<NextUploadIdMarker>u</NextUploadIdMarker><Upload><Key>in%2Fa</Key><UploadId>u</UploadId>"
    "<Initiated>2026-11-21T09:15:00.000Z</Initiated></Upload>",
)
_RULES = _xml(
    "LifecycleConfiguration",
    "<Rule><ID>r</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter><AbortIncompleteMultipartUpload>"
    "<DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>",
)
_PUT = {"ETag": '"e"', "Date": "Sat, 21 Nov 2026 09:15:00 GMT"}


def _xml_answers(meta: dict[str, str], listing: str) -> list[Said]:
    got = {name: value for name, value in meta.items() if name != "content-length"}
    whole = {name: value for name, value in got.items() if name != "content-range"}
    done = _xml("CompleteMultipartUploadResult", '<Bucket>b</Bucket><Key>in/a</Key><ETag>"e"</ETag>')
    begun = _xml("InitiateMultipartUploadResult", "<Bucket>b</Bucket><Key>in/a</Key><UploadId>u</UploadId>")
    return [
        *((what, 0, {**whole, "Content-Length": "7"}, b"1234567") for what in ("look", "glance", "fetch")),
        *((what, 6, {**got, "content-range": "bytes 0-6/7"}, b"1234567") for what in ("fetch", "read", "look")),
        ("refetch", 104, whole, b""),
        ("list", 0, {}, listing.replace("true", "false").encode()),
        ("list", 0, {}, listing.encode()),
        ("tags", 0, {}, TAGS.encode()),
        *((what, 0, _PUT, b"") for what in ("put", "put_part", "delete")),
        ("begin", 0, {}, begun),
        ("parts", 0, {}, _PARTS),
        ("parts", 0, {}, _PARTS.replace(b"false", b"true")),
        ("commit", 0, _PUT, done),
        ("commit", 0, _PUT, _ERROR),
        ("uploads", 0, {}, _UPLOADS),
        ("uploads", 0, {}, _UPLOADS.replace(b"false", b"true")),
        *((what, status, _PUT, _ERROR) for what in _STORE for status in (303, 204, 212)),
        ("greet", 204, _PUT, _xml("Error", "<Code>NoSuchKey</Code><Message>none</Message>")),
        ("versioning", 0, {}, _xml("VersioningConfiguration", "<Status>Enabled</Status>")),
        ("sweeps", 0, {}, _RULES),
        ("wired", 0, {}, NOTIFICATION),
    ]


_S3_LISTING = LISTING.replace("NextMarker", "NextContinuationToken")
_S3_META = {name.replace("x-obs-", "x-amz-"): value for name, value in OBS.items()}
_JSON = {"Content-Type": "application/json"}


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _oci_answers() -> list[Said]:
    got = {name: value for name, value in OCI.items() if name != "content-length"}
    whole = {name: value for name, value in got.items() if name != "content-range"}
    error = _json({"code": "ObjectNotFound", "message": "none"})
    policy = {"items": [{"isEnabled": True, "target": "multipart-uploads", "action": "ABORT"}]}
    upload = {
        "namespace": "n",
        "bucket": "b",
        "object": "in/a",
        "uploadId": "u",
        "timeCreated": "2026-11-21T09:15:00.000Z",
    }
    listed = {
        "name": "in/a",
        "size": 7,
        "etag": "e",
        "md5": "1B2M2Y8AsgTpgAmY7PhCfg==",
        "timeModified": upload["timeCreated"],
    }
    return [
        *((what, 0, {**whole, "Content-Length": "7"}, b"1234567") for what in ("look", "fetch")),
        *((what, 6, {**got, "content-range": "bytes 0-6/7"}, b"1234567") for what in ("fetch", "read")),
        ("refetch", 104, whole, b""),
        ("list", 0, _JSON, _json({"objects": [listed]})),
        ("list", 0, _JSON, _json({"objects": [listed], "nextStartWith": "in/b"})),
        *((what, 0, {**_PUT, **_JSON}, b"") for what in ("put", "put_part", "delete", "commit")),
        ("begin", 0, _JSON, _json(upload)),
        ("parts", 0, _JSON, _json([{"partNumber": 1, "etag": "e", "size": 7, "md5": "x"}])),
        ("parts", 0, {**_JSON, "opc-next-page": "1"}, _json([{"partNumber": 1, "etag": "e", "size": 7}])),
        ("uploads", 0, _JSON, _json([upload])),
        ("uploads", 0, {**_JSON, "opc-next-page": "1"}, _json([upload])),
        *((what, status, _JSON, error) for what in _STORE for status in (303, 204, 212)),
        ("greet", 204, {**_JSON, **_PUT}, error),
        ("versioning", 0, _JSON, _json({"versioning": "Enabled", "objectEventsEnabled": True, "compartmentId": "c"})),
        ("sweeps", 0, _JSON, _json(policy)),
        ("wired", 0, _JSON, _json([{**RULE, "lifecycleState": "ACTIVE"}])),
        ("wired", 0, _JSON, _json({**RULE, "objectEventsEnabled": True})),
    ]


def _strategy(names: tuple[str, ...], words: tuple[str, ...]) -> st.SearchStrategy[Said]:
    bodies = made.markup(words, (*DIGITS, "true")).map(lambda text: text.encode("utf-8", "surrogatepass"))
    return st.tuples(
        st.sampled_from([*_STORE, *_CLOUD]),
        st.sampled_from([0, 0, 0, 4, 6, 104, 204, 212, 216, 303]),
        made.headers(names, (*CODED, *DATES, *DIGITS)),
        bodies | made.json_values(words).map(_json),
    )


def _forwarded(given: tuple[int, dict[str, str], bytes]) -> None:
    """What a receiver answers, and OMS."""
    status, headers, body = given
    server = _server()
    server.will(abs(status) % 400 + 200, {n: v for n, v in headers.items() if n and n.lower() != "connection"}, body)
    post = Post(server.url, retry=Retry(attempts=2, first=0.0, longest=0.0, sleep=lambda _: None))
    answer = post.send(b"{}", dict, Deadline(60), hide=["AK"])
    assert len(post.words(answer)) < 500
    assert len(list(_verdicts(answer, ["in/a", "é"]))) == 2


def _said_by_huawei(body: bytes) -> None:
    refusal, _ = huawei._refusal(Received(400, {}, body))
    assert len(refusal.message) <= 300
    answer = Answer(400, body)
    line = answer.words(["AK"])
    assert "\n" not in line
    assert line.encode()
    list(_verdicts(answer, ["in/a", "é"]))


_OMS = _json(
    {"error_code": "OMS.0078", "error_msg": "illegal", "failed_keys": [{"object_key": "in%2Fa"}], "keys": ["é"]}
)
_WORDS = ("error_code", "error_msg", "code", "message", "error", "failed", "object_key", "key", "in/a", "in%2Fa")

TARGETS = (
    Target(
        "s3 over http",
        _asked(_s3),
        lambda: _xml_answers(_S3_META, _S3_LISTING),
        lambda: _strategy(
            (*_S3_META, "Date"), ("ListBucketResult", "Contents", "Key", "Size", "Error", "Code", "IsTruncated")
        ),
        allowed=(RelayError, NotModified),
        words=(*_S3_META, *CODED, *DATES[:12], *DIGITS, *_STORE, *_CLOUD),
        quick=90,
        watch=10,
    ),
    Target(
        "obs over http",
        _asked(_obs),
        lambda: _xml_answers(OBS, LISTING),
        lambda: _strategy(
            (*OBS, "Date"), ("ListBucketResult", "Contents", "Key", "Size", "Error", "Code", "IsTruncated")
        ),
        words=(*OBS, *CODED, *DATES[:12], *DIGITS, *_STORE, *_CLOUD),
        quick=90,
        watch=10,
    ),
    Target(
        "oci over http",
        _asked(_oci),
        _oci_answers,
        lambda: _strategy(
            (*OCI, "opc-next-page", "Date"),
            ("objects", "name", "size", "code", "message", "condition", "data", "actions"),
        ),
        allowed=(RelayError,),
        words=(*OCI, "opc-next-page", *CODED, *DATES[:12], *DIGITS, *_STORE, *_CLOUD),
        quick=60,
        watch=10,
    ),
    Target(
        "forward",
        _forwarded,
        lambda: [(0, {}, b""), (200, _JSON, _OMS), (229, {"Retry-After": "3"}, b"slow down AK")],
        lambda: st.tuples(
            st.integers(0, 399),
            made.headers(("Retry-After", "Content-Type"), (*DATES, *DIGITS)),
            st.binary(max_size=50),
        ),
        words=(*DATES, *DIGITS),
        quick=60,
    ),
    Target(
        "refusal in words",
        _said_by_huawei,
        lambda: [_OMS],
        lambda: made.json_values(_WORDS).map(_json) | st.binary(max_size=50),
        (),
        _WORDS,
        hostile=lambda size: [
            b"[" * size,
            b'{"error_code":' * (size // 14),
            b'{"error_code":"' + b"AK" * (size // 2) + b'"}',
            b"9" * size,
            *(b'{"code":' + b"[" * depth + b"]" * depth + b"}" for depth in range(900, 1000, 7)),
        ],
    ),
)
