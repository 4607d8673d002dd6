"""Whether both sides hold the same already, though not by our copy: what the answers of two stores show."""

import re
from collections.abc import Mapping

from bucketrelay.bodies import md5_of
from bucketrelay.core.digest import same
from bucketrelay.core.face import face
from bucketrelay.core.metadata import fit
from bucketrelay.core.pair import Pair
from bucketrelay.core.resources import FirstBytes
from bucketrelay.core.stamp import Stamp
from bucketrelay.model import Meta, ObjectInfo

_MD5S = r"[0-9a-f]{32}(-[0-9]{1,5})?"  # of one piece, or of the MD5s of that many pieces


def equal(pair: Pair, source: ObjectInfo | None, held: ObjectInfo | None, first: FirstBytes) -> bool:
    """Whether the target's object is what the source's would become; *first* are the source's first bytes."""
    if source is None or held is None or source.size != held.size:
        return False
    whole = len(first.body) == source.size
    carried, _ = fit(source.meta, pair.target.abilities, Stamp("", (pair.link.source,), 0, "", ""))
    return alike(source, held, carried, md5_of(first.body).hex() if whole else "")


def alike(source: ObjectInfo, target: ObjectInfo, carried: Meta, md5: str = "") -> bool:
    """Whether the target holds the source's bytes and metadata already, by what both stores' answers tell.

    Args:
        carried: what the target can carry of the source's metadata.
        md5: of the source's bytes, in hex, where they are at hand.
    """
    if source.size != target.size or face(carried) != face(target.meta):
        return False
    sums: Mapping[str, str] = {**source.checksums, **({"md5": md5} if md5 else {})}
    shared = sums.keys() & target.checksums.keys()
    if shared:
        return all(same(name, sums[name], target.checksums[name]) for name in shared)
    return bool(re.fullmatch(_MD5S, target.etag)) and target.etag in (source.etag, md5)
