"""What docs/permissions.md is made from has every call that is made and none that is not, and its permissions suffice.

The calls are those that reached the clouds while everything that needs a permission was done: copies small, in parts
and by the server, overwrites, deletes, tags, an upload that breaks off and one that is given up, lists, the sweep,
replay, doctor. For OBS, the emulator itself asks for the permission of each call.
"""

import uuid
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import ClassVar

import pytest

from bucketrelay import config, wiring
from bucketrelay.clouds.permissions import PURPOSES
from bucketrelay.clouds.registry import cloud as wire_cloud
from bucketrelay.clouds.registry import permissions
from bucketrelay.core.checkpoints import LogCheckpoints
from bucketrelay.doctor import World as Asked
from bucketrelay.doctor import examine
from bucketrelay.drivers import function as entry
from bucketrelay.drivers.replay import replay_of
from bucketrelay.errors import RelayError
from bucketrelay.wiring_stores import NO_KEYS, Stores
from bucketrelay_emulators.engine.faults import ALWAYS, Fault
from bucketrelay_emulators.obs.emulator import ObsEmulator, ObsFront
from security.test_forged import event
from security.world import SOURCE

MiB = 1024 * 1024
CLOUDS = ("s3", "obs", "oci")


def calls(cloud):
    """The calls of a cloud, with the permissions that each needs."""
    return {name: call.permissions for call in permissions(cloud).calls for name in call.names}


def run(clouds, cloud, keys, targets=(), change="created"):
    with clouds.system(cloud, targets) as system:
        for key in keys:
            told = event(cloud, SOURCE, f"photos/{key}", change)
            yield entry.handle(told, system, cloud=cloud, seconds=60, invocation=uuid.uuid4().hex)


def everything(clouds, cloud):
    """All that the function does with one cloud as source and target."""
    target, faults = f"to-{cloud}", getattr(clouds.views[cloud], "emulator", clouds.proxy).faults
    write(clouds, cloud, "small", b"1")
    list(run(clouds, cloud, ["small"]))
    write(clouds, cloud, "small", b"22")
    list(run(clouds, cloud, ["small", "small"]))
    clouds.views[cloud].remove(SOURCE, "photos/small")
    list(run(clouds, cloud, ["small"], change="removed"))
    write(clouds, cloud, "server", bytes((64 if cloud == "oci" else 9) * MiB))
    list(run(clouds, cloud, ["server"], [target]))
    source = "oci" if cloud == "obs" else "obs"
    write(clouds, source, "parts", bytes(11 * MiB))
    faults.order(Fault(operation="UploadPart", kind="refuse", status=503, times=ALWAYS))
    list(run(clouds, source, ["parts"], [target]))
    faults.clear()
    list(run(clouds, source, ["parts"], [target]))  # goes on, and commits
    write(clouds, source, "given-up", bytes(11 * MiB))
    faults.order(Fault(operation="UploadPart", kind="refuse", status=403, code="AccessDenied", times=ALWAYS))
    list(run(clouds, source, ["given-up"], [target]))
    faults.clear()
    again(clouds, cloud)


def write(clouds, cloud, key, body):
    view = clouds.views[cloud]
    if cloud == "s3":
        view.client.put_object(Bucket=SOURCE, Key=f"photos/{key}", Body=body, Tagging="a=b")
    else:
        tags = {"tags": {"a": "b"}} if cloud == "obs" else {}
        view.emulator.engine.bucket(SOURCE, view.namespace).put(f"photos/{key}", body, headers={}, **tags)


def again(clouds, cloud):
    """Replay of what failed, the sweep, doctor."""
    found = clouds.config(cloud)
    stores = Stores(found.stores, lambda: NO_KEYS)
    with clouds.system(cloud) as system:
        log = LogCheckpoints(system.log)
        list(log.sweep(stores.get, datetime.now(timezone.utc) + timedelta(days=30), timedelta(days=7)))
        list(replay_of(system).run(None, "", "replay-1"))
    made = []

    def health(name):
        made.append(wire_cloud(found.stores[name].address, found.stores[name].reveal()))
        return made[-1]

    asked = Asked(found, stores.get, health, lambda: datetime.now(timezone.utc), lambda: uuid.uuid4().hex)
    for finding in examine(asked):
        assert finding.check
    for each in made:
        each.close()
    stores.close()


