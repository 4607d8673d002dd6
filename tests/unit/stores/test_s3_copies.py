"""Copies by S3's server and tags, against a scripted server: who changed, what 200 means, what is never published."""

import re
from collections.abc import Iterator
from datetime import datetime, timezone
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.abilities import ServerSideCopy, Tagged
from bucketrelay.clouds.aws.store import S3Store, s3_store
from bucketrelay.clouds.server_copy import _spans
from bucketrelay.deadline import Deadline
from bucketrelay.errors import (
    CannotCopy,
    ObjectGone,
    OutcomeUnknown,
    OutOfTime,
    SourceChanged,
    StoreRefused,
    StoreUnavailable,
    TargetChanged,
)
from bucketrelay.model import Address, Meta, ObjectInfo
from bucketrelay.store import ABSENT, GiB, MiB
from unit.stores.scripted import Answer, Scripted, said

TIME = datetime(2026, 11, 21, 9, 15, tzinfo=timezone.utc)
HEADERS = {"ETag": '"etag"', "Last-Modified": "Sat, 21 Nov 2026 09:15:00 GMT"}
SEEN = ObjectInfo("in/a ü+", 5, "etag", TIME)
LARGE = ObjectInfo("in/a ü+", 300 * MiB, "etag", TIME)
NEW = Meta(content_type="text/plain", expires="0", user={"by": "copy"}, tags={"k": "v"}, storage_class="ONEZONE_IA")
COPIED = Answer(body=b'<CopyObjectResult><ETag>"new"</ETag></CopyObjectResult>')
BEGUN = Answer(
    body=b"<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>",
)
DONE = Answer(body=b'<CompleteMultipartUploadResult><ETag>"new-3"</ETag></CompleteMultipartUploadResult>')
ABANDONED = Answer(204)
FAILED = Answer(body=b"<Error><Code>InternalError</Code><Message>as scripted</Message></Error>")


def part(etag: str = '"p"') -> Answer:
    return Answer(body=f"<CopyPartResult><ETag>{etag}</ETag></CopyPartResult>".encode())


def held(*sizes: int) -> Answer:
    rows = "".join(
        f'<Part><PartNumber>{number}</PartNumber><ETag>"p"</ETag><Size>{size}</Size></Part>'
        for number, size in enumerate(sizes, 1)
    )
    return Answer(body=f"<ListPartsResult><UploadId>id</UploadId>{rows}</ListPartsResult>".encode())


def present(size: int = 5, **headers: str) -> Answer:
    """What HEAD says of the source; the scripted server sends no body for it."""
    return Answer(200, {**HEADERS, "Content-Length": str(size), **headers})


@pytest.fixture
def server() -> Iterator[Scripted]:
    server = Scripted()
    yield server
    server.close()
    assert server.answers == [], "the script was not played to its end"


def store_of(server: Scripted, bucket: str, **more: object) -> S3Store:
    access = {"endpoint": server.url, "region": "eu-1", "access_key": "AK", "secret_key": "SK", "timeout": 5}
    return s3_store(Address("s3", bucket), **access, **more)


@pytest.fixture
def source(server: Scripted) -> Iterator[S3Store]:
    store = store_of(server, "source")
    yield store
    store.close()


@pytest.fixture
def other(server: Scripted) -> Iterator[S3Store]:
    """A target on a server that is not AWS's."""
    store = store_of(server, "target")
    yield store
    store.close()


@pytest.fixture
def aws(server: Scripted, source: S3Store) -> Iterator[S3Store]:
    """A target on a server that is taken for AWS's."""
    store = store_of(server, "target", sse="aws:kms", kms_key="key-id", acl="bucket-owner-full-control")
    for each in (store, source):
        each._aws = True
    yield store
    store.close()


def asked(server: Scripted) -> list[str]:
    """Method, path and what tells one request from another."""
    shown = []
    for request in server.asked:
        query = parse_qs(urlsplit(request.path).query, keep_blank_values=True)
        kind = "".join(f" {name}" for name in ("uploads", "partNumber", "uploadId", "tagging") if name in query)
        shown.append(request.method + kind)
    return shown


