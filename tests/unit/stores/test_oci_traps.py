"""The traps of the service, one test for each; and those of its SDK, which a road of our own may fall into as well."""

import datetime as dt
import ipaddress
import logging
import ssl
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.abilities import Upload
from bucketrelay.clouds.oracle import service
from bucketrelay.clouds.oracle.fields import decode_word, encode_word, full_key, md5_of
from bucketrelay.clouds.oracle.store import oci_store
from bucketrelay.errors import (
    ConfigError,
    Damaged,
    ObjectGone,
    OutcomeUnknown,
    SourceChanged,
    StoreRefused,
    StoreUnavailable,
    TargetChanged,
)
from bucketrelay.model import Address, Meta, ObjectInfo
from bucketrelay.store import ABSENT, Stream
from bucketrelay_emulators.engine.faults import ALWAYS, Fault
from bucketrelay_emulators.oci.emulator import OciEmulator
from bucketrelay_emulators.oci.sign import pem, private_key
from bucketrelay_emulators.server import serving
from fakes import at_once

NS, BUCKET = "mytenancy", "photos"
PLACE = Address("oci", BUCKET, NS)
PLAIN = Meta(content_type="text/plain")
URL = f"oci://{BUCKET}@{NS}"


@pytest.fixture
def cloud():
    with OciEmulator() as made:
        made.create_bucket(BUCKET)
        yield made


@pytest.fixture
def opened(cloud):
    """Makes stores on the emulator, and closes them."""
    made = []

    def make(address=PLACE, **options):
        made.append(oci_store(address, **{"endpoint": cloud.endpoint, "config_file": cloud.config_file, **options}))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture
def store(opened):
    return opened(pace=at_once())


def refuse(cloud, operation, status, code, times=1):
    cloud.faults.order(Fault(operation=operation, kind="refuse", status=status, code=code, times=times))


