"""Amazon's partitions: separate worlds with names of buckets of their own. Data; reads nothing.

Source: `partitions.json` of botocore 1.40, with which `tests/unit/test_partitions.py` compares.
"""

# Each partition: how its regions begin, and the domains of its servers (the second is that of its dual stack).
_PARTITIONS = {
    "aws-cn": ("cn-", ("amazonaws.com.cn", "api.amazonwebservices.com.cn")),
    "aws-us-gov": ("us-gov-", ()),  # has the domains of "aws": only the region's name shows that it is another
    "aws-eusc": ("eusc-", ("amazonaws.eu", "api.amazonwebservices.eu")),
    "aws-iso": ("us-iso-", ("c2s.ic.gov", "api.aws.ic.gov")),
    "aws-iso-b": ("us-isob-", ("sc2s.sgov.gov", "api.aws.scloud")),
    "aws-iso-e": ("eu-isoe-", ("cloud.adc-e.uk", "api.cloud-aws.adc-e.uk")),
    "aws-iso-f": ("us-isof-", ("csp.hci.ic.gov", "api.aws.hci.ic.gov")),
    "aws": ("", ("amazonaws.com", "api.aws")),
}
FIRST = "aws"
_DOMAINS = tuple(f".{domain}" for _, domains in _PARTITIONS.values() for domain in domains)


def is_amazons(host: str) -> bool:
    """Whether *host* is one of AWS's own servers, in whichever partition."""
    return f".{host.lower()}".endswith(_DOMAINS)


def domain(region: str) -> str:
    """Of the services in a region; that of its dual stack is S3's no own, but the same with a label more."""
    return (_PARTITIONS[partition("", region)][1] or _PARTITIONS[FIRST][1])[0]


def partition(host: str, region: str) -> str:
    """The partition of a bucket: `aws`, `aws-cn`, …; "" where neither tells.

    Args:
        host: one of AWS's servers; "" where the region says which.
        region: "" where it is not known.
    """
    where = f".{host.lower()}"
    for name, (begins, domains) in _PARTITIONS.items():
        if begins and (region.lower().startswith(begins) or f".{begins}" in where or f"-{begins}" in where):
            return name
        if host and where.endswith(tuple(f".{domain}" for domain in domains)):
            return name
    return FIRST if region else ""
