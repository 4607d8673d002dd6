"""`bucketrelay doctor`: green on a healthy world, and each fault that is planted in it is found, with its remedy."""

import contextlib
import json
import shutil
import socket
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from botocore.session import Session
from click.testing import CliRunner
from moto.core.config import default_user_config

from bucketrelay import config
from bucketrelay.cli import cli
from bucketrelay.clouds.registry import facts
from bucketrelay.doctor import CHECKS, Finding, World, examine, table
from bucketrelay.model import Address
from bucketrelay.store import Abilities, Store
from bucketrelay.testing.memory import MemoryStore
from bucketrelay.wiring_stores import NO_KEYS, Stores
from bucketrelay_emulators.engine.faults import ALWAYS, Fault
from bucketrelay_emulators.local_clouds import LocalMoto, local_s3
from bucketrelay_emulators.obs import settings as obs_settings
from bucketrelay_emulators.obs.emulator import ObsEmulator
from bucketrelay_emulators.oci.emulator import OciEmulator
from bucketrelay_emulators.oci.events import COMPARTMENT
from bucketrelay_emulators.proxy import FaultProxy

SECRET = "doctor-secret-77aa/+="
SOURCE, TARGET = "doctor-source", "doctor-target"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:doctor-relay"
FUNCTION = "ocid1.fnfunc.oc1.phx.relay"
SWEPT = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload>"
NO_RULES = b"<NotificationConfiguration/>"
DOCS = Path(__file__).parents[2] / "docs" / "doctor.md"


@pytest.fixture(scope="module")
def aws():
    """The S3 part, deployed as it ought to be: source bucket → queue → function, a target and the log bucket."""
    session = Session()
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": SECRET}
    with contextlib.ExitStack() as stack:
        endpoint = stack.enter_context(local_s3()).endpoint
        # Else it would look for Docker, to run the function that the queue feeds.
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setitem(default_user_config["lambda"], "use_docker", False)
        clients = {
            name: stack.enter_context(
                contextlib.closing(session.create_client(name, region_name="us-east-1", endpoint_url=endpoint, **keys))
            )
            for name in ("s3", "sqs", "lambda", "iam")
        }
        _buckets(clients["s3"])
        _function(clients)
        yield endpoint, clients["s3"]


