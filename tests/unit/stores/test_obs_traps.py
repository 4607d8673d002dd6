"""The traps of Huawei's SDK and of OBS, one test for each: a store that used the SDK as it comes would fall in."""

import contextlib
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bucketrelay.abilities import Part, PartStore, Upload
from bucketrelay.clouds.huawei.fields import headers_for, info_of
from bucketrelay.clouds.huawei.listings import objects_of
from bucketrelay.clouds.huawei.store import obs_store
from bucketrelay.errors import (
    Damaged,
    ObjectGone,
    OutcomeUnknown,
    SourceChanged,
    StoreRefused,
    StoreUnavailable,
)
from bucketrelay.model import Address, Meta
from bucketrelay.store import MiB, Store, Stream
from bucketrelay_emulators.engine.engine import Engine
from bucketrelay_emulators.engine.faults import ALWAYS, Fault
from bucketrelay_emulators.obs.emulator import ObsEmulator, ObsFront
from fakes import at_once
from unit.stores.scripted import Answer, Scripted

NONE = Meta()
TEXT = Meta(content_type="text/plain")


@contextlib.contextmanager
def store_of(cloud, prefix="", **settings):
    usual = {name: getattr(cloud, name) for name in ("endpoint", "access_key", "secret_key") if name not in settings}
    place = Address("obs", settings.pop("bucket", "b"), prefix=prefix)
    store = obs_store(place, **{**usual, "path_style": True, "retries": 0, "timeout": 10.0, **settings})
    try:
        yield store
    finally:
        store.close()


@pytest.fixture
def cloud():
    with ObsEmulator() as running:
        running.create_bucket("b")
        yield running


@pytest.fixture
def bucket(cloud):
    return cloud.engine.bucket("b")