class TestRetries:
    def test_many_errors_do_not_open_a_breaker_that_outlives_them(self, cloud, opened):
        store = opened(retries=0)
        refuse(cloud, "HeadObject", 503, "ServiceUnavailable", times=15)
        for _ in range(15):
            with pytest.raises(StoreUnavailable, match="503"):
                store.look("a")
        assert store.look("a") is None

    def test_a_read_is_tried_again_as_often_as_configured_and_no_more(self, cloud, store):
        refuse(cloud, "GetObject", 500, "InternalServerError", times=ALWAYS)
        with pytest.raises(StoreUnavailable, match=f"{URL}/a"):
            store.fetch("a", 1)
        assert cloud.requests.count("GetObject") == 3

    def test_a_read_that_succeeds_the_second_time_succeeds(self, cloud, store):
        store.put("a", b"1", PLAIN)
        for kind in ("reset_before", "reset_after"):
            cloud.faults.order(Fault(operation="GetObject", kind=kind))
            assert bytes(store.fetch("a", 1).body) == b"1"

    @pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
    @pytest.mark.parametrize("operation", ["PutObject", "DeleteObject", "CommitMultipartUpload"])
    def test_a_write_without_an_answer_is_sent_once_and_its_outcome_is_unknown(self, cloud, store, operation, kind):
        upload = store.begin("a", PLAIN)
        parts = [store.put_part(upload, 1, b"1")]
        write = {
            "PutObject": lambda: store.put("a", b"1", PLAIN),
            "DeleteObject": lambda: store.delete("a"),
            "CommitMultipartUpload": lambda: store.commit(upload, parts),
        }[operation]
        cloud.faults.order(Fault(operation=operation, kind=kind))
        with pytest.raises(OutcomeUnknown, match=f"{URL}/a"):
            write()
        assert cloud.requests.count(operation) == 1

    @pytest.mark.parametrize("status", [500, 502, 504])
    def test_a_write_that_a_gateway_gave_up_is_sent_once_and_its_outcome_is_unknown(self, cloud, store, status):
        refuse(cloud, "PutObject", status, "InternalServerError")
        with pytest.raises(OutcomeUnknown):
            store.put("a", b"1", PLAIN)
        assert cloud.requests.count("PutObject") == 1

    @pytest.mark.parametrize(("status", "code"), [(429, "TooManyRequests"), (503, "ServiceUnavailable")])
    def test_a_write_that_was_surely_not_done_is_tried_again_with_the_whole_body(self, cloud, store, status, code):
        refuse(cloud, "PutObject", status, code)
        store.put("a", bytearray(b"12345"), PLAIN)
        assert [request.received for request in cloud.requests] == [5, 5]
        assert cloud.bucket(BUCKET).get("a").body == b"12345"

    def test_a_write_that_never_left_is_unavailable_and_not_unknown(self, cloud):
        store = oci_store(PLACE, endpoint="http://127.0.0.1:9", config_file=cloud.config_file, retries=0)
        with pytest.raises(StoreUnavailable, match="check endpoint") as raised:
            store.put("a", b"1", PLAIN)
        assert type(raised.value) is StoreUnavailable

    def test_a_part_is_sent_again_for_nobody_sees_it(self, cloud, store):
        upload = store.begin("a", PLAIN)
        cloud.faults.order(Fault(operation="UploadPart", kind="reset_after"))
        part = store.put_part(upload, 1, bytearray(b"1"))
        assert list(store.parts(upload)) == [part]

    def test_an_upload_is_not_begun_twice(self, cloud, store):
        cloud.faults.order(Fault(operation="CreateMultipartUpload", kind="reset_after"))
        with pytest.raises(StoreUnavailable):
            store.begin("a", PLAIN)
        assert len(list(store.uploads())) == 1

    def test_304_that_was_not_asked_for_is_no_object_and_no_success(self, cloud, store):
        for operation, call in (
            ("HeadObject", lambda: store.look("a")),
            ("GetObject", lambda: store.fetch("a", 1)),
            ("ListObjects", lambda: list(store.list())),
        ):
            cloud.faults.order(Fault(operation=operation, status=304, times=ALWAYS))
            with pytest.raises(StoreUnavailable, match="304"):
                call()
        cloud.faults.order(Fault(operation="PutObject", status=304))
        with pytest.raises(OutcomeUnknown, match="304"):
            store.put("a", b"1", PLAIN, expect=ABSENT)

    def test_a_silent_server_is_left_after_the_timeout(self, cloud, opened):
        store, go_on = opened(timeout=0.2, retries=0), threading.Event()
        cloud.faults.order(Fault(kind="delay", until=go_on))
        with pytest.raises(OutcomeUnknown):
            store.put("a", b"1", PLAIN)
        go_on.set()


