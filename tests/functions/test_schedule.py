"""A schedule sweeps up what nobody went on with."""

import json

from bucketrelay.abilities import Upload
from bucketrelay.core.checkpoints import Checkpoint, text
from functions.three_clouds import LOGS, TARGET, Held
from payloads.test_event_samples import SAMPLES


def test_a_timer_abandons_forgotten_uploads_and_leaves_the_others_alone(clouds):
    target = clouds.views["oci"].bucket(TARGET)
    forgotten, fresh = target.uploads.begin("forgotten"), target.uploads.begin("fresh")
    for name, upload in (("aaaaaaaaaaaa", forgotten), ("bbbbbbbbbbbb", fresh)):
        body = text(Checkpoint("to-oci", Upload(upload.key, upload.id), "of"))
        clouds.views["s3"].write(LOGS, f"checkpoints/{name}.json", Held(body, "application/json", "", {}))
    age(clouds, "checkpoints/aaaaaaaaaaaa.json")
    clouds.invoke("obs", {**json.loads((SAMPLES / "obs-timer.json").read_text()), "user_event": "sweep"})

    assert [upload.key for upload in target.uploads.list()] == ["fresh"]
    assert clouds.views["s3"].keys(LOGS) == ["checkpoints/bbbbbbbbbbbb.json"]
    target.uploads.abort("fresh", fresh.id)


def age(clouds, key):
    """Eight days ago, in moto's memory: no S3 lets a client say when it was."""
    from datetime import timedelta

    from moto.s3.models import s3_backends

    held = s3_backends["123456789012"]["aws"].buckets[LOGS].keys[key]
    held.last_modified -= timedelta(days=8)
