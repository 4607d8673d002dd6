"""Nothing outside of the configured stores is touched, whatever an event, a deferral, a list or a checkpoint says.

Over HTTP, through the functions' own entrypoints; judged by every request that reached a cloud.
"""

import json
from datetime import timedelta
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bucketrelay import wiring
from bucketrelay.drivers.function import handle
from bucketrelay.drivers.replay import replay_of
from bucketrelay_emulators.engine.faults import ALWAYS, Fault
from functions.three_clouds import NAMESPACE
from security.world import BESIDE, FOREIGN, LOGS, SOURCE, TARGET
from thorough import examples

CLOUDS = ("s3", "obs", "oci")
PIECES = (
    *("photos/", "photos2/", "photos", "copies/", "logs/", "../", "..", "./", "/", "//", "\\", "..\\"),
    *("%2F", "%252F", "%2e%2e/", "%2e%2e%2f", "%00", "?versionId=x", "#", "&uploads", ";", "a", "in/", "k", " ", "+"),
    *(
        "\n",
        "\r\nHost: evil",
        "\0",
        "\u2028",
        "\u202e",
        "é",
        "é",
        "😀",
        f"{FOREIGN}/",
        f"/{FOREIGN}/k",
        "~",
        "*",
        "${HOME}",
    ),
)
KEYS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join)
BUCKETS = st.sampled_from(
    [SOURCE] * 6
    + [FOREIGN, TARGET, LOGS, f"{SOURCE}/photos", f"../{FOREIGN}", f"{SOURCE}/../{FOREIGN}", f"{SOURCE}%2F", "*", " "]
    + [f"{SOURCE}@{NAMESPACE}", f"{FOREIGN}\r\n", SOURCE.upper(), f"{SOURCE}.", f"s3://{SOURCE}", "127.0.0.1:80"]
)
NAMES = {"created": ("ObjectCreated:Put", "createobject"), "removed": ("ObjectRemoved:Delete", "deleteobject")}
LIES = {
    "awsRegion": "us-west-2",
    "region": "evil-region-1",
    "endpoint": "http://169.254.169.254",
    "eventSource": "OBS",
    "responseElements": {"x-amz-request-id": "../../x"},
    "s3BucketArn": f"arn:aws:s3:::{FOREIGN}",
    "userIdentity": {"principalId": "root"},
}
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(6))


def event(cloud, bucket, key, change="created", namespace=NAMESPACE):
    """As the cloud would send it; with fields that claim to know better where the object is."""
    if cloud == "oci":
        where = {"bucketName": bucket, "namespace": namespace, "region": "evil", "objectStorageEndpoint": "http://evil"}
        kind = f"com.oraclecloud.objectstorage.{NAMES[change][1]}"
        data = {"resourceName": key, "resourceId": f"/n/{namespace}/b/{FOREIGN}/o/k", "additionalDetails": where}
        return {**LIES, "eventType": kind, "eventID": "e-1", "data": data, "source": "ObjectStorage"}
    place = {"bucket": {"name": bucket, "arn": f"arn:aws:s3:::{FOREIGN}"}, "object": {"key": quote_plus(key, safe="")}}
    source = {"eventSource": "aws:s3" if cloud == "s3" else "OBS", "eventVersion": "2.1" if cloud == "s3" else "3.0"}
    record = {**LIES, **source, "eventName": NAMES[change][0], cloud: place}
    return {"Records": [record]}


@pytest.fixture(scope="module", autouse=True)
def neighbours(standing_world):
    """All that lies outside of the stores is after these tests what it was before them."""
    before = standing_world.neighbours()
    yield
    assert standing_world.neighbours() == before


@pytest.mark.parametrize("cloud", CLOUDS)
@relaxed
@given(
    bucket=BUCKETS, key=KEYS, change=st.sampled_from(list(NAMES)), namespace=st.sampled_from([NAMESPACE, "evil", ""])
)
def test_no_event_leads_out_of_the_stores(standing_world, cloud, bucket, key, change, namespace):
    standing_world.forget()
    standing_world.invoke(cloud, event(cloud, bucket, key, change, namespace))

    assert standing_world.outside(cloud) == []


@pytest.mark.parametrize("cloud", ["obs", "oci"])
@settings(relaxed, max_examples=examples(5))
@given(key=KEYS)
def test_an_object_with_a_hostile_name_is_copied_under_just_that_name_below_the_prefix(standing_world, cloud, key):
    standing_world.clear()
    standing_world.write(cloud, SOURCE, f"photos/{key}")
    answer = standing_world.invoke(cloud, event(cloud, SOURCE, f"photos/{key}"))

    assert standing_world.outside(cloud) == []
    failed = isinstance(answer, Exception)
    for scheme, view in standing_world.views.items():
        held = [found for found in view.keys(TARGET) if found.startswith("copies/")]
        takes = scheme == "obs" or not set(key) & set("\n\r\0")  # moto's server sees none of them
        assert set(held) <= {f"copies/{key}"}
        assert held or failed or not takes


