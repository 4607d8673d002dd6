"""What the fuzzers have found, and what was found by thinking; each is mended, and must stay so."""

import json
from datetime import datetime, timedelta, timezone

import pytest

from bucketrelay.clouds import notification_xml as notification
from bucketrelay.config import load
from bucketrelay.errors import BadEvent, ConfigError, StoreUnavailable
from bucketrelay.reports import list_line, lists
from bucketrelay.reports.rerun import Rerun, Selection
from bucketrelay.routes import Route
from bucketrelay.testing.memory import MemoryStore
from fuzz import answers
from fuzz.known import AWAITED
from fuzz.records import _FAILED, _LINES, _NOW, _PLACE
from fuzz.registry import TARGETS

# The SDKs leave the sockets of answers that they could not read to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
)

_MANY = "9" * 4301  # digits: of more than 4,300 Python makes no int
_BROKEN = "Fri, 31 Dec 9999 23:59:59 -2300"  # in UTC it is in the year 10000
_JSON = {"Content-Type": "application/json"}
_LIST = b"<ListBucketResult><Name>b</Name><IsTruncated>true</IsTruncated>%s</ListBucketResult>"

FOUND = [
    ("urls", "s3://b/\ud800"),
    ("urls", "rclone://a/\ud800"),
    ("urls", "file:///\ud800"),
    ("since", "9999999d"),
    ("since", "99999999999d"),
    ("since", f"{_MANY}d"),
    ("globs", ("[" + "a" * 30_000 + "]", "a")),
    ("failed list", {"2026/99/99/999999-x.jsonl": ""}),
    ("failed list", {"0000/00/00/000000-x.jsonl": ""}),
    ("failed list", {"2026/11/21/091500-x.jsonl": list_line.line(_FAILED).replace('"created"', '"ignored"')}),
    ("failed list", {"2026/11/21/091500-x.jsonl": list_line.line(_FAILED).replace('"created"', '"\\ud800"')}),
    ("list line", list_line.line(_FAILED).replace('"failed"', f'"{"x" * 9000}"').encode()),
    ("list line", list_line.line(_FAILED).replace("2026", "x" * 9000).encode()),
    ("notification", b'<?xml version="1.0" encoding="F"?><NotificationConfiguration/>'),
    ("notification", "<NotificationConfiguration><A></A></NotificationConfiguration>".encode("utf-16")),
    ("notification", b"<NotificationConfiguration>" + b"<a>" * 30 + b"</a>" * 30 + b"</NotificationConfiguration>"),
    ("oci rule", {"condition": ""}),
    ("oci rule", {"condition": "[" * 100_000}),
    ("oci rule", {"condition": {"data": "x"}}),
    ("oci rule", {"condition": {"data": {"additionalDetails": 5}}}),
    ("oci rule", {"condition": {"data": {"additionalDetails": [["bucketName"]]}}}),
    ("oci over http", ("wired", 0, {}, b"}")),
    ("oci over http", ("wired", 0, {}, b'[{"displayName":"","id":"}","":{"":[{}]},"":""}]')),
    ("oci over http", ("sweeps", 0, _JSON, b'{"items": [1]}')),
    *(
        (f"{cloud} over http", ("greet", 204, {"Date": date}, b""))
        for cloud in ("s3", "obs", "oci")
        for date in (_BROKEN, "x")
    ),
    ("obs over http", ("greet", 204, {"Date": "Sat, 21 Nov 2026 09:15:00 -0000"}, b"")),  # naive to Python
    ("obs over http", ("sweeps", 0, {}, b"<a")),
    # What the adapters read.
    *(
        (f"{cloud} headers", {"etag": "e", "content-length": "7", "last-modified": date})
        for cloud in ("obs", "oci")
        for date in (_BROKEN, "x", "1 Nov 9 9:5999999999")
    ),
    *((f"{cloud} headers", {"etag": "e", "content-length": size}) for cloud in ("obs", "oci") for size in ("²", _MANY)),
    *((f"{cloud} headers", {"etag": "e", "content-range": f"bytes {_MANY}-6/{_MANY}"}) for cloud in ("obs", "oci")),
    ("obs headers", {"x-obs-tagging-count": "²"}),
    ("obs headers", {"x-obs-tagging-count": _MANY}),
    ("obs headers", {"x-amz-meta-a": "%ED%A0%80"}),
    ("oci headers", {"etag": "e", "content-length": "7", "content-md5": "²"}),
    ("oci headers", {"etag": "e", "content-length": "7", "opc-meta-a": "=?utf-7?q?+2AA-?="}),
    ("s3 headers", {"etag": "e", "content-length": "1", "x-amz-meta-a": "=?unicode_escape?q?=5Cud800?="}),
    ("s3 headers", {"etag": "e", "content-range": f"bytes 0-6/{_MANY}"}),
    ("proxies", "*.example.com,10.0.0]0/8"),
    ("not modified", {"last-modified": _BROKEN}),
    ("not modified", {"last-modified": "x"}),
    ("oci listing", {}),
    ("oci listing", {"size": "x"}),
    ("oci listing", {"size": -1}),
    ("oci listing", {"size": 1, "timeModified": "x"}),
    ("oci listing", {"size": 1, "md5": "é"}),
    ("metadata words", "=?unicode_escape?q?=5Cud800?="),
    ("dates", "0001-01-01T00:00:00+23:59"),
    ("dates", _BROKEN),
    ("dates", "1 Nov 6 9:5999999999"),
    (
        "obs listing",
        "<ListBucketResult><IsTruncated/><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>",
    ),
    (
        "obs listing",
        "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated/><Contents><Key>%ff</Key><Size>1</Size></Contents></ListBucketResult>",
    ),
    ("s3 over http", ("list", 0, {}, _LIST % b"<Contents><Key>in/a</Key></Contents>")),
    ("s3 over http", ("list", 0, {}, _LIST % b"<Contents><Key>in/a</Key><Size>7</Size></Contents>")),
    ("s3 over http", ("list", 0, {}, _LIST % b"<NextContinuationToken>t</NextContinuationToken>")),
    (
        "s3 over http",
        ("uploads", 0, {}, b"<ListMultipartUploadsResult><IsTruncated>true</IsTruncated></ListMultipartUploadsResult>"),
    ),
    ("s3 over http", ("parts", 0, {}, b"<ListPartsResult><IsTruncated>true</IsTruncated><Part/></ListPartsResult>")),
    ("s3 over http", ("tags", 0, {}, b"<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>")),
    ("s3 over http", ("put_part", 0, {}, b"")),
    ("oci over http", ("list", 0, _JSON, b'{"objects": [{"size": 7}]}')),
    ("oci over http", ("list", 0, _JSON, b'{"objects": [1]}')),
    ("oci over http", ("list", 0, _JSON, b'{"objects": [], "nextStartWith": 7}')),
    ("oci over http", ("parts", 0, {**_JSON, "opc-next-page": "1"}, b"[]")),
    ("oci over http", ("parts", 0, _JSON, b'[{"partNumber": 1}]')),
    ("oci over http", ("uploads", 0, {**_JSON, "opc-next-page": "1"}, b"[]")),
    ("oci over http", ("uploads", 0, _JSON, b"[1]")),
    ("checkpoint", b'{"store":"s","key":"k","upload":"u","of":"o","sums":{"1":{"crc32":1e999}}}'),
    ("checkpoint", b'{"store":"s","key":"\\ud800","upload":"u","of":"o","sums":{}}'),
    ("stamp", "1;w;\ud800;4;;;;"),
    ("stamp", "1;w;h;4;\ud800;;;"),
    ("forward", (229, {"Retry-After": "1 Nov 6 9:5999999999"}, b"")),
    ("refusal in words", b"[" * 60_000),
    # What the emulators are sent.
    ("obs emulator", ("GET", "/b?max-keys=%C2%B2", {}, b"")),
    ("obs emulator", ("GET", "/b/k", {"range": f"bytes={_MANY}-"}, b"")),
    ("obs emulator", ("PUT", "/b/k?tagging", {"content-length": "1"}, b'<?xml version="1.0" encoding="F"?><Tagging/>')),
    ("oci emulator", ("GET", "//[", {}, b"")),
    ("oci emulator", ("GET", "*", {}, b"")),
    ("oci emulator", ("GET", "/n/ns/b/b/o/k", {"range": f"bytes={_MANY}-"}, b"")),
    ("oci emulator", ("GET", f"/n/ns/b/b/o?limit={_MANY}", {}, b"")),
    ("oci emulator", ("POST", "/n/ns/b", {}, b"[" * 100_000)),
    ("oci emulator", ("GET", "/20181201/rules?compartmentId=c&page=x", {}, b"")),
    ("connection", b"PUT /b/k HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc"),
    ("connection", b"PUT /b/k HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"),
    ("connection", b"PUT /b/k HTTP/1.1\r\nContent-Length: \xb2\r\n\r\n"),
    ("connection", b"GET  /b/k HTTP/1.1\r\n\r\n"),
    ("connection", b"\xa3 h HTTP/1.1\r\n\r\n"),
]


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + _MANY, "a = '\x00'", "\ud800", "a = 1e999"])
def test_a_hostile_text_is_a_config_error(text):
    with pytest.raises(ConfigError):
        load(text, {})


