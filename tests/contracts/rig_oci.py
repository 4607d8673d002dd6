"""The rig of Oracle Object Storage: an emulator that checks signatures, a fresh bucket for each test."""

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bucketrelay.clouds.oracle.store import OciStore, oci_store
from bucketrelay.model import Address
from bucketrelay_emulators.engine.faults import Faults, Requests
from bucketrelay_emulators.oci.emulator import OciEmulator

_numbers = itertools.count()
_REFUSED = "the service takes no line break in a name, and a proxy may turn %2E%2E into .."


@dataclass
class OciRig:
    """What `tests/contracts/conftest.py` calls a Rig, with the emulator's faults and record of requests."""

    cloud: OciEmulator
    bucket: str
    name: str = "oci"
    deviations: Mapping[str, str] = field(default_factory=dict)
    odd: tuple[str, object] = (_REFUSED, None)
    made: list[OciStore] = field(default_factory=list)

    @property
    def faults(self) -> Faults:
        return self.cloud.faults

    @property
    def requests(self) -> Requests:
        return self.cloud.requests

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.cloud.config["key_file"], self.cloud.config["fingerprint"])

    def make(self, prefix: str = "", bucket: str = "") -> OciStore:
        """A store on the bucket. Errors of a test come at once: no retries."""
        address = Address("oci", bucket or self.bucket, self.cloud.namespace, prefix)
        settings = {"endpoint": self.cloud.endpoint, "config_file": self.cloud.config_file, "retries": 0, "poll": 0.0}
        self.made.append(oci_store(address, **settings))
        return self.made[-1]

    def store(self, prefix: str = "") -> OciStore:
        return self.make(prefix)

    def beside(self) -> OciStore:
        """A store on another bucket of the same server."""
        self.cloud.create_bucket(f"{self.bucket}-beside")
        return self.make("", f"{self.bucket}-beside")

    def missing(self) -> OciStore:
        return self.make("", "no-such-bucket")

    def needs(self, ability: str) -> None:
        """Everything is there."""

    def refuses(self, key: str) -> bool:
        return key in (".", "..") or any(character in key for character in "\0\r\n")


@contextlib.contextmanager
def oci_rig() -> Iterator[OciRig]:
    with OciEmulator() as cloud:
        rig = OciRig(cloud, f"contract-{next(_numbers)}")
        cloud.create_bucket(rig.bucket)
        yield rig
        for store in rig.made:
            store.close()