class TestBodies:
    SCRIPT = """
import resource, sys
from bucketrelay.model import Address, Meta
from bucketrelay.clouds.oracle.store import oci_store
store = oci_store(Address("oci", "photos", "mytenancy"), endpoint=sys.argv[1], config_file=sys.argv[2])
store.put("warm", bytearray(b"1"), Meta())
body = bytearray(64 << 20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
if sys.argv[3] == "put":
    store.put("a", body, Meta())
elif sys.argv[3] == "part":
    store.put_part(store.begin("a", Meta()), 1, body)
else:
    del body
    info = store.look("a")
    assert len(store.read(info, 0, info.size)) == 64 << 20
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""

    @pytest.mark.parametrize("verb", ["put", "part", "read"])
    def test_a_body_is_held_once(self, cloud, verb):
        cloud.bucket(BUCKET).put("a", bytes(64 << 20))
        arguments = [sys.executable, "-c", self.SCRIPT, cloud.endpoint, cloud.config_file, verb]
        told = subprocess.run(arguments, check=True, capture_output=True, text=True)
        assert int(told.stdout) < 16 * 1024, "KiB beyond the body itself"

    def test_an_object_without_a_type_does_not_become_json(self, cloud, store):
        store.put("a", b"1", Meta())
        upload = store.begin("b", Meta())
        store.commit(upload, [store.put_part(upload, 1, b"1")])
        assert {store.look(key).meta.content_type for key in "ab"} == {"application/octet-stream"}

    @pytest.mark.parametrize("body", [b"12345", bytearray(b"12345"), b"", bytearray()])
    def test_the_length_and_the_md5_are_said_beforehand(self, cloud, store, body):
        store.put("a", body, PLAIN)
        headers = cloud.requests[-1].headers
        assert headers["content-length"] == str(len(body))
        assert md5_of(headers["content-md5"]) == store.look("a").checksums
        assert "transfer-encoding" not in headers

    def test_no_continue_is_asked_for_that_nobody_waits_for(self, cloud, store):
        store.put("a", b"1", PLAIN)
        assert "expect" not in cloud.requests[-1].headers

    @pytest.mark.parametrize("operation", ["PutObject", "UploadPart"])
    def test_a_body_that_was_damaged_on_the_way_is_said_to_be(self, cloud, store, operation):
        upload = store.begin("a", PLAIN)
        refuse(cloud, operation, 400, "UnmatchedContentMD5", times=ALWAYS)
        with pytest.raises(Damaged, match="start over"):
            store.put("a", b"1", PLAIN) if operation == "PutObject" else store.put_part(upload, 1, b"1")

    @pytest.mark.parametrize("at", [0, 4])
    def test_a_body_that_is_cut_is_damaged_and_never_short(self, cloud, store, at):
        store.put("a", b"1234567890", PLAIN)
        info = store.look("a")
        for read in (lambda: store.read(info, 0, 10), lambda: store.fetch("a", 10)):
            cloud.faults.order(Fault(operation="GetObject", kind="cut", after_bytes=at, times=ALWAYS))
            with pytest.raises(Damaged, match=f"{URL}/a"):
                read()
            cloud.faults.clear()
            cloud.faults.order(Fault(operation="GetObject", kind="cut", after_bytes=at))
            read()  # once is made good

    def test_bytes_are_as_stored_whatever_their_content_encoding(self, store):
        store.put("a", b"this is no gzip", Meta(content_type="text/plain", content_encoding="gzip"))
        assert bytes(store.fetch("a", 100).body) == b"this is no gzip"
        assert bytes(store.read(store.look("a"), 0, 15)) == b"this is no gzip"

    def test_connections_are_kept_also_by_empty_objects_and_refusals(self, cloud, store, monkeypatch):
        opened = []
        original = serving.Server.note_open
        monkeypatch.setattr(serving.Server, "note_open", lambda self, sock: (opened.append(sock), original(self, sock)))
        for body in (b"", b"123"):
            written = store.put("a", body, PLAIN)
            store.fetch("a", 3)
            store.fetch("a", 3, unless=written.etag)
            with pytest.raises(TargetChanged):
                store.put("a", body, PLAIN, expect=ABSENT)
            store.fetch("missing", 3)
            store.look("missing")
        assert len(opened) == 1

    def test_a_stream_that_is_damaged_on_the_way_is_noticed_by_what_the_answer_says_of_it(self, cloud, store):
        """Its MD5 is known only when it has passed, so it cannot be said beforehand."""
        body = Stream(5, lambda write: write(memoryview(b"12345")))
        upload = store.begin("a", PLAIN)
        assert store.put_part(upload, 1, body).size == 5
        cloud.faults.order(Fault(operation="UploadPart", kind="corrupt_sent", times=ALWAYS))
        with pytest.raises(Damaged, match="start over"):
            store.put_part(upload, 2, body)
        cloud.faults.clear()
        store.put("a", body, PLAIN)
        cloud.faults.order(Fault(operation="PutObject", kind="corrupt_sent"))
        with pytest.raises(OutcomeUnknown, match="not what was sent"):
            store.put("a", body, PLAIN)


class TestAbsence:
    def test_a_404_to_head_proves_nothing(self, cloud, store):
        cloud.denied.add(BUCKET)
        assert store.look("a", trust_bare_404=True) is None
        assert cloud.requests.operations() == ["HeadObject"]
        with pytest.raises(StoreRefused, match="BucketNotFound"):
            store.look("a")

    @pytest.mark.parametrize("code", ["BucketNotFound", "NamespaceNotFound", "NotAuthorizedOrNotFound", "Other"])
    def test_a_404_that_does_not_name_the_object_is_not_absence(self, cloud, store, code):
        info = ObjectInfo("a", 1, "etag")
        upload = Upload("a", "id")
        calls = [
            lambda: store.fetch("a", 1),
            lambda: store.read(info, 0, 1),
            lambda: store.delete("a"),
            lambda: store.put("a", b"", PLAIN, expect=info),
            lambda: list(store.list()),
            lambda: store.look("a"),
        ]
        calls += [lambda: list(store.parts(upload)), lambda: store.abandon(upload)] if code != "Other" else []
        refuse(cloud, "*", 404, code, times=ALWAYS)
        for call in calls:
            with pytest.raises(StoreRefused, match=f"{URL}(/a)?: "):
                call()

    def test_an_object_that_appears_between_the_two_questions_is_found(self, cloud, store):
        bucket = cloud.bucket(BUCKET)
        cloud.faults.order(Fault(operation="GetObject", kind="act", act=lambda: bucket.put("a", b"12345")))
        assert store.look("a").size == 5

    def test_a_page_of_a_proxy_is_no_empty_listing(self, cloud, store):
        store.put("a", b"1", PLAIN)
        for verb in ("ListObjects", "ListMultipartUploads"):
            cloud.faults.order(Fault(operation=verb, kind="error_in_200"))
        with pytest.raises(StoreUnavailable, match="no listing"):
            list(store.list())
        with pytest.raises(StoreUnavailable, match="no list"):
            list(store.uploads())

    def test_a_listing_that_is_cut_is_no_shorter_listing(self, cloud, opened):
        store = opened(retries=0)
        for key in "abc":
            store.put(key, b"1", PLAIN)
        cloud.faults.order(Fault(operation="ListObjects", kind="cut", after_bytes=40))
        with pytest.raises((StoreUnavailable, Damaged)):
            list(store.list())

    @pytest.mark.parametrize(
        "page",
        [
            {"objects": [{"name": "ab", "size": 1}, {"name": "aa", "size": 1}]},
            {"objects": [{"name": "ab", "size": 1}, {"name": "ab", "size": 1}]},
            {"objects": [{"name": "ab", "size": 1}], "nextStartWith": "ab"},
            {"objects": [{"name": "b", "size": 1}]},
        ],
    )
    def test_a_listing_without_order_or_end_or_of_another_prefix_is_not_believed(self, store, monkeypatch, page):
        monkeypatch.setattr("bucketrelay.clouds.oracle.listings.document", lambda answer, url: page)
        with pytest.raises(StoreUnavailable, match=r"try again later|not asked for"):
            list(store.list("a"))

    def test_pages_are_followed_to_the_end(self, store, monkeypatch):
        monkeypatch.setattr("bucketrelay.clouds.oracle.listings._PAGE", 2)
        keys = ["a", "b/1", "b/2", "c", "é"]
        for key in keys:
            store.put(key, b"1", PLAIN)
            store.begin(f"up/{key}", PLAIN)
        assert [info.key for info in store.list()] == keys
        assert [info.key for info in store.list("b/", after="b/1")] == ["b/2"]
        assert [upload.key for upload in store.uploads("up/")] == [f"up/{key}" for key in keys]
        upload = store.begin("parts", PLAIN)
        parts = [store.put_part(upload, number, b"1") for number in range(1, 6)]
        assert list(store.parts(upload)) == parts


class TestConditions:
    def test_304_is_an_answer(self, cloud, store):
        written = store.put("a", b"12345", PLAIN)
        fetched = store.fetch("a", 5, unless=written.etag)
        assert (fetched.body, fetched.info.etag, fetched.info.size) == (None, written.etag, -1)
        assert cloud.requests.count("GetObject") == 1

    def test_what_is_overwritten_before_the_read_is_another_version(self, cloud, store):
        store.put("a", b"old", PLAIN)
        info = store.look("a")
        bucket = cloud.bucket(BUCKET)
        cloud.faults.order(Fault(operation="GetObject", kind="act", act=lambda: bucket.put("a", b"new")))
        with pytest.raises(SourceChanged):
            store.read(info, 0, 3)
        bucket.delete("a")
        with pytest.raises(ObjectGone):
            store.read(info, 0, 3)

    def test_412_does_not_close_the_connections_of_other_threads(self, cloud, store):
        """As the SDK does on IfNoneMatchFailed; requests under way then fail without an answer."""
        store.put("taken", b"1", PLAIN)
        start = threading.Barrier(8)

        def write(number):
            start.wait()
            for turn in range(15):
                if number % 2:
                    store.put(f"{number}/{turn}", b"1", PLAIN)
                else:
                    with pytest.raises(TargetChanged):
                        store.put("taken", b"2", PLAIN, expect=ABSENT)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, range(8)))
        assert len(list(store.list())) == 4 * 15 + 1

    def test_a_write_that_expects_a_version_of_a_deleted_object_says_so(self, cloud, store):
        store.put("a", b"1", PLAIN)
        info = store.look("a")
        store.delete("a")
        refuse(cloud, "PutObject", 404, "ObjectNotFound")  # the real service may say this instead of 412
        for _ in range(2):
            with pytest.raises(TargetChanged):
                store.put("a", b"2", PLAIN, expect=info)

    @pytest.mark.parametrize("code", ["ConcurrentObjectUpdate", "LockConflict"])
    def test_409_comes_again(self, cloud, opened, code):
        store = opened(retries=0)
        refuse(cloud, "PutObject", 409, code)
        with pytest.raises(StoreUnavailable):
            store.put("a", b"1", PLAIN)

    def test_an_archived_object_is_refused_with_the_remedy(self, store, cloud):
        cloud.bucket(BUCKET).put("a", b"1", storage_class="Archive")
        with pytest.raises(StoreRefused, match="restore it"):
            store.fetch("a", 1)


class TestNames:
    @pytest.mark.parametrize("key", [" ", "   ", "\t", "\u3000"])
    def test_a_name_of_blanks_alone_is_a_name(self, cloud, store, key):
        store.put(key, b"1", PLAIN)
        assert bytes(store.read(store.look(key), 0, 1)) == b"1"
        assert [info.key for info in store.list()] == [key]
        upload = store.begin(key, PLAIN)
        store.commit(upload, [store.put_part(upload, 1, b"2")])
        store.delete(key)
        assert store.look(key) is None

    @pytest.mark.parametrize("key", [".", ".."])
    def test_a_name_that_would_lead_to_the_bucket_is_never_sent(self, cloud, opened, key):
        store = opened()
        for call in (store.look, store.delete, lambda name: store.put(name, b"", PLAIN)):
            with pytest.raises(StoreRefused, match="prefix"):
                call(key)
        assert len(cloud.requests) == 0
        opened(Address("oci", BUCKET, NS, "p/")).put(key, b"1", PLAIN)
        assert cloud.bucket(BUCKET).get(f"p/{key}").body == b"1"

    @pytest.mark.parametrize("key", ["a\nb", "a\rb", "a\0b", "\udcff", ""])
    def test_a_name_that_the_service_does_not_take_is_refused_in_one_line(self, cloud, store, key):
        with pytest.raises(StoreRefused, match="rename") as raised:
            store.put(key, b"", PLAIN)
        assert "\n" not in str(raised.value)
        assert len(cloud.requests) == 0

    @given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), min_size=1, max_size=200))
    def test_any_other_name_goes_as_it_is(self, name):
        if name in (".", ".."):
            return
        assert full_key("", name, URL) == name


class TestMetadata:
    HARD = ("grün €", "café", " blanks ", "=?UTF-8?B?Zm9v?=", "=?", "a\tb", "", "plain; text=1", "日本語" * 30)

    def test_values_beyond_latin_1_arrive_and_come_back(self, cloud, store):
        user = {f"n{number}": value for number, value in enumerate(self.HARD)}
        store.put("put", b"1", Meta(user=user))
        upload = store.begin("parts", Meta(user=user))
        store.commit(upload, [store.put_part(upload, 1, b"1")])
        assert store.look("put").meta.user == store.look("parts").meta.user == user
        assert cloud.bucket(BUCKET).get("put").user["n7"] == "plain; text=1", "printable ASCII goes verbatim"

    def test_names_have_their_prefix_once_on_both_roads(self, cloud, store):
        store.put("put", b"1", Meta(user={"Colour": "red"}))
        upload = store.begin("parts", Meta(user={"Colour": "red"}))
        store.commit(upload, [store.put_part(upload, 1, b"1")])
        held = [dict(cloud.bucket(BUCKET).get(key).user) for key in ("put", "parts")]
        assert held == [{"colour": "red"}] * 2

    def test_content_headers_beyond_ascii_are_the_same_on_both_roads(self, store):
        meta = Meta(content_type="text/plain", content_disposition='attachment; filename="é €.txt"')
        store.put("put", b"1", meta)
        upload = store.begin("parts", meta)
        store.commit(upload, [store.put_part(upload, 1, b"1")])
        said = {store.look(key).meta.content_disposition for key in ("put", "parts")}
        assert said == {meta.content_disposition}

    @pytest.mark.parametrize(
        "meta", [Meta(cache_control="a\r\nopc-meta-x: y"), Meta(user={"a b": "1"}, content_type="x")]
    )
    def test_what_no_header_can_say_is_refused_before_it_is_sent(self, cloud, store, meta):
        for call in (lambda: store.put("a", b"", meta), lambda: store.begin("a", meta)):
            with pytest.raises(StoreRefused, match=f"{URL}/a"):
                call()
        assert len(cloud.requests) == 0

    def test_expires_is_not_promised(self, store):
        assert "expires" not in store.abilities.headers

    @given(st.text(st.characters(exclude_categories=["Cs"])))
    def test_any_value_makes_the_round_trip(self, value):
        said = encode_word(value)
        assert said.isascii()
        assert said.isprintable() or not said
        assert decode_word(said) == value

    @given(st.text(st.characters(max_codepoint=255)))
    def test_whatever_a_stranger_wrote_is_read_without_an_error(self, value):
        assert isinstance(decode_word(value), str)


class TestCredentials:
    def test_a_wrong_key_is_refused_and_its_text_is_nowhere(self, cloud, opened, tmp_path):
        secret = pem(private_key("somebody else"))
        (tmp_path / "key.pem").write_text(secret)
        store = opened(key_file=str(tmp_path / "key.pem"))
        with pytest.raises(StoreRefused, match=r"NotAuthenticated.*clock") as raised:
            list(store.list())
        assert secret.splitlines()[1] not in str(raised.value) + repr(raised.value.__cause__) + repr(store)

    def test_403_is_refused_and_not_absence(self, cloud, store):
        refuse(cloud, "*", 403, "NotAllowed", times=ALWAYS)
        for call in (lambda: store.look("a"), lambda: store.delete("a"), lambda: store.fetch("a", 1)):
            with pytest.raises(StoreRefused, match="grant OBJECT_"):
                call()

    @pytest.mark.parametrize("auth", ["", "resource_principal"])
    def test_a_resource_principal_of_the_environment_is_used(self, cloud, monkeypatch, auth):
        for name, value in cloud.resource_principal().items():
            monkeypatch.setenv(name, value)
        store = oci_store(PLACE, endpoint=cloud.endpoint, auth=auth)
        store.put("a", b"1", PLAIN)
        assert store.look("a").size == 1
        store.close()

    def test_a_key_without_a_file_is_used(self, cloud, monkeypatch):
        monkeypatch.setenv("OCI_CONFIG_FILE", "/nowhere")
        key = {name: cloud.config[name] for name in ("user", "tenancy", "fingerprint", "key_file")}
        store = oci_store(PLACE, endpoint=cloud.endpoint, auth="api_key", **key)
        assert list(store.list()) == []
        store.close()

    @pytest.mark.parametrize(
        "options",
        [
            {"config_file": "/nowhere/config"},
            {"profile": "NOBODY"},
            {"key_file": "/nowhere/key.pem"},
            {"fingerprint": "no fingerprint"},
            {"auth": "resource_principal"},
        ],
    )
    def test_credentials_that_are_missing_are_refused_with_the_remedy(self, cloud, opened, monkeypatch, options):
        monkeypatch.delenv("OCI_RESOURCE_PRINCIPAL_VERSION", raising=False)
        with pytest.raises(StoreRefused, match=f"^{URL}: no usable credentials.*set auth") as raised:
            opened(**options).look("a")
        assert "\n" not in str(raised.value)

    def test_an_unknown_kind_of_credentials_is_a_mistake_of_the_configuration(self):
        with pytest.raises(ConfigError, match="auth: 'password'"):
            oci_store(PLACE, auth="password")

    def test_the_namespace_is_asked_for_where_the_url_has_none(self, cloud, opened):
        store = opened(Address("oci", BUCKET))
        store.put("a", b"1", PLAIN)
        store.look("a")
        assert cloud.requests.operations() == ["GetNamespace", "PutObject", "HeadObject"]

    def test_the_region_makes_the_endpoint(self, cloud):
        store = oci_store(PLACE, config_file=cloud.config_file, region="eu-frankfurt-1")
        assert store.requests._service._exchange().connections.host == "objectstorage.eu-frankfurt-1.oraclecloud.com"
        store.close()


class TestFirstUse:
    def test_many_threads_at_first_use_read_the_credentials_once(self, cloud, opened, monkeypatch):
        made, original = [], service.signer_of
        monkeypatch.setattr(service, "signer_of", lambda *given: made.append(1) or original(*given))
        store, start = opened(), threading.Barrier(8)

        def look(_):
            start.wait()
            return store.look("a")

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(look, range(8))) == [None] * 8
        assert made == [1]

    def test_nothing_is_logged_though_fdk_sets_the_root_logger_to_debug(self, opened, caplog):
        caplog.set_level(logging.DEBUG)
        opened().put("secret name", b"1", PLAIN)
        assert caplog.records == []

    def test_no_sdk_is_loaded(self, cloud):
        script = """
