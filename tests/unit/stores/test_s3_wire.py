"""What S3 is sent in blocks, what is never believed, and what servers lack, found out by asking."""

import os
import zlib
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.abilities import Upload
from bucketrelay.clouds.aws.access import Access
from bucketrelay.clouds.aws.chunks import sign_chunks, with_trailer
from bucketrelay.clouds.aws.credentials import Credentials
from bucketrelay.clouds.aws.sign import Keys, sign
from bucketrelay.clouds.aws.store import S3Store, s3_store
from bucketrelay.core.metadata import fit
from bucketrelay.core.stamp import Stamp
from bucketrelay.errors import Damaged, StoreRefused, StoreUnavailable, TargetChanged
from bucketrelay.http.clock import Clock
from bucketrelay.model import Address, Meta, ObjectInfo
from bucketrelay.store import Stream
from fakes import at_once
from unit.stores.scripted import Answer, Scripted, said

HEADERS = {"ETag": '"etag"', "Last-Modified": "Sat, 21 Nov 2026 09:15:00 GMT"}
NOW = datetime(2026, 11, 21, 9, 15, tzinfo=timezone.utc)
SIZES = st.lists(st.integers(1, 300_000), max_size=6)


@pytest.fixture
def server() -> Iterator[Scripted]:
    server = Scripted()
    yield server
    server.close()
    assert server.answers == [], "the script was not played to its end"


@pytest.fixture
def store(server: Scripted) -> Iterator[S3Store]:
    keys = {"access_key": "AK", "secret_key": "SK", "region": "eu-1"}
    store = s3_store(Address("s3", "bucket"), endpoint=server.url, timeout=5, pace=at_once(), **keys)
    yield store
    store.close()


def blocks(sizes: list[int]) -> tuple[bytes, Stream]:
    body = os.urandom(sum(sizes))

    def pour(write) -> None:
        at = 0
        for size in sizes:
            write(memoryview(body)[at : at + min(size, 262_144)])
            at += min(size, 262_144)
        if at < len(body):
            write(memoryview(body)[at:])

    return body, Stream(len(body), pour)


def poured(stream: Stream) -> bytes:
    held = bytearray()
    stream.pour(held.extend)
    return bytes(held)


def dechunked(wire: bytes) -> tuple[bytes, list[bytes], bytes]:
    """The body, the chunks' extensions, and what stands behind the last."""
    body, extensions = b"", []
    while True:
        line, _, wire = wire.partition(b"\r\n")
        size, _, extension = line.partition(b";")
        extensions.append(extension)
        if not int(size, 16):
            return body, extensions, wire
        body, wire = body + wire[: int(size, 16)], wire[int(size, 16) :]
        assert wire[:2] == b"\r\n"
        wire = wire[2:]


class TestChunks:
    @given(SIZES)
    def test_a_body_over_tls_has_its_checksum_behind_it_and_the_length_that_was_told(self, sizes):
        body, stream = blocks(sizes)
        wire = poured(with_trailer(stream))
        assert len(wire) == with_trailer(stream).length
        told, _, trailer = dechunked(wire)
        assert told == body
        assert trailer == b"x-amz-checksum-crc32:" + b64encode(zlib.crc32(body).to_bytes(4, "big")) + b"\r\n\r\n"

    @given(SIZES)
    def test_a_body_over_plain_http_has_each_chunk_signed(self, sizes):
        body, stream = blocks(sizes)
        request = sign("PUT", "/b/k", {"host": "h"}, "STREAMING", Keys("AK", "SK"), ("r", "s3"), NOW)
        wire = poured(sign_chunks(stream, request))
        assert len(wire) == sign_chunks(stream, request).length
        told, extensions, rest = dechunked(wire)
        assert (told, rest) == (body, b"\r\n")
        assert all(extension.startswith(b"chunk-signature=") for extension in extensions)
        assert len(set(extensions)) == len(extensions)