@pytest.mark.parametrize("cloud", CLOUDS)
def test_what_lies_beside_the_prefix_is_not_even_looked_at(clouds, cloud):
    for key in BESIDE:
        clouds.invoke(cloud, event(cloud, SOURCE, key))
    assert [request for request in clouds.records[cloud] if request.bucket == SOURCE] == []


@pytest.mark.parametrize("cloud", CLOUDS)
def test_an_event_of_a_foreign_bucket_asks_nothing_of_any_cloud_but_to_write_the_failed_list(clouds, cloud):
    answer = clouds.invoke(cloud, event(cloud, FOREIGN, "photos/k"))

    assert isinstance(answer, Exception)
    asked = [(request.operation, request.bucket) for record in clouds.records.values() for request in record]
    assert {bucket for _, bucket in asked} == {LOGS}
    assert {operation for operation, _ in asked} <= {"PutObject", "HeadObject"}
    assert [line["outcome"] for line in clouds.lists("failed_object")] == ["failed"]


def test_an_oci_event_of_the_same_bucket_in_another_tenancy_is_refused(clouds):
    assert isinstance(clouds.invoke("oci", event("oci", SOURCE, "photos/k", namespace="evil")), Exception)
    assert len(clouds.records["oci"]) == 0


def test_an_encoded_key_is_decoded_once_and_only_once(clouds):
    for name in ("photos/%2e%2e%2fk", "photos/../k", "k"):
        clouds.write("obs", SOURCE, name, name.encode())
    clouds.invoke("obs", event("obs", SOURCE, "photos/%2e%2e%2fk"))
    assert clouds.views["obs"].read(TARGET, "copies/%2e%2e%2fk").body == b"photos/%2e%2e%2fk"
    assert [key for key in clouds.views["obs"].keys(TARGET) if key.startswith("copies/")] == ["copies/%2e%2e%2fk"]
    clouds.views["obs"].remove(SOURCE, "k")
    clouds.write("obs", SOURCE, "k", b"a neighbour's")


# --- deferrals ------------------------------------------------------------------------------------------------------

ROUTES = st.sampled_from(["all"] * 4 + ["ALL", "", "other", "../all", "all\n", "*"])
STORES = st.sampled_from(["to-s3", "to-obs", "to-oci", "source", "logs", "", FOREIGN, f"s3://{FOREIGN}", "to-s3/../x"])
URLS = st.sampled_from(["", f"s3://{FOREIGN}", f"obs://{FOREIGN}/k", f"oci://{FOREIGN}@evil", "file:///etc", "source"])


@pytest.mark.parametrize("cloud", CLOUDS)
@relaxed
@given(
    route=ROUTES,
    target=STORES,
    source=URLS,
    key=KEYS | st.sampled_from(["private/k", "", "k"]),
    change=st.sampled_from(["created", "removed", "ignored", "x"]),
)
def test_no_forged_deferral_leads_out_of_the_stores(standing_world, cloud, route, target, source, key, change):
    standing_world.forget()
    task = {"route": route, "key": key, "target": target, "source": source, "change": change, "attempt": 1}
    more = {"target_key": f"../{FOREIGN}/k", "bucket": FOREIGN, "endpoint": "http://evil", "deletes": "follow"}
    standing_world.invoke(cloud, {"bucketrelay": {"version": 1, "tasks": [{**task, **more}]}})

    assert standing_world.outside(cloud) == []


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("told", [{"key": "private/k"}, {"route": "other"}, {"target": "source"}, {"target": "logs"}])
def test_a_deferral_cannot_have_what_the_route_does_not_bring(clouds, cloud, told):
    clouds.write(cloud, SOURCE, f"photos/{told.get('key', 'k')}")
    task = {"route": "all", "key": "k", "target": "to-obs", "change": "created", "attempt": 1, **told}
    answer = clouds.invoke(cloud, {"bucketrelay": {"version": 1, "tasks": [task]}})

    assert isinstance(answer, Exception)
    assert clouds.views["obs"].keys(TARGET) == [key for key in clouds.views["obs"].keys(TARGET) if key in BESIDE]


# --- lists ----------------------------------------------------------------------------------------------------------


def line(**changed):
    said = {
        "time": "2026-11-21T09:15:00.123456Z",
        "route": "all",
        "cause": "c",
        "change": "created",
        "source": f"obs://{SOURCE}/photos/k",
        "target": f"obs://{TARGET}/copies/k",
        "key": "k",
        "outcome": "failed",
        "bytes": 0,
        "seconds": 0.0,
        "lag": None,
        "degraded": [],
        "error": "",
        "retryable": True,
    }
    return json.dumps({**said, **changed})


def replayed(world, body, name="failed_object/2026/11/21/091500.123456Z-x.jsonl"):
    world.write("s3", LOGS, f"logs/{name}", body)
    with world.system("obs") as system:
        return [result for ended in replay_of(system).run(None, "", "replay-1") for result in ended.results]


TARGETS = st.sampled_from([f"{s}://{b}/copies/k" for s in ("s3", "obs", "file") for b in (TARGET, FOREIGN, SOURCE)])


