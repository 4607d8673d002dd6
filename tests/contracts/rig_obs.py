"""The rig of Huawei OBS: an emulator that checks signatures, a fresh bucket for each test."""

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bucketrelay.clouds.huawei.store import ObsStore, obs_store
from bucketrelay.model import Address
from bucketrelay_emulators.engine.faults import Faults, Requests
from bucketrelay_emulators.obs.emulator import ObsEmulator

_numbers = itertools.count()


@dataclass
class ObsRig:
    """What `tests/contracts/conftest.py` calls a Rig, with the emulator's faults and record of requests."""

    cloud: ObsEmulator
    bucket: str
    name: str = "obs"
    deviations: Mapping[str, str] = field(default_factory=dict)
    odd: tuple[str, object] = ("", None)
    made: list[ObsStore] = field(default_factory=list)

    @property
    def faults(self) -> Faults:
        return self.cloud.faults

    @property
    def requests(self) -> Requests:
        return self.cloud.requests

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.cloud.secret_key,)

    def make(self, prefix: str = "", bucket: str = "") -> ObsStore:
        """A store on the bucket. Errors of a test come at once: no retries."""
        self.made.append(
            obs_store(
                Address("obs", bucket or self.bucket, prefix=prefix),
                endpoint=self.cloud.endpoint,
                access_key=self.cloud.access_key,
                secret_key=self.cloud.secret_key,
                path_style=True,
                retries=0,
            )
        )
        return self.made[-1]

    def store(self, prefix: str = "") -> ObsStore:
        return self.make(prefix)

    def beside(self) -> ObsStore:
        """A store on another bucket of the same server."""
        self.cloud.create_bucket(f"{self.bucket}-beside")
        return self.make("", f"{self.bucket}-beside")

    def missing(self) -> ObsStore:
        return self.make("", "no-such-bucket")

    def needs(self, ability: str) -> None:
        """Everything is there."""

    def refuses(self, key: str) -> bool:
        return False


@contextlib.contextmanager
def obs_rig() -> Iterator[ObsRig]:
    with ObsEmulator() as cloud:
        rig = ObsRig(cloud, f"contract-{next(_numbers)}")
        cloud.create_bucket(rig.bucket)
        yield rig
        for store in rig.made:
            store.close()
