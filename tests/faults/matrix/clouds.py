"""The servers of the matrix, each behind a proxy of its own, and the real stores that talk to them."""

import contextlib
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from moto.server import ThreadedMotoServer

from bucketrelay.abilities import PartStore, Upload
from bucketrelay.clouds.aws import requests as s3_requests
from bucketrelay.clouds.aws.access import Access
from bucketrelay.clouds.aws.options import Options
from bucketrelay.clouds.aws.store import S3Store
from bucketrelay.clouds.huawei.credentials import access_of
from bucketrelay.clouds.huawei.fields import Keeping
from bucketrelay.clouds.huawei.store import ObsStore
from bucketrelay.clouds.oracle.credentials import access_of as oci_access_of
from bucketrelay.clouds.oracle.store import OciStore
from bucketrelay.clouds.oracle.store import Options as OciOptions
from bucketrelay.errors import ObjectGone
from bucketrelay.http.outcome import Effect
from bucketrelay.model import Address
from bucketrelay.store import Abilities
from bucketrelay_emulators.obs.emulator import ObsEmulator
from bucketrelay_emulators.oci.emulator import OciEmulator
from bucketrelay_emulators.proxy import FaultProxy
from fakes import at_once

ACCESS, SECRET = "AKIAFAULTMATRIX00000", "fault-matrix-secret"
AWS = "http://s3.us-east-1.amazonaws.com"  # asked through the proxy as a forward proxy: it never leaves this machine
PATIENT = 20.0  # seconds that a server may be silent
# What hangs is given up soon; later where a busy machine's server was slower than that before it came to hang.
IMPATIENT = 0.3, 1.5, 6.0
_SMALL = Abilities(min_part=1)
_CREATE = {"CreateBucket": ("PUT", "s3:CreateBucket")}  # which the product does not do


class SmallS3(S3Store):
    """Parts of a few bytes, which these servers are told to take."""

    abilities = _SMALL


class SmallObs(ObsStore):
    """Likewise."""

    abilities = _SMALL


class SmallOci(OciStore):
    """Likewise."""

    abilities = Abilities(headers=_SMALL.headers - {"expires"}, min_part=1)


@dataclass
class Cloud:
    """A kind of store: how to make one, through the proxy or past it."""

    name: str
    title: str
    proxy: FaultProxy
    make: Callable[..., PartStore]  # of an endpoint, a timeout, and how often it asks again
    upstream: str

    def __post_init__(self):
        self.through = self.make(self.proxy.endpoint, PATIENT)
        self.impatient = [self.make(self.proxy.endpoint, seconds) for seconds in IMPATIENT]
        self.direct = self.make(self.upstream, PATIENT)

    def uploads(self) -> list[Upload]:
        """Those that are open."""
        try:
            return list(self.direct.uploads())
        except ObjectGone:  # rclone says NoSuchUpload where there has never been one
            return []

    def close(self):
        for store in (self.through, *self.impatient, self.direct):
            store.close()


@contextlib.contextmanager
def clouds() -> Iterator[dict[str, Cloud]]:
    """All of them, by name."""
    with contextlib.ExitStack() as stack:
        moto = stack.enter_context(_moto())
        rclone = stack.enter_context(_rclone())
        obs, oci = stack.enter_context(ObsEmulator(min_part=1)), stack.enter_context(OciEmulator())
        obs.create_bucket("b")
        oci.create_bucket("b")
        found = {}
        for name, title, upstream, make in (
            ("aws", "Amazon S3 (moto)", moto, _aws),
            ("s3", "S3-compatible (moto)", moto, _s3("compatible")),
            ("rclone", "S3-compatible (rclone)", rclone, _s3("rclone")),
            ("obs", "Huawei OBS", obs.endpoint, _obs(obs)),
            ("oci", "Oracle OCI", oci.endpoint, _oci(oci)),
        ):
            proxy = stack.enter_context(FaultProxy(upstream))
            found[name] = Cloud(name, title, proxy, make, upstream)
            stack.callback(found[name].close)
        with mock.patch.object(s3_requests, "OPERATIONS", _CREATE):
            for name in ("aws", "s3", "rclone"):
                found[name].direct._requests.send("CreateBucket", None, Effect.PUBLISHING_WRITE)
        yield found


def _aws(endpoint: str, timeout: float) -> S3Store:
    """As AWS is asked: with checksums, and with conditions that are not tried out first."""
    made = _small("as-aws", AWS, timeout, path_style=True)
    with mock.patch.dict(os.environ, {"HTTP_PROXY": endpoint, "NO_PROXY": ""}):
        assert made._requests.place.aws  # which reads the environment once
    return made


def _s3(bucket: str) -> Callable[..., S3Store]:
    def make(endpoint: str, timeout: float, retries: int = 0) -> S3Store:
        return _small(bucket, endpoint, timeout, retries)

    return make


def _small(bucket: str, endpoint: str, timeout: float, retries: int = 0, **more: object) -> SmallS3:
    access = Access(endpoint, "us-east-1", ACCESS, SECRET, timeout=timeout, retries=retries, **more)
    return SmallS3(Address("s3", bucket), access, Options(), at_once())


def _obs(cloud: ObsEmulator) -> Callable[..., ObsStore]:
    def make(endpoint: str, timeout: float, retries: int = 0) -> ObsStore:
        keys = {"access_key": cloud.access_key, "secret_key": cloud.secret_key}
        settings = {"endpoint": endpoint, "path_style": True, "timeout": timeout, "retries": retries, **keys}
        return SmallObs(Address("obs", "b"), access_of(settings), Keeping(), at_once())

    return make


def _oci(cloud: OciEmulator) -> Callable[..., OciStore]:
    def make(endpoint: str, timeout: float, retries: int = 0) -> OciStore:
        place = Address("oci", "b", cloud.namespace)
        settings = {"endpoint": endpoint, "config_file": cloud.config_file, "timeout": timeout}
        settings["retries"] = retries
        return SmallOci(place, oci_access_of(settings), OciOptions(), at_once())

    return make


@contextlib.contextmanager
def _moto() -> Iterator[str]:
    """Moto, told to take small parts."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    said = logging.getLogger("werkzeug")
    before = said.level
    said.setLevel(logging.ERROR)
    with mock.patch("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 1):
        server.start()
        try:
            yield "http://{}:{}".format(*server.get_host_and_port())
        finally:
            server.stop()
            said.setLevel(before)


@contextlib.contextmanager
def _rclone() -> Iterator[str]:
    program = shutil.which("rclone", path=str(Path(sys.executable).parent)) or "rclone"
    with tempfile.TemporaryDirectory() as place:
        command = [program, "--config", "", "serve", "s3", "--addr", "127.0.0.1:0", "--auth-key", f"{ACCESS},{SECRET}"]
        server = subprocess.Popen([*command, place], stderr=subprocess.PIPE, text=True)
        try:
            found = next(filter(None, (re.search(r"http://127\.0\.0\.1:\d+", line) for line in server.stderr)))
            rest = threading.Thread(target=server.stderr.read, daemon=True)  # a full pipe would stop the server
            rest.start()
            yield found[0]
        finally:
            server.terminate()
            server.wait()
            rest.join()
            server.stderr.close()