@pytest.fixture(params=["path", "host"])
def store(cloud, request, monkeypatch):
    """With the bucket in the path and the S3 signature, and with the bucket in the host name and OBS's own."""
    ask = socket.getaddrinfo

    def resolve(host, *rest, **named):  # not every resolver knows that *.localhost is this machine
        name = host if isinstance(host, str) else host.decode()
        return ask("127.0.0.1" if name.endswith("localhost") else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    ways = {"host": {"endpoint": f"http://localhost:{cloud.port}", "path_style": False}, "path": {}}
    with store_of(cloud, **ways[request.param]) as made:
        yield made


@contextlib.contextmanager
def odd_server(front):
    """A server that is like OBS but for something."""
    with ObsEmulator(front=front) as cloud, store_of(cloud) as store:
        cloud.create_bucket("b")
        yield cloud, store


def test_it_is_a_store_and_a_part_store(store):
    assert isinstance(store, PartStore)
    _: Store = store
    assert store.conditional is False


class TestTLS:
    """By default the SDK verifies nothing; with a CA file it verifies the chain but not the host."""

    def test_a_server_whose_certificate_nobody_vouches_for_is_refused(self):
        with ObsEmulator(tls=True) as cloud, store_of(cloud) as store:
            cloud.create_bucket("b").put("k", b"secret")
            with pytest.raises(StoreRefused, match="ca_file"):
                store.look("k")
            with pytest.raises(StoreRefused, match="ca_file"):
                store.put("k", b"x", TEXT)
            assert len(cloud.requests) == 0

    def test_a_certificate_for_another_host_is_refused_even_from_the_trusted_authority(self):
        with ObsEmulator(tls=True, host="obs.example") as cloud, store_of(cloud, ca_file=cloud.ca_file) as store:
            with pytest.raises(StoreRefused, match="names another host"):
                store.look("k")
            assert len(cloud.requests) == 0

    def test_the_right_host_with_the_trusted_authority_is_served(self):
        with ObsEmulator(tls=True) as cloud, store_of(cloud, ca_file=cloud.ca_file) as store:
            cloud.create_bucket("b")
            store.put("k", b"x" * MiB, TEXT)
            assert store.fetch("k", 2 * MiB).body == b"x" * MiB

    def test_a_ca_file_that_is_not_there_is_named(self, cloud, tmp_path):
        missing = str(tmp_path / "ca.pem")
        with (
            store_of(cloud, endpoint="https://127.0.0.1:1", ca_file=missing) as store,
            pytest.raises(StoreRefused, match=r"ca\.pem"),
        ):
            store.look("k")


class TestErrorsUnderStatus200:
    """The SDK makes an empty listing, an empty body, a success of them."""

    @pytest.mark.parametrize(
        ("call", "error"),
        [
            (lambda s: list(s.list()), StoreUnavailable),
            (lambda s: s.fetch("k", 10), StoreUnavailable),
            (lambda s: s.look("k"), StoreUnavailable),
            (lambda s: s.put("k", b"x", TEXT), OutcomeUnknown),
            (lambda s: s.delete("k"), OutcomeUnknown),
            (lambda s: s.begin("k", TEXT), StoreUnavailable),
            (lambda s: s.put_part(Upload("k", "id"), 1, b"x"), StoreUnavailable),
            (lambda s: list(s.parts(Upload("k", "id"))), StoreUnavailable),
            (lambda s: list(s.uploads()), StoreUnavailable),
            (lambda s: s.commit(Upload("k", "id"), [Part(1, "etag", 1)]), OutcomeUnknown),
        ],
        ids=["list", "fetch", "look", "put", "delete", "begin", "put_part", "parts", "uploads", "commit"],
    )
    def test_are_no_success(self, cloud, store, call, error):
        cloud.faults.order(Fault(kind="error_in_200", code="InternalError"))
        with pytest.raises(error):
            call(store)
        assert len(cloud.requests) == 1


class TestAbsence:
    def test_a_404_under_head_may_be_a_bucket_that_is_gone(self, cloud):
        with store_of(cloud, bucket="gone") as store:
            for call in (lambda: store.look("k"), lambda: store.fetch("k", 1), lambda: list(store.list())):
                with pytest.raises(StoreRefused, match=r"obs://gone.*NoSuchBucket"):
                    call()
            assert store.look("k", trust_bare_404=True) is None

    @pytest.mark.parametrize("sure", [True, False])
    def test_403_is_never_absence(self, cloud, store, sure):
        cloud.faults.order(Fault(status=403, code="AccessDenied", times=ALWAYS))
        with pytest.raises(StoreRefused, match="grant obs:object:GetObject"):
            store.look("k", trust_bare_404=not sure)

    @pytest.mark.parametrize("body", [b"", b"x"])
    @pytest.mark.parametrize("sure", [True, False])
    def test_being_sure_costs_nothing_but_for_an_empty_object(self, cloud, bucket, store, sure, body):
        assert store.look("k", trust_bare_404=not sure) is None
        assert len(cloud.requests) == 1
        bucket.put("k", body)
        assert store.look("k", trust_bare_404=not sure).size == len(body)
        assert len(cloud.requests) == (3 if sure and not body else 2)

    def test_an_archived_object_is_there_though_it_cannot_be_read(self, bucket, store):
        bucket.put("k", b"x", storage_class="DEEP_ARCHIVE")
        assert store.look("k").meta.storage_class == "DEEP_ARCHIVE"
        with pytest.raises(StoreRefused, match="restore it"):
            store.fetch("k", 10)


class TestMetadata:
    def test_user_metadata_named_like_the_services_own_headers_is_kept_apart(self, store):
        user = {
            "etag": "mine",
            "version-id": "7",
            "storage-class": "COLD",
            "x-obs-acl": "public-read",
            "request-id": "1",
        }
        written = store.put("k", b"x", Meta(user=user))
        info = store.look("k")
        assert (info.meta.user, info.etag, info.version, info.meta.storage_class) == (user, written.etag, "", "")

    @pytest.mark.parametrize(
        "value",
        ["100%", "%41", "a+b", " blanks ", "", " ", "é", "日本 🪣", '"quoted"', "a:b;c=d", "%C3%A9", "\x7f"],
        ids=ascii,
    )
    def test_a_value_comes_back_exactly(self, store, value):
        store.put("k", b"x", Meta(user={"name": value}))
        assert store.look("k").meta.user == {"name": value}
        assert store.fetch("k", 1).info.meta.user == {"name": value}

    @settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.dictionaries(
            st.from_regex(r"[a-z0-9!#$%&'*+.^_`|~-]{1,9}", fullmatch=True), st.text(max_size=30), max_size=4
        )
    )
    def test_any_metadata_survives_the_wire(self, user):
        wire = {name.lower(): value for name, value in headers_for(Meta(user=user), "x-obs-").items()}
        assert all(value.isascii() and value.isprintable() and value == value.strip() for value in wire.values())
        assert info_of("k", wire, 0).meta.user == user

    def test_what_other_clients_wrote_without_encoding_is_read_as_it_is(self, bucket, store):
        bucket.put("k", b"x", user={"a": "100% sure", "b": "é".encode().decode("latin-1"), "c": "caf\xe9"})
        assert store.look("k").meta.user == {"a": "100% sure", "b": "é", "c": "caf\xe9"}

    def test_huaweis_sdk_reads_what_was_written_here(self, cloud, store):
        store.put("k", b"x", Meta(user={"a": "é 100%"}))
        assert ("a", "é 100%") in cloud.client().getObjectMetadata("b", "k").header

    def test_blanks_around_a_value_do_not_break_the_signature(self, store):
        for value in (" ", "text/plain ", " text/plain", "\ttext/plain"):
            store.put("k", b"x", Meta(content_type=value))

    def test_content_headers_arrive_as_they_are(self, bucket, store):
        meta = Meta(
            content_type='text/html; charset="utf-8"',
            content_encoding="gzip",
            content_language="de",
            content_disposition="attachment; filename=\"a 100%.txt\"; filename*=UTF-8''%c3%a9",
            cache_control="no-cache",
            expires="Thu, 01 Jan 2026 00:00:00 GMT",
        )
        store.put("k", b"x", meta)
        assert bucket.get("k").headers["content-disposition"] == meta.content_disposition
        assert store.look("k").meta == meta
        upload = store.begin("parts", meta)
        store.commit(upload, [store.put_part(upload, 1, b"x")])
        assert store.look("parts").meta == meta

    def test_the_expires_header_does_not_delete_the_object_after_so_many_days(self, bucket, store):
        store.put("k", b"x", Meta(expires="Thu, 01 Jan 2026 00:00:00 GMT"))
        assert "x-obs-expires" not in bucket.get("k").headers

    def test_text_that_no_header_can_hold_is_percent_encoded_as_huaweis_clients_do(self, bucket, store):
        store.put("k", b"x", Meta(content_disposition='attachment; filename="中.txt"'))
        assert bucket.get("k").headers["content-disposition"] == 'attachment; filename="%E4%B8%AD.txt"'

    @pytest.mark.parametrize("key", ["page.html", "data.json", "a.png"])
    def test_no_content_type_is_guessed_from_the_key(self, store, key):
        store.put(key, b"x", NONE)
        upload = store.begin("parts-" + key, NONE)
        store.commit(upload, [store.put_part(upload, 1, b"x")])
        for written in (key, "parts-" + key):
            assert store.look(written).meta.content_type == "binary/octet-stream"

    def test_tags_are_counted(self, bucket, store):
        bucket.put("k", b"x", tags={"a": "1", "b": "2"})
        assert store.look("k").meta.tag_count == 2

    def test_the_etag_of_a_whole_object_is_its_md5_and_that_of_parts_is_not(self, bucket, store):
        assert store.put("k", b"x", NONE).etag == store.look("k").checksums["md5"] == bucket.get("k").md5
        upload = store.begin("parts", NONE)
        store.commit(upload, [store.put_part(upload, 1, b"x")])
        assert store.look("parts").checksums == {}
        assert info_of("k", {"etag": '"' + "0" * 32 + '"', "x-obs-server-side-encryption": "kms"}, 1).checksums == {}


