"""The emulator of OBS, asked by Huawei's own SDK."""

import base64
import hashlib
import http.client
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import urllib.request
from email.utils import formatdate
from pathlib import Path

import pytest
from obs import (
    CompleteMultipartUploadRequest,
    CompletePart,
    CopyObjectHeader,
    DeleteObjectsRequest,
    GetObjectHeader,
    ListMultipartUploadsRequest,
    Object,
    PutObjectHeader,
    SetObjectMetadataHeader,
)

from bucketrelay_emulators.engine.faults import ALWAYS, Fault
from bucketrelay_emulators.obs.emulator import ObsEmulator
from bucketrelay_emulators.obs.signature import sign
from bucketrelay_emulators.server.messages import Incoming

ODD = ["a b", "a+b", "a%2Fb", "?q=1", "a//b", "/a", "a/", "日本/🪣", "e\u0301", "'\"<&>", "a\\b", "~*()!", "\x01"]
SAMPLES = Path(__file__).parents[1] / "payloads" / "events"


@pytest.fixture
def cloud():
    with ObsEmulator() as running:
        running.create_bucket("b")
        yield running


@pytest.fixture(params=["AWS", "OBS"])
def client(cloud, request):
    """The real SDK, in both of its ways to sign."""
    made = cloud.client(client_mode="workflow" if request.param == "OBS" else "obs")
    assert made.ha.auth_prefix() == request.param
    return made


@pytest.fixture
def localhost_names(monkeypatch):
    """`bucket.localhost` is this machine: RFC 6761 says so, but not every resolver knows."""
    ask = socket.getaddrinfo

    def resolve(host, *rest, **named):
        return ask(
            "127.0.0.1" if (host.decode() if isinstance(host, bytes) else str(host)).endswith("localhost") else host,
            *rest,
            **named,
        )

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def body_of(result):
    try:
        return result.body.response.read()
    finally:
        result.body.response.close()


