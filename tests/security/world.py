"""Three clouds with more in them than the configuration names, and our entrypoints, called as platforms call them.

Every bucket has neighbours: keys beside the stores' prefixes, and a bucket that nobody configured. What was asked of
the clouds is on record, S3 behind a proxy, so that a test can say of every single request whether it was inside.
"""

import importlib.util
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from types import ModuleType
from typing import Any
from unittest.mock import patch

from moto.server import ThreadedMotoServer

from bucketrelay import config, wiring
from bucketrelay.config import Config
from bucketrelay.system import System
from bucketrelay_emulators.engine.faults import Request
from bucketrelay_emulators.obs.emulator import ObsEmulator
from bucketrelay_emulators.oci.emulator import OciEmulator
from bucketrelay_emulators.proxy import FaultProxy
from functions.three_clouds import NAMESPACE, ROOT, Emulated, Held, LocalMoto

SOURCE, TARGET, LOGS, FOREIGN = "src-bucket", "target-bucket", "log-bucket", "foreign-bucket"
PREFIXES = {SOURCE: "photos/", TARGET: "copies/", LOGS: "logs/"}
FOLDERS = {"s3": ("s3_notifications", "app"), "obs": ("obs_trigger", "index"), "oci": ("oci_events", "func")}
BESIDE = ("k", "y", "photos2/k", "photosx", "copies2/k", "photos", "logs2/failed_object/x.jsonl")
_NO_BUCKET = frozenset({"GetNamespace", "GetWorkRequest", "ListWorkRequestErrors"})
_READS = frozenset({"GetObject", "HeadObject", "ListObjects", "ListObjectsV2", "GetObjectTagging", "ListParts"})


class LambdaContext:
    """As awslambdaric makes it, as far as our handler asks."""

    aws_request_id = "7e6e2b0a-0000-4000-8000-000000000000"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:relay"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


class FunctionGraphContext:
    """As FunctionGraph documents it; without an agency."""

    def getUserData(self, name: str) -> None:  # noqa: N802 - Huawei's name
        return None

    def __getattr__(self, name: str) -> Callable[[], object]:
        return {"getRemainingTimeInMilliSeconds": lambda: 60_000, "getRequestID": lambda: "r-1"}.get(name, str)


class FnContext:
    """As fdk makes it, as far as our handler asks."""

    def Deadline(self) -> str:  # noqa: N802 - fdk's names
        return (datetime.now(timezone.utc) + timedelta(seconds=60)).isoformat()

    def FnID(self) -> str:  # noqa: N802 — fdk's name
        return "ocid1.fnfunc.oc1.test..fn"

    def CallID(self) -> str:  # noqa: N802 — fdk's name
        return "call-1"

    def SetResponseHeaders(self, headers: object, status: int) -> None:  # noqa: N802 — fdk's name
        """Nobody reads them."""


@dataclass
class World:
    """The clouds by scheme, the text of each function's configuration, and each function's handler."""

    views: dict[str, Any]
    records: dict[str, Any]  # what was asked of each cloud
    tomls: dict[str, str]
    proxy: FaultProxy  # in front of S3
    handlers: dict[str, Callable[[object], object]] = field(default_factory=dict)

    def config(self, cloud: str, targets: Sequence[str] = ()) -> Config:
        text = self.tomls[cloud]
        if targets:
            text = re.sub(r"(?m)^targets = .*$", f"targets = {json.dumps(targets)}", text)
        return config.load(text, {})

    @contextmanager
    def system(self, cloud: str, targets: Sequence[str] = ()) -> Iterator[System]:
        """What the function has, with all targets or with these."""
        made = wiring.system(self.config(cloud, targets), emit=lambda line: None)
        try:
            yield made
        finally:
            made.close()

    def invoke(self, cloud: str, event: object) -> object:
        """What the platform sees: the answer, or the error that the entrypoint raised."""
        try:
            return self.handlers[cloud](event)
        except Exception as error:  # noqa: BLE001 - whatever it is, the platform is told
            return error

    def write(self, cloud: str, bucket: str, key: str, body: bytes = b"body", **user: str) -> None:
        self.views[cloud].write(bucket, key, Held(body, "text/plain", "", user))

    def lists(self, folder: str) -> list[dict[str, Any]]:
        view, place = self.views["s3"], f"{PREFIXES[LOGS]}{folder}/"
        names = [key for key in view.keys(LOGS) if key.startswith(place)]
        return [json.loads(line) for key in names for line in view.read(LOGS, key).body.splitlines()]

    def clear(self) -> None:
        """Empty the stores, forget the requests; the neighbours stay."""
        for scheme, view in self.views.items():
            for bucket in (SOURCE, TARGET, *([LOGS] if scheme == "s3" else [])):
                for key in view.keys(bucket):
                    if key.startswith(PREFIXES[bucket]):
                        view.remove(bucket, key)
        self.forget()

    def forget(self) -> None:
        for record in self.records.values():
            record.clear()

    def neighbours(self) -> dict[tuple[str, str, str], bytes]:
        """All that lies outside of the stores, which nothing may touch."""
        return {
            (scheme, bucket, key): view.read(bucket, key).body
            for scheme, view in self.views.items()
            for bucket in (SOURCE, TARGET, FOREIGN, *([LOGS] if scheme == "s3" else []))
            for key in view.keys(bucket)
            if bucket == FOREIGN or not key.startswith(PREFIXES[bucket])
        }

    def outside(self, cloud: str = "") -> list[str]:
        """The requests that were not for a configured store, or wrote to a source."""
        source = {cloud} if cloud else set(self.views)
        return [
            f"{scheme}: {why}: {request}"
            for scheme, record in self.records.items()
            for request in record
            if (why := _wrong(scheme, request, source))
        ]

    def asked(self) -> int:
        return sum(len(record) for record in self.records.values())


