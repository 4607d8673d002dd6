"""Copies by OBS itself, tags, classes, ACL and encryption: where 200 is no success, and what is never sent."""

import contextlib
import re
import socket

import pytest

from bucketrelay.abilities import ServerSideCopy, Tagged
from bucketrelay.clouds import server_copy as copying
from bucketrelay.clouds.huawei.store import obs_store
from bucketrelay.deadline import Deadline
from bucketrelay.errors import (
    CannotCopy,
    ObjectGone,
    OutcomeUnknown,
    OutOfTime,
    SourceChanged,
    StoreRefused,
    StoreUnavailable,
)
from bucketrelay.model import Address, Meta, ObjectInfo
from bucketrelay.store import MiB
from bucketrelay_emulators.engine.faults import Fault
from bucketrelay_emulators.obs import emulator
from bucketrelay_emulators.obs import multipart as obs_multipart
from bucketrelay_emulators.obs.emulator import ObsEmulator, ObsFront

OLD = Meta(content_type="text/plain", user={"by": "source", "old": "1"})
NEW = Meta(content_type="text/html", user={"by": "copy"}, tags={"k 1": "ü"}, storage_class="WARM")


@contextlib.contextmanager
def opened(cloud, name, **settings):
    usual = {"endpoint": cloud.endpoint, "access_key": cloud.access_key, "secret_key": cloud.secret_key}
    store = obs_store(Address("obs", name), **{**usual, "path_style": True, "retries": 0, **settings})
    try:
        yield store
    finally:
        store.close()


@pytest.fixture
def cloud():
    with ObsEmulator() as running:
        running.create_bucket("one")
        running.create_bucket("two")
        yield running