@pytest.fixture(scope="module", autouse=True)
def _closed():
    yield
    answers.close()


@pytest.mark.parametrize(("name", "given"), FOUND, ids=[f"{name} {n}" for n, (name, _) in enumerate(FOUND)])
def test_what_was_found_once_is_read_or_refused(name, given):
    error = TARGETS[name].verdict(given)
    if error is not None and name in AWAITED:
        pytest.xfail(f"{name} awaits mending: {error!r}"[:200])
    assert error is None


def test_a_list_whose_name_no_clock_has_written_is_replayed_whenever_it_is_asked_for():
    store = MemoryStore()
    store.write("failed_object/2026/99/99/999999-x.jsonl", b"")
    assert list(Rerun(store, (), None, lambda: _NOW).names(_NOW)) == ["failed_object/2026/99/99/999999-x.jsonl"]


def test_the_lines_of_other_routes_are_kept_without_comparing_each_with_each():
    store, compared = MemoryStore(), []
    lines = "\n".join(list_line.line(result) for result in _LINES * 20)
    others = lines.replace('"route":"photos"', '"route":"other"')
    store.write("failed_object/2026/11/21/091500-x.jsonl", f"{lines}\n{others}\n".encode())

    class Told:
        """A runner that does nothing, and whose names are never equal to anything for free."""

        @property
        def results(self):
            return self

        def urls(self, task):
            compared.append(task)
            return "", f"s3://memory/{task.key}"

        def run(self, tasks, _deadline):
            return [_FAILED for _ in tasks]

    routes = (Route("photos", _PLACE, "photos-eu", ("mirror",)),)
    again = Rerun(store, routes, Told(), lambda: _NOW + timedelta(days=1))
    found = again.read("failed_object/2026/11/21/091500-x.jsonl")
    assert len(again.run([found], Selection(lambda line: line.result.route == "photos"), "i").results) == 1
    (rest,) = [key for key in store.keys() if key.startswith("failed_object/2026/11/21/")]  # of the list's own time
    assert [result.route for result in lists.read(store, rest)] == ["other"] * 60
    assert len(compared) == 60  # once for each line, however many others there are


