"""Three clouds on this machine, each with a source bucket whose events can be wired."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.session import Session
from moto.core.config import default_user_config

from bucketrelay_emulators.local_clouds import local_s3
from bucketrelay_emulators.obs.emulator import ObsEmulator
from bucketrelay_emulators.oci.emulator import OciEmulator

SECRET = "wire-secret-5e1f/+="


@dataclass
class Moto:
    """AWS on this machine; a client of any service.

    All of moto's servers in a process are one account: what tests make there has names of their own.
    """

    endpoint: str
    session: Any = field(default_factory=Session)
    made: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service not in self.made:
            keys = {"aws_access_key_id": "test", "aws_secret_access_key": SECRET}
            self.made[service] = self.session.create_client(
                service, region_name="us-east-1", endpoint_url=self.endpoint, **keys
            )
        return self.made[service]


@pytest.fixture(scope="module")
def moto():
    # Else it would look for Docker, to run the functions that its queues feed.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(default_user_config["lambda"], "use_docker", False)
        yield from _moto()


def _moto():
    with local_s3() as s3:
        world = Moto(s3.endpoint)
        yield world
        for client in world.made.values():
            client.close()


@pytest.fixture
def obs():
    with ObsEmulator() as cloud:
        cloud.create_bucket("src")
        yield cloud


@pytest.fixture
def oci():
    with OciEmulator() as cloud:
        cloud.create_bucket("src", events=False)
        yield cloud
