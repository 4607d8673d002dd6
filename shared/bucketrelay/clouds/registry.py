"""What is known of each kind of store, and which adapter wires it: by the scheme of its URL."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bucketrelay.clouds.aws.facts import FACTS as AWS
from bucketrelay.clouds.bucket import Cloud
from bucketrelay.clouds.facts import Facts
from bucketrelay.clouds.huawei.facts import FACTS as HUAWEI
from bucketrelay.clouds.local.facts import FACTS as LOCAL
from bucketrelay.clouds.oracle.facts import FACTS as ORACLE
from bucketrelay.clouds.rclone.facts import FACTS as RCLONE
from bucketrelay.model import Address

if TYPE_CHECKING:
    from bucketrelay.clouds.permissions import Permissions

_FACTS: Mapping[str, Facts] = {known.scheme: known for known in (AWS, HUAWEI, ORACLE, LOCAL, RCLONE)}
SCHEMES = tuple(_FACTS)


def facts(scheme: str) -> Facts:
    """What is known of the stores of a scheme. Raises KeyError for one that is not ours."""
    return _FACTS[scheme]


def storage_classes(scheme: str = "") -> list[str]:
    """The words for storage classes of one cloud, or of all, sorted."""
    kinds = [_FACTS[scheme]] if scheme else _FACTS.values()
    return sorted(frozenset().union(*(known.storage_classes for known in kinds)))


def permissions(scheme: str) -> "Permissions":
    """What the calls to the stores of a cloud take, and what its functions are granted. Raises KeyError for others."""
    from bucketrelay.clouds.aws import permissions as aws  # no function that starts needs them
    from bucketrelay.clouds.huawei import permissions as huawei
    from bucketrelay.clouds.oracle import permissions as oracle

    return {"s3": aws.PERMISSIONS, "obs": huawei.PERMISSIONS, "oci": oracle.PERMISSIONS}[scheme]


def cloud(address: Address, options: Mapping[str, Any]) -> Cloud | None:
    """The adapter; None where a store is in no cloud: a directory has no events.

    Args:
        options: of the store, with its secrets in plain text.
    """
    make = _MAKERS.get(address.scheme)
    return make(address, options) if make else None


def _s3(address: Address, options: Mapping[str, Any]) -> Cloud:
    from bucketrelay.clouds.aws.access import access_of  # as below
    from bucketrelay.clouds.aws.bucket import S3Cloud  # a command imports only what its stores need

    return S3Cloud(address, access_of(options))


def _obs(address: Address, options: Mapping[str, Any]) -> Cloud:
    from bucketrelay.clouds.huawei.bucket import ObsCloud  # as above
    from bucketrelay.clouds.huawei.credentials import access_of

    return ObsCloud(address, access_of(options))


def _oci(address: Address, options: Mapping[str, Any]) -> Cloud:
    from bucketrelay.clouds.oracle.bucket import OciCloud  # as above
    from bucketrelay.clouds.oracle.credentials import access_of

    return OciCloud(address, access_of(options), options.get("compartment", ""))


_MAKERS: Mapping[str, Callable[[Address, Mapping[str, Any]], Cloud]] = {"s3": _s3, "obs": _obs, "oci": _oci}
