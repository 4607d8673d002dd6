"""The emulator of Oracle Object Storage against Oracle's own SDK."""

import base64
import hashlib
import http.client
import io
import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

import oci
import pytest
from oci.exceptions import ServiceError
from oci.object_storage import models

from bucketrelay_emulators.engine.engine import Engine
from bucketrelay_emulators.engine.faults import Fault
from bucketrelay_emulators.engine.values import random_etag
from bucketrelay_emulators.oci.emulator import OciEmulator
from bucketrelay_emulators.oci.sign import pem, private_key, token

NS, BUCKET = "mytenancy", "photos"
EVENTS = Path(__file__).parents[1] / "payloads" / "events"


@pytest.fixture
def cloud():
    with OciEmulator() as made:
        made.create_bucket(BUCKET)
        yield made


@pytest.fixture
def client(cloud):
    return cloud.client()


def refused(call, *args, **kwargs):
    with pytest.raises(ServiceError) as raised:
        call(*args, **kwargs)
    return raised.value.status, raised.value.code


def names(client, **asked):
    return [entry.name for entry in client.list_objects(NS, BUCKET, **asked).data.objects]


class TestSignatures:
    def test_another_private_key_is_not_authenticated(self, cloud):
        forged = {**cloud.config, "key_content": pem(private_key("somebody else"))}
        del forged["key_file"]
        assert refused(cloud.client(forged).list_objects, NS, BUCKET) == (401, "NotAuthenticated")

    @pytest.mark.parametrize("field", ["user", "tenancy", "fingerprint"])
    def test_an_unknown_key_id_is_not_authenticated(self, cloud, field):
        other = {**cloud.config, field: cloud.config[field].replace("a", "b") + ("" if field == "fingerprint" else "x")}
        if field == "fingerprint":
            other[field] = ":".join(["ab"] * 16)
        assert refused(cloud.client(other).list_objects, NS, BUCKET) == (401, "NotAuthenticated")

    @pytest.mark.parametrize("minutes", [-6, 6])
    def test_a_clock_that_is_more_than_five_minutes_off_is_not_authenticated(self, minutes):
        engine = Engine(lambda: datetime.now(timezone.utc) + timedelta(minutes=minutes), random_etag)
        with OciEmulator(engine=engine) as cloud:
            assert refused(cloud.client().get_namespace) == (401, "NotAuthenticated")

    def test_a_request_without_a_signature_is_not_authenticated(self, cloud):
        status, _, body = raw(cloud, "GET", f"/n/{NS}/b/{BUCKET}/o/a")
        assert (status, json.loads(body)["code"]) == (401, "NotAuthenticated")

    def test_a_signature_holds_for_one_target_and_one_body(self, cloud, client):
        client.put_object(NS, BUCKET, "a", b"1")
        signed = dict(cloud.requests[-1].headers)
        signer = client.base_client.signer
        headers = signer._basic_signer.sign(
            {"date": signed["date"]}, host=signed["host"], method="GET", path=f"/n/{NS}/b/{BUCKET}/o/a"
        )
        assert raw(cloud, "GET", f"/n/{NS}/b/{BUCKET}/o/a", headers)[0] == 200
        assert raw(cloud, "GET", f"/n/{NS}/b/{BUCKET}/o/b", headers)[0] == 401
        assert raw(cloud, "DELETE", f"/n/{NS}/b/{BUCKET}/o/a", headers)[0] == 401

    def test_a_body_other_than_the_signed_one_is_not_authenticated(self, cloud, client):
        body, other = b'{"name": "good", "compartmentId": "c"}', b'{"name": "evil", "compartmentId": "c"}'
        signed = {
            "date": "",
            "content-type": "application/json",
            "content-length": str(len(body)),
            "x-content-sha256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
        }
        signed["date"] = datetime.now(timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
        host = cloud.endpoint.removeprefix("http://")
        headers = client.base_client.signer._body_signer.sign(signed, host=host, method="POST", path=f"/n/{NS}/b")
        assert raw(cloud, "POST", f"/n/{NS}/b", headers, other)[0] == 401
        assert raw(cloud, "POST", f"/n/{NS}/b", headers, body)[0] == 200

    def test_a_resource_principal_is_believed_until_its_token_expires(self, cloud, monkeypatch):
        for ttl, expected in ((3600, NS), (-10, (401, "NotAuthenticated"))):
            for name, value in cloud.resource_principal(ttl).items():
                monkeypatch.setenv(name, value)
            made = cloud.client({}, signer=oci.auth.signers.get_resource_principals_signer())
            assert (made.get_namespace().data if ttl > 0 else refused(made.get_namespace)) == expected

    def test_a_token_of_another_issuer_is_not_authenticated(self, cloud, monkeypatch):
        environment = cloud.resource_principal()
        rpst = Path(environment["OCI_RESOURCE_PRINCIPAL_RPST"])
        other = token(private_key("somebody else"), private_key("session").public_key(), {"exp": 1 << 40, "iat": 0})
        rpst.write_text(other)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        made = cloud.client({}, signer=oci.auth.signers.get_resource_principals_signer())
        assert refused(made.get_namespace) == (401, "NotAuthenticated")

    def test_the_configuration_file_is_one_of_the_sdk(self, cloud):
        assert cloud.client(oci.config.from_file(cloud.config_file)).get_namespace().data == NS


class TestBuckets:
    def test_a_bucket_is_created_shown_and_deleted_when_it_is_empty(self, client):
        details = models.CreateBucketDetails(name="new", compartment_id="ocid1.compartment.oc1..x")
        made = client.create_bucket(NS, details).data
        assert (made.name, made.namespace, made.object_events_enabled) == ("new", NS, False)
        assert refused(client.create_bucket, NS, details) == (409, "BucketAlreadyExists")
        assert client.head_bucket(NS, "new").headers["etag"] == client.get_bucket(NS, "new").data.etag
        client.put_object(NS, "new", "a", b"")
        assert refused(client.delete_bucket, NS, "new") == (409, "BucketNotEmpty")
        client.delete_object(NS, "new", "a")
        client.delete_bucket(NS, "new")
        assert [bucket.name for bucket in client.list_buckets(NS, "c").data] == [BUCKET]

    def test_a_missing_bucket_and_one_that_is_not_allowed_look_the_same(self, cloud, client):
        client.put_object(NS, BUCKET, "a", b"1")
        cloud.denied.add(BUCKET)
        for bucket in (BUCKET, "missing"):
            assert refused(client.get_object, NS, bucket, "a") == (404, "BucketNotFound")
            assert refused(client.head_object, NS, bucket, "a") == (404, None)

    def test_what_is_no_operation_is_404(self, cloud):
        signed = cloud.client().base_client
        assert refused(signed.call_api, "/nothing", "GET") == (404, "NotAuthorizedOrNotFound")


class TestObjects:
    @pytest.mark.parametrize("name", ["a b+%20é.txt", "a//b/../c", "?a=b&c#d", "日本語/🪣", "x" * 1024, "a%2Fb", "+"])
    def test_a_name_is_kept_to_the_letter(self, client, name):
        client.put_object(NS, BUCKET, name, b"1")
        assert client.get_object(NS, BUCKET, name).data.content == b"1"
        assert names(client, prefix=name) == [name]
        client.delete_object(NS, BUCKET, name)
        assert names(client) == []

    @pytest.mark.parametrize("name", ["a\nb", "a\rb", "a\0b", "x" * 1025])
    def test_a_name_with_a_line_break_or_too_long_is_refused(self, client, name):
        assert refused(client.put_object, NS, BUCKET, name, b"") == (400, "InvalidObjectName")

    def test_content_headers_and_metadata_come_back(self, client):
        given = {
            "content_type": "text/plain",
            "content_language": "de",
            "content_encoding": "x-none",
            "content_disposition": "inline",
            "cache_control": "no-cache",
        }
        client.put_object(NS, BUCKET, "a", b"1", opc_meta={"Colour": "rot"}, storage_tier="InfrequentAccess", **given)
        headers = client.head_object(NS, BUCKET, "a").headers
        assert {name: headers[name.replace("_", "-")] for name in given} == given
        assert (headers["opc-meta-colour"], headers["storage-tier"]) == ("rot", "InfrequentAccess")
        assert client.get_object(NS, BUCKET, "a", http_response_content_type="x/y").headers["content-type"] == "x/y"

    def test_each_write_has_a_new_etag_which_says_nothing_of_the_content(self, client):
        etags = {client.put_object(NS, BUCKET, name, b"same").headers["etag"] for name in "aab"}
        assert len(etags) == 3
        assert all(len(etag) == 36 for etag in etags)

    @pytest.mark.parametrize(
        ("asked", "expected", "said"),
        [
            ("bytes=0-0", b"0", "bytes 0-0/10"),
            ("bytes=7-99", b"789", "bytes 7-9/10"),
            ("bytes=8-", b"89", "bytes 8-9/10"),
            ("bytes=-3", b"789", "bytes 7-9/10"),
        ],
    )
    def test_a_range_is_206(self, client, asked, expected, said):
        client.put_object(NS, BUCKET, "a", b"0123456789")
        answer = client.get_object(NS, BUCKET, "a", range=asked)
        assert (answer.status, answer.data.content, answer.headers["content-range"]) == (206, expected, said)

    def test_a_range_past_the_end_is_416(self, client):
        client.put_object(NS, BUCKET, "a", b"")
        assert refused(client.get_object, NS, BUCKET, "a", range="bytes=0-0") == (416, "InvalidRange")

    def test_conditions_of_a_write_are_kept(self, client):
        first = client.put_object(NS, BUCKET, "a", b"1", if_none_match="*").headers["etag"]
        assert refused(client.put_object, NS, BUCKET, "a", b"2", if_none_match="*") == (412, "IfNoneMatchFailed")
        client.put_object(NS, BUCKET, "a", b"2", if_match=first)
        assert refused(client.put_object, NS, BUCKET, "a", b"3", if_match=first) == (412, "IfMatchFailed")
        assert refused(client.delete_object, NS, BUCKET, "a", if_match=first) == (412, "IfMatchFailed")
        assert refused(client.put_object, NS, BUCKET, "a", b"3", if_none_match="x") == (400, "InvalidParameter")
        assert client.get_object(NS, BUCKET, "a").data.content == b"2"

    def test_of_many_that_create_at_once_one_succeeds(self, cloud):
        clients = [cloud.client() for _ in range(8)]

        def create(number):
            try:
                return clients[number].put_object(NS, BUCKET, "a", b"%d" % number, if_none_match="*").status
            except ServiceError as error:
                return error.status

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(create, range(8))) == [200] + [412] * 7

    def test_conditions_of_a_read_are_kept(self, client):
        etag = client.put_object(NS, BUCKET, "a", b"1").headers["etag"]
        assert client.get_object(NS, BUCKET, "a", if_match=etag).data.content == b"1"
        assert refused(client.get_object, NS, BUCKET, "a", if_match="other") == (412, "IfMatchFailed")
        assert client.get_object(NS, BUCKET, "a", if_none_match="other").status == 200
        assert refused(client.get_object, NS, BUCKET, "a", if_none_match=etag) == (304, None)
        assert refused(client.head_object, NS, BUCKET, "a", if_none_match=etag) == (304, None)

    def test_a_body_that_is_not_what_its_md5_says_is_not_stored(self, client):
        wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
        answer = refused(client.put_object, NS, BUCKET, "a", b"1", content_md5=wrong)
        assert answer == (400, "UnmatchedContentMD5")
        assert names(client) == []

    def test_the_md5_is_told_on_put_and_get(self, client):
        md5 = base64.b64encode(hashlib.md5(b"1").digest()).decode()
        assert client.put_object(NS, BUCKET, "a", b"1").headers["opc-content-md5"] == md5
        assert client.get_object(NS, BUCKET, "a").headers["content-md5"] == md5

    def test_a_missing_object_has_a_code_in_get_and_none_in_head(self, client):
        assert refused(client.get_object, NS, BUCKET, "a") == (404, "ObjectNotFound")
        assert refused(client.delete_object, NS, BUCKET, "a") == (404, "ObjectNotFound")
        assert refused(client.head_object, NS, BUCKET, "a") == (404, None)

    def test_more_metadata_than_4000_bytes_are_refused(self, client):
        answer = refused(client.put_object, NS, BUCKET, "a", b"", opc_meta={"a": "x" * 4000})
        assert answer == (400, "InvalidMetadata")

    def test_an_archived_object_cannot_be_read(self, client):
        client.put_object(NS, BUCKET, "a", b"1", storage_tier="Archive")
        assert client.head_object(NS, BUCKET, "a").headers["archival-state"] == "Archived"
        assert refused(client.get_object, NS, BUCKET, "a") == (409, "NotRestored")