class TestObjects:
    @pytest.mark.parametrize("key", ODD, ids=ascii)
    def test_an_odd_key_is_written_read_listed_and_deleted(self, cloud, client, key):
        assert client.putContent("b", key, "body").status == 200
        assert cloud.engine.bucket("b").get(key).body == b"body"
        assert body_of(client.getObject("b", key)) == b"body"
        assert [c.key for c in client.listObjects("b", encoding_type="url").body.contents] == [key]
        assert client.deleteObject("b", key).status == 204
        assert client.getObject("b", key).errorCode == "NoSuchKey"

    def test_content_headers_and_metadata_come_back(self, cloud, client):
        headers = {
            "Cache-Control": "no-cache",
            "Content-Disposition": "inline",
            "Expires": "Thu, 01 Jan 2026 00:00:00 GMT",
        }
        client.putContent("b", "k", "x", {"Name": "é%"}, PutObjectHeader(contentType="a/b"), extensionHeaders=headers)
        assert cloud.engine.bucket("b").get("k").user == {"name": "%C3%A9%25"}  # what clients other than the SDK see
        told = dict(client.getObjectMetadata("b", "k").header)
        assert told["name"] == "é%"
        assert {name: told[name.lower()] for name in headers} == headers
        assert (told["content-type"], told["content-length"]) == ("a/b", "1")
        assert told["etag"] == f'"{hashlib.md5(b"x").hexdigest()}"'

    def test_an_object_without_a_type_gets_the_default_one(self, client):
        client.putContent("b", "k", "x")
        assert client.getObjectMetadata("b", "k").body.contentType == "binary/octet-stream"

    @pytest.mark.parametrize(
        ("span", "status", "content"),
        [
            ("0-3", 206, b"0123"),
            ("8-99", 206, b"89"),
            ("4-", 206, b"456789"),
            ("-3", 206, b"789"),
            ("x-y", 200, b"0123456789"),
        ],
    )
    def test_ranges(self, client, span, status, content):
        client.putContent("b", "k", "0123456789")
        result = client.getObject("b", "k", headers=GetObjectHeader(range=span))
        assert (result.status, body_of(result)) == (status, content)

    def test_a_range_behind_the_end_and_any_range_of_an_empty_object_are_refused(self, client):
        client.putContent("b", "k", "0123456789")
        client.putContent("b", "empty", "")
        for key, span in (("k", "10-"), ("empty", "0-0")):
            result = client.getObject("b", key, headers=GetObjectHeader(range=span))
            assert (result.status, result.errorCode) == (416, "InvalidRange")

    def test_conditions_hold_on_reading_and_are_ignored_on_writing(self, cloud, client):
        etag = client.putContent("b", "k", "1").body.etag.strip('"')
        assert client.getObject("b", "k", headers=GetObjectHeader(if_match="other")).errorCode == "PreconditionFailed"
        assert client.getObject("b", "k", headers=GetObjectHeader(if_none_match=etag)).status == 304
        assert body_of(client.getObject("b", "k", headers=GetObjectHeader(if_match=etag))) == b"1"
        assert client.putContent("b", "k", "2", extensionHeaders={"If-None-Match": "*"}).status == 200
        assert cloud.engine.bucket("b").get("k").body == b"2"

    def test_a_wrong_digest_is_refused(self, cloud, client):
        right, wrong = (base64.b64encode(hashlib.md5(text).digest()).decode() for text in (b"body", b"other"))
        assert client.putContent("b", "k", "body", headers=PutObjectHeader(md5=wrong)).errorCode == "BadDigest"
        assert client.putContent("b", "k", "body", headers=PutObjectHeader(md5="no")).errorCode == "InvalidDigest"
        assert len(cloud.engine.bucket("b")) == 0
        assert client.putContent("b", "k", "body", headers=PutObjectHeader(md5=right)).status == 200

    def test_limits_of_keys_and_metadata(self, client):
        assert client.putContent("b", "ü" * 512, "").status == 200
        assert client.putContent("b", "ü" * 513, "").errorCode == "KeyTooLong"
        assert client.putContent("b", "k", "", {"a": "x" * 8192}).errorCode == "MetadataTooLarge"

    def test_an_archived_object_is_described_but_not_read(self, client):
        client.putContent("b", "k", "x", headers=PutObjectHeader(storageClass="COLD"))
        assert client.getObjectMetadata("b", "k").body.storageClass == ("COLD" if client.ha.is_obs else "GLACIER")
        assert client.getObject("b", "k").errorCode == "InvalidObjectState"

    def test_copying_keeps_or_replaces_metadata(self, cloud, client):
        client.putContent("b", "a b", "x", {"m": "1"}, PutObjectHeader(contentType="a/b"))
        client.copyObject("b", "a b", "b", "kept")
        client.copyObject("b", "a b", "b", "new", {"n": "2"}, CopyObjectHeader(directive="REPLACE", contentType="c/d"))
        kept, new = (cloud.engine.bucket("b").get(key) for key in ("kept", "new"))
        assert (kept.body, kept.user, kept.headers["content-type"]) == (b"x", {"m": "1"}, "a/b")
        assert (new.body, new.user, new.headers["content-type"]) == (b"x", {"n": "2"}, "c/d")
        refused = client.copyObject("b", "a b", "b", "never", headers=CopyObjectHeader(if_match="other"))
        assert refused.errorCode == "PreconditionFailed"
        assert client.copyObject("b", "missing", "b", "never").errorCode == "NoSuchKey"

    @pytest.mark.parametrize(("unset", "kept"), [(False, True), (True, False)])
    def test_metadata_is_replaced_whole_or_where_named(self, cloud, client, unset, kept):
        client.putContent("b", "k", "x", {"m": "1"}, extensionHeaders={"Cache-Control": "no-cache"})
        client.setObjectMetadata("b", "k", {"n": "2"}, SetObjectMetadataHeader(removeUnset=unset, contentType="c/d"))
        obj = cloud.engine.bucket("b").get("k")
        assert (obj.body, obj.user, obj.headers["content-type"]) == (b"x", {"n": "2"}, "c/d")
        assert ("cache-control" in obj.headers) is kept

    def test_tags(self, cloud, client):
        client.putContent("b", "k", "x")
        assert client.setObjectTagging("b", "k", {"a": "1", "b": ""}).status == 200
        assert {tag.key: tag.value for tag in client.getObjectTagging("b", "k").body.tags} == {"a": "1", "b": ""}
        assert client.setObjectTagging("b", "k", {str(n): "" for n in range(11)}).errorCode == "InvalidTag"
        assert client.deleteObjectTagging("b", "k").status == 204
        assert cloud.engine.bucket("b").get("k").tags == {}


