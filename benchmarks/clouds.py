"""One cloud each, on this machine: a server with three buckets, events of the real shape, and the runtime's name."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from bucketrelay_emulators.local_clouds import LocalCloud, LocalS3, local_obs, local_oci, local_s3, store_table

SOURCE, TARGET, LOGS = "photos", "mirror", "ops-logs"

RELAY = """
log = "logs"
[[routes]]
name = "benchmark"
source = "source"
targets = ["target"]
"""


@dataclass(frozen=True)
class Cloud:
    """What a benchmark needs of a cloud.

    Attributes:
        create: writes an object into the source bucket, and gives the event that its cloud would send.
        copied: the bytes of a key in the target bucket, None where there is none.
        toml: our function's configuration.
        plain: the environment of the plain handler.
    """

    name: str
    create: Callable[[str, bytes], object]
    copied: Callable[[str], bytes | None]
    toml: str
    plain: Mapping[str, str]


def _configuration(cloud: LocalCloud, **more: object) -> str:
    """relay.toml for three stores of one cloud."""
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in more.items())
    stores = {"source": SOURCE, "target": TARGET, "logs": LOGS}
    return RELAY + "".join(store_table(name, cloud, bucket) + lines for name, bucket in stores.items())


def _bodies(cloud: LocalCloud) -> Callable[[str], bytes | None]:
    def body(key: str) -> bytes | None:
        held = cloud.read(TARGET, key)
        return held.body if held else None

    return body


@contextmanager
def s3() -> Iterator[Cloud]:
    """S3 by moto's server. The event is written by hand after the developer guide's example."""
    with local_s3() as cloud:
        for bucket in (SOURCE, TARGET, LOGS):
            cloud.create(bucket)
        yield _s3(cloud)


def _s3(cloud: LocalS3) -> Cloud:
    region = cloud.options["region"]

    def create(key: str, body: bytes) -> object:
        cloud.write(SOURCE, key, body)
        return {
            "Records": [
                {
                    "eventVersion": "2.1",
                    "eventSource": "aws:s3",
                    "awsRegion": region,
                    "eventTime": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                    "eventName": "ObjectCreated:Put",
                    "s3": {
                        "s3SchemaVersion": "1.0",
                        "bucket": {"name": SOURCE, "arn": f"arn:aws:s3:::{SOURCE}"},
                        "object": {"key": key, "size": len(body), "sequencer": "0069B21FFD0745EE4E"},
                    },
                }
            ]
        }

    plain = {
        "ENDPOINT": cloud.endpoint,
        "TARGET": TARGET,
        "AWS_ACCESS_KEY_ID": cloud.options["access_key"],
        "AWS_SECRET_ACCESS_KEY": cloud.options["secret_key"],
        "AWS_DEFAULT_REGION": region,
    }
    return Cloud("s3", create, _bodies(cloud), _configuration(cloud, path_style=True), plain)


@contextmanager
def obs() -> Iterator[Cloud]:
    """OBS by our emulator, which checks signatures and writes the events."""
    with local_obs() as cloud:
        client, events = cloud.emulator.client(), list[Any]()
        cloud.emulator.on_event(events.append)
        for bucket in (SOURCE, TARGET, LOGS):
            cloud.create(bucket)

        def create(key: str, body: bytes) -> object:
            events.clear()
            assert client.putContent(SOURCE, key, body).status < 300
            return events[0]

        plain = {
            "ENDPOINT": cloud.endpoint,
            "TARGET": TARGET,
            "ACCESS_KEY": cloud.options["access_key"],
            "SECRET_KEY": cloud.options["secret_key"],
        }
        yield Cloud("obs", create, _bodies(cloud), _configuration(cloud, region="local", path_style=True), plain)


@contextmanager
def oci() -> Iterator[Cloud]:
    """OCI Object Storage by our emulator, which checks signatures and writes the events."""
    with local_oci() as cloud:
        client, events = cloud.emulator.client(), cloud.emulator.events()
        for bucket in (SOURCE, TARGET, LOGS):
            cloud.emulator.create_bucket(bucket, events=bucket == SOURCE)

        def create(key: str, body: bytes) -> object:
            client.put_object(cloud.namespace, SOURCE, key, body)
            return events.get(timeout=10)

        plain = {"ENDPOINT": cloud.endpoint, "TARGET": TARGET, "CONFIG_FILE": cloud.options["config_file"]}
        yield Cloud("oci", create, _bodies(cloud), _configuration(cloud, profile="DEFAULT"), plain)