def test_a_notification_document_in_another_encoding_is_never_written_over():
    text = "<NotificationConfiguration><A><Id>x</Id></A></NotificationConfiguration>"
    with pytest.raises(StoreUnavailable, match="not in UTF-8: nothing was changed"):
        notification.parse(text.encode("utf-16"), "s3://b")


def test_a_hint_names_the_known_words_where_they_are_few():
    stores = "".join(f'[stores.n{number:03d}]\nurl = "s3://b{number}"\n' for number in range(200))
    with pytest.raises(ConfigError) as refused:
        load(f'log = "zzzzzzzz"\n{stores}', {})
    assert max(map(len, refused.value.mistakes)) < 200


@pytest.mark.parametrize("name", ["time", "outcome"])
def test_what_a_damaged_line_says_is_quoted_in_part_only(name):
    members = {**json.loads(list_line.line(_FAILED)), name: "x" * 100_000}
    with pytest.raises(BadEvent) as refused:
        list_line.parse_line(json.dumps(members), where="here")
    assert len(str(refused.value)) < 400


def test_the_servers_clock_is_compared_in_utc_whatever_zone_it_names():
    answers._server()
    answers._server().will(404, {"Date": "Sat, 21 Nov 2026 09:15:00 -0000"}, b"")
    greeting = answers._oci()[1].greet()
    assert greeting.date == datetime(2026, 11, 21, 9, 15, tzinfo=timezone.utc)
