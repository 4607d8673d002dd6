"""A real stranger: Ceph's gateway, as a source by the notifications that it pushes itself, and as a target."""

import json
import threading

import pytest
from botocore.session import Session

from bucketrelay import config, wiring
from bucketrelay.doctor import World as Examined
from bucketrelay.doctor import examine
from bucketrelay.drivers import function as entry
from bucketrelay.drivers.dry_run import dry_run
from bucketrelay.wiring_stores import NO_KEYS, Stores
from bucketrelay_emulators.obs.emulator import ObsEmulator
from payloads.event_builders import records
from receivers import Receiver, Say
from strangers import ceph as packages
from strangers.ceph import ACCESS_KEY, SECRET_KEY, Ceph

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not packages.is_installed(), reason="needs Debian's ceph-mon ceph-osd radosgw ceph-common"),
]
KEYS = ["a b+c.txt", "100% done.txt", "é%2B/中 文.txt", "plain", "a&b=c;d.txt"]
MiB = 1024 * 1024


@pytest.fixture(scope="module")
def gateway():
    with Ceph() as running:
        yield running


@pytest.fixture(scope="module")
def client(gateway):
    session = Session()
    made = {}

    def client(service):
        if service not in made:
            made[service] = session.create_client(
                service,
                region_name="default",
                endpoint_url=gateway.endpoint,
                aws_access_key_id=ACCESS_KEY,
                aws_secret_access_key=SECRET_KEY,
            )
        return made[service]

    yield client
    for each in made.values():
        each.close()


def toml(gateway, source, target, folder, options=""):
    at_ceph = f'endpoint = "{gateway.endpoint}"\naccess_key = "{ACCESS_KEY}"\nsecret_key = "{SECRET_KEY}"\n'
    text = f'log = "logs"\n[stores.logs]\nurl = "file://{folder}/logs"\n[limits]\npart_size = "5MiB"\n'
    for name, url in {"source": source, "target": target}.items():
        text += f'[stores.{name}]\nurl = "{url}"\n' + (
            at_ceph if url.startswith("s3:") else options * (name == "source")
        )
    return text + '[[routes]]\nname = "r"\nsource = "source"\ntargets = ["target"]\ndeletes = "follow"\n'


