"""Which bucket an address means, and what an object is called in a stamp. Pure."""

import re
from functools import lru_cache
from hashlib import sha256

from bucketrelay.model import Address
from bucketrelay.values import replace

# The clouds that stamps of before 0.2 knew without naming them: the names of their objects stay what they were.
_FIRST = {"aws": "s3", "huawei": "obs"}
_SAME_BUCKETS = frozenset({"s3", "obs"})  # two protocols that one server may speak
_NO_SERVER = re.compile(r"[a-z0-9-]*")  # "aws-cn", "us-ashburn-1", and "" for one that is not known; no host and port


def root(address: Address) -> tuple[Address, str]:
    """The bucket, and the beginning that the keys of the store have in it.

    Directories lie in one another, so all of them count as one bucket, the file system.
    """
    if address.scheme == "file":
        return Address("file", ""), f"{address.bucket}/{address.prefix}"
    return (replace(address, prefix=""), address.prefix) if address.prefix else (address, "")


def same_bucket(one: Address, other: Address) -> bool:
    """Whether two stores are, or may be, in one bucket. Of one server under two names nobody can know."""
    one, other = root(one)[0], root(other)[0]
    if one.bucket != other.bucket or (one.namespace and other.namespace and one.namespace != other.namespace):
        return False
    if one.scheme != other.scheme:
        return {one.scheme, other.scheme} <= _SAME_BUCKETS and one.endpoint == other.endpoint != ""
    return one.endpoint == other.endpoint or _unknown(one, other)


def _unknown(one: Address, other: Address) -> bool:
    """Whether one of the two does not say where it is, and the other not that it is on somebody's own server."""
    return "" in (one.endpoint, other.endpoint) and bool(_NO_SERVER.fullmatch(one.endpoint + other.endpoint))


def identity(address: Address, key: str) -> str:
    """The object's name in 12 hexadecimal digits (48 bits: compared only between objects of one route)."""
    return _digits(_names(address)[0], key)


def names(address: Address, key: str) -> tuple[str, tuple[str, ...]]:
    """The object's `identity`; and what stamps of before 0.2 may call it, where that is another.

    Believe one only where the other end of the route cannot have been called so, too: before, the buckets of one name
    in two regions of OCI, or in two partitions of AWS, had one name in stamps.
    """
    now, before = _names(address)
    return _digits(now, key), () if now == before else (_digits(before, key),)


@lru_cache(maxsize=256)
def _names(address: Address) -> tuple[str, str]:
    """What the names of a store's objects begin with, now and before 0.2; asked for with every task."""
    scheme = _FIRST.get(address.endpoint)
    known = address.scheme in _SAME_BUCKETS and address.endpoint
    now = (
        replace(address, scheme=scheme, endpoint="") if scheme else replace(address, scheme="s3") if known else address
    )
    on_server = address.scheme == "s3" and not address.endpoint.startswith("aws")
    before = replace(address, endpoint=address.endpoint.partition("/")[0] if on_server else "")
    return _beginning(now), _beginning(before)


def _beginning(address: Address) -> str:
    return f"{address.scheme}://{address.endpoint}/{address.namespace}/{address.bucket}/{address.prefix}"


def _digits(beginning: str, key: str) -> str:
    return sha256(f"{beginning}{key}".encode("utf-8", "surrogatepass")).hexdigest()[:12]
