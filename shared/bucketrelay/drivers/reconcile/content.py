"""Whether two objects hold the same bytes, read from both if nobody can tell otherwise."""

from hashlib import sha256

from bucketrelay.deadline import current
from bucketrelay.model import ObjectInfo
from bucketrelay.store import MiB, Store

_BLOCK = MiB  # read at once, by each thread


def same_bytes(source: Store, original: ObjectInfo, target: Store, copy: ObjectInfo) -> bool:
    """Whether the versions *original* and *copy*, which were looked at and have one size, hold the same bytes.

    Where both stores tell a digest of one kind, that decides. Else every byte is read from both, block by block.

    Raises:
        RelayError: as of `read`: another version is there by now, a store cannot be read.
    """
    known = set(original.checksums) & set(copy.checksums)
    if known:
        return all(original.checksums[name] == copy.checksums[name] for name in known)
    return _digest(source, original) == _digest(target, copy)


def _digest(store: Store, info: ObjectInfo) -> bytes:
    digest = sha256()
    for start in range(0, info.size, _BLOCK):
        current().check()
        digest.update(store.read(info, start, min(_BLOCK, info.size - start)))
    return digest.digest()