class TestStreams:
    def test_a_server_gets_the_blocks_signed_and_told_in_length(self, server, store):
        body, stream = blocks([1000, 70_000])
        server.will(Answer(200, HEADERS))
        assert store.put_part(Upload("a", "id"), 1, stream).size == len(body)
        (asked,) = server.asked
        assert asked.headers["x-amz-content-sha256"] == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
        assert asked.headers["x-amz-decoded-content-length"] == str(len(body))
        assert "content-encoding" not in asked.headers
        assert dechunked(asked.body)[0] == body

    @pytest.mark.parametrize("no", [said(501, "NotImplemented"), said(400, "InvalidArgument"), Answer(411)])
    def test_a_server_that_knows_no_chunks_gets_the_body_as_it_is_from_then_on(self, server, store, no):
        body, stream = blocks([1000])
        server.will(no, Answer(200, HEADERS), Answer(200, HEADERS))
        for _ in range(2):
            store.put_part(Upload("a", "id"), 1, stream)
        assert [asked.body for asked in server.asked[1:]] == [body, body]

    def test_a_lost_part_is_poured_again_from_its_first_byte(self, server, store):
        body, stream = blocks([1000])
        server.will(Answer(cut=-1), Answer(200, HEADERS))
        store.put_part(Upload("a", "id"), 1, stream)
        assert dechunked(server.asked[1].body)[0] == body

    def test_a_range_is_handed_on_and_not_held(self, server, store):
        body, got = os.urandom(600_000), bytearray()
        server.will(Answer(206, {**HEADERS, "Content-Range": "bytes 0-599999/600000"}, body))
        sizes = []

        def write(block: memoryview) -> None:
            sizes.append(len(block))
            got.extend(block)

        store.pour(ObjectInfo("a", 600_000, "etag"), 0, 600_000, write)
        assert got == body
        assert max(sizes) <= 256 * 1024

    def test_a_cut_range_is_damaged_and_not_handed_on_twice(self, server, store):
        answer = Answer(206, {**HEADERS, "Content-Range": "bytes 0-599999/600000"}, os.urandom(600_000), cut=300_000)
        answer.headers["Content-Length"] = "600000"
        server.will(answer)
        with pytest.raises(Damaged, match="s3://bucket/a"):
            store.pour(ObjectInfo("a", 600_000, "etag"), 0, 600_000, lambda _: None)
        assert len(server.asked) == 1


def listing(inside: str, name: str = "bucket", end: str = "<IsTruncated>false</IsTruncated>") -> bytes:
    return f"<ListBucketResult><Name>{name}</Name>{inside}{end}</ListBucketResult>".encode()


class TestNoListing:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"<html><body>please log in</body></html>",
            b"<!DOCTYPE html><html></html>",
            b"<ListBucketResult/>",
            listing("", name="another"),
            listing("", end=""),
            listing("", end="<IsTruncated>perhaps</IsTruncated>"),
            listing("<Contents><Key>a</Key></Contents>"),
            listing("<Contents><Key>a</Key><Size>x</Size></Contents>"),
            listing("<Contents><Key>a</Key><Size>1</Size></Contents>")[:-5],
            b'<!DOCTYPE x [<!ENTITY a "b">]>' + listing("<Contents><Key>&a;</Key><Size>1</Size></Contents>"),
            b"<Error><Code>SlowDown</Code></Error>",
        ],
    )
    def test_what_is_not_the_whole_listing_of_this_bucket_is_none(self, server, store, body):
        server.will(*[Answer(200, {"Content-Type": "text/html"}, body)] * 3)
        with pytest.raises(StoreUnavailable, match="s3://bucket"):
            list(store.list())

    def test_an_empty_bucket_says_so(self, server, store):
        server.will(Answer(200, body=listing("")))
        assert list(store.list()) == []

    def test_keys_are_decoded_where_the_page_says_that_they_are_coded(self, server, store):
        entry = (
            "<Contents><Key>a%2Bb+c</Key><Size>1</Size><LastModified>2026-11-21T09:15:00.5Z</LastModified></Contents>"
        )
        server.will(
            Answer(200, body=listing(entry)), Answer(200, body=listing(f"<EncodingType>url</EncodingType>{entry}"))
        )
        assert [info.key for info in store.list()] == ["a%2Bb+c"]
        (info,) = store.list()
        assert (info.key, info.modified) == ("a+b c", datetime(2026, 11, 21, 9, 15, 0, 500_000, tzinfo=timezone.utc))

    def test_a_put_that_is_answered_by_a_page_is_of_unknown_outcome(self, server, store):
        server.will(Answer(200, {"Content-Type": "text/html"}, b"<html>please log in</html>"))
        with pytest.raises(StoreUnavailable, match="without an ETag"):
            store.put("a", b"1", Meta())


