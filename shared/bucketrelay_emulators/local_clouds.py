"""Three clouds on this machine, each with a user's view of its buckets: for the demonstration, tests and benchmarks.

S3 is moto's server, OBS and OCI are the emulators. All are looked into directly: what their buckets hold is what came
over HTTP. Needs `bucketrelay[emulators]`.

with local_clouds() as clouds:
    clouds["s3"].create("photos")
    clouds["s3"].write("photos", "a.txt", b"hello")
    clouds["s3"].options        # what a store of bucketrelay needs in relay.toml to come here
"""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import quote, unquote, unquote_plus

from bucketrelay_emulators.engine.values import NoSuchKey
from bucketrelay_emulators.obs.emulator import ObsEmulator
from bucketrelay_emulators.oci.emulator import OciEmulator

NAMESPACE = "mytenancy"
S3_KEYS = {"access_key": "test", "secret_key": "test-" + "secret"}  # in two pieces, as OBS's is
S3_REGION = "us-east-1"


@dataclass(frozen=True)
class Held:
    """An object as its user finds it, in words that are the same for every cloud."""

    body: bytes
    content_type: str = ""
    cache_control: str = ""
    user: Mapping[str, str] = field(default_factory=dict)


class LocalCloud(Protocol):
    """One cloud: what a user does with his buckets there."""

    options: Mapping[str, str]  # of a store in relay.toml
    endpoint: str

    def url(self, bucket: str) -> str:
        """The bucket as relay.toml writes it."""

    def create(self, bucket: str) -> None:
        """Make a bucket."""

    def write(self, bucket: str, key: str, held: Held | bytes) -> None:
        """Put an object."""

    def remove(self, bucket: str, key: str) -> None:
        """Delete an object."""

    def read(self, bucket: str, key: str) -> Held | None:
        """The object; None where there is none."""

    def keys(self, bucket: str) -> list[str]:
        """All keys, sorted."""


class LocalS3:
    """S3, by any S3-compatible server that listens at *endpoint*, asked through botocore."""

    def __init__(self, endpoint: str, keys: Mapping[str, str] = S3_KEYS) -> None:
        self.endpoint = endpoint
        self.options: Mapping[str, str] = {"endpoint": endpoint, "region": S3_REGION, **keys}

    @cached_property
    def client(self) -> Any:
        """botocore's, made when it is first asked for: it takes a fifth of a second."""
        from botocore.config import Config  # whoever wants OBS alone need not have it
        from botocore.session import Session

        return Session().create_client(
            "s3",
            region_name=S3_REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id=self.options["access_key"],
            aws_secret_access_key=self.options["secret_key"],
            config=Config(s3={"addressing_style": "path"}),
        )

    def url(self, bucket: str) -> str:
        """The bucket as relay.toml writes it."""
        return f"s3://{bucket}"

    def create(self, bucket: str) -> None:
        """Make a bucket."""
        self.client.create_bucket(Bucket=bucket)

    def write(self, bucket: str, key: str, held: Held | bytes) -> None:
        """Put an object."""
        what = held if isinstance(held, Held) else Held(held)
        headers = {"ContentType": what.content_type, "CacheControl": what.cache_control}
        given = {name: value for name, value in headers.items() if value}
        self.client.put_object(Bucket=bucket, Key=key, Body=what.body, Metadata=dict(what.user), **given)

    def remove(self, bucket: str, key: str) -> None:
        """Delete an object."""
        self.client.delete_object(Bucket=bucket, Key=key)

    def read(self, bucket: str, key: str) -> Held | None:
        """The object; None where there is none."""
        try:
            answer = self.client.get_object(Bucket=bucket, Key=key)
        except self.client.exceptions.NoSuchKey:
            return None
        body = answer["Body"].read()
        return Held(body, answer["ContentType"], answer.get("CacheControl", ""), answer["Metadata"])

    def keys(self, bucket: str) -> list[str]:
        """All keys, sorted."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, EncodingType="url")
        # botocore asks for encoded keys, and decodes them, unless it was asked to: then they come as they were sent.
        return sorted(unquote_plus(entry["Key"]) for page in pages for entry in page.get("Contents", []))


class LocalMoto(LocalS3):
    """S3, by a server of moto's in this process, by what its buckets hold: a request costs fifty times as much."""

    @property
    def _moto(self) -> Any:
        from moto.core.models import DEFAULT_ACCOUNT_ID  # half a second, which the other clouds need not pay
        from moto.s3.models import s3_backends

        return s3_backends[DEFAULT_ACCOUNT_ID]["aws"]

    def create(self, bucket: str) -> None:
        """Make a bucket."""
        if bucket not in self._moto.buckets:  # as S3 in this region, which lets its owner make one again
            self._moto.create_bucket(bucket, S3_REGION)

    def write(self, bucket: str, key: str, held: Held | bytes) -> None:
        """Put an object."""
        what = held if isinstance(held, Held) else Held(held)
        headers = {"Content-Type": what.content_type, "Cache-Control": what.cache_control}
        headers |= {f"x-amz-meta-{name.lower()}": value for name, value in what.user.items()}
        made = self._moto.put_object(bucket, key, what.body)
        made.set_metadata({name: value for name, value in headers.items() if value or name.startswith("x-amz-meta-")})
        self._moto.put_object_tagging(made, {})  # what it replaces may have had some

    def remove(self, bucket: str, key: str) -> None:
        """Delete an object."""
        self._moto.delete_object(bucket, key)

    def read(self, bucket: str, key: str) -> Held | None:
        """The object; None where there is none."""
        stored = self._moto.get_object(bucket, key)
        if stored is None:
            return None
        headers = {name.lower(): value for name, value in stored.metadata.items()}
        mark = "x-amz-meta-"
        user = {name.removeprefix(mark): value for name, value in headers.items() if name.startswith(mark)}
        return Held(stored.value, headers.get("content-type", ""), headers.get("cache-control", ""), user)

    def keys(self, bucket: str) -> list[str]:
        """All keys, sorted."""
        held = self._moto.get_bucket(bucket).keys
        # `list`, and one at a time: the server goes on meanwhile. A version that deletes has no value.
        return sorted(key for key in list(held) if hasattr(held.get(key), "value"))