class TestBuckets:
    def test_a_bucket_is_made_found_and_removed(self, cloud, client):
        assert client.createBucket("new").status == 200
        assert client.createBucket("new").status == 409
        assert {bucket.name for bucket in client.listBuckets().body.buckets} == {"b", "new"}
        assert client.headBucket("new").status == 200
        assert client.deleteBucket("new").status == 204
        assert client.headBucket("new").status == 404
        client.putContent("b", "k", "")
        assert client.deleteBucket("b").errorCode == "BucketNotEmpty"

    def test_a_head_is_refused_without_a_word_on_why(self, client):
        for result in (client.getObjectMetadata("b", "no"), client.getObjectMetadata("nowhere", "no")):
            assert (result.status, result.errorCode, result.body) == (404, None, None)
        assert client.getObject("nowhere", "no").errorCode == "NoSuchBucket"

    def test_listing_by_pages_is_listing_at_once(self, client):
        keys = sorted(["a", "a b", "b/1", "b/2", "b/ü", "c", "ü", "🪣"], key=str.encode)
        for key in keys:
            client.putContent("b", key, "")
        found, marker = [], None
        while True:
            page = client.listObjects("b", marker=marker, max_keys=3, encoding_type="url").body
            found += [content.key for content in page.contents]
            if not page.is_truncated:
                break
            marker = page.next_marker
        assert found == keys
        assert [c.key for c in client.listObjects("b", prefix="b/", marker="b/1").body.contents] == ["b/2", "b/ü"]

    def test_keys_that_share_a_folder_are_listed_as_that_folder(self, client):
        for key in ("a", "b/1", "b/2", "c/1", "d"):
            client.putContent("b", key, "")
        found, marker = [], None
        while True:
            page = client.listObjects("b", delimiter="/", marker=marker, max_keys=2).body
            found += sorted([c.key for c in page.contents] + [p.prefix for p in page.commonPrefixs])
            if not page.is_truncated:
                break
            marker = page.next_marker
        assert found == ["a", "b/", "c/", "d"]

    @pytest.mark.parametrize("encoding", [None, "url"])
    def test_many_are_deleted_at_once(self, cloud, client, encoding):
        for key in ("a b", "a+b", "keep"):
            client.putContent("b", key, "")
        asked = DeleteObjectsRequest(False, [Object("a b"), Object("a+b"), Object("missing")], encoding_type=encoding)
        result = client.deleteObjects("b", asked)
        assert {deleted.key for deleted in result.body.deleted} == {"a b", "a+b", "missing"}
        assert [obj.key for obj in cloud.engine.bucket("b").list()] == ["keep"]


class TestMultipart:
    def test_parts_become_an_object(self, cloud, client):
        upload = client.initiateMultipartUpload("b", "k/ü", metadata={"m": "1"}, contentType="a/b").body.uploadId
        bodies = [b"x" * 102_400, b"y" * 102_400, b"z"]
        parts = []
        for number, body in enumerate(bodies, 1):
            etag = client.uploadPart("b", "k/ü", number, upload, content=body).body.etag
            parts.append(CompletePart(number, etag))
        listed = client.listParts("b", "k/ü", upload, maxParts=2).body
        assert ([p.size for p in listed.parts], listed.isTruncated) == ([102_400, 102_400], True)
        rest = client.listParts("b", "k/ü", upload, partNumberMarker=listed.nextPartNumberMarker).body
        assert [p.partNumber for p in rest.parts] == [3]
        done = client.completeMultipartUpload("b", "k/ü", upload, CompleteMultipartUploadRequest(parts))
        md5s = b"".join(hashlib.md5(body).digest() for body in bodies)
        assert done.body.etag == f'"{hashlib.md5(md5s).hexdigest()}-3"'
        obj = cloud.engine.bucket("b").get("k/ü")
        assert (obj.body, obj.user, obj.headers["content-type"]) == (b"".join(bodies), {"m": "1"}, "a/b")
        assert client.listParts("b", "k/ü", upload).errorCode == "NoSuchUpload"

    def test_only_the_last_part_may_be_small(self, client):
        upload = client.initiateMultipartUpload("b", "k").body.uploadId
        parts = [CompletePart(n, client.uploadPart("b", "k", n, upload, content=b"x").body.etag) for n in (1, 2)]
        done = client.completeMultipartUpload("b", "k", upload, CompleteMultipartUploadRequest(parts))
        assert done.errorCode == "EntityTooSmall"

    def test_part_numbers_are_1_to_10000(self, client):
        upload = client.initiateMultipartUpload("b", "k").body.uploadId
        assert client.uploadPart("b", "k", 10_000, upload, content=b"x").status == 200
        assert client.uploadPart("b", "k", 10_001, upload, content=b"x").errorCode == "InvalidArgument"

    def test_a_part_is_copied_from_a_range(self, cloud, client):
        client.putContent("b", "source", "0123456789")
        upload = client.initiateMultipartUpload("b", "k").body.uploadId
        etag = client.copyPart("b", "k", 1, upload, "b/source", "2-4").body.etag
        client.completeMultipartUpload("b", "k", upload, CompleteMultipartUploadRequest([CompletePart(1, etag)]))
        assert cloud.engine.bucket("b").get("k").body == b"234"

    def test_uploads_are_listed_by_pages_until_they_are_aborted(self, client):
        made = [(key, client.initiateMultipartUpload("b", key).body.uploadId) for key in ("a", "b", "b", "c d", "e")]
        found, markers = [], (None, None)
        while True:
            asked = ListMultipartUploadsRequest(max_uploads=2, key_marker=markers[0], upload_id_marker=markers[1])
            page = client.listMultipartUploads("b", asked, encoding_type="url").body
            found += [(upload.key, upload.uploadId) for upload in page.upload]
            if not page.isTruncated:
                break
            markers = (page.nextKeyMarker, page.nextUploadIdMarker)
        assert found == made
        for key, upload in made:
            assert client.abortMultipartUpload("b", key, upload).status == 204
        assert client.listMultipartUploads("b").body.upload == []