@pytest.fixture(params=["path", "host"])
def way(cloud, request, monkeypatch):
    """The S3 way of signing with the bucket in the path, and OBS's own with the bucket in the host name."""
    ask = socket.getaddrinfo

    def resolve(host, *rest, **named):  # not every resolver knows that *.localhost is this machine
        name = host if isinstance(host, str) else host.decode()
        return ask("127.0.0.1" if name.endswith("localhost") else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    host = {"endpoint": f"http://localhost:{cloud.port}", "path_style": False}
    return host if request.param == "host" else {}


@pytest.fixture
def source(cloud, way):
    with opened(cloud, "one", **way) as store:
        yield store


@pytest.fixture
def target(cloud, way):
    with opened(cloud, "two", **way) as store:
        yield store


@pytest.fixture
def info(source):
    source.put("a", b"12345", OLD)
    return source.look("a")


def published(cloud):
    """What is in the target's bucket, and the uploads that are open."""
    bucket = cloud.engine.bucket("two")
    return [obj.key for obj in bucket.list()], list(bucket.uploads.list())


class TestReach:
    def test_it_is_what_it_says(self, target):
        assert isinstance(target, ServerSideCopy)
        assert isinstance(target, Tagged)

    def test_one_region_reaches_its_buckets_and_another_region_does_not(self):
        def at(endpoint):
            return obs_store(Address("obs", "b"), endpoint=endpoint)

        north, east = "https://obs.cn-north-4.myhuaweicloud.com", "https://obs.cn-east-3.myhuaweicloud.com"
        assert at(north).reach(at("OBS.cn-north-4.myhuaweicloud.com:443")) == 8 * MiB
        assert at(north).reach(at(east)) is None


class TestCopies:
    def test_class_tags_and_metadata_are_those_that_are_given(self, cloud, target, source, info):
        target.copy_from(source, info, "b", NEW, Deadline())
        held = cloud.engine.bucket("two").get("b")
        assert (held.body, held.storage_class, held.tags) == (b"12345", "WARM", {"k 1": "ü"})
        assert (target.look("b").meta.user, target.look("b").meta.content_type) == ({"by": "copy"}, "text/html")

    def test_no_request_could_destroy_anything_elsewhere(self, cloud, target, source, info):
        cloud.requests.clear()
        target.copy_from(source, info, "b", NEW, Deadline())
        operations = cloud.requests.operations()
        assert operations == [
            "InitiateMultipartUpload",
            "CopyPart",
            "ListParts",
            "GetObject",
            "CompleteMultipartUpload",
        ]

    def test_the_pin_is_sent_unquoted(self, cloud, target, source, info):
        target.copy_from(source, info, "b", NEW, Deadline())
        (copy,) = [request for request in cloud.requests if request.operation == "CopyPart"]
        pins = [value for name, value in copy.headers.items() if name.endswith("copy-source-if-match")]
        assert pins == [info.etag]

    def test_what_is_large_goes_in_ranges(self, cloud, target, source, monkeypatch):
        monkeypatch.setattr(copying, "_PART", 128 * 1024)
        content = bytes(range(256)) * 1100
        source.put("a", content, OLD)
        target.copy_from(source, source.look("a"), "b", NEW, Deadline())
        assert cloud.engine.bucket("two").get("b").body == content
        assert cloud.requests.count("CopyPart") == 3

    def test_200_with_an_error_inside_is_no_success(self, cloud, target, source, info):
        cloud.faults.order(Fault(operation="CopyPart", kind="error_in_200", code="InternalError"))
        with pytest.raises(StoreUnavailable, match="InternalError"):
            target.copy_from(source, info, "b", NEW, Deadline())
        assert published(cloud) == ([], [])

    def test_a_server_that_takes_the_copy_for_an_empty_part_is_found_out(self, monkeypatch):
        monkeypatch.setitem(emulator.OPERATIONS, "CopyPart", obs_multipart.upload_part)
        with ObsEmulator() as cloud, opened(cloud, "one") as source, opened(cloud, "two") as target:
            cloud.create_bucket("one")
            cloud.create_bucket("two")
            source.put("a", b"12345", OLD)
            with pytest.raises(CannotCopy):
                target.copy_from(source, source.look("a"), "b", NEW, Deadline())
            assert published(cloud) == ([], [])

    def test_a_server_that_ignores_the_pin_publishes_nothing_of_another_version(self):
        class Careless(ObsFront):
            def answer(self, incoming, named):
                for name in [name for name in incoming.headers if name.endswith("copy-source-if-match")]:
                    del incoming.headers[name]
                return super().answer(incoming, named)

        with ObsEmulator(front=Careless) as cloud, opened(cloud, "one") as source, opened(cloud, "two") as target:
            cloud.create_bucket("one")
            cloud.create_bucket("two")
            source.put("a", b"12345", OLD)
            info = source.look("a")
            source.put("a", b"54321", OLD)
            with pytest.raises(SourceChanged):
                target.copy_from(source, info, "b", NEW, Deadline())
            assert published(cloud) == ([], [])

    def test_a_source_that_changes_between_the_copy_and_the_commit_is_not_published(self, cloud, target, source, info):
        act = Fault(operation="ListParts", kind="act", act=lambda: cloud.engine.bucket("one").put("a", b"newer"))
        cloud.faults.order(act)
        with pytest.raises(SourceChanged):
            target.copy_from(source, info, "b", NEW, Deadline())
        assert published(cloud) == ([], [])

    @pytest.mark.parametrize(("status", "code"), [(403, "AccessDenied"), (400, "InvalidRequest")])
    def test_a_server_that_will_not_cannot(self, cloud, target, source, info, status, code):
        cloud.faults.order(Fault(operation="CopyPart", status=status, code=code))
        with pytest.raises(CannotCopy, match=rf"obs://two/b.*obs://one/a.*{code}"):
            target.copy_from(source, info, "b", NEW, Deadline())
        assert published(cloud) == ([], [])

    def test_an_archived_source_cannot_be_copied(self, cloud, target, source):
        cloud.engine.bucket("one").put("a", b"1", storage_class="COLD")
        with pytest.raises(CannotCopy, match="InvalidObjectState"):
            target.copy_from(source, source.look("a"), "b", NEW, Deadline())

    def test_a_lost_commit_has_an_unknown_outcome(self, cloud, target, source, info):
        cloud.faults.order(Fault(operation="CompleteMultipartUpload", kind="reset_after"))
        with pytest.raises(OutcomeUnknown):
            target.copy_from(source, info, "b", NEW, Deadline())

    def test_a_key_that_the_header_cannot_say_is_not_asked_for(self, cloud, target, source):
        info = ObjectInfo("a?versionId=1", 5, "etag")
        with pytest.raises(CannotCopy, match="versionId"):
            target.copy_from(source, info, "b", NEW, Deadline())
        assert len(cloud.requests) == 0

    def test_time_that_runs_out_between_parts_ends_it(self, cloud, target, source, monkeypatch):
        monkeypatch.setattr(copying, "_PART", 128 * 1024)
        source.put("a", bytes(300_000), OLD)
        late = Deadline(50, now=lambda: 30.0 * cloud.requests.count("CopyPart"))
        with pytest.raises(OutOfTime):
            target.copy_from(source, source.look("a"), "b", NEW, late)
        assert published(cloud) == ([], [])


class TestTags:
    def test_they_are_written_with_the_object_and_by_no_call_of_their_own(self, cloud, target):
        target.put("a", b"1", NEW)
        assert cloud.engine.bucket("two").get("a").tags == {"k 1": "ü"}
        assert cloud.requests.operations() == ["PutObject"]

    def test_those_that_have_never_been_set_are_none(self, cloud, target):
        cloud.faults.order(Fault(operation="GetObjectTagging", status=404, code="NoSuchTagSet"))
        assert target.tags(ObjectInfo("a", 1, "etag")) == {}

    def test_200_with_an_error_inside_is_not_taken_for_no_tags(self, cloud, target):
        target.put("a", b"1", NEW)
        cloud.faults.order(Fault(operation="GetObjectTagging", kind="error_in_200", code="InternalError"))
        with pytest.raises(StoreUnavailable, match="obs://two/a"):
            target.tags(target.look("a"))

    def test_a_permission_that_is_missing_is_named(self, cloud, target):
        cloud.faults.order(Fault(operation="GetObjectTagging", status=403, code="AccessDenied"))
        with pytest.raises(StoreRefused, match="GetObjectTagging"):
            target.tags(ObjectInfo("a", 1, "etag"))

    def test_those_of_a_version_are_asked_for_by_its_id(self, cloud, target):
        with pytest.raises(ObjectGone):
            target.tags(ObjectInfo("a", 1, "etag", version="v1"))
        assert cloud.requests[0].query["versionId"] == "v1"

    @pytest.mark.parametrize(("tag", "fits"), [("a b+ü!", True), ("", True), ("a/b", False), ("a=b", False)])
    def test_what_a_tag_may_say_is_declared(self, target, tag, fits):
        assert bool(re.fullmatch(target.abilities.tag_text, tag)) is fits


class TestHowItIsKept:
    @pytest.mark.parametrize("write", [lambda s: s.put("a", b"1", OLD), lambda s: s.begin("a", OLD)])
    @pytest.mark.parametrize(
        ("native", "sse", "said"), [(True, "kms", "kms"), (False, "kms", "aws:kms"), (True, "AES256", "AES256")]
    )
    def test_acl_and_encryption_go_with_every_write_in_the_dialects_words(
        self, cloud, monkeypatch, write, native, sse, said
    ):
        ask = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **named: ask("127.0.0.1", *rest, **named))
        way = {"endpoint": f"http://localhost:{cloud.port}", "path_style": False} if native else {}
        key = {"kms_key": "id"} if sse == "kms" else {}
        with opened(cloud, "two", **way, acl="bucket-owner-full-control", sse=sse, **key) as store:
            write(store)
        told, prefix = cloud.requests[0].headers, "x-obs-" if native else "x-amz-"
        assert told[f"{prefix}acl"] == "bucket-owner-full-control"
        assert told[f"{prefix}server-side-encryption"] == said
        name = "kms-key-id" if native else "aws-kms-key-id"
        assert told.get(f"{prefix}server-side-encryption-{name}", "") == key.get("kms_key", "")

    def test_nothing_is_said_of_them_unless_it_is_asked_for(self, cloud, target):
        target.put("a", b"1", OLD)
        told = cloud.requests[0].headers
        assert not [name for name in told if re.search("acl|encryption|storage-class|tagging", name)]

    def test_the_class_is_obss_own_in_either_dialect(self, cloud, target):
        target.put("a", b"1", NEW)
        upload = target.begin("b", NEW)
        target.commit(upload, [target.put_part(upload, 1, b"1")])
        assert [cloud.engine.bucket("two").get(key).storage_class for key in "ab"] == ["WARM", "WARM"]

    def test_archives_are_never_chosen_unasked(self, cloud):
        with opened(cloud, "two", storage_classes={"GLACIER": "COLD"}) as store:
            classes = store.abilities.classes
        assert classes["STANDARD_IA"] == classes["InfrequentAccess"] == "WARM"
        assert "DEEP_ARCHIVE" not in classes
        assert classes["GLACIER"] == "COLD"
