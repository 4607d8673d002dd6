"""Listings of versions, as those of all clouds are believed and ordered."""

from collections.abc import Iterable, Iterator

from bucketrelay.abilities import Version
from bucketrelay.errors import StoreRefused


def by_age(version: Version) -> tuple[bytes, bool, float]:
    """Keys ascend; of one key the latest comes first, then the newest: versions and delete markers may come apart."""
    return version.key.encode(), not version.latest, -version.modified.timestamp() if version.modified else 0.0


def in_order(versions: Iterable[Version], url: str, prefix: str, after: str) -> Iterator[Version]:
    """The versions of keys that begin with *prefix* and come behind *after*. Raises StoreRefused where keys descend."""
    last = after
    for version in versions:
        if version.key.encode() < last.encode():
            raise StoreRefused(f"{url} lists {version.key!r} after {last!r}: its listings have no order")
        last = version.key
        if version.key.startswith(prefix) and not (after and version.key == after):
            yield version