class TestSignatures:
    @pytest.mark.parametrize("mode", ["obs", "workflow"])
    def test_a_wrong_secret_and_an_unknown_key_are_told_apart(self, cloud, mode):
        wrong = cloud.client(secret_access_key="wrong", client_mode=mode)
        unknown = cloud.client(access_key_id="unknown", client_mode=mode)
        assert wrong.getObject("b", "k").errorCode == "SignatureDoesNotMatch"
        assert unknown.getObject("b", "k").errorCode == "InvalidAccessKeyId"
        assert cloud.client(access_key_id="", secret_access_key="").getObject("b", "k").errorCode == "AccessDenied"

    @pytest.mark.parametrize("mode", ["obs", "workflow"])
    def test_temporary_keys_need_their_token(self, cloud, mode):
        cloud.grant("TEMPORARY", "secret", "token")
        keys = {"access_key_id": "TEMPORARY", "secret_access_key": "secret", "client_mode": mode}
        assert cloud.client(**keys, security_token="token").putContent("b", "k", "").status == 200
        assert cloud.client(**keys, security_token="old").putContent("b", "k", "").errorCode == "InvalidSecurity"
        assert cloud.client(**keys).putContent("b", "k", "").errorCode == "InvalidSecurity"
        cloud.revoke("TEMPORARY")
        late = cloud.client(**keys, security_token="token")
        assert late.putContent("b", "k", "").errorCode == "InvalidAccessKeyId"

    def test_a_header_that_is_changed_on_the_way_is_noticed(self, cloud):
        client = cloud.client()
        sign = client._add_auth_headers

        def tampered(headers, *arguments, **named):
            return {**sign(headers, *arguments, **named), "x-amz-meta-a": "another"}

        client._add_auth_headers = tampered
        assert client.putContent("b", "k", "", {"a": "one"}).errorCode == "SignatureDoesNotMatch"

    def test_the_bucket_may_be_in_the_host_name(self, cloud, localhost_names):
        client = cloud.client(server=f"http://localhost:{cloud.port}", path_style=False)
        assert client.signature == "obs"
        for key in ODD:
            assert client.putContent("b", key, "body", {"m": "é"}).status == 200
            assert body_of(client.getObject("b", key)) == b"body"
        assert client.listObjects("b", encoding_type="url").body.name == "b"
        assert client.listObjects("nowhere").errorCode == "NoSuchBucket"

    def test_a_client_may_ask_first_how_to_sign(self, cloud, localhost_names):
        client = cloud.client(server=f"http://localhost:{cloud.port}", path_style=False, is_signature_negotiation=True)
        assert client.putContent("b", "k", "").status == 200
        assert cloud.requests.operations() == ["GetApiVersion", "PutObject"]