class TestReasons:
    @pytest.mark.parametrize(
        ("status", "code", "word"),
        [
            (400, "ExpiredToken", "expired"),
            (403, "InvalidAccessKeyId", "check access_key"),
            (403, "SignatureDoesNotMatch", "check secret_key"),
            (403, "RequestTimeTooSkewed", "clock"),
            (400, "AuthorizationHeaderMalformed", 'region = "eu-west-3"'),
        ],
    )
    def test_a_refused_head_is_asked_once_more_for_its_reason(self, server, store, status, code, word):
        server.will(Answer(status), said(status, code, "<Region>eu-west-3</Region>"))
        with pytest.raises(StoreRefused, match=word):
            store.look("a")
        assert [asked.method for asked in server.asked] == ["HEAD", "GET"]

    @pytest.mark.parametrize(
        ("call", "permission"),
        [
            (lambda s: s.put("a", b"", Meta()), "s3:PutObject"),
            (lambda s: s.delete("a"), "s3:DeleteObject"),
            (lambda s: list(s.list()), "s3:ListBucket"),
            (lambda s: list(s.parts(Upload("a", "id"))), "s3:ListMultipartUploadParts"),
            (lambda s: s.tags(ObjectInfo("a", 1, "e")), "s3:GetObjectTagging"),
        ],
    )
    def test_403_names_the_permission_of_the_call_that_failed(self, server, store, call, permission):
        server.will(said(403, "AccessDenied"))
        with pytest.raises(StoreRefused, match=f"grant {permission}"):
            call(store)

    def test_a_wrong_clock_is_put_right_by_the_servers_own(self, server, store):
        ours = datetime.now(timezone.utc) - timedelta(hours=2)
        store._requests._reach().exchange.clock = Clock(lambda: ours)
        server.will(said(403, "RequestTimeTooSkewed"), Answer(200, HEADERS), Answer(200, HEADERS))
        store.put("a", b"", Meta())
        store.put("a", b"", Meta())
        times = [datetime.strptime(f"{asked.headers['x-amz-date']}+0000", "%Y%m%dT%H%M%SZ%z") for asked in server.asked]
        assert times[0] == ours.replace(microsecond=0)
        assert all(timedelta(hours=1.9) < time - times[0] < timedelta(hours=2.1) for time in times[1:])