import sys
from bucketrelay.model import Address
from bucketrelay.clouds.oracle.store import oci_store
store = oci_store(Address("oci", "photos", "mytenancy"), endpoint=sys.argv[1], config_file=sys.argv[2])
assert "cryptography" not in sys.modules
assert store.look("a") is None
assert not {"oci", "requests", "urllib3", "http.client", "ssl", "xml.etree.ElementTree"} & set(sys.modules)
store.close()
"""
        subprocess.run([sys.executable, "-c", script, cloud.endpoint, cloud.config_file], check=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    for name, host in (("good", "127.0.0.1"), ("other", "127.0.0.2")):
        certificate(folder, name, host)
    return folder


class TestTls:
    @pytest.fixture
    def serve(self, authority):
        made = []

        def start(name):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(authority / f"{name}.pem", authority / f"{name}.key")
            made.append(OciEmulator(tls=context))
            made[-1].create_bucket(BUCKET)
            return made[-1]

        yield start
        for cloud in made:
            cloud.close()

    def look(self, cloud, **options):
        store = oci_store(PLACE, endpoint=cloud.endpoint, config_file=cloud.config_file, **options)
        try:
            return store.look("a")
        finally:
            store.close()

    def test_a_certificate_of_an_unknown_authority_is_refused_with_the_remedy(self, serve):
        with pytest.raises(StoreRefused, match="set ca_file"):
            self.look(serve("good"))

    def test_a_certificate_of_the_configured_authority_is_believed(self, serve, authority):
        assert self.look(serve("good"), ca_file=str(authority / "good.pem")) is None

    def test_a_certificate_of_another_host_is_refused(self, serve, authority):
        with pytest.raises(StoreRefused, match=r"127\.0\.0\.1"):
            self.look(serve("other"), ca_file=str(authority / "other.pem"))

    def test_the_environment_s_bundle_does_not_go_before_the_configured_one(self, serve, authority, monkeypatch):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority / "other.pem"))
        assert self.look(serve("good"), ca_file=str(authority / "good.pem")) is None

    @pytest.mark.parametrize("name", ["missing.pem", "good.key"])
    def test_a_file_without_certificates_is_refused_before_anything_is_sent(self, serve, authority, name):
        cloud = serve("good")
        with pytest.raises(StoreRefused, match=f"{name}: .*mend ca_file"):
            self.look(cloud, ca_file=str(authority / name))


def certificate(folder: Path, name: str, host: str) -> None:
    """A certificate of itself for one address."""
    key, now = private_key(name), dt.datetime.now(dt.timezone.utc)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_text(pem(key))