class TestEvents:
    def test_each_change_is_an_event_with_the_key_as_obs_encodes_it(self, cloud, client):
        key = "photos/café menu 1+1.jpg"
        client.putContent("b", key, "12345")
        client.copyObject("b", key, "b", "copy")
        client.deleteObject("b", key)
        client.deleteObject("b", key)
        records = [cloud.events.get(timeout=5)["Records"][0] for _ in range(3)]
        assert cloud.events.empty()
        names = [record["eventName"] for record in records]
        assert names == ["ObjectCreated:Put", "ObjectCreated:Copy", "ObjectRemoved:Delete"]
        obj = records[0]["obs"]["object"]
        assert (obj["key"], obj["size"]) == ("photos%2Fcaf%C3%A9+menu+1%2B1.jpg", 5)
        sequencers = [int(record["obs"]["object"]["sequencer"], 16) for record in records]
        assert sequencers == sorted(set(sequencers))

    def test_parts_upload_events_and_unfinished_uploads_do_not(self, cloud, client):
        upload = client.initiateMultipartUpload("b", "k").body.uploadId
        etag = client.uploadPart("b", "k", 1, upload, content=b"x").body.etag
        assert cloud.events.empty()
        client.completeMultipartUpload("b", "k", upload, CompleteMultipartUploadRequest([CompletePart(1, etag)]))
        assert cloud.events.get(timeout=5)["Records"][0]["eventName"] == "ObjectCreated:CompleteMultipartUpload"

    @pytest.mark.parametrize(
        ("shape", "created", "removed"),
        [
            ("v3", "obs-records-v3.json", "obs-records-v3-removed.json"),
            ("v2", "obs-records-v2.json", ""),
            ("eventgrid", "obs-eventgrid-created.json", "obs-eventgrid-removed.json"),
        ],
    )
    def test_events_have_exactly_the_fields_of_the_captured_ones(self, cloud, shape, created, removed):
        told = []
        stop = cloud.on_event(told.append, shape)
        bucket = cloud.engine.bucket("b")
        bucket.put("k", b"1")
        bucket.delete("k")
        stop()
        bucket.put("k", b"2")
        assert len(told) == 2
        for event, sample in zip(told, (created, removed), strict=True):
            if sample:
                assert _fields(event) == _fields(json.loads((SAMPLES / sample).read_text()))


def _fields(value):
    """The names in an event, without its values; of several records the first."""
    if isinstance(value, dict):
        return {name: _fields(inner) for name, inner in value.items()}
    return [_fields(value[0])] if isinstance(value, list) else type(value).__name__


class TestFaults:
    def test_a_refusal_comes_as_often_as_ordered_and_does_nothing(self, cloud):
        client = cloud.client()
        cloud.faults.order(Fault(operation="PutObject", times=2, skip=1, status=503, code="SlowDown"))
        results = [client.putContent("b", str(n), "").errorCode for n in range(4)]
        assert results == [None, "SlowDown", "SlowDown", None]
        assert [obj.key for obj in cloud.engine.bucket("b").list()] == ["0", "3"]
        assert cloud.faults.pending == 0
        assert [request.status for request in cloud.requests] == [200, 503, 503, 200]

    def test_a_fault_is_for_the_keys_that_its_glob_names(self, cloud):
        client = cloud.client()
        cloud.faults.order(Fault(key="in/*", times=ALWAYS, status=403, code="AccessDenied"))
        assert client.putContent("b", "in/a", "").errorCode == "AccessDenied"
        assert client.putContent("b", "out/a", "").status == 200
        cloud.faults.clear()
        assert client.putContent("b", "in/a", "").status == 200

    @pytest.mark.parametrize(("kind", "left"), [("reset_before", 1), ("reset_after", 0)])
    def test_a_broken_connection_before_or_after_the_deed(self, cloud, kind, left):
        bucket = cloud.engine.bucket("b")
        bucket.put("k", b"")
        cloud.faults.order(Fault(kind=kind))
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            cloud.client().deleteObject("b", "k")
        assert len(bucket) == left
        assert cloud.requests[0].status == 0

    def test_a_cut_body_and_a_damaged_one(self, cloud):
        client = cloud.client()
        client.putContent("b", "k", "0123456789")
        cloud.faults.order(Fault(kind="cut", operation="GetObject", after_bytes=4))
        result = client.getObject("b", "k")
        assert result.body.response.read(10) == b"0123"
        assert result.body.contentLength == 10
        result.body.response.conn.close()
        cloud.faults.order(Fault(kind="corrupt", operation="GetObject", after_bytes=4))
        damaged = body_of(client.getObject("b", "k"))
        assert damaged != b"0123456789"
        assert (damaged[:4], damaged[5:]) == (b"0123", b"56789")

    def test_an_error_in_a_200(self, cloud):
        cloud.faults.order(Fault(kind="error_in_200", code="InternalError"))
        result = cloud.client().copyObject("b", "k", "b", "k2")
        assert (result.status, result.errorCode, result.body) == (200, None, {})  # what the SDK makes of it

    def test_a_delay_holds_one_request_and_not_the_others(self, cloud):
        gate = threading.Event()
        cloud.faults.order(Fault(kind="delay", key="slow", until=gate))
        client = cloud.client()
        slow = threading.Thread(target=client.putContent, args=("b", "slow", ""))
        slow.start()
        assert client.putContent("b", "quick", "").status == 200
        assert [obj.key for obj in cloud.engine.bucket("b").list()] == ["quick"]
        gate.set()
        slow.join()
        assert len(cloud.engine.bucket("b")) == 2

    def test_somebody_else_acts_just_before(self, cloud):
        bucket = cloud.engine.bucket("b")
        bucket.put("k", b"old")
        cloud.faults.order(Fault(kind="act", operation="GetObject", act=lambda: bucket.put("k", b"new")))
        assert body_of(cloud.client().getObject("b", "k")) == b"new"