class TestReading:
    def test_the_condition_on_the_version_is_sent_unquoted_and_enforced(self, cloud, bucket, store):
        bucket.put("k", b"0123456789")
        info = store.look("k")
        assert store.read(info, 2, 3) == b"234"
        assert cloud.requests[-1].headers["if-match"] == info.etag
        bucket.put("k", b"abcdefghij")
        with pytest.raises(SourceChanged):
            store.read(info, 2, 3)
        bucket.delete("k")
        with pytest.raises(ObjectGone):
            store.read(info, 2, 3)

    def test_a_server_that_ignores_conditions_cannot_mix_versions(self):
        with odd_server(Unconditional) as (cloud, store):
            bucket = cloud.engine.bucket("b")
            bucket.put("k", b"0123456789")
            info = store.look("k")
            assert store.fetch("k", 4, unless=info.etag).body is None
            bucket.put("k", b"abcdefghij")
            with pytest.raises(SourceChanged):
                store.read(info, 2, 3)

    def test_a_server_that_ignores_ranges_is_not_believed_and_its_connection_not_used_again(self):
        with odd_server(Rangeless) as (cloud, store):
            cloud.engine.bucket("b").put("k", b"0123456789" * 100_000)
            info = store.look("k")
            assert info.size == 1_000_000
            with pytest.raises(Damaged, match="answered something else"):
                store.read(info, 2, 3)
            assert store.fetch("k", 4).body == b"0123"
            assert store.look("k") == info

    def test_an_empty_object_has_an_empty_body_and_not_none(self, cloud, bucket, store):
        bucket.put("k", b"", user={"a": "1"})
        fetched = store.fetch("k", 10)
        assert (fetched.body, fetched.info.size, fetched.info.meta.user) == (b"", 0, {"a": "1"})
        assert len(cloud.requests) == 2
        assert store.fetch("k", 10, size=0).body == b""
        assert len(cloud.requests) == 3
        assert store.read(fetched.info, 0, 0) == b""

    def test_an_unchanged_object_costs_one_request_and_no_bytes(self, cloud, bucket, store):
        etag = bucket.put("k", b"x" * 1000).etag
        fetched = store.fetch("k", 500, unless=etag)
        assert (fetched.body, fetched.info.etag, fetched.info.size) == (None, etag, -1)
        assert [(request.status, request.sent) for request in cloud.requests] == [(304, 0)]

    @pytest.mark.parametrize("call", ["read", "fetch"])
    def test_a_body_that_is_cut_is_damaged_and_the_store_goes_on(self, cloud, bucket, store, call):
        bucket.put("k", b"x" * 100_000)
        info = store.look("k")
        cloud.faults.order(Fault(kind="cut", operation="GetObject", after_bytes=70_000))
        with pytest.raises(Damaged, match="30000 bytes"):
            store.read(info, 0, 100_000) if call == "read" else store.fetch("k", 100_000)
        assert store.read(info, 0, 100_000) == b"x" * 100_000

    def test_a_part_is_held_once_while_it_is_read_and_while_it_is_written(self, bucket, store):
        size = 16 * MiB
        body = bytearray(size)
        bucket.put("k", body)
        info = store.look("k")
        assert _peak(lambda: store.read(info, 0, size)) < size + 2 * MiB
        # What the emulator holds of it (a body, its copy, an object) is not counted: it is another thread's, so the
        # peak of a put through a pipe that takes it all is measured instead.
        with _drain(size) as endpoint, _sink(endpoint) as sink:
            assert _peak(lambda: sink.put("k", body, NONE)) < 2 * MiB

    def test_one_connection_serves_all_requests(self, cloud, bucket, store):
        bucket.put("k", b"x" * 1000)
        for _ in range(3):
            info = store.look("k")
            assert store.look("k", trust_bare_404=True) == info
            assert store.look("missing") is None
            assert store.fetch("k", 10, unless=info.etag).body is None
            assert store.fetch("k", 10).body == b"x" * 10
            store.put("other", b"x", NONE)
            assert len(list(store.list())) >= 1
        assert cloud.connections == 1