@pytest.fixture
def pushed(client):
    """What the gateway pushes of a bucket, event by event, over HTTP."""
    arrived = threading.Semaphore(0)

    def answer(_):
        arrived.release()
        return Say()

    with Receiver(answer) as server:
        s3 = client("s3")
        s3.create_bucket(Bucket="source")
        topic = client("sns").create_topic(Name="relay", Attributes={"push-endpoint": server.url})["TopicArn"]
        rule = {"Id": "relay", "TopicArn": topic, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
        s3.put_bucket_notification_configuration(
            Bucket="source", NotificationConfiguration={"TopicConfigurations": [rule]}
        )

        def pushed(count):
            for _ in range(count):
                assert arrived.acquire(timeout=30), "no notification came"
            taken = server.got[-count:]
            return [got.body for got in taken]

        yield pushed


def test_what_ceph_pushes_is_replicated_whatever_the_keys_are_made_of(gateway, client, pushed, tmp_path):
    for name in ("target", "logs"):
        (tmp_path / name).mkdir()
    system = wiring.system(config.load(toml(gateway, "s3://source", f"file://{tmp_path}/target", tmp_path), {}))
    s3 = client("s3")
    for key in KEYS:
        s3.put_object(Bucket="source", Key=key, Body=key.encode(), Metadata={"owner": "ann"})
    for body in pushed(len(KEYS)):
        report = entry.handle(body, system, cloud="s3", seconds=60, invocation="i")
        assert [result.outcome.value for result in report.results] == ["copied"], body
    assert {key: (tmp_path / "target" / key).read_bytes() for key in KEYS} == {key: key.encode() for key in KEYS}

    for key in KEYS[:2]:
        s3.delete_object(Bucket="source", Key=key)
    for body in pushed(2):
        report = entry.handle(body, system, cloud="s3", seconds=60, invocation="i")
        assert [result.outcome.value for result in report.results] == ["deleted"], body
    system.close()


def test_a_webhook_by_a_function_url_holds_cephs_events_too(gateway, client, pushed, tmp_path):
    client("s3").put_object(Bucket="source", Key="a b+c.txt", Body=b"1")
    (body,) = pushed(1)
    call = {"requestContext": {"http": {"method": "POST"}}, "body": body.decode()}
    system = wiring.system(config.load(toml(gateway, "s3://source", f"file://{tmp_path}/t", tmp_path), {}))
    found = dry_run(json.dumps(call), system, cloud="s3")
    system.close()

    assert [task.key for task in found.tasks] == ["a b+c.txt"]


@pytest.mark.parametrize("size", [0, 11, 5 * MiB + 1, 12 * MiB])
def test_ceph_takes_what_obs_tells_of_whole_and_in_parts(gateway, client, tmp_path, size):
    s3 = client("s3")
    s3.create_bucket(Bucket="target")
    body = bytes(range(256)) * (size // 256 + 1)
    with ObsEmulator() as obs:
        obs.create_bucket("source")
        bucket = obs.engine.bucket("source")
        bucket.put("a b+c", body[:size], headers={"content-type": "image/jpeg"}, user={"owner": "ann"})
        keys = f'endpoint = "{obs.endpoint}"\naccess_key = "{obs.access_key}"\nsecret_key = "{obs.secret_key}"\n'
        system = wiring.system(config.load(toml(gateway, "obs://source", "s3://target", tmp_path, keys), {}))
        (tmp_path / "logs").mkdir()
        event = records(
            {"eventName": "ObjectCreated:Put", "obs": {"bucket": {"name": "source"}, "object": {"key": "a+b%2Bc"}}}
        )
        first, second = (entry.handle(event, system, cloud="obs", seconds=60, invocation=i).results for i in "12")
        system.close()

    assert [(r.outcome.value, r.error) for r in (*first, *second)] == [("copied", ""), ("unchanged", "")]
    held = s3.get_object(Bucket="target", Key="a b+c")
    assert held["Body"].read() == body[:size]
    assert (held["Metadata"]["owner"], held["ContentType"]) == ("ann", "image/jpeg")
    s3.delete_object(Bucket="target", Key="a b+c")


def test_ceph_takes_the_next_version_on_the_condition_that_the_last_is_there(gateway, client, tmp_path):
    """Ceph compares If-Match of a PUT with the ETag without its quotes."""
    client("s3").create_bucket(Bucket="target")
    (tmp_path / "logs").mkdir()
    with ObsEmulator() as obs:
        bucket = obs.create_bucket("source") or obs.engine.bucket("source")
        keys = f'endpoint = "{obs.endpoint}"\naccess_key = "{obs.access_key}"\nsecret_key = "{obs.secret_key}"\n'
        system = wiring.system(config.load(toml(gateway, "obs://source", "s3://target", tmp_path, keys), {}))
        event = records(
            {"eventName": "ObjectCreated:Put", "obs": {"bucket": {"name": "source"}, "object": {"key": "k"}}}
        )
        ended = []
        for body in (b"one", b"two", b"three"):
            bucket.put("k", body)
            ended += entry.handle(event, system, cloud="obs", seconds=60, invocation=body.decode()).results
        system.close()

    assert [(r.outcome.value, r.error) for r in ended] == [("copied", "")] * 3
    assert client("s3").get_object(Bucket="target", Key="k")["Body"].read() == b"three"


def test_the_doctor_is_green_on_ceph(gateway, client, tmp_path):
    from datetime import datetime, timezone
    from uuid import uuid4

    from bucketrelay.clouds.registry import cloud

    for name in ("from-here", "to-there"):
        client("s3").create_bucket(Bucket=name)
    topic = client("sns").create_topic(Name="t", Attributes={"push-endpoint": "http://127.0.0.1:9"})["TopicArn"]
    rule = {
        "Id": "r",
        "TopicArn": topic,
        "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"],
    }
    with pytest.MonkeyPatch.context():
        client("s3").put_bucket_notification_configuration(
            Bucket="from-here",
            NotificationConfiguration={"TopicConfigurations": [rule | {"Events": rule["Events"][:2]}]},
        )
    (tmp_path / "logs").mkdir()
    found = config.load(toml(gateway, "s3://from-here", "s3://to-there", tmp_path).replace('"follow"', '"keep"'), {})
    stores = Stores(found.stores, lambda: NO_KEYS)
    adapters = {}

    def health(name):
        store = found.stores[name]
        if name not in adapters:
            adapters[name] = cloud(store.address, store.reveal())
        return adapters[name]

    world = Examined(found, stores.get, health, lambda: datetime.now(timezone.utc), lambda: uuid4().hex)
    failed = [finding for finding in examine(world) if finding.ok is False]
    stores.close()
    for adapter in filter(None, adapters.values()):
        adapter.close()

    assert failed == []