class TestReach:
    def test_it_is_what_it_says(self, other):
        assert isinstance(other, ServerSideCopy)
        assert isinstance(other, Tagged)

    def test_one_server_reaches_its_buckets_and_another_does_not(self, server, other, source):
        assert other.reach(source) == 8 * MiB
        strange = Scripted()
        far = store_of(strange, "source")
        assert other.reach(far) is None
        far.close()
        strange.close()

    @pytest.mark.parametrize(
        ("one", "two", "near"),
        [
            ("https://minio.example.com", "https://MINIO.example.com:443/", True),
            ("http://minio.example.com", "http://minio.example.com:80", True),
            ("https://minio.example.com", "http://minio.example.com", False),
            ("https://x.example.com/one", "https://x.example.com/two", False),
            ("", "https://s3.eu-central-1.amazonaws.com", True),
            ("", "https://minio.example.com", False),
        ],
    )
    def test_a_server_is_its_host_and_port_and_all_of_aws_is_one(self, one, two, near):
        stores = [
            s3_store(Address("s3", "b"), endpoint=endpoint, region="eu-central-1", access_key="AK", secret_key="SK")
            for endpoint in (one, two)
        ]
        assert (stores[0].reach(stores[1]) is not None) is near
        for store in stores:
            store.close()

    def test_the_partitions_of_aws_do_not_reach_each_other(self):
        stores = [
            s3_store(Address("s3", "b"), region=region, access_key="AK", secret_key="SK")
            for region in ("eu-central-1", "us-west-2", "cn-north-1", "us-gov-west-1")
        ]
        assert [stores[0].reach(store) is not None for store in stores] == [True, True, False, False]
        for store in stores:
            store.close()

    def test_without_an_etag_nothing_is_asked_for(self, server, aws, source):
        with pytest.raises(CannotCopy, match="no ETag"):
            aws.copy_from(source, ObjectInfo("a", 5, ""), "b", NEW, Deadline())
        assert server.asked == []


class TestAtOnce:
    def test_one_request_carries_the_pin_and_all_that_replaces_the_sources_metadata(self, server, aws, source):
        server.will(COPIED)
        assert aws.copy_from(source, SEEN, "b", NEW, Deadline(), expect=ABSENT).etag == "new"
        (request,) = server.asked
        told = {name: value for name, value in request.headers.items() if name.startswith("x-amz-")}
        assert (request.method, request.path) == ("PUT", "/target/b")
        assert told["x-amz-copy-source"] == "source/in/a%20%C3%BC%2B"
        assert told["x-amz-copy-source-if-match"] == '"etag"'
        assert (told["x-amz-metadata-directive"], told["x-amz-tagging-directive"]) == ("REPLACE", "REPLACE")
        assert (told["x-amz-meta-by"], told["x-amz-tagging"]) == ("copy", "k=v")
        assert (told["x-amz-storage-class"], told["x-amz-acl"]) == ("ONEZONE_IA", "bucket-owner-full-control")
        assert told["x-amz-server-side-encryption"] == "aws:kms"
        assert told["x-amz-server-side-encryption-aws-kms-key-id"] == "key-id"
        assert (request.headers["content-type"], request.headers["expires"]) == ("text/plain", "0")
        assert request.headers["if-none-match"] == "*"

    def test_200_with_an_error_inside_is_of_unknown_outcome_and_not_sent_again(self, server, aws, source):
        server.will(FAILED)
        with pytest.raises(OutcomeUnknown, match="InternalError"):
            aws.copy_from(source, SEEN, "b", NEW, Deadline())
        assert asked(server) == ["PUT"]

    def test_200_without_an_etag_is_no_success(self, server, aws, source):
        server.will(Answer(body=b"<CopyObjectResult></CopyObjectResult>"))
        with pytest.raises(OutcomeUnknown, match="without an ETag"):
            aws.copy_from(source, SEEN, "b", NEW, Deadline())

    def test_a_lost_answer_is_of_unknown_outcome_and_not_sent_again(self, server, aws, source):
        server.will(Answer(cut=-1))
        with pytest.raises(OutcomeUnknown, match="s3://target/b"):
            aws.copy_from(source, SEEN, "b", NEW, Deadline())

    @pytest.mark.parametrize("no", [said(412, "PreconditionFailed"), said(404, "NoSuchKey")], ids=["412", "404"])
    @pytest.mark.parametrize(
        ("now", "error"),
        [
            ([present()], TargetChanged),
            ([present(ETag='"other"')], SourceChanged),
            ([present(6)], SourceChanged),
            ([present(**{"Last-Modified": "Sat, 21 Nov 2026 09:15:01 GMT"})], SourceChanged),
            ([Answer(404), said(404, "NoSuchKey")], ObjectGone),
        ],
        ids=["target", "etag", "size", "time", "gone"],
    )
    def test_whether_source_or_target_changed_the_source_tells(self, server, aws, source, no, now, error):
        server.will(no, *now)
        with pytest.raises(error) as raised:
            aws.copy_from(source, SEEN, "b", NEW, Deadline(), expect=ObjectInfo("b", 1, "old"))
        assert raised.value.retryable

    @pytest.mark.parametrize(
        "no",
        [
            said(412, "PreconditionFailed"),
            said(403, "AccessDenied"),
            said(403, "InvalidObjectState"),
            said(400, "InvalidRequest"),
            said(501, "NotImplemented"),
        ],
        ids=["412", "403", "archived", "400", "501"],
    )
    def test_a_server_that_will_not_though_the_source_is_as_it_was_cannot(self, server, aws, source, no):
        server.will(no, present())
        with pytest.raises(CannotCopy, match=r"s3://target/b.*s3://source/in/a"):
            aws.copy_from(source, SEEN, "b", NEW, Deadline())

    def test_a_missing_bucket_is_no_matter_of_copying(self, server, aws, source):
        server.will(said(404, "NoSuchBucket"))
        with pytest.raises(StoreRefused, match="create the bucket") as raised:
            aws.copy_from(source, SEEN, "b", NEW, Deadline())
        assert not isinstance(raised.value, CannotCopy)