class TestListings:
    @pytest.fixture(autouse=True)
    def _objects(self, client):
        for name in ("a", "b/1", "b/2", "b/c/3", "d", "ü"):
            client.put_object(NS, BUCKET, name, name.encode())

    def test_names_alone_come_without_fields(self, client):
        entry = client.list_objects(NS, BUCKET).data.objects[0]
        assert (entry.name, entry.size, entry.etag, entry.md5, entry.time_modified) == ("a", None, None, None, None)

    def test_fields_are_what_was_asked_for(self, client):
        entry = client.list_objects(NS, BUCKET, fields="name,SIZE,etag,timeModified,md5", limit=1).data.objects[0]
        assert (entry.size, entry.etag) == (1, client.head_object(NS, BUCKET, "a").headers["etag"])
        assert entry.time_modified.tzinfo is not None
        assert entry.storage_tier is None
        assert refused(client.list_objects, NS, BUCKET, fields="colour") == (400, "InvalidParameter")

    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            ({"prefix": "b/"}, ["b/1", "b/2", "b/c/3"]),
            ({"start": "b/2"}, ["b/2", "b/c/3", "d", "ü"]),
            ({"start_after": "b/2"}, ["b/c/3", "d", "ü"]),
            ({"end": "b/2"}, ["a", "b/1"]),
            ({"prefix": "b/", "start": "b/2", "end": "b/3"}, ["b/2"]),
            ({"start_after": "d"}, ["ü"]),
        ],
    )
    def test_a_listing_is_cut_as_asked(self, client, asked, expected):
        assert names(client, **asked) == expected

    def test_pages_follow_each_other_to_the_end(self, client):
        first = client.list_objects(NS, BUCKET, limit=4).data
        assert (len(first.objects), first.next_start_with) == (4, "d")
        every = oci.pagination.list_call_get_all_results(client.list_objects, NS, BUCKET, limit=2)
        assert [entry.name for entry in every.data.objects] == ["a", "b/1", "b/2", "b/c/3", "d", "ü"]

    def test_a_delimiter_folds_what_is_below_it(self, client):
        page = client.list_objects(NS, BUCKET, delimiter="/").data
        assert ([entry.name for entry in page.objects], page.prefixes) == (["a", "d", "ü"], ["b/"])
        assert client.list_objects(NS, BUCKET, prefix="b/", delimiter="/").data.prefixes == ["b/c/"]
        assert refused(client.list_objects, NS, BUCKET, delimiter="|") == (400, "InvalidParameter")

    @pytest.mark.parametrize("limit", [0, 1001])
    def test_a_limit_out_of_range_is_refused(self, client, limit):
        assert refused(client.list_objects, NS, BUCKET, limit=limit) == (400, "InvalidParameter")