class TestWriting:
    @pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
    @pytest.mark.parametrize("call", ["put", "delete", "commit"])
    def test_a_write_without_an_answer_is_unknown_and_never_repeated(self, cloud, bucket, store, kind, call):
        bucket.put("old", b"x")
        upload = store.begin("parts", NONE)
        part = store.put_part(upload, 1, b"x")
        cloud.requests.clear()
        cloud.faults.order(Fault(kind=kind))
        calls = {
            "put": lambda: store.put("k", b"x", NONE),
            "delete": lambda: store.delete("old"),
            "commit": lambda: store.commit(upload, [part]),
        }
        with pytest.raises(OutcomeUnknown, match="obs://b/"):
            calls[call]()
        assert len(cloud.requests) == 1
        done = {"put": bool(bucket.list("k")), "delete": not bucket.list("old"), "commit": bool(bucket.list("parts"))}
        assert done[call] is (kind == "reset_after")

    def test_a_write_that_times_out_is_unknown_and_a_read_is_unavailable(self, cloud):
        gate = threading.Event()
        cloud.faults.order(Fault(kind="delay", until=gate, times=2))
        try:
            with store_of(cloud, timeout=0.2) as store:
                with pytest.raises(OutcomeUnknown):
                    store.put("k", b"x", NONE)
                with pytest.raises(StoreUnavailable) as failed:
                    store.look("k")
                assert not isinstance(failed.value, OutcomeUnknown)
        finally:
            gate.set()

    @pytest.mark.parametrize(
        ("status", "code", "unknown"),
        [(500, "InternalError", True), (503, "ServiceUnavailable", True), (503, "SlowDown", False), (429, "", False)],
    )
    def test_throttling_means_that_nothing_was_written_and_a_5xx_does_not(self, cloud, store, status, code, unknown):
        cloud.faults.order(Fault(status=status, code=code))
        with pytest.raises(StoreUnavailable) as failed:
            store.put("k", b"x", NONE)
        assert isinstance(failed.value, OutcomeUnknown) is unknown

    def test_a_server_that_is_not_there_was_surely_not_written_to(self, cloud):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
            with store_of(cloud, endpoint=nobody) as store, pytest.raises(StoreUnavailable) as failed:
                store.put("k", b"x", NONE)
        assert not isinstance(failed.value, OutcomeUnknown)

    def test_a_connection_that_the_server_closed_while_it_was_idle_is_not_written_to(self, cloud, bucket, store):
        store.put("k", b"1", NONE)
        cloud.hang_up()
        store.put("k", b"2", NONE)
        assert bucket.get("k").body == b"2"

    def test_a_server_that_refuses_a_body_before_it_has_it_is_heard(self, cloud):
        body = b"x" * 32 * MiB
        with (
            _refuser() as endpoint,
            store_of(cloud, endpoint=endpoint) as store,
            pytest.raises(StoreRefused, match="AccessDenied"),
        ):
            store.put("k", body, NONE)

    def test_a_body_that_is_changed_on_the_way_is_refused_there(self, cloud, store):
        store.put("k", b"body", NONE)
        upload = store.begin("parts", NONE)
        store.put_part(upload, 1, b"body")
        assert [bool(request.headers.get("content-md5")) for request in cloud.requests] == [True, False, True]
        cloud.faults.order(Fault(status=400, code="BadDigest"))
        with pytest.raises(Damaged):
            store.put("k", b"body", NONE)

    def test_a_bucket_in_another_region_is_said_to_be_so(self, cloud, store):
        cloud.faults.order(Fault(status=307, code="TemporaryRedirect"))
        with pytest.raises(StoreRefused, match="another region"):
            store.put("k", b"x", NONE)

    def test_a_write_is_one_request_without_asking_first_how_to_sign(self, cloud, store):
        store.put("k", b"x", NONE)
        store.delete("k")
        store.delete("k")
        assert cloud.requests.operations() == ["PutObject", "DeleteObject", "DeleteObject"]

    def test_the_calls_that_destroy_data_elsewhere_are_never_made(self, cloud, store):
        store.put("k", b"x", Meta(user={"a": "1"}))
        store.put("k", b"x", Meta(user={"a": "2"}))
        upload = store.begin("k", NONE)
        store.commit(upload, [store.put_part(upload, 1, b"x")])
        for operation in ("SetObjectMetadata", "*Tagging", "Copy*"):
            assert cloud.requests.count(operation) == 0

    def test_an_upload_that_is_gone_is_said_to_be_gone(self, store):
        upload = store.begin("k", NONE)
        store.abandon(upload)
        store.abandon(upload)
        for call in (
            lambda: store.put_part(upload, 1, b"x"),
            lambda: store.commit(upload, [Part(1, "etag", 1)]),
            lambda: list(store.parts(upload)),
        ):
            with pytest.raises(ObjectGone):
                call()

    def test_a_stream_that_is_damaged_on_the_way_is_noticed_by_what_the_answer_says_of_it(self, cloud, store):
        """Its MD5 is known only when it has passed, so it cannot be said beforehand."""
        body = Stream(5, lambda write: write(memoryview(b"12345")))
        upload = store.begin("a", NONE)
        assert store.put_part(upload, 1, body).size == 5
        cloud.faults.order(Fault(operation="UploadPart", kind="corrupt_sent", times=ALWAYS))
        with pytest.raises(Damaged, match="start over"):
            store.put_part(upload, 2, body)
        cloud.faults.clear()
        store.put("a", body, NONE)
        cloud.faults.order(Fault(operation="PutObject", kind="corrupt_sent"))
        with pytest.raises(OutcomeUnknown, match="not what was sent"):
            store.put("a", body, NONE)