def _wrong(scheme: str, request: Request, sources: set[str]) -> str:
    """Why a request is outside; "" where it is inside."""
    if not request.bucket and request.operation in _NO_BUCKET:
        return ""
    if request.bucket not in PREFIXES:
        return "another bucket"
    if request.bucket == LOGS and scheme != "s3":
        return "a log bucket of another cloud"
    prefix = PREFIXES[request.bucket]
    if (scheme, request.bucket, request.operation) == ("oci", TARGET, "CreateMultipartUpload"):
        return ""  # its key is in the body
    if not (request.key or request.query.get("prefix", "")).startswith(prefix):
        return f"beside {prefix}"
    if request.bucket == SOURCE and scheme not in sources:
        return "another cloud's source"
    if request.bucket == SOURCE and request.operation not in _READS:
        return "a write to the source"
    return ""


def toml(views: Mapping[str, Any], source: str, more: str = "") -> str:
    """Copies from one cloud's `photos/` to every cloud's `copies/`, with the lists in S3."""
    stores = {"source": (views[source], SOURCE), "logs": (views["s3"], LOGS)}
    stores.update({f"to-{scheme}": (view, TARGET) for scheme, view in views.items()})
    text = 'log = "logs"\n'
    for name, (view, bucket) in stores.items():
        options = "".join(f"{option} = {json.dumps(value)}\n" for option, value in view.options.items())
        text += f'[stores.{name}]\nurl = "{view.url(bucket)}/{PREFIXES[bucket]}"\nretries = 0\n{options}'
    targets = json.dumps([f"to-{scheme}" for scheme in views])
    text += f'[[routes]]\nname = "all"\nsource = "source"\ntargets = {targets}\ndeletes = "follow"\n'
    text += 'exclude = ["private/**"]\n[limits]\npart_size = "5MiB"\n'
    return text + more


@contextmanager
def world() -> Iterator[World]:
    """Everything up, the neighbours in place."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each request, else
    with ExitStack() as stack:
        moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        moto.start()
        stack.callback(moto.stop)
        proxy = stack.enter_context(FaultProxy("http://{}:{}".format(*moto.get_host_and_port())))
        obs, oci = stack.enter_context(ObsEmulator()), stack.enter_context(OciEmulator(namespace=NAMESPACE))
        direct = LocalMoto(proxy.upstream)
        direct.options = {**direct.options, "endpoint": proxy.endpoint}
        of_obs = {"endpoint": obs.endpoint, "access_key": obs.access_key, "secret_key": obs.secret_key}
        of_oci = {"endpoint": oci.endpoint, "auth": "api_key", "config_file": oci.config_file, "region": oci.region}
        views = {"s3": direct, "obs": Emulated("obs", obs, "", of_obs), "oci": Emulated("oci", oci, NAMESPACE, of_oci)}
        made = World(
            views,
            {"s3": proxy.requests, "obs": obs.requests, "oci": oci.requests},
            {scheme: toml(views, scheme) for scheme in views},
            proxy,
        )
        for scheme, view in views.items():
            for bucket in (SOURCE, TARGET, FOREIGN, *([LOGS] if scheme == "s3" else [])):
                view.create(bucket)
                for key in BESIDE:
                    made.write(scheme, bucket, key, b"a neighbour's")
            made.write(scheme, FOREIGN, "photos/k", b"a neighbour's")
        for scheme in views:
            module = _loaded(scheme, made.tomls[scheme])
            made.handlers[scheme] = _handler(scheme, module)
            stack.callback(lambda module=module: module.PROCESS.system().close())
        yield made


def _loaded(scheme: str, text: str) -> ModuleType:
    """The function's own module, as its runtime imports it, with its configuration in the environment."""
    folder, name = FOLDERS[scheme]
    spec = importlib.util.spec_from_file_location(f"entrypoint_{name}", ROOT / "functions" / folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    level = logging.getLogger().level
    spec.loader.exec_module(module)
    logging.getLogger().setLevel(level)  # the OCI function sets it
    with patch.dict("os.environ", {"BUCKETRELAY_TOML": text}):
        module.PROCESS.system()
    return module


def _handler(scheme: str, module: ModuleType) -> Callable[[object], object]:
    if scheme == "s3":
        return lambda event: module.handler(event, LambdaContext())
    if scheme == "obs":
        return lambda event: module.handler(event, FunctionGraphContext())
    return lambda event: module.handler(FnContext(), _Body(json.dumps(event).encode())).response_data


class _Body:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def getvalue(self) -> bytes:
        return self._body
