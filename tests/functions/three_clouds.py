"""Three clouds on this machine, a user's clients of each, and our functions in their real runtimes between them."""

import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

from botocore.config import Config
from botocore.session import Session
from moto.server import ThreadedMotoServer

from bucketrelay_emulators.obs.emulator import ObsEmulator
from bucketrelay_emulators.oci.emulator import OciEmulator
from functions.runtimes import FnRuntime, FunctionGraphRuntime, LambdaRuntime

ROOT = Path(__file__).parents[2]
SOURCE, TARGET, LOGS = "src-bucket", "target-bucket", "log-bucket"
NAMESPACE = "mytenancy"
KEYS = {"access_key": "test", "secret_key": "test-secret"}


@dataclass(frozen=True)
class Held:
    """What a user finds in a bucket, in words that are the same for every cloud."""

    body: bytes
    content_type: str
    cache_control: str
    user: dict[str, str]


class S3:
    """A user's view of S3, by botocore on moto's server."""

    def __init__(self, endpoint: str) -> None:
        self.toml = {"endpoint": endpoint, "region": "us-east-1", **KEYS}
        self.client: Any = Session().create_client(
            "s3",
            region_name="us-east-1",
            endpoint_url=endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test-secret",
            config=Config(s3={"addressing_style": "path"}),
        )

    def url(self, bucket: str) -> str:
        return f"s3://{bucket}"

    def create(self, bucket: str) -> None:
        self.client.create_bucket(Bucket=bucket)

    def write(self, bucket: str, key: str, held: Held) -> None:
        self.client.put_object(
            Bucket=bucket,
            Key=key,
            Body=held.body,
            ContentType=held.content_type,
            CacheControl=held.cache_control,
            Metadata=held.user,
        )

    def remove(self, bucket: str, key: str) -> None:
        self.client.delete_object(Bucket=bucket, Key=key)

    def read(self, bucket: str, key: str) -> Held:
        got = self.client.get_object(Bucket=bucket, Key=key)
        body = got["Body"].read()
        return Held(body, got["ContentType"], got.get("CacheControl", ""), got["Metadata"])

    def keys(self, bucket: str) -> list[str]:
        listed = self.client.list_objects_v2(Bucket=bucket, EncodingType="url")
        return sorted(unquote_plus(entry["Key"]) for entry in listed.get("Contents", []))


class Emulated:
    """A user's view of OBS or OCI, straight from the emulator's engine: it holds what the wire brought."""

    def __init__(self, scheme: str, emulator: Any, namespace: str, toml: dict[str, str]) -> None:
        self.scheme, self.emulator, self.namespace, self.toml = scheme, emulator, namespace, toml

    def url(self, bucket: str) -> str:
        return f"{self.scheme}://{bucket}" + (f"@{self.namespace}" if self.namespace else "")

    def create(self, bucket: str) -> None:
        self.emulator.create_bucket(bucket)

    def _bucket(self, name: str) -> Any:
        return self.emulator.engine.bucket(name, self.namespace)

    def write(self, bucket: str, key: str, held: Held) -> None:
        headers = {"content-type": held.content_type, "cache-control": held.cache_control}
        # OBS's own SDKs percent-encode the values of user metadata, and decode them again.
        user = {name: quote(value) if self.scheme == "obs" else value for name, value in held.user.items()}
        self._bucket(bucket).put(key, held.body, headers=headers, user=user)

    def remove(self, bucket: str, key: str) -> None:
        self._bucket(bucket).delete(key)

    def read(self, bucket: str, key: str) -> Held:
        found = self._bucket(bucket).get(key)
        headers = dict(found.headers)
        user = {name: unquote(value) if self.scheme == "obs" else value for name, value in found.user.items()}
        return Held(found.body, headers.get("content-type", ""), headers.get("cache-control", ""), user)

    def keys(self, bucket: str) -> list[str]:
        return sorted(found.key for found in self._bucket(bucket).list())


@dataclass
class ThreeClouds:
    """The clouds by scheme, and the function of each with the routes source → a target in every cloud."""

    views: dict[str, Any]
    functions: dict[str, Any]

    def lists(self) -> dict[str, list[dict[str, Any]]]:
        """The lines of the success and failed lists, and nothing else in the log bucket."""
        found: dict[str, list[dict[str, Any]]] = {"success_object": [], "failed_object": []}
        for key in self.views["s3"].keys(LOGS):
            body = self.views["s3"].read(LOGS, key).body
            found[key.split("/")[0]] += [json.loads(line) for line in body.splitlines()]
        return found

    def clear(self) -> None:
        """Empty every bucket."""
        for view in self.views.values():
            for bucket in (SOURCE, TARGET):
                for key in view.keys(bucket):
                    view.remove(bucket, key)
        for key in self.views["s3"].keys(LOGS):
            self.views["s3"].remove(LOGS, key)

    def invoke(self, cloud: str, event: object) -> Any:
        """The answer of the cloud's function to one event."""
        answer = self.functions[cloud].invoke(event)
        if cloud != "oci":
            return answer
        return {"status": answer.status, "body": answer.body}


def toml(views: dict[str, Any], source: str) -> str:
    """From one cloud's source bucket to a target bucket in each, with the lists in S3."""
    stores = {"source": (views[source], SOURCE), "logs": (views["s3"], LOGS)}
    stores.update({f"to-{scheme}": (view, TARGET) for scheme, view in views.items()})
    text = 'log = "logs"\n'
    for name, (view, bucket) in stores.items():
        options = "".join(f"{option} = {json.dumps(value)}\n" for option, value in view.toml.items())
        text += f'[stores.{name}]\nurl = "{view.url(bucket)}"\n{options}'
    targets = json.dumps([f"to-{scheme}" for scheme in views])
    return text + f'[[routes]]\nname = "all"\nsource = "source"\ntargets = {targets}\ndeletes = "follow"\n'


@contextmanager
def three_clouds() -> Iterator[ThreeClouds]:
    """Everything up; down again at the end."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each request, else
    with ExitStack() as stack:
        moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        moto.start()
        stack.callback(moto.stop)
        obs, oci = stack.enter_context(ObsEmulator()), stack.enter_context(OciEmulator(namespace=NAMESPACE))
        s3 = S3("http://{}:{}".format(*moto.get_host_and_port()))
        stack.callback(s3.client.close)
        of_obs = {"endpoint": obs.endpoint, "access_key": obs.access_key, "secret_key": obs.secret_key}
        of_oci = {"endpoint": oci.endpoint, "auth": "api_key", "config_file": oci.config_file, "region": oci.region}
        views = {"s3": s3, "obs": Emulated("obs", obs, "", of_obs), "oci": Emulated("oci", oci, NAMESPACE, of_oci)}
        for view in views.values():
            for bucket in (SOURCE, TARGET):
                view.create(bucket)
        s3.create(LOGS)
        functions = {
            scheme: stack.enter_context(
                runtime(
                    ROOT / "functions" / folder,
                    paths=[ROOT / "shared"],
                    env={"BUCKETRELAY_TOML": toml(views, scheme)},
                )
            )
            for scheme, runtime, folder in (
                ("s3", LambdaRuntime, "s3_notifications"),
                ("obs", FunctionGraphRuntime, "obs_trigger"),
                ("oci", FnRuntime, "oci_events"),
            )
        }
        yield ThreeClouds(views, functions)
