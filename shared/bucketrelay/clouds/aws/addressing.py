"""Where a bucket answers: hosts of AWS's partitions, virtual-host and path style, access points. Pure.

Equal to botocore's rule set on generated parameters: `tests/unit/stores/test_s3_addressing.py`. Sources: Amazon S3 user
guide, "Virtual hosting of buckets", "Using dual-stack endpoints", "Making requests to an access point".
"""

import re
from urllib.parse import urlsplit

from bucketrelay.clouds.aws.partitions import domain, is_amazons, partition
from bucketrelay.errors import StoreRefused
from bucketrelay.values import dataclass

_HOST_LABEL = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_HOST_LABELS = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)*")
_REGION = re.compile(r"[a-z]{2,5}(-[a-z]+)+-[0-9]+|[a-z0-9][a-z0-9-]{0,62}")
_ACCESS_POINT = re.compile(r"arn:(aws[a-z-]*):(s3[a-z-]*):([a-z0-9-]*):([0-9]{12}):accesspoint[:/]([a-z0-9.-]+)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a bucket answers.

    Attributes:
        url: scheme, host and port.
        path: what goes before every key, without the "/" between.
        region: that requests are signed for.
        aws: the server is AWS's own.
        server: whose it is: buckets of one server can copy among each other.
    """

    url: str
    path: str
    region: str
    aws: bool
    server: str


def on_aws(endpoint: str) -> bool:
    """Whether a server is AWS's own; "" is."""
    host = urlsplit(endpoint).hostname if endpoint else None
    return host is None or is_amazons(host)


def place(
    bucket: str,
    region: str,
    *,
    endpoint: str = "",
    path_style: bool | None = None,
    dual_stack: bool = False,
    fips: bool = False,
) -> Place:
    """Where *bucket* answers.

    Args:
        bucket: a name, or an access point's ARN or alias.
        path_style: None for path style at others' servers and where a name cannot be a host's, virtual hosts else.

    Raises:
        StoreRefused: a bucket or a region of a kind that is not supported; the text names it.
    """
    _check(bucket, region)
    aws = on_aws(endpoint)
    if match := _ACCESS_POINT.fullmatch(bucket):
        return _access_point(match, endpoint, dual_stack=dual_stack, fips=fips)
    if endpoint:
        parts = urlsplit(endpoint)
        scheme, host, base = parts.scheme, parts.netloc, parts.path.rstrip("/")
    else:
        middle = f"s3{'-fips' if fips else ''}{'.dualstack' if dual_stack else ''}"
        scheme, host, base = "https", f"{middle}.{region}.{domain(region)}", ""
    by_path = _by_path(bucket, scheme, host, aws=aws, wanted=path_style)
    server = partition("", region) if aws else _server(scheme, host, base)
    if by_path:
        return Place(f"{scheme}://{host}", f"{base}/{bucket}", region, aws, server)
    return Place(f"{scheme}://{bucket}.{host}", base, region, aws, server)


def _by_path(bucket: str, scheme: str, host: str, *, aws: bool, wanted: bool | None) -> bool:
    if wanted is None:
        wanted = not aws
    if wanted or re.fullmatch(r"\[.*\]|[0-9.]+", host.rpartition(":")[0] or host):
        return True  # an address has no names below it
    # A certificate for *.s3.amazonaws.com does not cover a.b.s3.amazonaws.com.
    return not (
        _HOST_LABEL.fullmatch(bucket)
        or (scheme == "http" and 3 <= len(bucket) <= 63 and _HOST_LABELS.fullmatch(bucket))
    )


def _server(scheme: str, host: str, base: str) -> str:
    parts = urlsplit(f"{scheme}://{host}")
    return f"{parts.hostname}:{parts.port or (443 if scheme == 'https' else 80)}{base}"


def _access_point(match: "re.Match[str]", endpoint: str, *, dual_stack: bool, fips: bool) -> Place:
    of, _, region, account, name = match.groups()
    if endpoint:
        parts = urlsplit(endpoint)
        scheme, host = parts.scheme, f"{name}-{account}.{parts.netloc}"
    else:
        middle = f"s3-accesspoint{'-fips' if fips else ''}{'.dualstack' if dual_stack else ''}"
        scheme, host = "https", f"{name}-{account}.{middle}.{region}.{domain(region)}"
    return Place(f"{scheme}://{host}", "", region, on_aws(endpoint), of)


def _check(bucket: str, region: str) -> None:
    if bucket.endswith(("--x-s3", "--xa-s3")):
        raise StoreRefused(
            f"s3://{bucket}: S3 Express (directory buckets) is not supported: use a general purpose bucket"
        )
    if bucket.startswith("arn:"):
        match = _ACCESS_POINT.fullmatch(bucket)
        if not match or match[2] != "s3":
            raise StoreRefused(
                f"s3://{bucket}: of the ARNs only an access point's of a bucket in a region is supported"
            )
        if not match[3]:
            raise StoreRefused(f"s3://{bucket}: multi-region access points are not supported: name one region's")
    elif not _REGION.fullmatch(region):
        raise StoreRefused(f"s3://{bucket}: {region!r} is no region: mend the store's region and endpoint")
