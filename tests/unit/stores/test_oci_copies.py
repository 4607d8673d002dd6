"""Copies by Object Storage itself: accepted at once, done later, and told by a work request."""

import pytest

from bucketrelay.abilities import ServerSideCopy, Tagged
from bucketrelay.clouds.oracle.store import oci_store
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
from bucketrelay.http.outcome import Effect
from bucketrelay.model import Address, Meta, ObjectInfo
from bucketrelay.store import ABSENT, MiB
from bucketrelay_emulators.engine.faults import ALWAYS, Fault
from bucketrelay_emulators.oci.emulator import OciEmulator
from bucketrelay_emulators.oci.sign import pem, private_key
from fakes import at_once

NS = "mytenancy"
OLD = Meta(content_type="text/plain", user={"by": "source", "old": "1"})
NEW = Meta(content_type="text/plain", user={"by": "copy"})


@pytest.fixture
def cloud():
    with OciEmulator() as made:
        for name in ("one", "two"):
            made.create_bucket(name)
        yield made


@pytest.fixture
def opened(cloud):
    """Makes stores on the emulator, and closes them."""
    made = []

    def make(bucket, **options):
        address = Address("oci", bucket, NS)
        usual = {"endpoint": cloud.endpoint, "config_file": cloud.config_file, "pace": at_once(), "poll": 0.0}
        made.append(oci_store(address, **{**usual, **options}))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture
def source(opened):
    return opened("one")


@pytest.fixture
def target(opened):
    return opened("two")


@pytest.fixture
def info(source):
    source.put("a", b"12345", OLD)
    return source.look("a")


def before(cloud, operation, act):
    """Somebody else's deed, just before the next request of that operation."""
    cloud.faults.order(Fault(operation=operation, kind="act", act=act))


class TestReach:
    def test_small_objects_are_not_worth_a_work_request(self, target, source):
        assert isinstance(target, ServerSideCopy)
        assert not isinstance(target, Tagged)
        assert target.reach(source) == 64 * MiB

    def test_every_region_of_a_realm_is_near_and_another_realm_is_not(self, tmp_path):
        key = tmp_path / "key.pem"
        key.touch(mode=0o600)
        key.write_text(pem(private_key("test")))
        known = {"user": "ocid1.user.oc1..a", "tenancy": "ocid1.tenancy.oc1..a", "fingerprint": ":".join(["aa"] * 16)}
        regions = ("us-ashburn-1", "eu-frankfurt-1", "us-gov-ashburn-1")
        stores = [oci_store(Address("oci", "b", NS), region=r, key_file=str(key), **known) for r in regions]
        assert [stores[0].reach(store) for store in stores] == [64 * MiB, 64 * MiB, None]
        for store in stores:
            store.close()

    def test_another_endpoint_is_another_service(self, target):
        with OciEmulator() as strange:
            far = oci_store(Address("oci", "one", NS), endpoint=strange.endpoint, config_file=strange.config_file)
            assert target.reach(far) is None
            far.close()


