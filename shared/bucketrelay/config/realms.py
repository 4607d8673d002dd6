"""What tells a bucket apart from another of its name: the cloud's partition or region, or the server."""

from collections.abc import Mapping

from bucketrelay.clouds.aws.partitions import is_amazons, partition
from bucketrelay.clouds.huawei.domains import FIRST, cloud_of
from bucketrelay.clouds.oracle.regions import region_at, region_name
from bucketrelay.config.urls import server

_AWS_REGION = ("AWS_REGION", "AWS_DEFAULT_REGION")  # where boto3 looks, too


def realm(scheme: str, endpoint: str, region: str, environ: Mapping[str, str]) -> str:
    """The word for `Address.endpoint`; "" where nothing is known that would tell.

    ========  ===============================================================================================
    s3        `aws`, `aws-cn`, …, the partition; `huawei` where the server is OBS's; else `host[:port][/path]`
    obs       `huawei`, `huawei-eu`; else `host[:port][/path]`
    oci       the region, as names are unique by namespace and region; else `host[:port][/path]`
    ========  ===============================================================================================

    Args:
        endpoint: as configured; "" for the cloud's own.
        region: as configured.
        environ: asked for the region of an S3 bucket that names none.
    """
    at = server(endpoint) if endpoint else ""
    host = at.partition("/")[0].partition(":")[0]
    if scheme == "s3":
        return _s3(at, host, region or next(filter(None, map(environ.get, _AWS_REGION)), ""))
    if scheme == "obs":
        return cloud_of(host) or at or (FIRST if region else "")
    if scheme == "oci":
        return region_at(host) or at or region_name(region)
    return ""


def _s3(at: str, host: str, region: str) -> str:
    if at and not is_amazons(host):
        return cloud_of(host) or at
    return partition(host, region)