class TestServing:
    def test_a_connection_is_kept_alive_for_many_requests(self, cloud):
        connection = http.client.HTTPConnection("127.0.0.1", cloud.port)
        try:
            local = set()
            for _ in range(5):
                connection.request("GET", "/b/nothing")
                answer = connection.getresponse()
                answer.read()
                local.add(connection.sock.getsockname())
                assert answer.status == 403
            assert len(local) == 1
        finally:
            connection.close()

    def test_a_body_in_chunks(self, cloud):
        client = cloud.client()
        source = Path(__file__)
        with source.open("rb") as stream:
            client.putContent("b", "k", stream)
        assert cloud.engine.bucket("b").get("k").body == source.read_bytes()
        assert cloud.requests[0].headers["transfer-encoding"] == "chunked"

    def test_the_record_tells_operation_key_and_status_but_no_signature(self, cloud):
        cloud.client().putContent("b", "a b", "body", {"m": "1"})
        (request,) = cloud.requests
        assert (request.method, request.operation, request.bucket, request.key) == ("PUT", "PutObject", "b", "a b")
        assert (request.status, request.received, request.headers["x-amz-meta-m"]) == (200, 4, "1")
        assert "authorization" not in request.headers

    @pytest.mark.parametrize(("path", "status"), [("/b/%FF", 400), ("/b/%EF%BF%BD", 404)])
    def test_a_key_that_is_no_text_is_refused_but_not_the_replacement_character(self, cloud, path, status):
        date = formatdate(usegmt=True)
        asked = Incoming("GET", path, {}, {"authorization": "OBS x:y", "date": date}, b"")
        signature = sign(asked, "", cloud.secret_key)
        connection = http.client.HTTPConnection("127.0.0.1", cloud.port)
        try:
            headers = {"Authorization": f"OBS {cloud.access_key}:{signature}", "Date": date}
            connection.request("GET", path, headers=headers)
            assert connection.getresponse().status == status
        finally:
            connection.close()

    @pytest.mark.parametrize(("host", "good"), [("127.0.0.1", True), ("obs.example", False)])
    def test_https_is_served_with_a_certificate_for_the_host_that_is_asked_for(self, host, good):
        with ObsEmulator(tls=True, host=host) as cloud:
            trusting = ssl.create_default_context(cafile=cloud.ca_file)
            assert cloud.endpoint.startswith("https://127.0.0.1:")
            if good:
                with (
                    pytest.raises(urllib.error.HTTPError) as refused,
                    urllib.request.urlopen(cloud.endpoint, context=trusting),
                ):
                    pass
                refused.value.close()
                assert refused.value.code == 403
            else:
                with pytest.raises(urllib.error.URLError, match=r"certificate is not valid for '127\.0\.0\.1'"):
                    urllib.request.urlopen(cloud.endpoint, context=trusting)

    def test_the_command_line_serves_until_it_is_told_to_stop(self):
        command = [sys.executable, "-m", "bucketrelay_emulators", "obs", "--bucket", "b", "--bucket", "c"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                lines = [process.stdout.readline() for _ in range(6)]
                port = int(lines[1].rpartition(":")[2])
                with ObsEmulator() as stranger:
                    client = stranger.client(server=f"http://127.0.0.1:{port}")
                    assert {bucket.name for bucket in client.listBuckets().body.buckets} == {"b", "c"}
            finally:
                process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0
        assert "local only" in lines[0]

    def test_importing_the_package_imports_neither_an_sdk_nor_a_server(self):
        code = (
            "import sys, bucketrelay_emulators; print(sorted({'obs', 'oci', 'ssl', 'http.server'} & set(sys.modules)))"
        )
        assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