def begun(client, name="big", **details):
    made = models.CreateMultipartUploadDetails(object=name, **details)
    return client.create_multipart_upload(NS, BUCKET, made).data.upload_id


def committed(client, upload, *parts, name="big", **conditions):
    chosen = [models.CommitMultipartUploadPartDetails(part_num=n, etag=etag) for n, etag in parts]
    details = models.CommitMultipartUploadDetails(parts_to_commit=chosen)
    return client.commit_multipart_upload(NS, BUCKET, name, upload, details, **conditions)


def part(client, upload, number, body, name="big"):
    return number, client.upload_part(NS, BUCKET, name, upload, number, body).headers["etag"]


class TestUploads:
    def test_parts_become_one_object(self, client):
        upload = begun(client, content_type="text/plain", metadata={"opc-meta-a": "b", "c": "dropped"})
        second, first = part(client, upload, 2, b"22"), part(client, upload, 1, io.BytesIO(b"1"))
        assert names(client) == []
        answer = committed(client, upload, second, first)
        digests = hashlib.md5(b"1").digest() + hashlib.md5(b"22").digest()
        expected = base64.b64encode(hashlib.md5(digests).digest()).decode() + "-2"
        assert answer.headers["opc-multipart-md5"] == expected
        got = client.get_object(NS, BUCKET, "big")
        assert (got.data.content, got.headers["etag"]) == (b"122", answer.headers["etag"])
        assert got.headers["opc-multipart-md5"] == expected
        assert "content-md5" not in got.headers
        assert {name for name in got.headers if name.startswith("opc-meta-")} == {"opc-meta-a"}
        assert got.headers["content-type"] == "text/plain"

    def test_parts_are_listed_in_pages(self, client):
        upload = begun(client)
        held = [part(client, upload, number, b"x" * number) for number in (3, 1, 2)]
        page = client.list_multipart_upload_parts(NS, BUCKET, "big", upload, limit=2)
        assert [entry.part_number for entry in page.data] == [1, 2]
        rest = client.list_multipart_upload_parts(NS, BUCKET, "big", upload, page=page.headers["opc-next-page"])
        assert [(e.part_number, e.etag, e.size) for e in rest.data] == [(*held[0], 3)]
        assert "opc-next-page" not in rest.headers

    def test_a_part_that_is_not_held_is_not_committed(self, client):
        upload = begun(client)
        held = part(client, upload, 1, b"1")
        assert refused(committed, client, upload, held, (2, "no")) == (400, "InvalidUploadPart")
        assert refused(committed, client, upload, (1, "no")) == (400, "InvalidUploadPart")
        assert committed(client, upload, held).status == 200

    def test_conditions_of_a_commit_are_kept(self, client):
        etag = client.put_object(NS, BUCKET, "big", b"there").headers["etag"]
        upload = begun(client)
        held = part(client, upload, 1, b"1")
        assert refused(committed, client, upload, held, if_none_match="*") == (412, "IfNoneMatchFailed")
        assert refused(committed, client, upload, held, if_match="other") == (412, "IfMatchFailed")
        assert committed(client, upload, held, if_match=etag).status == 200

    def test_open_uploads_are_listed_until_they_are_aborted(self, client):
        uploads = {begun(client, name) for name in ("b", "a")}
        assert {entry.upload_id for entry in client.list_multipart_uploads(NS, BUCKET).data} == uploads
        for entry in client.list_multipart_uploads(NS, BUCKET).data:
            client.abort_multipart_upload(NS, BUCKET, entry.object, entry.upload_id)
        assert client.list_multipart_uploads(NS, BUCKET).data == []

    def test_an_upload_that_is_not_there_is_404(self, client):
        calls = [
            lambda: client.abort_multipart_upload(NS, BUCKET, "big", "no"),
            lambda: client.list_multipart_upload_parts(NS, BUCKET, "big", "no"),
            lambda: client.upload_part(NS, BUCKET, "big", "no", 1, b""),
            lambda: committed(client, "no", (1, "etag")),
        ]
        assert {refused(call) for call in calls} == {(404, "NoSuchUpload")}

    def test_small_parts_are_refused_where_that_is_asked_for(self):
        with OciEmulator(min_part=10) as cloud:
            cloud.create_bucket(BUCKET)
            client = cloud.client()
            upload = begun(client)
            parts = [part(client, upload, number, b"small") for number in (1, 2)]
            assert refused(committed, client, upload, *parts) == (400, "InvalidUploadPart")

    def test_the_upload_manager_of_the_sdk_works(self, client):
        manager = oci.object_storage.UploadManager(client, allow_parallel_uploads=False)
        manager.upload_stream(NS, BUCKET, "big", io.BytesIO(b"x" * 3_000_000), part_size=1 << 20)
        assert client.head_object(NS, BUCKET, "big").headers["content-length"] == "3000000"