class TestWhatIsAskedFor:
    def test_the_version_the_place_the_tier_and_the_condition(self, cloud, opened, source, info, monkeypatch):
        target = opened("two")
        asked = []
        monkeypatch.setattr(
            type(source.requests), "send", lambda self, *given: asked.append(given) or pytest.fail("enough")
        )
        meta = Meta(content_type="text/plain", user={"By": "cöpy"}, storage_class="InfrequentAccess")
        with pytest.raises(pytest.fail.Exception):
            target.copy_from(source, info, "b", meta, Deadline(), expect=ObjectInfo("b", 1, "seen"))
        operation, key, effect, given = asked[0]
        assert (operation, key, effect) == ("CopyObject", "a", Effect.PUBLISHING_WRITE)
        assert given.details == {
            "sourceObjectName": "a",
            "sourceObjectIfMatchETag": info.etag,
            "destinationRegion": cloud.config["region"],
            "destinationNamespace": NS,
            "destinationBucket": "two",
            "destinationObjectName": "b",
            "destinationObjectMetadata": {"opc-meta-by": "=?UTF-8?B?Y8O2cHk=?="},
            "destinationObjectStorageTier": "InfrequentAccess",
            "destinationObjectIfMatchETag": "seen",
        }

    def test_a_namespace_that_the_url_leaves_out_is_found_out(self, cloud, source, info):
        target = oci_store(Address("oci", "two"), endpoint=cloud.endpoint, config_file=cloud.config_file, poll=0.0)
        target.copy_from(source, info, "a", NEW, Deadline())
        assert bytes(cloud.bucket("two").get("a").body) == b"12345"
        target.close()

    def test_the_tier_is_that_of_the_object(self, target, source, info):
        target.copy_from(source, info, "a", Meta("text/plain", user={"a": "1"}, storage_class="Archive"), Deadline())
        assert target.look("a").meta.storage_class == "Archive"

    def test_metadata_that_would_come_along_from_the_source_is_not_copied(self, cloud, target, source, info):
        with pytest.raises(CannotCopy, match="the source's would come along"):
            target.copy_from(source, info, "a", Meta("text/plain"), Deadline())
        assert cloud.requests.count("CopyObject") == 0

    @pytest.mark.parametrize("other", [{"content_type": "text/html"}, {"cache_control": "no-store"}])
    def test_content_headers_that_a_copy_cannot_change_are_not_copied(self, cloud, target, source, info, other):
        with pytest.raises(CannotCopy, match="content headers"):
            target.copy_from(
                source, info, "a", Meta(**{"content_type": "text/plain", **other}, user={"a": "1"}), Deadline()
            )
        assert cloud.requests.count("CopyObject") == 0

    def test_an_object_without_a_type_has_the_services_own(self, target, source):
        source.put("a", b"12345", Meta(user={"a": "1"}))
        target.copy_from(source, source.look("a"), "a", Meta(user={"b": "2"}), Deadline())
        assert target.look("a").meta.content_type == "application/octet-stream"

    @pytest.mark.parametrize("write", [lambda s, m: s.put("a", b"", m), lambda s, m: s.begin("a", m)])
    def test_a_tier_that_there_is_not_is_refused_in_one_line(self, cloud, target, write):
        with pytest.raises(StoreRefused, match="'WARM': known: Archive, InfrequentAccess, Standard"):
            write(target, Meta(storage_class="WARM"))
        assert len(cloud.requests) == 0