@pytest.fixture(scope="module")
def recorded(standing_world):
    """The operations that each cloud was asked for."""
    found = {cloud: set() for cloud in CLOUDS}
    for cloud in CLOUDS:
        standing_world.clear()
        everything(standing_world, cloud)
        for scheme, record in standing_world.records.items():
            found[scheme] |= {request.operation for request in record}
    standing_world.clear()
    return found


NOT_MADE = {  # what the test above cannot bring about, each with its reason
    "s3": {"CopyObject"},  # on AWS alone, and moto is not
    "obs": set(),
    "oci": {"ListWorkRequestErrors", "CancelWorkRequest", "GetNamespace"},  # in tests/unit/stores/test_oci_copies.py
}


@pytest.mark.slow  # every road of every cloud: 40 s
@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_page_has_every_call_that_is_made_and_no_other(recorded, cloud):
    assert recorded[cloud] | NOT_MADE[cloud] == set(calls(cloud))


def granted(cloud):
    """The permissions that a cloud's function is granted."""
    return {grant.permission for grant in permissions(cloud).grants}


@pytest.mark.parametrize("cloud", ["s3", "obs"])
def test_the_function_is_granted_what_its_calls_take_and_what_doctor_alone_takes_is_not_granted(cloud):
    for call in permissions(cloud).calls:
        for permission in call.permissions:
            assert (permission in granted(cloud)) == (not PURPOSES[call.purpose].startswith("`doctor`")), permission


@pytest.mark.parametrize("cloud", ["s3", "obs"])
def test_every_permission_on_objects_and_buckets_is_there_for_a_call(cloud):
    also = {"s3:PutObjectTagging", "s3:GetObjectVersionTagging", "obs:object:PutObjectTagging"}
    of_calls = {permission for needs in calls(cloud).values() for permission in needs} | also
    assert {name for name in granted(cloud) if name.startswith(f"{cloud}:")} <= of_calls


# --- OBS, under the documented permissions ----------------------------------------------------------------------------

ROLES = {"source-bucket": "source", "target-bucket": "targets", "log-bucket": "log bucket"}
GRANTED = {
    (grant.permission, bucket)
    for grant in permissions("obs").grants
    for bucket, role in ROLES.items()
    if role in grant.on.split(", ")
}
NEEDED = calls("obs")


class Police(ObsFront):
    """OBS with an agency that has the documented permissions and no other."""

    used: ClassVar[set[tuple[str, str]]] = set()
    lacking: ClassVar[set[tuple[str, str]]] = set()

    def answer(self, incoming, named):
        wanted = {(permission, named.bucket) for permission in NEEDED.get(named.operation, ["not on the page"])}
        if source := incoming.headers.get("x-obs-copy-source", incoming.headers.get("x-amz-copy-source", "")):
            wanted -= {("obs:object:GetObject", named.bucket)}
            wanted |= {("obs:object:GetObject", source.lstrip("/").partition("/")[0])}
        if any(name.endswith("-tagging") for name in incoming.headers):
            wanted |= {("obs:object:PutObjectTagging", named.bucket)}
        Police.used |= wanted
        if wanted - (GRANTED - self.lacking):
            return self.refuse(incoming, 403, "AccessDenied", "Access Denied")
        reply = super().answer(incoming, named)
        if reply.status == 404 and named.operation in ("GetObject", "HeadObject"):
            Police.used |= {("obs:bucket:ListBucket", named.bucket)}
            if ("obs:bucket:ListBucket", named.bucket) in self.lacking:
                return self.refuse(incoming, 403, "AccessDenied", "Access Denied")
        return reply