class Emulated:
    """OBS or OCI, by what the emulator's buckets hold."""

    def __init__(self, scheme: str, emulator: Any, namespace: str, options: Mapping[str, str]) -> None:
        self.scheme, self.emulator, self.namespace, self.options = scheme, emulator, namespace, options
        self.endpoint: str = emulator.endpoint

    def url(self, bucket: str) -> str:
        """The bucket as relay.toml writes it."""
        return f"{self.scheme}://{bucket}" + (f"@{self.namespace}" if self.namespace else "")

    def create(self, bucket: str) -> None:
        """Make a bucket."""
        self.emulator.create_bucket(bucket)

    def bucket(self, name: str) -> Any:
        """What the emulator holds."""
        return self.emulator.engine.bucket(name, self.namespace)

    def write(self, bucket: str, key: str, held: Held | bytes) -> None:
        """Put an object."""
        what = held if isinstance(held, Held) else Held(held)
        headers = {"content-type": what.content_type, "cache-control": what.cache_control}
        # OBS's own SDKs percent-encode the values of user metadata, and decode them again.
        user = {name: quote(value) if self.scheme == "obs" else value for name, value in what.user.items()}
        self.bucket(bucket).put(key, what.body, headers={name: v for name, v in headers.items() if v}, user=user)

    def remove(self, bucket: str, key: str) -> None:
        """Delete an object."""
        self.bucket(bucket).delete(key)

    def read(self, bucket: str, key: str) -> Held | None:
        """The object; None where there is none."""
        try:
            stored = self.bucket(bucket).get(key)
        except NoSuchKey:
            return None
        headers = dict(stored.headers)
        user = {name: unquote(value) if self.scheme == "obs" else value for name, value in stored.user.items()}
        return Held(stored.body, headers.get("content-type", ""), headers.get("cache-control", ""), user)

    def keys(self, bucket: str) -> list[str]:
        """All keys, sorted."""
        return sorted(stored.key for stored in self.bucket(bucket).list())


@contextmanager
def local_s3() -> Iterator[LocalMoto]:
    """S3 by moto's server."""
    from moto.server import ThreadedMotoServer  # half a second, which the other clouds need not pay

    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each request, else
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    cloud = LocalMoto("http://{}:{}".format(*server.get_host_and_port()))
    try:
        yield cloud
    finally:
        if "client" in vars(cloud):
            cloud.client.close()
        server.stop()


@contextmanager
def local_obs() -> Iterator[Emulated]:
    """OBS by its emulator, which checks signatures and writes the events."""
    with ObsEmulator() as obs:
        keys = {"access_key": obs.access_key, "secret_key": obs.secret_key}
        yield Emulated("obs", obs, "", {"endpoint": obs.endpoint, **keys})


@contextmanager
def local_oci(namespace: str = NAMESPACE) -> Iterator[Emulated]:
    """OCI Object Storage by its emulator, which checks signatures and writes the events."""
    with OciEmulator(namespace=namespace) as oci:
        options = {"endpoint": oci.endpoint, "region": oci.region, "auth": "api_key", "config_file": oci.config_file}
        yield Emulated("oci", oci, namespace, options)


@contextmanager
def local_clouds(namespace: str = NAMESPACE) -> Iterator[dict[str, LocalCloud]]:
    """All three, by their schemes `s3 obs oci`; down again at the end."""
    with ExitStack() as stack:
        s3: LocalCloud = stack.enter_context(local_s3())
        obs: LocalCloud = stack.enter_context(local_obs())
        oci: LocalCloud = stack.enter_context(local_oci(namespace))
        yield {"s3": s3, "obs": obs, "oci": oci}


def store_table(name: str, cloud: LocalCloud, bucket: str) -> str:
    """The lines of relay.toml for a store: *bucket* (with a prefix, if given) of *cloud*."""
    options = "".join(f"{option} = {json.dumps(value)}\n" for option, value in cloud.options.items())
    return f"[stores.{name}]\nurl = {json.dumps(cloud.url(bucket))}\n{options}"
