"""OBS: the notification document by its SDK, on an emulator that checks signatures and keeps documents as sent."""

import pytest

from bucketrelay.clouds.bucket import CREATED, EXPIRED, REMOVED, ChangedMeanwhile, Need, Unwirable, Wish
from bucketrelay.clouds.huawei.bucket import ObsCloud
from bucketrelay.clouds.huawei.credentials import Access
from bucketrelay.errors import StoreRefused
from bucketrelay.model import Address
from bucketrelay_emulators.engine.faults import Fault
from bucketrelay_emulators.obs import settings as obs_settings

URN = "urn:fss:cn-north-4:0123:function:default:relay:latest"
# Both dialects of a filter: the SDK reads one of them, and would write the other rule without its filter.
THEIRS = (
    b"<NotificationConfiguration>\n  <TopicConfiguration><Id>theirs</Id><Filter><Object><FilterRule><Name>prefix</Name>"
    b"<Value>out/</Value></FilterRule></Object></Filter><Topic>urn:smn:cn-north-4:1:t</Topic>"
    b"<Event>ObjectCreated:*</Event></TopicConfiguration><FunctionGraphConfiguration><Id>other</Id><Filter><S3Key>"
    b"<FilterRule><Name>prefix</Name><Value>\xe4\xb8\xad/</Value></FilterRule></S3Key></Filter>"
    b"<FunctionGraph>urn:fss:theirs</FunctionGraph><Event>s3:ObjectCreated:Put</Event></FunctionGraphConfiguration>\n"
    b"</NotificationConfiguration>"
)


@pytest.fixture
def cloud(obs):
    made = make(obs)
    yield made
    made.close()


def make(obs, bucket="src", secret=""):
    keys = {"access_key": obs.access_key, "secret_key": secret or obs.secret_key}
    return ObsCloud(Address("obs", bucket, prefix="in/"), Access(obs.endpoint, **keys, path_style=True))


@pytest.fixture
def kept(obs):
    bucket = obs.engine.bucket("src")
    obs_settings.keep(bucket, "notification", THEIRS)
    return lambda: obs_settings.setting(bucket, "notification")


def wire(cloud, wish):
    plan = cloud.plan(wish)
    cloud.carry_out(plan)
    return plan


@pytest.mark.parametrize(("kind", "target"), [("function", URN), ("topic", "urn:smn:cn-north-4:0123:relay")])
def test_foreign_notifications_are_the_same_bytes_after_wiring_twice_and_undoing(cloud, kept, kind, target):
    (step,) = wire(cloud, Wish("r", kind, target)).steps
    once = kept()

    assert (step.verb, step.subject) == ("add", "bucketrelay-r")
    assert once.startswith(THEIRS.removesuffix(b"\n</NotificationConfiguration>"))
    assert wire(cloud, Wish("r", kind, target)).steps == ()
    assert kept() == once
    cloud.carry_out(cloud.plan_undo("r"))
    assert kept() == THEIRS
    assert cloud.plan_undo("r").steps == ()


def test_a_plan_alone_writes_nothing(cloud, obs, kept):
    cloud.plan(Wish("r", "function", URN))
    cloud.plan_undo("r")

    assert obs.requests.count("SetBucketNotification") == 0


def test_what_is_wired_is_seen(cloud):
    assert cloud.wiring().targets == ()
    wire(cloud, Wish("r", "function", URN))
    wired = cloud.wiring()

    assert (wired.events, wired.targets, wired.cannot) == ({CREATED, REMOVED}, (URN,), {EXPIRED})


def test_what_somebody_changed_since_the_plan_is_not_written_over(cloud, obs, kept):
    plan = cloud.plan(Wish("r", "function", URN))
    obs_settings.keep(obs.engine.bucket("src"), "notification", b"<NotificationConfiguration/>")

    with pytest.raises(ChangedMeanwhile):
        cloud.carry_out(plan)
    assert kept() == b"<NotificationConfiguration/>"


def test_without_a_target_the_steps_on_the_functions_side_are_told(cloud):
    with pytest.raises(Unwirable, match=r'huaweicloud_fgs_function_trigger .*bucket = "src".*prefix = "in/"'):
        cloud.plan(Wish("r", "function"))
    with pytest.raises(Unwirable, match="urn:fss:"):
        cloud.plan(Wish("r", "function", "relay"))
    with pytest.raises(Unwirable):
        cloud.plan(Wish("r", "queue", "arn:aws:sqs:x"))


def test_where_obs_refuses_the_steps_on_the_functions_side_are_told(cloud, obs):
    obs.faults.order(Fault(operation="SetBucketNotification", status=403, code="AccessDenied"))
    with pytest.raises(StoreRefused, match=r"PutBucketNotification.*huaweicloud_fgs_function_trigger"):
        wire(cloud, Wish("r", "function", URN))


def test_versioning_and_the_rule_for_abandoned_uploads_are_read(cloud, obs):
    bucket = obs.engine.bucket("src")
    assert (cloud.versioning(), cloud.sweeps()) == (False, False)
    text = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    obs_settings.keep(bucket, "versioning", text)
    obs_settings.keep(bucket, "lifecycle", sweep("other/"))
    assert (cloud.versioning(), cloud.sweeps()) == (True, False)
    obs_settings.keep(bucket, "lifecycle", sweep(""))
    assert cloud.sweeps()


def sweep(prefix):
    inner = f"<ID>s</ID><Prefix>{prefix}</Prefix><Status>Enabled</Status>"
    swept = (
        "<AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload>"
    )
    return f"<LifecycleConfiguration><Rule>{inner}{swept}</Rule></LifecycleConfiguration>".encode()


def test_a_greeting_tells_what_is_wrong(cloud, obs):
    assert cloud.greet().trouble == ""
    assert cloud.greet().date is not None
    for made, trouble in ((make(obs, "no-such-bucket"), "bucket"), (make(obs, secret="wrong"), "credentials")):
        assert made.greet().trouble == trouble
        made.close()
    for code, trouble in (("AccessDenied", "look"), ("RequestTimeTooSkewed", "clock")):
        obs.faults.order(Fault(operation="GetObject", status=403, code=code))
        assert cloud.greet().trouble == trouble


def test_what_cannot_be_asked_is_said_to_be_so(cloud):
    (fact,) = cloud.facts([URN], Need(5.0, 128 << 20))

    assert fact.ok is None
    assert "margin = 5 s" in fact.remedy
