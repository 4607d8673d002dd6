"""One cloud each, on this machine: a server with three buckets, events of the real shape, and the runtime's name."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

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


def configuration(url: str, options: Mapping[str, str | bool]) -> str:
    """relay.toml for three stores of one cloud; *url* has `{}` where the bucket goes."""
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in options.items())
    stores = {"source": SOURCE, "target": TARGET, "logs": LOGS}
    return RELAY + "".join(f'[stores.{n}]\nurl = "{url.format(bucket)}"\n{lines}' for n, bucket in stores.items())


@contextmanager
def s3() -> Iterator[Cloud]:
    """S3 by moto's server. The event is written by hand after the developer guide's example."""
    import boto3
    from botocore.exceptions import ClientError
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each request, else
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options = {"endpoint": f"http://{host}:{port}", "region": "us-east-1"}
    keys = {"access_key": "test", "secret_key": "test"}
    client = boto3.client(
        "s3",
        endpoint_url=options["endpoint"],
        region_name=options["region"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    for bucket in (SOURCE, TARGET, LOGS):
        client.create_bucket(Bucket=bucket)

    def create(key: str, body: bytes) -> object:
        client.put_object(Bucket=SOURCE, Key=key, Body=body)
        return {
            "Records": [
                {
                    "eventVersion": "2.1",
                    "eventSource": "aws:s3",
                    "awsRegion": options["region"],
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

    def copied(key: str) -> bytes | None:
        try:
            return client.get_object(Bucket=TARGET, Key=key)["Body"].read()
        except ClientError:
            return None

    plain = {
        "ENDPOINT": options["endpoint"],
        "TARGET": TARGET,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": options["region"],
    }
    try:
        yield Cloud("s3", create, copied, configuration("s3://{}", {**options, **keys, "path_style": True}), plain)
    finally:
        client.close()
        server.stop()


@contextmanager
def obs() -> Iterator[Cloud]:
    """OBS by our emulator, which checks signatures and writes the events."""
    from bucketrelay_emulators.obs.emulator import ObsEmulator

    with ObsEmulator() as emulator:
        client, events = emulator.client(), list[Any]()
        emulator.on_event(events.append)
        for bucket in (SOURCE, TARGET, LOGS):
            emulator.create_bucket(bucket)

        def create(key: str, body: bytes) -> object:
            events.clear()
            assert client.putContent(SOURCE, key, body).status < 300
            return events[0]

        def copied(key: str) -> bytes | None:
            found = client.getObject(TARGET, key, loadStreamInMemory=True)
            return found.body.buffer if found.status < 300 else None

        keys = {"access_key": emulator.access_key, "secret_key": emulator.secret_key}
        plain = {
            "ENDPOINT": emulator.endpoint,
            "TARGET": TARGET,
            "ACCESS_KEY": emulator.access_key,
            "SECRET_KEY": emulator.secret_key,
        }
        options: dict[str, str | bool] = {"endpoint": emulator.endpoint, "region": "local", **keys, "path_style": True}
        yield Cloud("obs", create, copied, configuration("obs://{}", options), plain)


@contextmanager
def oci() -> Iterator[Cloud]:
    """OCI Object Storage by our emulator, which checks signatures and writes the events."""
    from oci.exceptions import ServiceError

    from bucketrelay_emulators.oci.emulator import OciEmulator

    with OciEmulator() as emulator:
        client, events = emulator.client(), emulator.events()
        for bucket in (SOURCE, TARGET, LOGS):
            emulator.create_bucket(bucket, events=bucket == SOURCE)

        def create(key: str, body: bytes) -> object:
            client.put_object(emulator.namespace, SOURCE, key, body)
            return events.get(timeout=10)

        def copied(key: str) -> bytes | None:
            try:
                return client.get_object(emulator.namespace, TARGET, key).data.content  # type: ignore[no-any-return]  # oci has no types
            except ServiceError:
                return None

        options = {
            "endpoint": emulator.endpoint,
            "region": emulator.region,
            "auth": "api_key",
            "config_file": emulator.config_file,
            "profile": "DEFAULT",
        }
        plain = {"ENDPOINT": emulator.endpoint, "TARGET": TARGET, "CONFIG_FILE": emulator.config_file}
        yield Cloud("oci", create, copied, configuration(f"oci://{{}}@{emulator.namespace}", options), plain)