class TestInParts:
    def will(self, server: Scripted, *rest: Answer) -> None:
        server.will(BEGUN, part(), part(), part(), held(128 * MiB, 128 * MiB, 44 * MiB), *rest)

    @pytest.mark.parametrize("target", ["aws", "other"])
    def test_each_part_is_pinned_and_the_source_is_looked_at_before_the_commit(self, server, source, target, request):
        store = request.getfixturevalue(target)
        self.will(server, present(300 * MiB), DONE)
        assert store.copy_from(source, LARGE, "b", NEW, Deadline()).etag == "new-3"
        parts = ["PUT partNumber uploadId"] * 3
        assert asked(server) == ["POST uploads", *parts, "GET uploadId", "HEAD", "POST uploadId"]
        assert [one.headers["x-amz-copy-source-range"] for one in server.asked[1:4]] == [
            "bytes=0-134217727",
            "bytes=134217728-268435455",
            "bytes=268435456-314572799",
        ]
        assert {one.headers["x-amz-copy-source-if-match"] for one in server.asked[1:4]} == {'"etag"'}
        begun = server.asked[0].headers
        assert (begun["x-amz-meta-by"], begun["x-amz-tagging"], begun["x-amz-storage-class"], begun["expires"]) == (
            "copy",
            "k=v",
            "ONEZONE_IA",
            "0",
        )
        assert server.asked[5].path.startswith("/source/")

    def test_a_small_object_is_one_part_without_a_range(self, server, other, source):
        server.will(BEGUN, part(), held(5), present(), DONE)
        other.copy_from(source, SEEN, "b", NEW, Deadline())
        assert "x-amz-copy-source-range" not in server.asked[1].headers

    @pytest.mark.parametrize(
        ("script", "error"),
        [
            ([BEGUN, FAILED, FAILED, FAILED], StoreUnavailable),
            ([BEGUN, part("")], CannotCopy),
            ([BEGUN, Answer(200, {"ETag": '"d41d8cd98f00b204e9800998ecf8427e"'})], CannotCopy),
            ([BEGUN, part(), held(4)], CannotCopy),
            ([BEGUN, part(), held()], CannotCopy),
            ([BEGUN, part(), held(5), present(ETag='"other"')], SourceChanged),
            ([BEGUN, part(), held(5), Answer(404), said(404, "NoSuchKey")], ObjectGone),
            ([BEGUN, part(), held(5), present(), FAILED], OutcomeUnknown),
            ([BEGUN, said(412, "PreconditionFailed"), present(ETag='"other"')], SourceChanged),
            ([BEGUN, said(412, "PreconditionFailed"), present()], CannotCopy),
            ([BEGUN, said(403, "AccessDenied"), present()], CannotCopy),
        ],
        ids=["200", "no etag", "empty", "short", "none", "changed", "gone", "commit", "412", "412 for nothing", "403"],
    )
    def test_whatever_goes_wrong_nothing_is_published_and_the_upload_is_thrown_away(
        self, server, other, source, script, error, monkeypatch
    ):
        monkeypatch.setattr("time.sleep", lambda _: None)  # the pauses between attempts
        server.will(*script, ABANDONED)
        with pytest.raises(error, match=r"s3://(target/b|source/in/a)"):
            other.copy_from(source, SEEN, "b", NEW, Deadline())
        assert asked(server)[-1] == "DELETE uploadId"

    def test_what_went_wrong_first_is_what_is_said(self, server, other, source):
        server.will(BEGUN, part(""), said(403, "AccessDenied"))
        with pytest.raises(CannotCopy, match="without an ETag"):
            other.copy_from(source, SEEN, "b", NEW, Deadline())

    def test_time_that_runs_out_between_parts_ends_it(self, server, other, source):
        clock = iter([0, 0, 0, 0, 100])
        server.will(BEGUN, part(), part(), ABANDONED)
        with pytest.raises(OutOfTime):
            other.copy_from(source, LARGE, "b", NEW, Deadline(50, now=lambda: next(clock)))
        assert asked(server) == ["POST uploads", *["PUT partNumber uploadId"] * 2, "DELETE uploadId"]

    @given(st.integers(0, 50 * 10**12))
    def test_the_parts_are_the_object_and_never_too_many_nor_too_large(self, size):
        spans = list(_spans(size, 10_000))
        assert len(spans) <= 10_000
        assert max(length for _, length in spans) <= 5 * GiB
        assert spans[0][0] == 0
        assert all(start + length == following for (start, length), (following, _) in pairwise(spans))
        assert sum(spans[-1]) == size
        assert all(length >= 5 * MiB for _, length in spans[:-1])