def copy_details(**more):
    plain = {
        "source_object_name": "a",
        "destination_region": "us-ashburn-1",
        "destination_namespace": NS,
        "destination_bucket": "mirror",
        "destination_object_name": "b",
    }
    return models.CopyObjectDetails(**{**plain, **more})


class TestCopies:
    @pytest.fixture(autouse=True)
    def _mirror(self, cloud, client):
        cloud.create_bucket("mirror")
        self.etag = client.put_object(NS, BUCKET, "a", b"1", opc_meta={"a": "1"}, content_type="x/y").headers["etag"]

    def start(self, client, **details):
        return client.copy_object(NS, BUCKET, copy_details(**details)).headers["opc-work-request-id"]

    def ended(self, client, work):
        while (status := client.get_work_request(work).data.status) in ("ACCEPTED", "IN_PROGRESS"):
            pass
        return status, [error.code for error in client.list_work_request_errors(work).data]

    def test_a_copy_is_there_after_so_many_polls_and_not_before(self, cloud, client):
        cloud.copies.polls = 2
        work = self.start(client)
        assert [client.get_work_request(work).data.status for _ in range(2)] == ["IN_PROGRESS"] * 2
        assert refused(client.get_object, NS, "mirror", "b") == (404, "ObjectNotFound")
        done = client.get_work_request(work).data
        assert (done.status, done.percent_complete, done.operation_type) == ("COMPLETED", 100.0, "COPY_OBJECT")
        got = client.get_object(NS, "mirror", "b")
        assert (got.data.content, got.headers["opc-meta-a"], got.headers["content-type"]) == (b"1", "1", "x/y")
        assert got.headers["etag"] != self.etag

    def test_the_waiter_of_the_sdk_sees_the_end(self, cloud, client):
        cloud.copies.polls = 0
        waiter = oci.object_storage.ObjectStorageClientCompositeOperations(client)
        answer = waiter.copy_object_and_wait_for_state(NS, BUCKET, copy_details(), wait_for_states=["COMPLETED"])
        assert answer.data.status == "COMPLETED"

    def test_given_metadata_replace_the_source_s(self, client):
        self.ended(client, self.start(client, destination_object_metadata={"opc-meta-b": "2"}))
        headers = client.head_object(NS, "mirror", "b").headers
        assert {name for name in headers if name.startswith("opc-meta-")} == {"opc-meta-b"}

    def test_a_copy_onto_itself_changes_the_metadata_and_the_etag(self, client):
        own = {"destination_bucket": BUCKET, "destination_object_name": "a"}
        self.ended(client, self.start(client, destination_object_metadata={"opc-meta-b": "2"}, **own))
        headers = client.head_object(NS, BUCKET, "a").headers
        assert (headers["opc-meta-b"], headers["etag"] == self.etag) == ("2", False)

    def test_a_source_that_is_wrong_is_refused_at_once(self, client):
        assert refused(self.start, client, source_object_name="no") == (404, "ObjectNotFound")
        assert refused(self.start, client, source_object_if_match_e_tag="other") == (412, "IfMatchFailed")

    def test_a_source_overwritten_meanwhile_fails_the_copy(self, client):
        work = self.start(client, source_object_if_match_e_tag=self.etag)
        client.put_object(NS, BUCKET, "a", b"2")
        assert self.ended(client, work) == ("FAILED", ["IfMatchFailed"])

    @pytest.mark.parametrize(
        ("asked", "code"),
        [
            ({"destination_object_if_none_match_e_tag": "*"}, "IfNoneMatchFailed"),
            ({"destination_object_if_match_e_tag": "other"}, "IfMatchFailed"),
            ({"destination_bucket": "missing"}, "BucketNotFound"),
        ],
    )
    def test_a_destination_that_is_not_as_asked_fails_the_copy(self, client, asked, code):
        client.put_object(NS, "mirror", "b", b"there")
        assert self.ended(client, self.start(client, **asked)) == ("FAILED", [code])
        assert client.get_object(NS, "mirror", "b").data.content == b"there"

    def test_a_copy_fails_to_order(self, cloud, client):
        cloud.copies.fail_next("Busy")
        assert self.ended(client, self.start(client)) == ("FAILED", ["Busy"])
        assert self.ended(client, self.start(client)) == ("COMPLETED", [])

    def test_another_namespace_is_reached(self, cloud, client):
        cloud.create_bucket("far", "theirs")
        self.start(client, destination_namespace="theirs", destination_bucket="far")
        cloud.copies.finish()
        assert client.get_object("theirs", "far", "b").data.content == b"1"


