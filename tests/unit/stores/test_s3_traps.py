"""One test for each trap of S3 and of the servers that speak its dialect: a scripted server, and a look at the wire."""

import base64
import subprocess
import sys
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.abilities import Part, Upload
from bucketrelay.clouds.aws.access import Access
from bucketrelay.clouds.aws.fields import decode_word, encode_word, info_of
from bucketrelay.clouds.aws.store import S3Store, s3_store
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
from bucketrelay.http import messages as http
from bucketrelay.http.connections import Connections
from bucketrelay.http.messages import Receive, Request
from bucketrelay.model import Address, Meta, ObjectInfo
from bucketrelay.store import ABSENT
from bucketrelay_emulators.server.tls import Authority
from fakes import at_once
from unit.http.peers import Peer, answers, ok, request
from unit.stores.scripted import Answer, Scripted, said

SECRET = "unit-secret-7d1f/+="
PLACE = Address("s3", "bucket")
TEXT = Meta(content_type="text/plain")
SEEN = ObjectInfo("a", 5, "etag", datetime(2026, 11, 21, 9, 15, tzinfo=timezone.utc))
WRITES = {
    "PUT": lambda store: store.put("a", b"12345", TEXT),
    "DELETE": lambda store: store.delete("a"),
    "POST": lambda store: store.commit(Upload("a", "id"), [Part(1, "e", 5)]),
}
HEADERS = {"ETag": '"etag"', "Last-Modified": "Sat, 21 Nov 2026 09:15:00 GMT"}


def content(body: bytes, start: int = 0, size: int | None = None, **headers: str) -> Answer:
    """A part of an object."""
    whole = len(body) if size is None else size
    shown = {**HEADERS, "Content-Range": f"bytes {start}-{start + len(body) - 1}/{whole}", **headers}
    return Answer(206, shown, body)


@pytest.fixture
def server() -> Iterator[Scripted]:
    server = Scripted()
    yield server
    server.close()
    assert server.answers == [], "the script was not played to its end"


@pytest.fixture
def store(server: Scripted) -> Iterator[S3Store]:
    store = s3_store(PLACE, endpoint=server.url, region="eu-1", access_key="AK", secret_key=SECRET, timeout=5)
    yield store
    store.close()


@pytest.fixture
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """The waits between attempts are not what is tested."""
    monkeypatch.setattr("bucketrelay.clouds.aws.store.Pace", at_once)


