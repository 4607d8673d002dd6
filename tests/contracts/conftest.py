"""Rigs: one for each kind of store, a real server behind each, a fresh bucket for each test."""

import contextlib
import itertools
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bucketrelay.abilities import PartStore
from bucketrelay.clouds.aws.store import S3Store, s3_store
from bucketrelay.clouds.local.store import LocalStore
from bucketrelay.model import Address
from bucketrelay.store import Abilities
from bucketrelay.testing.memory import MemoryStore
from bucketrelay_emulators.local_clouds import LocalS3, local_s3
from contracts import rig_rcd
from contracts.rig_obs import ObsRig
from contracts.rig_obs import obs_rig as _obs
from contracts.rig_oci import OciRig
from contracts.rig_oci import oci_rig as _oci

NAMES = ["memory", "memory-plain", "local", "moto", "rclone", "obs", "oci", "rcd-directory", "rcd-bucket"]
SLOW = {"rclone", "rcd-bucket"}
ACCESS, SECRET = "AKIACONTRACTS0000000", "contract-secret-9f1c2e/+="
_numbers = itertools.count()
_MOTO_LACKS = {
    "conditional commit": "moto ignores If-Match on CompleteMultipartUpload",
    "conditional copy": "moto ignores If-Match on CompleteMultipartUpload",
    "gone upload": "moto answers UploadPart and CompleteMultipartUpload of an unknown upload with 500",
}
_RCLONE_LACKS = {
    "conditional commit": "rclone honours no condition",
    "copies": "rclone answers UploadPartCopy without an ETag, having copied nothing",
    "tags": "rclone takes tags and forgets them",
    "expires": "rclone does not keep Expires",
    "keys below keys": "a file cannot be a directory there",
    "etag of a commit": "rclone tells one ETag in the answer to the commit and another from then on",
    "parts replaced": "rclone streams the first part away as it comes and refuses another (501)",
    "trailing slash": "rclone writes `a/` as `a`",
    # One answer in fifty to whoever reads while another writes; the look behind each copy sees it.
    "one version an answer": "rclone opens the file after it has told the ETag, of the version before",
}
_MOTO = (
    "a newline in a key arrives at moto's server as none",
    lambda key: "\n" in key or "\r" in key,
)
_RCLONE = (
    "keys are names of files there",
    lambda key: len(key.encode()) > 1000 or any(part in ("", ".", "..") for part in key.split("/")),
)


@dataclass
class Rig:
    """One kind of store, ready for one test.

    `deviations` name what the server is known to lack or break, each with its reason. `refuses` says of a key whether
    the server is known not to take it.
    """

    name: str
    make: Callable[[str], PartStore]  # of a prefix
    missing: Callable[[], PartStore]  # on a bucket that does not exist
    deviations: Mapping[str, str] = field(default_factory=dict)
    odd: tuple[str, Callable[[str], bool]] = ("", lambda key: False)
    secrets: tuple[str, ...] = ()
    beside: Callable[[], PartStore] | None = None  # a store on another bucket of the same server

    def store(self, prefix: str = "") -> PartStore:
        return self.make(prefix)

    def needs(self, ability: str) -> None:
        """Leave the test out if the server is known to lack *ability*."""
        if ability in self.deviations:
            pytest.skip(f"{self.name}: {self.deviations[ability]}")

    def refuses(self, key: str) -> bool:
        return self.odd[1](key)


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in NAMES])
def rig(request: pytest.FixtureRequest) -> Rig:
    return request.getfixturevalue(f"{request.param.replace('-', '_')}_rig")


@pytest.fixture
def store(rig: Rig) -> PartStore:
    return rig.store()


@pytest.fixture
def memory_rig() -> Rig:
    return _memory(conditional=True)


@pytest.fixture
def memory_plain_rig() -> Rig:
    return _memory(conditional=False)


def _memory(*, conditional: bool) -> Rig:
    kind = {
        "conditional": conditional,
        "versioned": conditional,
        "abilities": Abilities(tags=10, consistent=True),
        "copies": True,
    }
    whole = MemoryStore(**kind)

    def make(prefix: str) -> MemoryStore:
        return MemoryStore(replace(whole.address, prefix=prefix), bucket=whole, **kind)

    def missing() -> MemoryStore:
        gone = MemoryStore()
        gone.drop_bucket()
        return gone

    return Rig("memory" if conditional else "memory-plain", make, missing, beside=lambda: MemoryStore(**kind))


@pytest.fixture
def local_rig(tmp_path: Path) -> Rig:
    (tmp_path / "bucket").mkdir()

    def make(prefix: str) -> LocalStore:
        return LocalStore(Address("file", str(tmp_path / "bucket"), prefix=prefix))

    return Rig("local", make, lambda: LocalStore(Address("file", str(tmp_path / "nowhere"))))