class TestWire:
    def test_connections_are_kept_alive(self, cloud):
        connection = http.client.HTTPConnection(cloud.endpoint.removeprefix("http://"))
        for _ in range(2):
            connection.request("GET", "/n/")
            answer = connection.getresponse()
            assert (answer.status, answer.isclosed()) == (401, False)
            answer.read()
            kept = connection.sock
        assert kept is not None
        connection.close()

    def test_who_expects_a_continue_gets_it_before_sending_the_body(self, cloud):
        host, port = cloud.endpoint.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as sock, sock.makefile("rb") as answers:
            sock.sendall(b"PUT /n/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
            assert answers.readline() == b"HTTP/1.1 100 Continue\r\n"
            answers.readline()
            sock.sendall(b"x")
            assert answers.readline().startswith(b"HTTP/1.1 401 ")

    def test_faults_are_met_and_requests_recorded_by_operation(self, cloud, client):
        cloud.faults.order(Fault(operation="PutObject", key="in/*", kind="refuse", status=429, code="TooManyRequests"))
        assert refused(client.put_object, NS, BUCKET, "in/a", b"") == (429, "TooManyRequests")
        client.put_object(NS, BUCKET, "in/a", b"12")
        client.get_object(NS, BUCKET, "in/a").data.content  # noqa: B018  reads the answer
        assert cloud.requests.operations() == ["PutObject", "PutObject", "GetObject"]
        assert (cloud.requests[1].received, cloud.requests[2].sent, cloud.faults.pending) == (2, 2, 0)


class TestEvents:
    def test_each_change_is_told_in_the_shape_of_a_capture(self, cloud, client):
        received = cloud.events()
        name = "a b+%20é.txt"
        etags = [client.put_object(NS, BUCKET, name, b"1").headers["etag"] for _ in range(2)]
        client.delete_object(NS, BUCKET, name)
        told = [received.get_nowait() for _ in range(3)]
        assert received.empty()
        kinds = ("createobject", "updateobject", "deleteobject")
        assert [event["eventType"] for event in told] == [f"com.oraclecloud.objectstorage.{kind}" for kind in kinds]
        details = [event["data"]["additionalDetails"] for event in told]
        assert [detail["eTag"] for detail in details] == [*etags, etags[1]]
        assert told[0]["data"]["resourceName"] == name
        assert told[0]["data"]["resourceId"] == f"/n/{NS}/b/{BUCKET}/o/{name}"
        assert len({event["eventID"] for event in told}) == 3
        for kind, event in zip(kinds, told, strict=True):
            captured = json.loads((EVENTS / f"oci-{kind}.json").read_text())
            assert shape(event) == shape(captured)
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["eventTime"])

    def test_commits_and_copies_are_told_too(self, cloud, client):
        received = cloud.events()
        upload = begun(client)
        committed(client, upload, part(client, upload, 1, b"1"))
        cloud.copies.polls = 0
        copied = copy_details(source_object_name="big", destination_bucket=BUCKET)
        client.copy_object(NS, BUCKET, copied)
        assert [received.get_nowait()["data"]["resourceName"] for _ in range(2)] == ["big", "b"]

    def test_a_bucket_tells_nothing_until_events_are_switched_on(self, cloud, client):
        client.create_bucket(NS, models.CreateBucketDetails(name="mute", compartment_id="c"))
        received = cloud.events()
        client.put_object(NS, "mute", "a", b"")
        assert received.empty()
        client.update_bucket(NS, "mute", models.UpdateBucketDetails(object_events_enabled=True))
        client.put_object(NS, "mute", "a", b"")
        assert received.get_nowait()["eventType"].endswith(".updateobject")


def shape(value):
    return {key: shape(inner) for key, inner in value.items()} if isinstance(value, dict) else type(value)


def raw(cloud, method, path, headers=None, body=None):
    connection = http.client.HTTPConnection(cloud.endpoint.removeprefix("http://"))
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    result = answer.status, answer.headers, answer.read()
    connection.close()
    return result