class TestTags:
    TAGS = Answer(body=b"<Tagging><TagSet><Tag><Key>a b</Key><Value>1</Value></Tag></TagSet></Tagging>")

    @pytest.mark.parametrize("version", ["", "v1"])
    def test_they_are_those_of_the_version_where_there_are_versions(self, server, source, version):
        server.will(self.TAGS)
        assert source.tags(ObjectInfo("a", 5, "etag", TIME, version)) == {"a b": "1"}
        query = parse_qs(urlsplit(server.asked[0].path).query, keep_blank_values=True)
        assert query == {"tagging": [""]} | ({"versionId": ["v1"]} if version else {})

    def test_a_permission_that_is_missing_is_named(self, server, source):
        server.will(said(403, "AccessDenied"))
        with pytest.raises(StoreRefused, match=r"s3://source/a.*s3:GetObjectTagging"):
            source.tags(ObjectInfo("a", 5, "etag"))

    @pytest.mark.parametrize("code", ["NoSuchKey", "NoSuchVersion"])
    def test_those_of_a_version_that_is_gone_are_not_none(self, server, source, code):
        server.will(said(404, code))
        with pytest.raises(ObjectGone):
            source.tags(SEEN)

    @pytest.mark.parametrize(("tag", "fits"), [("a b+-=.:/@_ü1", True), ("", True), ("a!", False), ("a\nb", False)])
    def test_what_a_tag_may_say_is_declared(self, other, tag, fits):
        assert bool(re.fullmatch(other.abilities.tag_text, tag)) is fits