@pytest.fixture(scope="session")
def rclone_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with real signature checks, which honours no condition."""
    place = tmp_path_factory.mktemp("rclone")
    (place / "data").mkdir()
    rclone = shutil.which("rclone", path=str(Path(sys.executable).parent)) or "rclone"
    command = [rclone, "--config", "", "serve", "s3", "--addr", "127.0.0.1:0", "--auth-key", f"{ACCESS},{SECRET}"]
    server = subprocess.Popen([*command, str(place / "data")], stderr=subprocess.PIPE, text=True)
    try:
        for line in server.stderr:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                break
        else:
            pytest.fail("rclone serve s3 did not start")
        reader = threading.Thread(target=server.stderr.read, daemon=True)  # a full pipe would stop the server
        reader.start()
        yield found[0]
    finally:
        server.terminate()
        server.wait()
        reader.join()
        server.stderr.close()


@pytest.fixture(scope="session")
def moto_admin() -> Iterator[LocalS3]:
    with local_s3() as cloud:
        yield cloud


@pytest.fixture(scope="session")
def rclone_admin(rclone_url: str) -> Iterator[LocalS3]:
    cloud = LocalS3(rclone_url, {"access_key": ACCESS, "secret_key": SECRET})
    yield cloud
    cloud.client.close()


@contextlib.contextmanager
def _s3(name: str, admin: LocalS3, **known: Any) -> Iterator[Rig]:
    bucket = f"contract-{next(_numbers)}"
    admin.create(bucket)
    made: list[S3Store] = []

    def make(prefix: str, bucket: str = bucket) -> S3Store:
        access = {"region": "us-east-1", "access_key": ACCESS, "secret_key": SECRET}
        made.append(s3_store(Address("s3", bucket, prefix=prefix), endpoint=admin.endpoint, **access))
        return made[-1]

    def beside() -> S3Store:
        admin.create(f"{bucket}-beside")
        return make("", f"{bucket}-beside")

    yield Rig(name, make, lambda: make("", "no-such-bucket"), secrets=(SECRET,), beside=beside, **known)
    for store in made:
        store.close()


@pytest.fixture
def moto_rig(moto_admin: LocalS3) -> Iterator[Rig]:
    with _s3("moto", moto_admin, deviations=_MOTO_LACKS, odd=_MOTO) as rig:
        yield rig


@pytest.fixture
def rclone_rig(rclone_admin: LocalS3) -> Iterator[Rig]:
    with _s3("rclone", rclone_admin, deviations=_RCLONE_LACKS, odd=_RCLONE) as rig:
        yield rig


@pytest.fixture
def obs_rig() -> Iterator[ObsRig]:
    with _obs() as rig:
        yield rig


@pytest.fixture
def oci_rig() -> Iterator[OciRig]:
    with _oci() as rig:
        yield rig


@pytest.fixture(scope="session")
def rcd(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[tuple[Any, Path]]:
    """One daemon for all tests, with a directory and a server among its remotes."""
    place = tmp_path_factory.mktemp("rcd")
    remotes = {"place": rig_rcd.directory(place)}
    if any("rcd-bucket" in item.name for item in request.session.items):
        remotes["server"] = rig_rcd.server(request.getfixturevalue("rclone_url"), ACCESS, SECRET, "Rclone")
    with rig_rcd.daemon(remotes) as rclone:
        yield rclone, place


@pytest.fixture
def rcd_directory_rig(rcd: tuple[Any, Path], tmp_path: Path) -> Rig:
    rclone, place = rcd
    names = [f"b{next(_numbers)}", f"b{next(_numbers)}"]
    for name in names:
        (place / name).mkdir()
    return Rig(
        "rcd-directory",
        deviations=rig_rcd.LACKS,
        odd=rig_rcd.ODD,
        **rig_rcd.arguments(rclone, "place", *names, tmp_path),
    )


@pytest.fixture
def rcd_bucket_rig(rcd: tuple[Any, Path], rclone_admin: LocalS3, tmp_path: Path) -> Rig:
    rclone, _ = rcd
    names = [f"rcd-{next(_numbers)}", f"rcd-{next(_numbers)}"]
    for name in names:
        rclone_admin.create(name)
    made = rig_rcd.arguments(rclone, "server", *names, tmp_path)
    return Rig(
        "rcd-bucket",
        deviations={**rig_rcd.LACKS, **rig_rcd.HEADERS, **rig_rcd.MERGES},
        odd=rig_rcd.ODD,
        secrets=(SECRET,),
        **made,
    )