def _buckets(s3):
    for bucket in ("doctor-source", "doctor-target", "doctor-logs"):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket="doctor-source", Key="in/a.jpg", Body=b"1")
    rule = {"ID": "sweep", "Status": "Enabled", "Filter": {"Prefix": ""}}
    rule["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": 7}
    s3.put_bucket_lifecycle_configuration(Bucket="doctor-target", LifecycleConfiguration={"Rules": [rule]})
    _notify(s3, ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"])


def _notify(s3, events):
    rules = [{"Id": "stack", "QueueArn": QUEUE, "Events": events}] if events else []
    wanted = {"QueueConfigurations": rules}
    s3.put_bucket_notification_configuration(Bucket="doctor-source", NotificationConfiguration=wanted)


def _function(clients):
    role = clients["iam"].create_role(RoleName="doctor-relay", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    about = {"Runtime": "python3.13", "Role": role, "Handler": "app.handler", "Timeout": 60, "MemorySize": 512}
    code = {"ZipFile": b"PK\x05\x06" + bytes(18)}  # an empty archive
    clients["lambda"].create_function(FunctionName="doctor-relay", Code=code, **about)
    policy = '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:doctor-dead","maxReceiveCount":5}'
    clients["sqs"].create_queue(QueueName="doctor-dead")
    clients["sqs"].create_queue(
        QueueName="doctor-relay", Attributes={"VisibilityTimeout": "360", "RedrivePolicy": policy}
    )
    clients["lambda"].create_event_source_mapping(
        EventSourceArn=QUEUE, FunctionName="doctor-relay", FunctionResponseTypes=["ReportBatchItemFailures"]
    )


@dataclass
class Clouds:
    folder: Path
    s3: object  # a client that goes past the proxy
    proxy: FaultProxy
    obs: ObsEmulator
    oci: OciEmulator
    near: bool = False  # whether the lists are in a directory
    probe: str = ""  # between two heartbeats of each route
    routes: tuple = (
        ("photos", ["mirror", "archive"], "follow"),
        ("docs", ["back"], "keep"),
        ("pics", ["back"], "keep"),
    )

    def narrow(self, store):
        """Leave out what has nothing to do with a store: each client of S3 costs a tenth of a second or more."""
        self.routes = (NARROW[store],)
        used = {name for route in self.routes for name in (route[0], *route[1])}
        self.near = not used & {"photos", "back"} and store != "logs"
        (self.folder / "lists").mkdir(exist_ok=True)
        self.write()

    def write(self, **changed):
        """relay.toml, with options of stores changed: photos={"secret_key": "wrong"}."""
        of_s3 = {"endpoint": self.proxy.endpoint, "region": "us-east-1", "access_key": "test", "secret_key": SECRET}
        keys = {"access_key": self.obs.access_key, "secret_key": self.obs.secret_key}
        of_obs = {"endpoint": self.obs.endpoint, **keys}
        of_oci = {"endpoint": self.oci.endpoint, "config_file": self.oci.config_file}
        stores = {
            "photos": {"url": "s3://doctor-source/in", **of_s3},
            "docs": {"url": "oci://src@mytenancy", **of_oci},
            "pics": {"url": "obs://src", **of_obs},
            "mirror": {"url": "oci://target@mytenancy", **of_oci},
            "archive": {"url": "obs://target", **of_obs},
            "back": {"url": "s3://doctor-target", **of_s3},
            "logs": {"url": "s3://doctor-logs/relay", **of_s3},
        }
        if self.near:
            stores["logs"] = {"url": f"file://{self.folder}/lists"}
        text = 'log = "logs"\n'
        for name, options in stores.items():
            lines = {**options, "retries": 0, **changed.get(name, {})}
            text += f"[stores.{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items())
        for name, targets, deletes in self.routes:
            text += f'[[routes]]\nname = "{name}"\nsource = "{name}"\ntargets = {json.dumps(targets)}\n'
            text += f'deletes = "{deletes}"\nshared = {json.dumps("back" in targets)}\n'
            text += f'probe = "{self.probe}"\n' if self.probe else ""
        (self.folder / "relay.toml").write_text(text + changed.get("more", ""))

    def target(self, cloud):
        return self.obs.engine.bucket("target") if cloud == "obs" else self.oci.bucket("target")


@pytest.fixture
def clouds(aws, tmp_path, monkeypatch):
    for name in ("BUCKETRELAY_TOML", "BUCKETRELAY_CONFIG", "RELAY_SOURCE", "RELAY_TARGETS", "RELAY_LOG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    endpoint, s3 = aws
    with FaultProxy(endpoint) as proxy, ObsEmulator() as obs, OciEmulator() as oci:
        world = Clouds(tmp_path, s3, proxy, obs, oci)
        for cloud in (obs, oci):
            for bucket in ("src", "target"):
                cloud.create_bucket(bucket)
        _healthy_obs(obs)
        _healthy_oci(oci)
        world.write()
        yield world


def _healthy_obs(obs):
    source, target = obs.engine.bucket("src"), obs.engine.bucket("target")
    rules = "<Id>f</Id><FunctionGraph>urn:fss:relay</FunctionGraph><Event>ObjectCreated:*</Event>"
    rules += "<Event>ObjectRemoved:*</Event>"
    text = f"<NotificationConfiguration><FunctionGraphConfiguration>{rules}</FunctionGraphConfiguration>"
    obs_settings.keep(source, "notification", f"{text}</NotificationConfiguration>".encode())
    rule = f"<Rule><Prefix></Prefix><Status>Enabled</Status>{SWEPT}</Rule>"
    obs_settings.keep(target, "lifecycle", f"<LifecycleConfiguration>{rule}</LifecycleConfiguration>".encode())
    text = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    obs_settings.keep(target, "versioning", text)


def _healthy_oci(oci):
    from oci.object_storage.models import ObjectLifecycleRule, PutObjectLifecyclePolicyDetails, UpdateBucketDetails

    types = [f"com.oraclecloud.objectstorage.{what}object" for what in ("create", "update", "delete")]
    condition = {"eventType": types, "data": {"additionalDetails": {"bucketName": ["src"]}}}
    action = {"actionType": "FAAS", "isEnabled": True, "functionId": FUNCTION}
    rule = {"displayName": "stack", "isEnabled": True, "compartmentId": COMPARTMENT, "actions": {"actions": [action]}}
    oci.rules.add({**rule, "condition": json.dumps(condition)})
    oci.rules.functions[FUNCTION] = {"timeoutInSeconds": 300, "memoryInMBs": 512}
    fields = {"name": "s", "action": "ABORT", "time_amount": 7, "time_unit": "DAYS", "is_enabled": True}
    swept = ObjectLifecycleRule(target="multipart-uploads", **fields)
    client = oci.client()
    client.put_object_lifecycle_policy("mytenancy", "target", PutObjectLifecyclePolicyDetails(items=[swept]))
    client.update_bucket("mytenancy", "target", UpdateBucketDetails(versioning="Enabled"))


def run(clouds, *words):
    done = CliRunner().invoke(cli, ["doctor", *words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    for secret in (SECRET, clouds.obs.secret_key, Path(clouds.oci.config["key_file"]).read_text()[40:80]):
        assert secret not in done.output
    return done


def findings(clouds):
    done = run(clouds, "--json")
    found = [Finding(**json.loads(line)) for line in done.stdout.splitlines()]
    assert done.exit_code == (1 if any(finding.ok is False for finding in found) else 0)
    return found


def failed(found):
    return {(finding.store, finding.check) for finding in found if finding.ok is False}


def left_behind(clouds):
    keys = [o.key for cloud in ("obs", "oci") for o in clouds.target(cloud).list()]
    for bucket in ("doctor-target", "doctor-logs"):
        keys += LocalMoto(clouds.proxy.upstream).keys(bucket)
        keys += [up["Key"] for up in clouds.s3.list_multipart_uploads(Bucket=bucket).get("Uploads", ())]
    return [key for key in keys if "doctor" in key]


def test_a_healthy_world_is_green_and_nothing_is_left_in_it(clouds):
    found = findings(clouds)

    assert failed(found) == set()
    assert {finding.store for finding in found} == {"photos", "docs", "pics", "mirror", "archive", "back", "logs"}
    of_stores = {check.name for check in CHECKS.values() if not check.of.startswith("[")}
    assert {finding.check for finding in found} == of_stores - {"forward", "heartbeat"}
    assert left_behind(clouds) == []
    assert {(f.store, f.check) for f in found if f.ok is None} == {("archive", "conditional"), ("pics", "function")}
    written = [r for r in clouds.proxy.requests if r.bucket == "doctor-source" and r.method not in ("GET", "HEAD")]
    assert written == []
    assert clouds.oci.rules.all()[0]["displayName"] == "stack"


def test_a_person_gets_a_table_and_with_quiet_only_what_is_not_fine(clouds):
    clouds.narrow("pics")
    whole, quiet = run(clouds), run(clouds, "-q")

    assert (whole.exit_code, quiet.exit_code) == (0, 0)
    assert "all is well" in whole.stderr
    assert "credentials" in whole.stdout
    assert "credentials" not in quiet.stdout
    assert quiet.stderr == ""


def refuse(at, operation, *, status=403, code="AccessDenied", bucket=None, **more):
    if bucket is not None:
        more["match"] = lambda request: request.bucket == bucket
    at.faults.order(Fault(operation=operation, status=status, code=code, times=ALWAYS, **more))


def denied(at, operation, **more):
    return lambda clouds: refuse(getattr(clouds, at), operation, **more)


def without_events(clouds, *_):
    from oci.object_storage.models import UpdateBucketDetails

    clouds.oci.client().update_bucket("mytenancy", "src", UpdateBucketDetails(object_events_enabled=False))


def without_rules(clouds):
    clouds.oci.rules._rules.clear()


def short_of_memory(clouds):
    clouds.oci.rules.functions[FUNCTION] = {"timeoutInSeconds": 5, "memoryInMBs": 128}


def unswept_obs(clouds):
    obs_settings.keep(clouds.target("obs"), "lifecycle", b"")


def created_only_of_some(clouds):
    text = "<TopicConfiguration><Id>x</Id><Topic>urn:smn:x</Topic><Event>ObjectRemoved:*</Event></TopicConfiguration>"
    bucket = clouds.obs.engine.bucket("src")
    obs_settings.keep(bucket, "notification", f"<NotificationConfiguration>{text}</NotificationConfiguration>".encode())


def without_a_look_at_tags(clouds):
    clouds.obs.engine.bucket("src").put("a", b"1", headers={})
    refuse(clouds.obs, "GetObjectTagging", bucket="src")


def without_tagged_writes(at):
    def tagged(request):
        return any(name in request.headers for name in ("x-amz-tagging", "x-obs-tagging"))

    return lambda clouds: refuse(getattr(clouds, at), "PutObject", match=tagged)


NARROW = {
    "photos": ("photos", ["archive"], "follow"),
    "docs": ("docs", ["archive"], "keep"),
    "pics": ("pics", ["archive"], "keep"),
    "archive": ("pics", ["archive"], "follow"),
    "mirror": ("pics", ["mirror"], "follow"),
    "back": ("pics", ["back"], "keep"),
    "logs": ("pics", ["archive"], "keep"),
}
PLANTED = [
    # who fails in which check, a word of the remedy, how it is planted
    ("photos", "look", "s3:ListBucket on arn:aws:s3:::doctor-source", denied("proxy", "GetObject", bucket=SOURCE)),
    ("photos", "reach", "endpoint", denied("proxy", "GetObject", bucket=SOURCE, status=503, code="SlowDown")),
    ("photos", "list", "s3:ListBucket", denied("proxy", "ListObjectsV2", bucket=SOURCE)),
    ("photos", "credentials", "keys", denied("proxy", "GetObject", bucket=SOURCE, code="InvalidAccessKeyId")),
    ("photos", "clock", "NTP", denied("proxy", "GetObject", bucket=SOURCE, code="RequestTimeTooSkewed")),
    ("photos", "bucket", "create", lambda c: c.write(photos={"url": "s3://no-such-bucket/in"})),
    ("photos", "read", "kms:Decrypt", denied("proxy", "GetObject", key="in/a.jpg")),
    ("photos", "tags", "s3:GetObjectTagging", denied("proxy", "GetObjectTagging", bucket=SOURCE)),
    ("pics", "tags", "obs:object:GetObjectTagging", without_a_look_at_tags),
    ("back", "tags", "s3:PutObjectTagging", without_tagged_writes("proxy")),
    ("archive", "tags", "obs:object:PutObjectTagging", without_tagged_writes("obs")),
    ("back", "write", "s3:PutObject on arn:aws:s3:::doctor-target/*", denied("proxy", "PutObject", bucket=TARGET)),
    ("back", "multipart", "s3:AbortMultipartUpload", denied("proxy", "CreateMultipartUpload", bucket=TARGET)),
    ("logs", "write", "arn:aws:s3:::doctor-logs/relay/*", denied("proxy", "PutObject", bucket="doctor-logs")),
    ("archive", "credentials", "keys", lambda c: c.write(archive={"secret_key": "wrong"})),
    ("archive", "look", "obs:bucket:ListBucket", denied("obs", "GetObject", bucket="target")),
    ("archive", "write", "obs:object:PutObject", denied("obs", "PutObject")),
    ("archive", "multipart", "AbortMultipartUpload", denied("obs", "InitiateMultipartUpload")),
    ("archive", "uploads", "AbortIncompleteMultipartUpload", unswept_obs),
    ("pics", "wired", "wire pics", created_only_of_some),
    ("mirror", "bucket", "url", lambda c: c.oci.denied.add("target")),
    ("mirror", "credentials", "keys", denied("oci", "GetObject", bucket="target", status=401, code="NotAuthenticated")),
    ("mirror", "write", "OBJECT_CREATE", denied("oci", "PutObject", code="NotAllowed")),
    ("mirror", "multipart", "OBJECT_OVERWRITE", denied("oci", "CreateMultipartUpload", code="NotAllowed")),
    ("mirror", "reach", "endpoint", denied("oci", "GetObject", bucket="target", status=503, code="ServiceUnavailable")),
    ("docs", "events", "object-events-enabled true", without_events),
    ("docs", "wired", "wire docs", without_rules),
    ("docs", "function", "256 MB", short_of_memory),
]


@pytest.mark.parametrize(("store", "check", "word", "plant"), PLANTED, ids=[f"{s}-{c}" for s, c, _, _ in PLANTED])
def test_a_planted_fault_is_found_with_its_remedy(clouds, store, check, word, plant):
    clouds.narrow(store)
    plant(clouds)
    found = findings(clouds)

    assert failed(found) == {(store, check)}
    (first, *_), remedies = [f for f in found if f.ok is False], [f.remedy for f in found if f.ok is False]
    assert first.detail
    assert any(word in remedy for remedy in remedies)
    assert left_behind(clouds) == []


def beating(clouds, store):
    """Each route has heartbeats, one of them is looked at; its source's objects."""
    clouds.probe = "5m"
    clouds.narrow(store)
    if store == "photos":
        return lambda: [o["Key"] for o in clouds.s3.list_objects_v2(Bucket=SOURCE)["Contents"]]
    bucket = clouds.obs.engine.bucket("src") if store == "pics" else clouds.oci.bucket("src")
    return lambda: [o.key for o in bucket.list()]


@pytest.mark.parametrize("store", ["photos", "docs", "pics"])
def test_where_a_route_has_heartbeats_its_source_may_be_written_to_and_nothing_is_left_there(clouds, store):
    objects = beating(clouds, store)
    before = objects()
    found = findings(clouds)

    assert failed(found) == set()
    assert [(f.store, f.ok) for f in found if f.check == "heartbeat"] == [(store, True)]
    assert objects() == before


SOURCES = {"photos": ("proxy", SOURCE, "AccessDenied"), "docs": ("oci", "src", "NotAllowed")}
SOURCES["pics"] = ("obs", "src", "AccessDenied")
LACKING = [
    ("photos", "PutObject", "s3:PutObject and s3:DeleteObject on arn:aws:s3:::doctor-source/in/*.bucketrelay-probe*"),
    ("pics", "PutObject", "obs:object:PutObject and obs:object:DeleteObject on src/*.bucketrelay-probe*"),
    ("docs", "PutObject", "OBJECT_CREATE"),
    ("photos", "DeleteObject", "s3:DeleteObject"),
    ("pics", "DeleteObject", "obs:object:DeleteObject"),
    ("docs", "DeleteObject", "OBJECT_DELETE"),
]


@pytest.mark.parametrize(("store", "operation", "word"), LACKING)
def test_a_source_that_does_not_take_or_give_back_a_heartbeat_is_found_with_the_permission(
    clouds, store, operation, word
):
    at, bucket, code = SOURCES[store]
    objects = beating(clouds, store)
    before = objects()
    refuse(getattr(clouds, at), operation, bucket=bucket, code=code)
    found = findings(clouds)
    left = [key for key in objects() if key not in before]

    assert failed(found) == {(store, "heartbeat")}
    (finding,) = [f for f in found if f.check == "heartbeat"]
    assert word in finding.remedy
    assert [".bucketrelay-probe" in key for key in left] == ([True] if operation == "DeleteObject" else [])
    assert all(key in finding.detail for key in left)
    if store == "photos":
        routes = config.load((clouds.folder / "relay.toml").read_text(), {}, clouds.folder).routes
        assert not any(route.takes(key.removeprefix("in/")) for key in left for route in routes)
    for key in left if store == "photos" else ():  # the bucket is the module's
        clouds.s3.delete_object(Bucket=SOURCE, Key=key)


@pytest.mark.parametrize(
    ("store", "cloud", "code", "word"),
    [("archive", "obs", "AccessDenied", "obs:object:DeleteObject"), ("mirror", "oci", "NotAllowed", "OBJECT_DELETE")],
)
def test_a_probe_that_cannot_be_removed_is_named(clouds, store, cloud, code, word):
    clouds.narrow(store)
    refuse(getattr(clouds, cloud), "DeleteObject", code=code)
    found = findings(clouds)

    assert failed(found) == {(store, "delete")}
    assert any(word in f.remedy and ".bucketrelay-doctor/" in f.remedy for f in found if f.ok is False)
    assert any(".bucketrelay-doctor/" in f.detail for f in found if f.ok is False)
    assert len(left_behind(clouds)) == 1


def test_a_source_whose_removals_nobody_is_told_of_fails_where_the_route_follows_them(clouds):
    clouds.narrow("photos")
    _notify(clouds.s3, ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"])
    try:
        found = findings(clouds)
    finally:
        _notify(clouds.s3, ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"])

    assert failed(found) == {("photos", "wired")}
    assert any("LifecycleExpiration" in f.detail for f in found if f.ok is False)


def test_a_missing_lifecycle_rule_and_versioning_that_may_not_be_asked_are_told_apart(clouds):
    clouds.narrow("back")
    refuse(clouds.proxy, "GetBucketLifecycle")
    found = findings(clouds)
    assert failed(found) == set()
    assert [f.ok for f in found if (f.store, f.check) == ("back", "uploads")] == [None]

    clouds.proxy.faults.clear()
    refuse(clouds.proxy, "GetBucketLifecycle", status=404, code="NoSuchLifecycleConfiguration")
    found = findings(clouds)
    assert failed(found) == set()  # it is no server of AWS's, and may know no such rule
    assert [f.ok for f in found if (f.store, f.check) == ("back", "uploads")] == [None]


def test_eventgrid_cannot_be_seen_and_is_no_failure(clouds):
    clouds.narrow("pics")
    obs_settings.keep(clouds.obs.engine.bucket("src"), "notification", NO_RULES)
    found = findings(clouds)

    assert failed(found) == set()
    assert any(f.store == "pics" and f.check == "wired" and "EventGrid" in f.detail for f in found)


def test_a_server_that_cannot_be_reached_has_one_finding(clouds):
    clouds.narrow("archive")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, and nobody listens
        clouds.write(archive={"endpoint": f"http://127.0.0.1:{nobody.getsockname()[1]}", "timeout": 0.5})
        found = findings(clouds)

    assert [(f.check, f.ok) for f in found if f.store == "archive"] == [("reach", False)]


def test_a_clock_that_is_off_is_found_by_the_servers_date(clouds):
    clouds.narrow("mirror")
    clouds.routes = (("pics", ["mirror", "back"], "keep"),)  # one of each cloud
    clouds.write()
    found = look(clouds, now=datetime.now(timezone.utc) + timedelta(minutes=7))
    fine = look(clouds, now=datetime.now(timezone.utc) + timedelta(minutes=4))

    assert failed(found) == {("pics", "clock"), ("mirror", "clock"), ("back", "clock")}
    assert all("s apart" in f.detail and "NTP" in f.remedy for f in found if f.ok is False)
    assert failed(fine) == set()


def kept(stack, made):
    if hasattr(made, "close"):
        stack.callback(made.close)
    return made


def text(clouds):
    return (clouds.folder / "relay.toml").read_text()


def look(clouds, *, now):
    from bucketrelay.clouds.registry import cloud

    found = config.load(text(clouds), {})
    stores = Stores(found.stores, lambda: NO_KEYS)
    names = iter(range(100))
    with contextlib.ExitStack() as stack:
        world = World(
            found,
            lambda name: kept(stack, stores.get(name)),
            lambda name: kept(stack, cloud(found.stores[name].address, found.stores[name].reveal())),
            lambda: now,
            lambda: f"probe-{next(names)}",
        )
        return list(examine(world))


def test_a_log_bucket_that_is_the_source_by_another_name_is_a_loop(clouds):
    clouds.narrow("photos")
    with FaultProxy(clouds.proxy.upstream) as other:  # another address of the same server
        clouds.write(logs={"url": "s3://doctor-source/in/logs", "endpoint": other.endpoint})
        found = findings(clouds)

    assert ("logs", "loop") in failed(found)
    assert any("the source of route photos" in f.detail for f in found if f.check == "loop" and not f.ok)
    keys = [entry["Key"] for entry in clouds.s3.list_objects_v2(Bucket="doctor-source")["Contents"]]
    assert keys == ["in/a.jpg"]


def test_a_target_that_is_another_routes_source_is_not_written_to(clouds):
    clouds.narrow("back")
    chain = '[[routes]]\nname = "on"\nsource = "back"\ntargets = ["archive"]\n'
    clouds.write(more=chain)
    found = findings(clouds)
    puts = [r for r in clouds.proxy.requests if r.bucket == "doctor-target" and r.method in ("PUT", "POST", "DELETE")]

    assert puts == []
    assert any(f.store == "back" and f.check == "write" and "an event of route on" in f.detail for f in found)


def test_a_forward_is_named_and_not_told_anything(clouds):
    clouds.routes = (NARROW["photos"],)
    forward = (
        '[forwards.hook]\ntype = "webhook"\nurl = "https://127.0.0.1:1/hook?token=t0p"\nsecret_key = "whsec_dDBw"\n'
    )
    clouds.write(more=f'{forward}[[routes]]\nname = "h"\nsource = "photos"\nforward = "hook"\n')
    done = run(clouds, "--json")
    told = [json.loads(line) for line in done.stdout.splitlines() if '"forward"' in line]

    assert [(f["store"], f["ok"]) for f in told] == [("hook", None)]
    assert "t0p" not in done.output
    assert "whsec" not in done.output


def test_directories_are_tried_like_stores(tmp_path, clouds):
    for name in ("s", "t", "l"):
        (tmp_path / name).mkdir()
    stores = "".join(f'[stores.{n}]\nurl = "file://{tmp_path}/{n}"\n' for n in ("s", "t", "l"))
    route = '[[routes]]\nname = "r"\nsource = "s"\ntargets = ["t"]\n'
    (tmp_path / "relay.toml").write_text(f'log = "l"\n{stores}{route}')
    assert failed(findings(clouds)) == set()
    shutil.rmtree(tmp_path / "t")
    assert failed(findings(clouds)) == {("t", "look")}


def test_a_wrong_configuration_is_exit_2_with_every_mistake_on_a_line(clouds):
    (clouds.folder / "relay.toml").write_text('log = "nowhere"\nlgo = 1\n')
    done = run(clouds)

    assert done.exit_code == 2
    assert len(done.stderr.strip().splitlines()) >= 2


class Forgetful(MemoryStore):
    """Keeps no user metadata, as some servers do."""

    def put(self, key, body, meta, *, expect=None):
        return super().put(key, body, replace(meta, user={}), expect=expect)


def memory_world(target: Store):
    text = (
        'log = "l"\n[stores.s]\nurl = "file:///s"\n[stores.t]\nurl = "file:///t"\n[stores.l]\nurl = "file:///l"\n'
        '[[routes]]\nname = "r"\nsource = "s"\ntargets = ["t"]\n'
    )
    stores = {"s": MemoryStore(Address("s3", "s")), "t": target, "l": MemoryStore(Address("s3", "l"))}
    now = datetime.now(timezone.utc)
    return World(config.load(text, {}), stores.__getitem__, lambda name: None, lambda: now, lambda: "probe")


def test_conditions_that_are_honoured_are_told_from_those_that_are_not():
    for honoured in (True, False):
        found = list(examine(memory_world(MemoryStore(Address("s3", "t"), conditional=honoured))))
        assert [f.ok for f in found if f.check == "conditional"] == [True if honoured else None]
        assert failed(found) == set()


def test_a_store_that_forgets_user_metadata_is_found():
    found = list(examine(memory_world(Forgetful(Address("s3", "t")))))

    assert failed(found) == {("t", "write")}
    assert any("user metadata" in f.detail for f in found if f.ok is False)


def test_a_target_without_tags_is_worth_a_word_and_no_failure():
    class Untagged(MemoryStore):
        """As R2: a write with tags goes through without them, and from then on it says that it has none."""

        def put(self, key, body, meta, *, expect=None):
            if meta.tags:
                self._abilities = replace(self._abilities, tags=0)
            return super().put(key, body, replace(meta, tags={}), expect=expect)

    world = memory_world(Untagged(Address("s3", "t"), abilities=Abilities(tags=10)))
    (found,) = [finding for finding in examine(world) if finding.check == "tags"]

    assert (found.store, found.ok) == ("t", None)
    assert "the server takes no tags" in found.detail


def test_the_documentation_has_the_checks_as_they_are():
    assert table() in DOCS.read_text(encoding="utf-8")


def test_every_check_that_takes_a_permission_names_it_for_each_cloud():
    for check in CHECKS.values():
        known = {scheme for scheme in ("s3", "obs", "oci") if check.name in facts(scheme).needs}
        assert known in (set(), {"s3", "obs", "oci"}), check.name
        assert check.remedy
    assert {name for scheme in ("s3", "obs", "oci") for name in facts(scheme).needs} <= set(CHECKS)


def test_what_is_well_is_a_row_a_store_and_verbose_shows_each_check(clouds):
    clouds.narrow("pics")
    short, long = run(clouds), run(clouds, "-v")

    rows = [line.split("\t") for line in short.stdout.splitlines()]
    assert [row[1] for row in rows if row[0] == "ok"] == list(dict.fromkeys(row[1] for row in rows if row[0] == "ok"))
    assert len(long.stdout.splitlines()) > 2 * len(rows)
    assert "ROUTE" not in short.stdout