class TestItsEnd:
    @pytest.mark.parametrize("polls", [0, 1, 5])
    def test_it_is_asked_after_until_it_has_ended(self, cloud, target, source, info, polls):
        cloud.copies.polls = polls
        written = target.copy_from(source, info, "a", NEW, Deadline())
        assert target.look("a").etag == written.etag
        assert cloud.requests.count("GetWorkRequest") == polls + 1

    def test_a_copy_that_fails_says_why_and_what_it_may_need(self, cloud, target, source, info):
        cloud.copies.fail_next("NotAuthorized", "the service may not write there")
        with pytest.raises(
            CannotCopy, match=r"NotAuthorized the service may not write there.*Allow service objectstorage"
        ):
            target.copy_from(source, info, "a", NEW, Deadline())
        assert target.look("a") is None

    def test_a_copy_that_fails_for_a_reason_that_cannot_be_read_failed(self, cloud, target, source, info):
        cloud.copies.fail_next()
        cloud.faults.order(
            Fault(operation="ListWorkRequestErrors", status=500, code="InternalServerError", times=ALWAYS)
        )
        with pytest.raises(CannotCopy, match="no reason can be read"):
            target.copy_from(source, info, "a", NEW, Deadline())

    def test_a_source_that_is_overwritten_meanwhile_is_said_to_be(self, cloud, target, source, info):
        before(cloud, "GetWorkRequest", lambda: cloud.bucket("one").put("a", b"newer"))
        with pytest.raises(SourceChanged, match="oci://one"):
            target.copy_from(source, info, "a", NEW, Deadline())
        assert target.look("a") is None

    def test_a_source_that_is_deleted_meanwhile_is_gone(self, cloud, target, source, info):
        before(cloud, "GetWorkRequest", lambda: cloud.bucket("one").delete("a"))
        with pytest.raises(ObjectGone, match="oci://one"):
            target.copy_from(source, info, "a", NEW, Deadline())

    def test_a_target_that_is_written_meanwhile_is_not_overwritten(self, cloud, target, source, info):
        before(cloud, "GetWorkRequest", lambda: cloud.bucket("two").put("a", b"theirs"))
        with pytest.raises(TargetChanged, match="oci://two"):
            target.copy_from(source, info, "a", NEW, Deadline(), expect=ABSENT)
        assert cloud.bucket("two").get("a").body == b"theirs"

    @pytest.mark.parametrize("act", [lambda bucket: bucket.put("a", b"12345"), lambda bucket: bucket.delete("a")])
    def test_what_somebody_wrote_just_after_it_is_not_taken_for_ours(self, cloud, target, source, info, act):
        cloud.copies.polls = 0
        before(cloud, "HeadObject", lambda: act(cloud.bucket("two")))
        with pytest.raises(TargetChanged, match="just after the copy"):
            target.copy_from(source, info, "a", NEW, Deadline())

    def test_a_copy_that_takes_too_long_is_called_off(self, cloud, target, source, info):
        cloud.copies.polls = ALWAYS
        with pytest.raises(OutOfTime, match="called off, or ends too late"):
            target.copy_from(
                source, info, "a", NEW, Deadline(50, now=lambda: 20.0 * cloud.requests.count("GetWorkRequest"))
            )
        assert cloud.requests.operations()[-1] == "CancelWorkRequest"
        cloud.copies.finish()
        assert target.look("a") is None

    def test_a_copy_that_cannot_be_called_off_is_out_of_time_all_the_same(self, cloud, target, source, info):
        cloud.copies.polls = ALWAYS
        cloud.faults.order(Fault(operation="CancelWorkRequest", status=409, code="IncorrectState", times=ALWAYS))
        with pytest.raises(OutOfTime):
            target.copy_from(
                source, info, "a", NEW, Deadline(50, now=lambda: 20.0 * cloud.requests.count("GetWorkRequest"))
            )

    def test_somebody_else_may_call_it_off(self, cloud, target, source, info):
        cloud.copies.polls = ALWAYS
        cancel = Fault(operation="GetWorkRequest", kind="act", skip=1, act=lambda: self.cancelled(cloud))
        cloud.faults.order(cancel)
        with pytest.raises(CannotCopy):
            target.copy_from(source, info, "a", NEW, Deadline())

    @staticmethod
    def cancelled(cloud):
        cloud.copies.cancel(cloud.requests[-1].key)


class TestErrors:
    @pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
    def test_without_an_answer_its_outcome_is_unknown_and_it_is_not_asked_for_again(
        self, cloud, target, source, info, kind
    ):
        cloud.faults.order(Fault(operation="CopyObject", kind=kind))
        with pytest.raises(OutcomeUnknown):
            target.copy_from(source, info, "a", NEW, Deadline())
        assert cloud.requests.count("CopyObject") == 1

    def test_throttling_means_that_nothing_was_begun(self, cloud, target, source, info):
        cloud.faults.order(Fault(operation="CopyObject", status=429, code="TooManyRequests", times=ALWAYS))
        with pytest.raises(StoreUnavailable) as raised:
            target.copy_from(source, info, "a", NEW, Deadline())
        assert not isinstance(raised.value, OutcomeUnknown)

    def test_a_copy_that_nobody_can_ask_after_has_an_unknown_outcome(self, cloud, target, source, info):
        cloud.faults.order(Fault(operation="GetWorkRequest", status=404, code="NotAuthorizedOrNotFound"))
        with pytest.raises(OutcomeUnknown, match="cannot be read"):
            target.copy_from(source, info, "a", NEW, Deadline())

    @pytest.mark.parametrize(
        ("status", "code"), [(404, "NotAuthorizedOrNotFound"), (404, "BucketNotFound"), (403, "No")]
    )
    def test_a_policy_that_is_missing_is_named(self, cloud, target, source, info, status, code):
        cloud.faults.order(Fault(operation="CopyObject", status=status, code=code))
        with pytest.raises(CannotCopy, match=r"oci://two@mytenancy/a.*Allow service objectstorage"):
            target.copy_from(source, info, "a", NEW, Deadline())

    def test_an_archived_source_cannot_be_copied(self, cloud, target, source):
        cloud.bucket("one").put("a", b"1", {"content-type": "text/plain"}, storage_class="Archive")
        with pytest.raises(CannotCopy, match="NotRestored"):
            target.copy_from(source, source.look("a"), "a", NEW, Deadline())