@settings(relaxed, max_examples=examples(4))
@given(
    route=ROUTES,
    key=KEYS,
    target=TARGETS | URLS,
    source=URLS,
    change=st.sampled_from(["created", "removed", "ignored"]),
)
def test_no_forged_line_of_a_failed_list_leads_out_of_the_stores(standing_world, route, key, target, source, change):
    standing_world.clear()
    replayed(standing_world, line(route=route, key=key, target=target, source=source, change=change).encode())

    assert standing_world.outside("obs") == []


def test_a_line_that_names_a_foreign_bucket_is_answered_by_what_the_configuration_says(clouds):
    clouds.write("obs", SOURCE, "photos/k", b"ours")
    honest = f"obs://{TARGET}/copies/k"
    results = replayed(
        clouds,
        "\n".join([line(source=f"obs://{FOREIGN}/k"), line(target=f"obs://{FOREIGN}/k"), line(target=honest)]).encode(),
    )

    assert [result.outcome.value for result in results] == ["copied"]  # one task, which two lines ask for
    (kept,) = clouds.lists("failed_object")  # and one that no route wants any more
    assert kept["target"] == f"obs://{FOREIGN}/k"
    assert clouds.views["obs"].read(TARGET, "copies/k").body == b"ours"
    assert clouds.outside("obs") == []


# --- checkpoints ----------------------------------------------------------------------------------------------------

FORGED = {
    "a foreign bucket's upload": {"store": FOREIGN},
    "another store": {"store": "logs"},
    "the source": {"store": "source"},
    "a URL": {"store": f"obs://{FOREIGN}"},
    "another key": {"key": "other"},
    "a key that leads out": {"key": f"../../{FOREIGN}/k"},
    "an upload that is not there": {"upload": "0" * 32},
    "an upload id that is a request": {"upload": f"x&versionId=1 HTTP/1.1\r\nHost: evil\r\n\r\nDELETE /{FOREIGN}/k"},
    "an upload id that leads out": {"upload": f"../../{FOREIGN}/o/k"},
    "checksums of nothing": {"sums": {"1": {"md5": 1}, "-5": {}, "99999999": {}}},
}
LARGE = bytes(range(256)) * 4096 * 6  # 6 MiB: two parts


@pytest.fixture(scope="module")
def honest(standing_world):
    """The checkpoint that a broken copy to OBS leaves, and its name."""
    standing_world.clear()
    standing_world.write("obs", SOURCE, "photos/large", LARGE)
    emulator = standing_world.views["obs"].emulator
    fault = emulator.faults.order(Fault(operation="UploadPart", kind="refuse", status=503, times=ALWAYS))
    with standing_world.system("obs", ["to-obs"]) as system:
        handle(event("obs", SOURCE, "photos/large"), system, cloud="obs", seconds=60, invocation="i")
    emulator.faults.clear()
    assert fault.times == ALWAYS
    (name,) = [key for key in standing_world.views["s3"].keys(LOGS) if key.startswith("logs/checkpoints/")]
    return name, json.loads(standing_world.views["s3"].read(LOGS, name).body)


@pytest.mark.parametrize("forged", [{}, *list(FORGED.values())[4:8]], ids=["nothing", *list(FORGED)[4:8]])
def test_no_forged_checkpoint_leads_out_of_the_stores_or_spoils_the_copy(standing_world, honest, forged):
    name, said = honest
    target = standing_world.views["obs"]
    target.remove(TARGET, "copies/large")
    standing_world.write("s3", LOGS, name, json.dumps({**said, **forged}).encode())
    standing_world.forget()
    with standing_world.system("obs", ["to-obs"]) as system:
        report = handle(event("obs", SOURCE, "photos/large"), system, cloud="obs", seconds=60, invocation="i")

    assert standing_world.outside("obs") == []
    assert [result.outcome.value for result in report.results] == ["copied"]
    assert target.read(TARGET, "copies/large").body == LARGE


def test_the_sweep_of_forged_checkpoints_leads_nowhere(clouds, monkeypatch):
    for number, forged in enumerate(FORGED.values()):
        said = {"store": "to-obs", "key": "large", "upload": "u", "of": "", "sums": {}, **forged}
        clouds.write("s3", LOGS, f"logs/checkpoints/forged{number}.json", json.dumps(said).encode())
    clouds.forget()
    monkeypatch.setattr(wiring, "FORGOTTEN", timedelta(0))
    with clouds.system("obs") as system:
        system.sweep()

    assert clouds.outside("obs") == []
    assert not [key for key in clouds.views["s3"].keys(LOGS) if key.startswith("logs/checkpoints/")]


def test_keys_of_events_are_percent_encoded_in_every_request(clouds):
    """What a client library might not encode would be another request."""
    key = "photos/a?delete#&uploads;x=%0d%0aHost:evil\r\nX-Evil: 1 HTTP/1.1"
    clouds.invoke("obs", event("obs", SOURCE, key))
    (request,) = {request.path for request in clouds.records["obs"] if request.bucket == SOURCE}
    assert request == f"/{SOURCE}/{quote(key, safe='/~')}"
    assert clouds.outside("obs") == []