class TestListing:
    def test_a_blank_prefix_and_a_blank_marker_are_not_dropped(self, bucket, store):
        for key in (" ", " a", "a"):
            bucket.put(key, b"")
        assert [info.key for info in store.list(" ")] == [" ", " a"]
        assert [info.key for info in store.list(after=" ")] == [" a", "a"]

    def test_times_are_not_those_of_the_local_clock_nor_off_by_an_hour_in_summer(self, monkeypatch):
        summer = datetime(2026, 7, 1, 12, 30, tzinfo=timezone.utc)
        monkeypatch.setenv("TZ", "America/New_York")
        time.tzset()
        try:
            with ObsEmulator(engine=Engine(now=lambda: summer)) as cloud, store_of(cloud) as store:
                cloud.create_bucket("b").put("k", b"")
                assert next(store.list()).modified == store.look("k").modified == summer
        finally:
            monkeypatch.undo()
            time.tzset()

    def test_a_listing_that_turns_back_is_not_followed_for_ever(self):
        with odd_server(Circular) as (cloud, store):
            for number in range(3):
                cloud.engine.bucket("b").put(f"k{number}", b"")
            with pytest.raises(StoreUnavailable, match="turns back"):
                list(store.list())

    def test_a_server_that_names_no_next_marker_is_read_to_the_end(self):
        entry = b"<Contents><Key>a+b</Key><Size>1</Size><ETag>&quot;e&quot;</ETag></Contents>"
        page = objects_of(listing(b"<IsTruncated>true</IsTruncated>", entry), "b", "obs://b")
        assert (page.next, page.rows[0].key, page.rows[0].etag) == ({"marker": "a+b"}, "a+b", "e")

    @pytest.mark.parametrize("fraction", ["", ".1", ".123", ".123456", ".123456789"])
    def test_a_time_is_read_with_any_number_of_digits(self, fraction):
        time = f"<LastModified>2026-07-01T12:30:00{fraction}Z</LastModified>"
        entry = f"<Contents><Key>a</Key><Size>1</Size>{time}</Contents>".encode()
        page = objects_of(listing(b"<IsTruncated>false</IsTruncated>", entry), "b", "obs://b")
        assert page.rows[0].modified.replace(microsecond=0) == datetime(2026, 7, 1, 12, 30, tzinfo=timezone.utc)

    @pytest.mark.parametrize(
        "body",
        [
            *(b"<Error/>", b"<ListBucketResult/>", b"<html>", b"<html></html>", b"", b"{}"),
            b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>",
            b"<ListBucketResult><Name>b</Name></ListBucketResult>",
            b"<ListBucketResult><Name>b</Name><IsTruncated>perhaps</IsTruncated></ListBucketResult>",
            b"<ListBucketResult><Name>another</Name><IsTruncated>false</IsTruncated></ListBucketResult>",
            b"<ListBucketResult><Name>b</Name><IsTruncated>true</IsTruncated></ListBucketResult>",
            b"<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated><Contents><Key>a</Key>",
        ],
    )
    @pytest.mark.parametrize("verb", ["list", "uploads", "parts"])
    def test_what_is_no_whole_listing_of_the_bucket_is_not_taken_for_an_empty_one(self, body, verb):
        listed = {"list": "ListBucketResult", "uploads": "ListMultipartUploadsResult", "parts": "ListPartsResult"}[verb]
        body = body.replace(b"ListBucketResult", listed.encode())
        body = body if verb == "list" else body.replace(b"Name>", b"Bucket>")
        with Scripted() as server, store_of(server, endpoint=server.url, access_key="a", secret_key="s") as store:
            server.will(Answer(body=body))
            with pytest.raises(StoreUnavailable, match="check endpoint and proxy"):
                list(getattr(store, verb)(*([Upload("k", "id")] if verb == "parts" else [])))


