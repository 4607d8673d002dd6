"""A batch of objects of 20 MiB goes through a function within the memory that its configuration says."""

import filecmp
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bucketrelay.core.parts import part_size_for
from bucketrelay.store import Abilities
from bucketrelay_emulators.engine.faults import ALWAYS, Fault
from bucketrelay_emulators.obs.emulator import ObsEmulator
from bucketrelay_emulators.oci.emulator import OciEmulator
from functions.abyss import Abyss, well
from functions.test_answers import obs_event, oci_event, s3_event
from functions.three_clouds import NAMESPACE, ROOT, SOURCE, TARGET, Emulated, toml

MiB = 1024 * 1024
SIZE = 20 * MiB
CHILD = Path(__file__).with_name("memory_child.py")


class Swallowed:
    """A target's bucket that checks what arrives, and keeps none of it."""

    def __init__(self, bucket, digest):
        self.bucket, self.digest, self.good = bucket, digest, set()

    def __call__(self, change):
        if change.bucket == TARGET and change.obj is not None:
            if hashlib.sha256(change.obj.body).hexdigest() == self.digest:
                self.good.add(change.key)
            self.bucket.delete(change.key)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak is read where Linux keeps it")
@pytest.mark.parametrize(
    ("cloud", "other", "count"),
    [
        ("obs", "oci", 8),  # in three parts each, together more than the bound; more of them take longer, not more
        pytest.param("obs", "oci", 100, marks=pytest.mark.slow),
        pytest.param("oci", "obs", 100, marks=pytest.mark.slow),
    ],
)
def test_a_batch_of_large_objects_stays_within_the_memory_of_the_limits(cloud, other, count):
    body = os.urandom(MiB) * 20
    with ObsEmulator() as obs, OciEmulator(namespace=NAMESPACE) as oci:
        of_obs = {"endpoint": obs.endpoint, "access_key": obs.access_key, "secret_key": obs.secret_key}
        of_oci = {"endpoint": oci.endpoint, "auth": "api_key", "config_file": oci.config_file, "region": oci.region}
        views = {"obs": Emulated("obs", obs, "", of_obs), "oci": Emulated("oci", oci, NAMESPACE, of_oci)}
        views[cloud].create(SOURCE)
        views[other].create(TARGET)
        views[other].create("log-bucket")
        keys = [f"{number:03}" for number in range(count)]
        source, target = views[cloud].bucket(SOURCE), views[other].bucket(TARGET)
        source.put("small", b"1", headers={})
        for key in keys:
            source.put(key, body, headers={})  # one object in memory, under a hundred keys
        arrived = Swallowed(target, hashlib.sha256(body).hexdigest())
        views[other].emulator.engine.subscribe(arrived)

        event = {"obs": obs_event, "oci": oci_event}[cloud]
        said = run(configuration(views, cloud, other), {"small": event("small"), "batch": event(*keys)})

    assert said["failed"] == []
    assert arrived.good == set(keys)
    assert said["peak"] - said["idle"] < 128 * MiB, f"rose by {(said['peak'] - said['idle']) / MiB:.0f} MiB"
    print(f"{count} objects {cloud} -> {other}: rose by {(said['peak'] - said['idle']) / MiB:.0f} MiB")


# So many parts of about 100 MiB: 19 GiB, which take this machine's servers some minutes.
TERABYTE_PARTS = int(os.environ.get("BUCKETRELAY_TERABYTE_PARTS", "200"))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_first_parts_of_a_terabyte_take_no_more_memory_than_the_limits_say():
    """The source is computed as it is read; the target compares each part, keeps none, and ends it after so many."""
    size, parts = 10**12, TERABYTE_PARTS
    part = part_size_for(size, 8 * MiB, Abilities())
    with well(size) as (_, oci, views):
        text = configuration(views, "obs", "oci").replace('"128MiB"', '"64MiB"')
        abyss = Abyss(views["oci"].bucket(TARGET), part)
        oci.faults.order(
            Fault(operation="UploadPart", status=403, code="NotAuthorizedOrNotFound", skip=parts, times=ALWAYS)
        )
        said = run(text, {"small": obs_event("small"), "batch": obs_event("huge")}, seconds=3500)

    assert abyss.wrong == []
    assert len(abyss.sent) == parts
    assert len(said["failed"]) == 1  # it was ended, and did not end
    assert said["peak"] - said["idle"] < 110 * MiB, f"rose by {(said['peak'] - said['idle']) / MiB:.0f} MiB"
    print(f"{parts} parts of {part / MiB:.0f} MiB: rose by {(said['peak'] - said['idle']) / MiB:.0f} MiB")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("mebibytes", [64, 512])
def test_a_large_object_reaches_a_server_that_takes_parts_in_their_order_within_64_mib(mebibytes, monkeypatch):
    """`rclone serve s3`, over TLS: 512 MiB never ended there as long as later parts held the memory of the next."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from s3_servers import ACCESS, LOGS, SECRET, SOURCE, TARGET, servers  # the benchmarks are no package

    with servers("https") as place:
        source, target = Path(place.data, "source", SOURCE), Path(place.data, "target", TARGET)
        (source / "small").write_bytes(b"1")
        with (source / "huge").open("wb") as file:
            file.writelines(os.urandom(MiB) for _ in range(mebibytes))
        options = {"access_key": ACCESS, "secret_key": SECRET, "region": "us-east-1", "ca_file": place.ca_file}
        options["timeout"] = 60  # the server reads and hashes all of it before it first answers
        at = {"source": (SOURCE, place.source), "target": (TARGET, place.target), "logs": (LOGS, place.target)}
        route = '[[routes]]\nname = "r"\nsource = "source"\ntargets = ["target"]\n'
        text = f'log = "logs"\n[limits]\nmemory = "32MiB"\n{route}'
        for name, (bucket, endpoint) in at.items():
            keys = {"url": f"s3://{bucket}", "endpoint": endpoint, **options}
            text += f"[stores.{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
        events = {name: s3_event(key, bucket=SOURCE) for name, key in (("small", "small"), ("batch", "huge"))}
        said = run(text, events, seconds=850)
        assert said["failed"] == []
        assert filecmp.cmp(source / "huge", target / "huge", shallow=False)
    assert said["peak"] <= 64 * MiB, f"{said['peak'] / MiB:.0f} MiB"
    print(f"{mebibytes} MiB: {said['peak'] / MiB:.0f} MiB at the peak, {said['idle'] / MiB:.0f} idle")


def configuration(views, cloud, other):
    text = toml({cloud: views[cloud], other: views[other], "s3": views[other]}, cloud)
    text = text.replace(f'targets = ["to-{cloud}", "to-{other}", "to-s3"]', f'targets = ["to-{other}"]')
    return text + '[limits]\nmemory = "128MiB"\n'


def run(text, events, seconds=110):
    """What the child said; its errors are ours."""
    env = {"PATH": os.defpath, "BUCKETRELAY_TOML": text, "PYTHONPATH": str(ROOT / "shared")}
    done = subprocess.run(
        [sys.executable, str(CHILD)],
        input=json.dumps(events),
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])