class TestColdStart:
    def test_a_store_is_made_without_the_sdk(self):
        code = (
            "import sys; from bucketrelay.clouds.aws.store import s3_store; from bucketrelay.model import Address;"
            "s3_store(Address('s3', 'b')); print([name for name in sys.modules if 'boto' in name])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"

    def test_a_request_is_sent_without_the_sdk(self, server):
        """Nor by modules that cost more than they are worth: http.client reads heads by the e-mail package."""
        server.will(Answer(200, {**HEADERS, "Content-Length": "5"}))
        code = (
            "import sys; from bucketrelay.clouds.aws.store import s3_store; from bucketrelay.model import Address;"
            f"s3_store(Address('s3', 'b'), endpoint={server.url!r}, access_key='a', secret_key='b').look('a');"
            "print([name for name in sys.modules if 'boto' in name or name in"
            " ('http.client', 'email', 'urllib3', 'xml.etree.ElementTree', 'ssl')])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"

    @pytest.mark.parametrize(
        ("endpoint", "aws"),
        [
            ("", True),
            ("https://s3.eu-central-1.amazonaws.com", True),
            ("https://s3.cn-north-1.amazonaws.com.cn", True),
            ("https://bucket.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com", True),
            ("https://s3.dualstack.eu-west-1.api.aws", True),
            ("https://obs.cn-north-4.myhuaweicloud.com", False),
            ("https://ns.compat.objectstorage.us-ashburn-1.oraclecloud.com", False),
            ("https://amazonaws.com.example.org", False),
            ("https://notamazonaws.com", False),
            ("http://127.0.0.1:9000", False),
        ],
    )
    def test_whose_server_it_is_is_told_by_its_name(self, endpoint, aws):
        assert s3_store(PLACE, endpoint=endpoint).conditional is aws

    def test_an_endpoint_that_only_the_environment_names_counts(self, monkeypatch):
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000")
        assert not s3_store(PLACE).conditional
        monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
        assert s3_store(PLACE).conditional


class TestWire:
    """What is sent, seen just before it leaves: over HTTPS the SDK behaves otherwise than to a plain server."""

    @staticmethod
    def sent(store: S3Store, call: Callable[[], object], answer: bytes = b"", **headers: str) -> dict[str, str]:
        seen: list[tuple[Connections, Request]] = []

        def send(self: Connections, request: Request, receive: Receive | None = None, **_: object) -> http.Answer:
            seen.append((self, request))
            head = http.Head(200, {"etag": '"e"', "content-length": str(len(answer)), **headers})
            into = receive(head) if receive else None
            if into is not None and isinstance(into.to, memoryview):
                into.to[:] = answer[: len(into.to)]
            return http.Answer(200, head.headers, b"" if into else answer)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Connections, "send", send)
            call()
        store.close()
        connections, request = seen[0]
        url = f"{connections.origin.url}{request.target}"
        return {**request.headers, "content-length": str(request.length), "url": url}

    @staticmethod
    def at(endpoint: str = "", **more: object) -> S3Store:
        return s3_store(PLACE, endpoint=endpoint, region="us-east-1", access_key="AK", secret_key=SECRET, **more)

    @pytest.mark.parametrize("endpoint", ["https://obs.example.com", "http://minio.example.com:9000"])
    def test_other_servers_get_no_checksum_trailers_and_no_chunks(self, endpoint):
        store = self.at(endpoint)
        for call in (
            lambda: store.put("a", b"12345", TEXT),
            lambda: store.put_part(Upload("a", "id"), 1, bytearray(b"12345")),
        ):
            sent = self.sent(store, call)
            assert "content-encoding" not in sent
            assert "transfer-encoding" not in sent
            assert sent["content-length"] == "5"
            assert not [name for name in sent if "checksum" in name or "trailer" in name]
            assert sent["url"].startswith(f"{endpoint}/bucket/a")

    def test_other_servers_are_asked_for_no_checksums(self):
        store = self.at("https://obs.example.com")
        assert "x-amz-checksum-mode" not in self.sent(store, lambda: store.look("a"))
        assert "x-amz-checksum-mode" not in self.sent(store, lambda: store.fetch("a", 1, size=0))

    def test_aws_gets_a_checksum_of_each_body_and_one_of_the_whole(self):
        store = self.at()
        # As a header: the body is held anyway. Only what passes in blocks has its checksum behind it.
        sent = self.sent(store, lambda: store.put("a", b"12345", TEXT))
        assert sent["x-amz-checksum-crc32"] == base64.b64encode(zlib.crc32(b"12345").to_bytes(4, "big")).decode()
        assert "x-amz-trailer" not in sent
        assert "aws-chunked" not in sent.get("content-encoding", "")
        sent = self.sent(store, lambda: store.put_part(Upload("a", "id"), 1, bytearray(b"123")))
        assert sent["x-amz-checksum-crc32"] == base64.b64encode(zlib.crc32(b"123").to_bytes(4, "big")).decode()
        answer = b"<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>"
        sent = self.sent(store, lambda: store.begin("a", TEXT), answer)
        assert (sent["x-amz-checksum-algorithm"], sent["x-amz-checksum-type"]) == ("CRC32", "FULL_OBJECT")

    def test_aws_is_asked_for_its_checksums_at_its_own_address(self):
        store = self.at()
        sent = self.sent(store, lambda: store.look("a"))
        assert sent["x-amz-checksum-mode"] == "ENABLED"
        assert urlsplit(sent["url"]).hostname.startswith("bucket.s3.")

    def test_a_body_that_does_not_match_its_checksum_is_damaged(self):
        store = self.at()
        wrong = base64.b64encode(zlib.crc32(b"other").to_bytes(4, "big")).decode()
        with pytest.raises(Damaged, match="s3://bucket/a"):
            self.sent(store, lambda: store.fetch("a", 10), b"12345", **{"x-amz-checksum-crc32": wrong})
        store.close()

    def test_path_style_may_be_refused_and_demanded(self):
        virtual, path = self.at("https://obs.example.com", path_style=False), self.at(path_style=True)
        assert self.sent(virtual, lambda: virtual.look("a"))["url"] == "https://bucket.obs.example.com/a"
        assert "/bucket/a" in self.sent(path, lambda: path.look("a"))["url"]

    def test_class_acl_and_encryption_go_with_every_write(self):
        placed = {"storage_class": "STANDARD_IA", "acl": "bucket-owner-full-control", "sse": "aws:kms", "kms_key": "id"}
        store = self.at(**placed)
        answer = b"<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>"
        for call in (lambda: store.put("a", b"", TEXT), lambda: store.begin("a", TEXT)):
            sent = self.sent(store, call, answer)
            assert sent["x-amz-storage-class"] == "STANDARD_IA"
            assert sent["x-amz-acl"] == "bucket-owner-full-control"
            assert sent["x-amz-server-side-encryption"] == "aws:kms"
            assert sent["x-amz-server-side-encryption-aws-kms-key-id"] == "id"

    def test_nothing_is_said_of_class_acl_and_encryption_unless_it_is_asked_for(self):
        store = self.at()
        sent = self.sent(store, lambda: store.put("a", b"", TEXT))
        assert not {"x-amz-storage-class", "x-amz-acl", "x-amz-server-side-encryption", "x-amz-tagging"} & sent.keys()

    def test_the_class_of_an_object_goes_before_that_of_the_store(self):
        store = self.at(storage_class="STANDARD_IA")
        sent = self.sent(store, lambda: store.put("a", b"", Meta(storage_class="ONEZONE_IA")))
        assert sent["x-amz-storage-class"] == "ONEZONE_IA"

    def test_a_server_that_is_not_aws_gets_no_class_that_only_aws_has(self):
        minio = "https://minio.example.com"
        assert self.at().abilities.classes["WARM"] == "STANDARD_IA"
        assert self.at(storage_classes={"WARM": "ONEZONE_IA"}).abilities.classes["WARM"] == "ONEZONE_IA"
        assert self.at(minio).abilities.classes == {}
        assert self.at(minio, storage_classes={"WARM": "SLOW"}).abilities.classes == {"WARM": "SLOW"}

    def test_tags_go_out_as_a_query(self):
        store = self.at()
        sent = self.sent(store, lambda: store.put("a", b"", Meta(tags={"a b": "ü&=+", "e": ""})))
        assert sent["x-amz-tagging"] == "a%20b=%C3%BC%26%3D%2B&e="

    @pytest.mark.parametrize("text", ["0", "-1", "Thu, 01 Dec 1994 16:00:00 GMT", "2037-10-21T07:28:00Z"])
    def test_expires_goes_out_as_the_source_had_it(self, text):
        store = self.at("https://obs.example.com")
        assert self.sent(store, lambda: store.put("a", b"", Meta(expires=text)))["expires"] == text

    def test_metadata_that_is_not_ascii_goes_out_as_s3_writes_it(self):
        store = self.at("https://obs.example.com")
        sent = self.sent(store, lambda: store.put("a", b"", Meta(user={"Name": "Zürich", "plain": "a b"})))
        assert sent["x-amz-meta-name"] == "=?UTF-8?B?WsO8cmljaA==?="
        assert sent["x-amz-meta-plain"] == "a b"


class TestAbsence:
    def test_a_bare_404_is_settled_by_one_more_request(self, server, store):
        server.will(Answer(404), said(404, "NoSuchKey"))
        assert store.look("a") is None
        assert [asked.method for asked in server.asked] == ["HEAD", "GET"]

    def test_a_bare_404_of_a_missing_bucket_is_refused(self, server, store):
        server.will(Answer(404), said(404, "NoSuchBucket"))
        with pytest.raises(StoreRefused, match="create the bucket"):
            store.look("a")

    def test_a_404_from_who_knows_whom_is_refused(self, server, store):
        server.will(Answer(404), Answer(404, {"Content-Type": "text/html"}, b"<html>Not found</html>"))
        with pytest.raises(StoreRefused, match="does not say"):
            store.look("a")

    def test_who_is_not_sure_asks_once(self, server, store):
        server.will(Answer(404))
        assert store.look("a", trust_bare_404=True) is None
        assert len(server.asked) == 1

    def test_an_object_that_appears_between_the_two_requests_is_seen(self, server, store):
        server.will(Answer(404), content(b"1", size=5))
        assert store.look("a") == SEEN

    @pytest.mark.parametrize("sure", [True, False])
    def test_403_is_never_absence_and_says_why_it_might_be(self, server, store, sure):
        server.will(Answer(403), said(403, "AccessDenied"))
        with pytest.raises(StoreRefused, match=r"AccessDenied.*s3:ListBucket"):
            store.look("a", trust_bare_404=not sure)

    def test_403_of_a_get_is_never_absence(self, server, store):
        server.will(said(403, "AccessDenied"), said(403, "AccessDenied"))
        with pytest.raises(StoreRefused, match="s3://bucket/a: AccessDenied"):
            store.fetch("a", 1)
        with pytest.raises(StoreRefused, match="grant"):
            store.delete("a")

    @pytest.mark.usefixtures("no_wait")
    def test_a_5xx_is_never_absence(self, server, store):
        server.will(*[Answer(500)] * 3)
        with pytest.raises(StoreUnavailable):
            store.look("a")

    def test_a_key_of_more_than_1024_bytes_is_not_even_sent(self, server, store):
        with pytest.raises(StoreRefused, match="1,024"):
            store.put("ü" * 513, b"", TEXT)
        with pytest.raises(StoreRefused, match="unicode"):
            store.look("\udcff")
        assert server.asked == []


class TestLostAnswers:
    @pytest.mark.usefixtures("no_wait")
    @pytest.mark.parametrize("first", [Answer(cut=-1), Answer(500), Answer(503), said(503, "SlowDown"), Answer(429)])
    def test_a_read_is_tried_again(self, server, store, first):
        server.will(first, content(b"12345"))
        assert store.fetch("a", 5).body == b"12345"

    @pytest.mark.usefixtures("no_wait")
    @pytest.mark.parametrize("method", WRITES)
    @pytest.mark.parametrize(
        "first",
        [
            Answer(cut=-1),
            said(500, "InternalError"),
            Answer(502),
            Answer(503),
            Answer(504),
            Answer(200, HEADERS, body=b"<CompleteMultipartUploadResult/>", cut=5),
            Answer(500, body=b"<Error><Code>InternalError</Code></Error>", cut=5),
        ],
        ids=repr,
    )
    def test_a_write_without_a_plain_answer_is_of_unknown_outcome_and_not_sent_again(
        self, server, store, method, first
    ):
        server.will(first)
        with pytest.raises(OutcomeUnknown, match="s3://bucket/a"):
            WRITES[method](store)
        assert [asked.method for asked in server.asked] == [method]

    @pytest.mark.usefixtures("no_wait")
    def test_a_write_that_was_turned_away_is_sent_again_with_its_whole_body(self, server, store):
        server.will(said(503, "SlowDown"), said(429, "TooManyRequests"), Answer(200, HEADERS))
        assert store.put("a", bytearray(b"12345"), TEXT).etag == "etag"
        assert [asked.body for asked in server.asked] == [b"12345"] * 3

    @pytest.mark.usefixtures("no_wait")
    def test_a_write_that_is_turned_away_for_good_surely_did_not_happen(self, server, store):
        server.will(*[said(503, "SlowDown")] * 7)
        with pytest.raises(StoreUnavailable) as raised:
            store.put("a", b"12345", TEXT)
        assert len(server.asked) == 7
        assert not isinstance(raised.value, OutcomeUnknown)

    @pytest.mark.usefixtures("no_wait")
    def test_a_part_may_be_sent_twice(self, server, store):
        server.will(Answer(cut=-1), Answer(200, HEADERS))
        assert store.put_part(Upload("a", "id"), 1, b"12345") == Part(1, "etag", 5)

    @pytest.mark.usefixtures("no_wait")
    def test_a_server_that_is_not_there_got_nothing(self):
        gone = Scripted()
        gone.close()
        store = s3_store(PLACE, endpoint=gone.url, access_key="AK", secret_key=SECRET)
        with pytest.raises(StoreUnavailable, match="check endpoint") as raised:
            store.put("a", b"", TEXT)
        assert not isinstance(raised.value, OutcomeUnknown)
        store.close()

    def test_200_with_an_error_inside_is_no_success(self, server, store):
        server.will(Answer(200, body=b"<Error><Code>InternalError</Code><Message>late</Message></Error>"))
        with pytest.raises(OutcomeUnknown, match="InternalError"):
            store.commit(Upload("a", "id"), [Part(1, "e", 5)])

    def test_a_listing_that_is_no_xml_is_not_an_empty_one(self, server, store):
        server.will(Answer(200, body=b"<html><p>please log in"))
        with pytest.raises(StoreUnavailable, match="s3://bucket"):
            list(store.list())


class TestConditions:
    def conditions(self, server: Scripted) -> list[tuple[str, str]]:
        return [(asked.headers.get("if-match", ""), asked.headers.get("if-none-match", "")) for asked in server.asked]

    def test_a_refused_probe_proves_that_conditions_hold(self, server, store):
        server.will(said(412, "PreconditionFailed"), Answer(200, HEADERS), Answer(200, HEADERS))
        assert not store.conditional
        store.put("a", b"1", TEXT, expect=ABSENT)
        assert store.conditional
        store.put("a", b"2", TEXT, expect=SEEN)
        probe, first, second = self.conditions(server)
        assert "no-object-has-this-etag" in probe[0]
        assert (first, second) == (("", "*"), ('"etag"', ""))
        assert [asked.body for asked in server.asked] == [b"1", b"1", b"2"]

    def test_an_accepted_probe_has_done_the_write_and_conditions_are_never_sent_again(self, server, store):
        server.will(Answer(200, HEADERS), Answer(200, HEADERS))
        assert store.put("a", b"1", TEXT, expect=SEEN).etag == "etag"
        assert not store.conditional
        store.put("a", b"2", TEXT, expect=SEEN)
        assert [asked.body for asked in server.asked] == [b"1", b"2"]
        assert self.conditions(server)[1] == ("", "")

    def test_a_server_that_compares_the_bare_etag_is_found_out_once(self, server, store):
        refused = said(412, "PreconditionFailed")
        server.will(refused, refused, *[Answer(200, HEADERS)] * 2, refused)
        store.put("a", b"1", TEXT, expect=SEEN)
        store.put("a", b"2", TEXT, expect=SEEN)
        with pytest.raises(TargetChanged):
            store.put("a", b"3", TEXT, expect=SEEN)
        assert [match for match, _ in self.conditions(server)[1:]] == ['"etag"', "etag", "etag", "etag"]

    def test_a_real_conflict_is_one_in_either_way_of_writing_it(self, server, store):
        refused = said(412, "PreconditionFailed")
        server.will(refused, refused, refused, Answer(200, HEADERS), refused)
        with pytest.raises(TargetChanged):
            store.put("a", b"1", TEXT, expect=SEEN)
        store.put("a", b"2", TEXT, expect=SEEN)  # with quotes: this server knows them
        with pytest.raises(TargetChanged):
            store.put("a", b"3", TEXT, expect=SEEN)
        assert [match for match, _ in self.conditions(server)[1:]] == ['"etag"', "etag", '"etag"', '"etag"']

    def test_404_for_a_missing_key_proves_it_too(self, server, store):
        server.will(said(404, "NoSuchKey"), Answer(200, HEADERS))
        store.put("a", b"1", TEXT, expect=ABSENT)
        assert store.conditional

    def test_404_for_a_missing_bucket_proves_nothing(self, server, store):
        server.will(said(404, "NoSuchBucket"))
        with pytest.raises(StoreRefused):
            store.put("a", b"1", TEXT, expect=ABSENT)
        assert not store.conditional

    def test_a_server_that_says_it_cannot_gets_the_write_without(self, server, store):
        server.will(said(501, "NotImplemented"), Answer(200, HEADERS))
        store.put("a", b"1", TEXT, expect=ABSENT)
        assert self.conditions(server)[1] == ("", "")
        assert not store.conditional

    def test_a_lost_probe_may_have_written(self, server, store):
        server.will(Answer(cut=-1))
        with pytest.raises(OutcomeUnknown):
            store.put("a", b"1", TEXT, expect=ABSENT)

    def test_commits_are_found_out_on_their_own(self, server, store):
        done = Answer(200, body=b"<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>")
        server.will(said(412, "PreconditionFailed"), Answer(200, HEADERS), done, done)
        store.put("a", b"1", TEXT, expect=ABSENT)
        for _ in range(2):
            store.commit(Upload("a", "id"), [Part(1, "e", 5)], expect=ABSENT)
        assert "no-object" in self.conditions(server)[2][0]
        assert self.conditions(server)[3] == ("", "")
        assert store.conditional

    def test_a_delete_needs_no_probe(self, server, store):
        server.will(Answer(204), said(412, "PreconditionFailed"), said(404, "NoSuchKey"), said(501, "NotImplemented"))
        server.will(Answer(204))
        store.delete("a", expect=SEEN)
        with pytest.raises(TargetChanged):
            store.delete("a", expect=SEEN)
        store.delete("a", expect=SEEN)
        store.delete("a", expect=SEEN)
        assert self.conditions(server) == [('"etag"', "")] * 4 + [("", "")]

    @pytest.mark.parametrize(
        "answer", [said(412, "PreconditionFailed"), said(409, "ConditionalRequestConflict"), said(404, "NoSuchKey")]
    )
    def test_a_condition_that_fails_is_a_changed_target(self, server, store, answer):
        server.will(said(412, "PreconditionFailed"), *[answer] * (2 if answer.status == 412 else 1))
        with pytest.raises(TargetChanged, match="s3://bucket/a"):
            store.put("a", b"1", TEXT, expect=SEEN)
        assert len(server.asked) == (3 if answer.status == 412 else 2)

    def test_a_commit_whose_etag_is_empty_is_looked_for(self, server, store):
        done = b"<CompleteMultipartUploadResult><Key>a</Key><ETag></ETag></CompleteMultipartUploadResult>"
        server.will(Answer(200, body=done), Answer(200, HEADERS))
        assert store.commit(Upload("a", "id"), [Part(1, "e", 5)]).etag == "etag"

    def test_an_upload_that_is_gone_is_no_changed_target(self, server, store):
        server.will(said(404, "NoSuchUpload"))
        with pytest.raises(ObjectGone, match="begin again"):
            store.commit(Upload("a", "id"), [Part(1, "e", 5)], expect=SEEN)

    def test_threads_that_write_first_probe_once(self, server, store):
        server.will(said(412, "PreconditionFailed"), *[Answer(200, HEADERS)] * 8)
        threads = [
            threading.Thread(target=store.put, args=(f"{n}", b"", TEXT), kwargs={"expect": ABSENT}) for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [match for match, _ in self.conditions(server) if match] == [self.conditions(server)[0][0]]


class TestNoObject:
    """A login page, or another service on that port, answers 200 too."""

    PAGE = b"<html>please log in</html>"

    @pytest.mark.usefixtures("no_wait")
    def test_a_page_is_not_an_object(self, server, store):
        server.will(*[Answer(200, {"Content-Type": "text/html"}, self.PAGE)] * 3)
        with pytest.raises(StoreUnavailable, match="describes no object"):
            store.fetch("k", 100)

    def test_nor_is_it_one_to_a_look(self, server, store):
        server.will(Answer(200, {"Content-Type": "text/html", "Content-Length": "26"}))
        with pytest.raises(StoreUnavailable, match="describes no object"):
            store.look("k")


class TestReading:
    def test_a_server_that_ignores_if_match_is_caught_by_its_own_etag(self, server, store):
        server.will(content(b"12345", ETag='"newer"'))
        with pytest.raises(SourceChanged, match="s3://bucket/a"):
            store.read(SEEN, 0, 5)
        assert server.asked[0].headers["if-match"] == '"etag"'

    def test_a_server_without_etags_is_caught_by_time_and_size(self, server, store):
        old = ObjectInfo("a", 5, "", SEEN.modified)
        newer = "Sat, 21 Nov 2026 09:15:01 GMT"
        server.will(
            content(b"12345", ETag=""),
            content(b"12345", ETag="", **{"Last-Modified": newer}),
            content(b"1234", ETag=""),
        )
        assert store.read(old, 0, 5) == b"12345"
        for _ in range(2):
            with pytest.raises(SourceChanged):
                store.read(old, 0, 4)

    def test_a_range_under_status_200_is_a_range(self, server, store):
        answer = content(b"34", start=2, size=5)
        answer.status = 200
        server.will(answer)
        assert store.read(SEEN, 2, 2) == b"34"

    def test_the_beginning_of_the_whole_object_is_taken_where_ranges_are_ignored(self, server, store):
        server.will(Answer(200, HEADERS, b"12345"))
        assert store.read(SEEN, 0, 2) == b"12"

    def test_the_whole_object_is_not_taken_for_its_middle(self, server, store):
        server.will(Answer(200, HEADERS, b"12345"))
        with pytest.raises(StoreRefused, match="does not do ranges"):
            store.read(SEEN, 2, 2)

    @pytest.mark.parametrize("cut", [0, 3])
    def test_a_body_that_ends_early_is_damaged_and_worth_another_try(self, server, store, cut):
        answer = content(b"12345")
        answer.cut = cut
        server.will(answer)
        with pytest.raises((Damaged, StoreUnavailable), match="s3://bucket/a") as raised:
            store.read(SEEN, 0, 5)
        assert raised.value.retryable

    def test_a_part_is_held_once(self, server, store):
        size = 16 * 1024 * 1024
        server.will(content(b"\1" * size))
        tracemalloc.start()
        try:
            body = store.read(ObjectInfo("a", size, "etag"), 0, size)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert len(body) == size
        assert peak < 1.25 * size

    def test_another_version_with_the_same_etag_is_another_version(self, server, store):
        server.will(content(b"12345", **{"x-amz-version-id": "2"}), said(403, "AccessDenied"))
        with pytest.raises(SourceChanged):
            store.read(ObjectInfo("a", 5, "etag", version="1"), 0, 5)

    @pytest.mark.parametrize("code", [(412, "PreconditionFailed"), (404, "NoSuchKey")])
    def test_a_version_that_is_no_longer_the_latest_is_read_by_its_id_where_we_may(self, server, store, code):
        server.will(said(*code), content(b"12345", **{"x-amz-version-id": "1"}))

        assert bytes(store.read(ObjectInfo("a", 5, "etag", version="1"), 0, 5)) == b"12345"

    def test_412_and_416_are_a_changed_source_and_404_a_gone_one(self, server, store):
        server.will(said(412, "PreconditionFailed"), said(416, "InvalidRange"), said(404, "NoSuchKey"))
        for error in (SourceChanged, SourceChanged, ObjectGone):
            with pytest.raises(error):
                store.read(SEEN, 0, 5)

    def test_304_keeps_what_its_headers_say(self, server, store):
        server.will(Answer(304, {**HEADERS, "x-amz-version-id": "v1"}))
        fetched = store.fetch("a", 5, unless="etag")
        assert fetched.body is None
        assert fetched.info == ObjectInfo("a", -1, "etag", SEEN.modified, "v1")

    def test_a_server_that_ignores_if_none_match_costs_no_body(self, server, store):
        server.will(content(b"12345"))
        assert store.fetch("a", 5, unless="etag").body is None

    def test_an_archived_object_names_its_remedy(self, server, store):
        server.will(said(403, "InvalidObjectState"))
        with pytest.raises(StoreRefused, match="restore it"):
            store.fetch("a", 5)


class TestListing:
    @staticmethod
    def page(*keys: str, more: str = "<IsTruncated>false</IsTruncated>", name: str = "bucket") -> Answer:
        entries = "".join(f"<Contents><Key>{key}</Key><Size>1</Size><ETag>e</ETag></Contents>" for key in keys)
        return Answer(200, body=f"<ListBucketResult><Name>{name}</Name>{entries}{more}</ListBucketResult>".encode())

    def test_keys_out_of_order_are_refused_not_merged_wrongly(self, server, store):
        server.will(self.page("b", "a"))
        with pytest.raises(StoreRefused, match="no order"):
            list(store.list())

    def test_a_page_without_a_token_is_followed_by_its_last_key(self, server, store):
        server.will(self.page("a", "b", more="<IsTruncated>true</IsTruncated>"), self.page("c"))
        assert [info.key for info in store.list()] == ["a", "b", "c"]
        assert parse_qs(urlsplit(server.asked[1].path).query)["start-after"] == ["b"]

    @pytest.mark.usefixtures("no_wait")
    def test_a_listing_that_breaks_off_raises(self, server, store):
        truncated = "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
        server.will(self.page("a", more=truncated), *[Answer(cut=-1)] * 3)
        listing = store.list()
        assert next(listing).key == "a"
        with pytest.raises(StoreUnavailable):
            next(listing)


class TestRemedies:
    @pytest.mark.parametrize("call", [lambda s: s.look("a"), lambda s: s.put("a", b"", TEXT)], ids=["look", "put"])
    def test_a_region_that_cannot_be_one_is_named(self, call):
        store = s3_store(PLACE, region="eu central 1", access_key="AK", secret_key=SECRET)
        with pytest.raises(StoreRefused, match="mend the store's region"):
            call(store)
        store.close()

    def test_another_region_is_named(self, server, store):
        elsewhere = said(400, "AuthorizationHeaderMalformed", "<Region>eu-west-3</Region>")
        server.will(elsewhere)
        with pytest.raises(StoreRefused, match='set region = "eu-west-3"'):
            store.fetch("a", 1)

    @pytest.mark.parametrize(
        ("code", "remedy"),
        [
            ("SignatureDoesNotMatch", "check secret_key"),
            ("InvalidAccessKeyId", "check access_key"),
            ("ExpiredToken", "expired"),
            ("RequestTimeTooSkewed", "clock"),
        ],
    )
    def test_credentials_that_are_refused_name_their_remedy_and_no_secret(self, server, store, code, remedy):
        server.will(said(403, code))
        with pytest.raises(StoreRefused, match=remedy) as raised:
            store.fetch("a", 1)
        assert SECRET not in f"{raised.value}{raised.value!r}{raised.value.__cause__!r}{store!r}"

    def test_no_credentials_at_all_name_their_remedy(self, monkeypatch, tmp_path):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_ROLE_ARN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
        store = s3_store(PLACE, region="us-east-1")
        with pytest.raises(StoreRefused, match="set access_key"):
            store.look("a")
        with pytest.raises(StoreRefused, match="no-such-profile"):
            s3_store(PLACE, profile="no-such-profile").look("a")
        store.close()

    def test_a_certificate_of_an_unknown_authority_says_ca_file(self):
        authority = Authority()
        server = Scripted(tls=authority)
        try:
            store = s3_store(PLACE, endpoint=server.url, access_key="AK", secret_key=SECRET, retries=0)
            with pytest.raises(StoreRefused, match="set ca_file"):
                store.put("a", b"", TEXT)
            store.close()
            server.will(Answer(200, HEADERS))
            trusted = s3_store(
                PLACE, endpoint=server.url, access_key="AK", secret_key=SECRET, ca_file=authority.ca_file
            )
            assert trusted.put("a", b"", TEXT).etag == "etag"
            trusted.close()
        finally:
            server.close()
            authority.cleanup()

    def test_a_header_that_s3_cannot_carry_is_refused_before_it_is_sent(self, server, store):
        for meta in (Meta(content_disposition="attachment; filename=ü"), Meta(user={"not a token": "x"})):
            with pytest.raises(StoreRefused, match="s3://bucket/a"):
                store.put("a", b"", meta)
        assert server.asked == []

    def test_a_repr_of_how_to_reach_it_has_no_secrets(self):
        access = Access(access_key="AK", secret_key=SECRET, session_token=SECRET)
        assert SECRET not in repr(access)


class TestMetadata:
    @given(st.text(st.characters(codec="utf-8")))
    def test_any_text_makes_the_round_trip_as_printable_ascii(self, text):
        wire = encode_word(text)
        assert wire.isascii()
        assert wire == wire.strip()
        assert not any(ord(character) < 32 or ord(character) == 127 for character in wire)
        assert decode_word(wire) == text

    @pytest.mark.parametrize(
        ("wire", "text"),
        [
            ("plain text", "plain text"),
            ("=?UTF-8?Q?Z=C3=BCrich?=", "Zürich"),
            ("=?utf-8?b?WsM=?= =?utf-8?b?vHJpY2g=?=", "Zürich"),
            ("=?UTF-8?B?broken!?=", "=?UTF-8?B?broken!?="),
            ("=?no-such-charset?B?WsO8?=", "=?no-such-charset?B?WsO8?="),
            ("Zürich".encode().decode("latin-1"), "Zürich"),  # raw UTF-8, as MinIO and rclone send it
            ("Z\xfcrich", "Z\xfcrich"),
        ],
    )
    def test_what_servers_send_is_understood(self, wire, text):
        assert decode_word(wire) == text

    def test_a_checksum_of_the_whole_object_is_kept_and_one_of_parts_is_not(self):
        told = {"etag": '"e-2"', "content-length": "5"}
        answer = {**told, "x-amz-checksum-crc64nvme": "abc=", "x-amz-checksum-type": "FULL_OBJECT"}
        assert info_of("a", answer, digest=True).checksums == {"crc64nvme": "abc="}
        assert info_of("a", {**answer, "x-amz-checksum-type": "COMPOSITE"}).checksums == {}
        assert info_of("a", {**answer, "content-range": "bytes 0-4/9"}).checksums == {}

    def test_an_etag_is_an_md5_only_where_that_is_documented(self):
        answer = {"etag": f'"{"0" * 32}"', "content-length": "5"}
        assert info_of("a", answer).checksums == {}
        assert info_of("a", answer, digest=True).checksums == {"md5": "0" * 32}
        kms = {**answer, "x-amz-server-side-encryption": "aws:kms"}
        assert info_of("a", kms, digest=True).checksums == {}

    def test_tags_are_counted_and_an_unreadable_expires_is_kept(self, server, store):
        server.will(Answer(200, {**HEADERS, "x-amz-tagging-count": "3", "Expires": "0"}))
        meta = store.look("a").meta
        assert (meta.tag_count, meta.expires) == (3, "0")


def test_every_error_is_one_of_ours(server, store):
    server.will(said(405, "MethodNotAllowed"), said(400, "SomethingNew"), said(409, "OperationAborted"))
    for call in (lambda: store.fetch("a", 1), lambda: store.put("a", b"", TEXT), lambda: store.delete("a")):
        with pytest.raises(RelayError, match="s3://bucket/a") as raised:
            call()
        assert raised.value.__cause__ is not None


def test_closing_a_store_closes_what_a_look_opens_that_was_under_way_when_it_was_closed_before():
    head, ended = ok(b"", 'ETag: "1"').replace(b"Length: 0", b"Length: 5"), threading.Event()

    def hang(sock):
        answers(head)(sock)
        request(sock)
        sock.recv(1)

    def wait_for_the_end(sock):
        answers(head)(sock)
        if not sock.recv(1):
            ended.set()

    with Peer(hang, wait_for_the_end) as peer:
        keys = {"access_key": "a", "secret_key": "b", "region": "eu-central-1"}
        store = s3_store(Address("s3", "photos"), endpoint=peer.url, path_style=True, **keys)
        store.look("a", trust_bare_404=True)
        asking = store.begin_look("a")
        assert asking
        store.close()
        assert asking.answer().size == 5
        store.close()
        assert ended.wait(10)