class TestKeys:
    """Temporary keys are renewed while the client lives."""

    def test_new_keys_are_used_for_the_next_request(self, cloud):
        cloud.grant("ONE", "s1", "t1")
        cloud.grant("TWO", "s2", "t2")
        current = [("ONE", "s1", "t1")]
        with store_of(cloud, access_key="", secret_key="", keys=lambda: current[0]) as store:
            store.put("k", b"x", NONE)
            cloud.revoke("ONE")
            with pytest.raises(StoreRefused, match="check access_key"):
                store.look("k")
            current[0] = ("TWO", "s2", "t2")
            assert store.look("k").size == 1

    @pytest.mark.parametrize("settings", [{}, {"keys": lambda: ("", "", "")}])
    def test_without_keys_nothing_is_sent_unsigned(self, cloud, settings):
        settings = {"access_key": "", "secret_key": "", **settings}
        with store_of(cloud, **settings) as store, pytest.raises(StoreRefused, match="agency"):
            store.look("k")
        assert len(cloud.requests) == 0

    def test_the_sdks_own_variables_are_asked_where_nobody_else_has_keys(self, cloud, monkeypatch):
        monkeypatch.setenv("OBS_ACCESS_KEY_ID", cloud.access_key)
        monkeypatch.setenv("OBS_SECRET_ACCESS_KEY", cloud.secret_key)
        with store_of(cloud, access_key="", secret_key="", keys=lambda: ("", "", "")) as store:
            assert store.look("k") is None

    def test_the_agency_of_a_machine_is_asked_by_the_sdk_and_on_no_other_machine(self, cloud, monkeypatch):
        asked = []
        keys = {"accessKey": cloud.access_key, "secretKey": cloud.secret_key, "securityToken": None}
        monkeypatch.setattr("obs.loadtoken.ECS.search", lambda: asked.append(1) or keys)
        for name in ("OBS_ACCESS_KEY_ID", "OBS_SECRET_ACCESS_KEY", "OBS_SECURITY_TOKEN", "RUNTIME_CODE_ROOT"):
            monkeypatch.delenv(name, raising=False)
        for ecs in (False, True):
            monkeypatch.setattr("bucketrelay.clouds.huawei.credentials._is_ecs", lambda answer=ecs: answer)
            with store_of(cloud, access_key="", secret_key="") as store:
                if ecs:
                    assert store.look("k") is None
                else:
                    with pytest.raises(StoreRefused, match="agency"):
                        store.look("k")
            assert bool(asked) is ecs

    def test_what_a_refused_head_does_not_say_a_get_does(self, cloud):
        """Answers to HEAD have no code: "403: grant…" would be said of a wrong secret, too."""
        for wrong, said in ({"secret_key": "x"}, "check secret_key"), ({"access_key": "x"}, "check access_key"):
            with store_of(cloud, **wrong) as store, pytest.raises(StoreRefused, match=said):
                store.look("k", trust_bare_404=True)

    def test_a_clock_that_is_wrong_is_put_right_by_the_servers_once(self, cloud, monkeypatch):
        late = datetime.now(timezone.utc) + timedelta(hours=1)
        monkeypatch.setattr(cloud.engine, "now", lambda: late)
        with store_of(cloud) as store:
            store.put("k", b"x", NONE)
            assert store.look("k").size == 1
        assert [request.status for request in cloud.requests] == [403, 200, 206]

    def test_no_secret_is_in_a_message_or_a_repr(self, cloud):
        with store_of(cloud, secret_key="wrong-secret", session_token="a-token") as store:
            with pytest.raises(StoreRefused) as refused:
                store.look("k")
            told = f"{refused.value} {refused.value!r} {store!r} {store._requests!r} {store._requests._access!r}"
            assert "secret_key" in told
            assert "wrong-secret" not in told
            assert "a-token" not in told