@pytest.fixture
def huawei(monkeypatch):
    """A region, and another server of the same buckets that its own cannot copy to: there the bytes pass through."""
    monkeypatch.setattr(Police, "used", set())
    monkeypatch.setattr(Police, "lacking", set())
    with ObsEmulator(front=Police) as near, ObsEmulator(front=Police, engine=near.engine) as far:
        for bucket in ROLES:
            near.create_bucket(bucket)
        yield near, far


@contextmanager
def function(near, far):
    """The function's system, all of it on OBS."""
    keys = f'access_key = "{near.access_key}"\nsecret_key = "{near.secret_key}"\nretries = 0\n'
    options, far = (f'endpoint = "{server.endpoint}"\n{keys}' for server in (near, far))
    text = f'log = "l"\n[stores.s]\nurl = "obs://source-bucket"\n{options}'
    text += f'[stores.t]\nurl = "obs://target-bucket/near"\n{options}[stores.f]\nurl = "obs://target-bucket/far"\n{far}'
    text += f'[stores.l]\nurl = "obs://log-bucket"\n{options}[limits]\npart_size = "5MiB"\n'
    route = '[[routes]]\nname = "r"\nsource = "s"\ntargets = ["t", "f"]\ndeletes = "follow"\n'
    system = wiring.system(config.load(text + route, {}), emit=lambda line: None)
    try:
        yield system
    finally:
        system.close()


def story(near, far, system):
    """Everything that the agency is for; the results."""
    bucket = near.engine.bucket("source-bucket")

    def told(key, name="ObjectCreated:Put"):
        record = {"eventName": name, "obs": {"bucket": {"name": "source-bucket"}, "object": {"key": key}}}
        report = entry.handle({"Records": [record]}, system, cloud="obs", seconds=60, invocation=uuid.uuid4().hex)
        return list(report.results)

    bucket.put("small", b"1", headers={}, tags={"a": "b"})
    results = told("small")
    bucket.delete("small")
    results += told("small", "ObjectRemoved:Delete")
    bucket.put("large", bytes(9 * MiB), headers={}, tags={"a": "b"})
    broken = Fault(operation="UploadPart", kind="refuse", status=503, times=ALWAYS)
    far.faults.order(broken)
    told("large")
    far.faults.clear()
    results += told("large")
    bucket.put("given-up", bytes(9 * MiB), headers={})
    far.faults.order(Fault(operation="UploadPart", kind="refuse", status=400, code="InvalidArgument", times=ALWAYS))
    told("given-up")
    far.faults.clear()
    system.sweep()
    return results


def test_on_obs_the_documented_permissions_suffice_and_each_is_needed(huawei):
    with function(*huawei) as system:
        results = story(*huawei, system)

    assert [result.outcome.value for result in results] == [
        "copied",
        "copied",
        "deleted",
        "deleted",
        "unchanged",
        "copied",
    ]
    assert Police.used - GRANTED == set()
    assert {permission for permission, _ in GRANTED} == {permission for permission, _ in Police.used}


@pytest.mark.parametrize("role", ["source-bucket", "target-bucket", "log-bucket"])
def test_on_obs_without_a_permission_nothing_is_reported_as_done(huawei, role):
    huawei[0].engine.bucket("source-bucket").put("small", b"1", headers={})
    Police.lacking = {(permission, bucket) for permission, bucket in GRANTED if bucket == role}
    record = {
        "eventName": "ObjectCreated:Put",
        "obs": {"bucket": {"name": "source-bucket"}, "object": {"key": "small"}},
    }
    with function(*huawei) as system:
        if role == "log-bucket":
            with pytest.raises(RelayError, match="403"):
                entry.handle({"Records": [record]}, system, cloud="obs", seconds=60, invocation="i")
            return
        report = entry.handle({"Records": [record]}, system, cloud="obs", seconds=60, invocation="i")
    assert {result.outcome.value for result in report.results} == {"failed"}
    assert all("403" in result.error for result in report.results)