class TestWhatServersLack:
    TAGGED = Meta(tags={"a": "b"})

    @pytest.mark.parametrize("no", [said(501, "NotImplemented"), said(400, "InvalidArgument")], ids=["R2", "B2"])
    def test_refused_tags_are_left_out_from_then_on_and_declared(self, server, store, no):
        server.will(no, Answer(200, HEADERS))
        with pytest.raises(TargetChanged, match="perhaps for its tags"):
            store.put("a", b"", self.TAGGED)
        assert store.abilities.tags == 0
        store.put("a", b"", Meta())
        assert store.abilities.tags == 0

    def test_tags_are_not_to_blame_where_the_write_is_refused_without_them_too(self, server, store):
        server.will(said(400, "InvalidArgument"), said(400, "InvalidArgument"), said(400, "InvalidArgument"))
        with pytest.raises(TargetChanged):
            store.put("a", b"", self.TAGGED)
        for meta in (Meta(), self.TAGGED):
            with pytest.raises(StoreRefused):
                store.put("a", b"", meta)
        assert store.abilities.tags == 10

    def test_what_a_transfer_was_encoded_in_is_not_the_objects_encoding(self, server, store):
        server.will(Answer(200, {**HEADERS, "Content-Encoding": "aws-chunked,gzip"}), Answer(200, HEADERS))
        assert store.look("a").meta.content_encoding == "gzip"
        store.put("a", b"", Meta(content_encoding="AWS-Chunked"))
        assert "content-encoding" not in server.asked[1].headers

    def test_requests_are_paid_for_where_the_store_says_so(self, server):
        payer = s3_store(
            Address("s3", "bucket"), endpoint=server.url, access_key="AK", secret_key="SK", request_payer=True
        )
        server.will(Answer(200, HEADERS))
        payer.look("a")
        payer.close()
        assert server.asked[0].headers["x-amz-request-payer"] == "requester"

    def test_metadata_that_the_server_could_not_say_is_not_taken_for_none(self, server, store):
        server.will(Answer(200, {**HEADERS, "x-amz-missing-meta": "2"}), Answer(200, HEADERS))
        withheld = store.look("a").meta
        _, degraded = fit(withheld, store.abilities, Stamp("w" * 12, ("h" * 12,), 3, "v", "e"))
        assert degraded == ("user metadata that the source does not show",)
        assert store.look("a").meta.withheld == ()

    def test_more_than_a_hundred_headers_are_read(self, server, store):
        server.will(Answer(200, {**HEADERS, **{f"x-amz-meta-{number}": "v" for number in range(130)}}))
        assert len(store.look("a").meta.user) == 130


class TestCredentials:
    @pytest.fixture(autouse=True)
    def _alone(self, monkeypatch, tmp_path):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        self.folder = tmp_path

    def test_the_stores_own_go_first_then_the_environments(self, monkeypatch):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ENV")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
        own = Credentials(Access(access_key="OWN", secret_key="s"), "s3://b")
        assert own.current() == Keys("OWN", "s")
        assert own.local
        assert Credentials(Access(), "s3://b").current() == Keys("ENV", "secret", "token")

    def test_a_profile_goes_before_the_environment(self, monkeypatch):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ENV")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        (self.folder / "credentials").write_text("[p]\naws_access_key_id = FILE\naws_secret_access_key = s\n")
        filed = Credentials(Access(profile="p"), "s3://b")
        assert filed.current() == Keys("FILE", "s")
        assert not filed.local  # the SDK's chain may have to ask somebody

    def test_those_that_end_are_renewed(self):
        """By the SDK's chain: here a process that hands out keys for some minutes, and other ones each time."""
        script = self.folder / "keys.sh"
        ends = (datetime.now(timezone.utc) + timedelta(minutes=5)).isoformat()
        count = f"{self.folder}/count"
        script.write_text(
            f"#!/bin/sh\nn=$(cat {count} 2>/dev/null || echo 0); n=$((n+1)); echo $n > {count}\n"
            f'echo "{{\\"Version\\": 1, \\"AccessKeyId\\": \\"KEY$n\\", \\"SecretAccessKey\\": \\"s\\",'
            f' \\"SessionToken\\": \\"t\\", \\"Expiration\\": \\"{ends}\\"}}"\n'
        )
        script.chmod(0o755)
        (self.folder / "config").write_text(f"[profile p]\ncredential_process = {script}\n")
        credentials = Credentials(Access(profile="p"), "s3://b")
        first, second = credentials.current().access_key, credentials.current().access_key
        assert first != second  # five minutes are less than the SDK keeps in hand

    def test_none_at_all_is_refused_with_the_store_and_the_remedy(self):
        with pytest.raises(StoreRefused, match=r"s3://b: .*set access_key"):
            Credentials(Access(), "s3://b").current()