class TestRepeating:
    def test_a_read_is_repeated_while_the_store_is_unavailable(self, cloud, bucket):
        bucket.put("k", b"x")
        cloud.faults.order(Fault(times=1))
        cloud.faults.order(Fault(kind="reset_before", times=1))
        with store_of(cloud, retries=2) as store:
            assert store.fetch("k", 1).body == b"x"
        assert [request.status for request in cloud.requests] == [503, 0, 206]

    def test_neither_a_refusal_is_repeated_nor_a_write_that_may_have_been_done(self, cloud):
        cloud.faults.order(Fault(key="forbidden", status=403, code="AccessDenied", times=ALWAYS))
        cloud.faults.order(Fault(status=500, code="InternalError", times=ALWAYS))
        with store_of(cloud, retries=2) as store:
            with pytest.raises(StoreRefused):
                store.look("forbidden")
            for write in (
                lambda: store.put("k", b"x", NONE),
                lambda: store.delete("k"),
                lambda: store.begin("k", NONE),
            ):
                with pytest.raises(OutcomeUnknown):
                    write()
        assert len(cloud.requests) == 4

    def test_an_upload_whose_id_is_lost_on_the_way_is_not_begun_again(self, cloud):
        cloud.faults.order(Fault(operation="InitiateMultipartUpload", kind="cut", after_bytes=40, times=ALWAYS))
        with store_of(cloud, retries=2) as store, pytest.raises(OutcomeUnknown):
            store.begin("k", NONE)
        assert len(cloud.requests) == 1

    @pytest.mark.parametrize(("status", "code"), [(429, ""), (503, "SlowDown"), (409, "OperationAborted")])
    def test_a_write_that_was_turned_away_is_sent_again_with_its_whole_body(self, cloud, status, code):
        with store_of(cloud, retries=2, pace=at_once()) as store:
            cloud.faults.order(Fault(status=status, code=code, times=2))
            store.put("k", b"12345", NONE)
            cloud.faults.order(Fault(status=status, code=code, times=2))
            part = store.put_part(store.begin("k", NONE), 1, b"12345")
            cloud.faults.order(Fault(status=status, code=code, times=2))
            store.delete("k")
            assert store.look("k") is None
        assert part.size == 5
        assert [r.received for r in cloud.requests if r.operation == "PutObject"] == [5, 5, 5]


def test_one_store_is_used_by_many_threads(bucket, store):
    def work(number):
        key = f"k{number}"
        store.put(key, key.encode() * 1000, Meta(user={"n": str(number)}))
        info = store.look(key)
        return bytes(store.read(info, 0, info.size)) == key.encode() * 1000 and info.meta.user == {"n": str(number)}

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(64)))


def test_importing_the_store_does_not_import_the_sdk():
    code = (
        "import sys, bucketrelay.clouds.huawei.store; print(sorted({'obs', 'certifi', 'requests'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def listing(*parts):
    return b"<ListBucketResult><Name>b</Name>" + b"".join(parts) + b"</ListBucketResult>"


class Unconditional(ObsFront):
    """Ignores If-Match and If-None-Match, as `rclone serve s3` does."""

    def answer(self, incoming, named):
        for name in ("if-match", "if-none-match"):
            incoming.headers.pop(name, None)
        return super().answer(incoming, named)


class Rangeless(ObsFront):
    """Answers every range with the whole."""

    def answer(self, incoming, named):
        incoming.headers.pop("range", None)
        return super().answer(incoming, named)


class Circular(ObsFront):
    """Begins each page of a listing at the beginning."""

    def answer(self, incoming, named):
        incoming.query.pop("marker", None)
        if "max-keys" in incoming.query:
            incoming.query["max-keys"] = "1"
        return super().answer(incoming, named)


def _peak(call):
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@contextlib.contextmanager
def _answering(answer):
    """A server of one connection in a thread: *answer* is called with the accepted socket."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            accepted, _ = listening.accept()
            with accepted:
                answer(accepted)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            thread.join()


def _head_of(accepted):
    head = b""
    while b"\r\n\r\n" not in head:
        head += accepted.recv(1)
    return head


def _drain(size):
    """A server that takes a body into one small buffer."""

    def answer(accepted):
        _head_of(accepted)
        buffer, left = bytearray(65536), size
        while left:
            left -= accepted.recv_into(buffer, min(left, len(buffer)))
        accepted.sendall(b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')

    return _answering(answer)


@contextlib.contextmanager
def _sink(endpoint):
    keys = {"access_key": "a", "secret_key": "s"}
    store = obs_store(Address("obs", "b"), endpoint=endpoint, path_style=True, retries=0, **keys)
    try:
        yield store
    finally:
        store.close()


def _refuser():
    """A server that answers before it has read the body, and hangs up."""
    error = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"

    def answer(accepted):
        _head_of(accepted)
        length = str(len(error)).encode()
        accepted.sendall(
            b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: " + length + b"\r\n\r\n" + error
        )
        accepted.shutdown(socket.SHUT_WR)
        accepted.recv(65536)  # not all of it

    return _answering(answer)
